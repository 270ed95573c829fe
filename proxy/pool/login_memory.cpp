#include "proxy/pool/login_memory.hpp"

#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace ballast {

namespace {

// Beyond these nothing is added: a client whose parameters are not here waits for a server.
constexpr std::size_t pools_max = 1000;
constexpr std::size_t logins_max = 100;  // of one pool

// In the file each login is one message as on the wire, whose reader and writer know bounds: database, user,
// two lists of names and values.
constexpr std::string_view first_line = "ballast logins 1\n";
constexpr char login_type = 'L';

void write_values(MessageWriter& message, const ReportedParameters& values) {
  message.int32(static_cast<std::int32_t>(values.size()));
  for (const auto& [name, value] : values) message.cstring(name).cstring(value);
}

ReportedParameters read_values(Reader& reader) {
  ReportedParameters values;
  for (std::int32_t left = reader.int32(); left > 0 && reader.ok(); --left) {
    const std::string_view name = reader.cstring();
    values[std::string(name)] = reader.cstring();
  }
  return values;
}

}  // namespace

void LoginMemory::remember(const PoolKey& key, const ReportedParameters& values,
                           const ReportedParameters& reported) {
  const std::scoped_lock lock(mutex_);
  if (pools_.size() >= pools_max && !pools_.contains({key.database, key.user})) return;
  Logins& logins = pools_[{key.database, key.user}];
  const auto known = logins.find(values);
  if (known != logins.end() && known->second == reported) return;
  if (values.empty()) logins.clear();  // another server, or other defaults
  if (logins.size() >= logins_max && known == logins.end()) return;
  logins[values] = reported;
  ++version_;
}

std::optional<ReportedParameters> LoginMemory::find(const PoolKey& key,
                                                    const ReportedParameters& values) const {
  const std::scoped_lock lock(mutex_);
  const auto pool = pools_.find({key.database, key.user});
  if (pool == pools_.end()) return std::nullopt;
  const auto login = pool->second.find(values);
  if (login == pool->second.end()) return std::nullopt;
  return login->second;
}

std::string LoginMemory::write() const {
  const std::scoped_lock lock(mutex_);
  std::string bytes(first_line);
  for (const auto& [name, logins] : pools_) {
    for (const auto& [values, reported] : logins) {
      MessageWriter message(bytes, static_cast<BackendType>(login_type));
      message.cstring(name.first).cstring(name.second);
      write_values(message, values);
      write_values(message, reported);
    }
  }
  return bytes;
}

bool LoginMemory::read(std::string_view bytes) {
  if (!bytes.starts_with(first_line)) return false;
  bytes.remove_prefix(first_line.size());
  while (bytes.size() >= header_size) {
    const Header header = read_header(bytes.data());
    if (!valid(header) || header.type != login_type || header.total() > bytes.size()) break;
    Reader reader(bytes.substr(header_size, header.body_size()));
    bytes.remove_prefix(header.total());
    PoolKey key;
    key.database = reader.cstring();
    key.user = reader.cstring();
    const ReportedParameters values = read_values(reader);
    const ReportedParameters reported = read_values(reader);
    if (reader.finished()) remember(key, values, reported);
  }
  return true;
}

std::uint64_t LoginMemory::version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

}  // namespace ballast
