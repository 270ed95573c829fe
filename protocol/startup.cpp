#include "protocol/startup.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

#include "protocol/error_message.hpp"
#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace ballast {
namespace {

// The prefix of protocol options, against parameters of the session (PostgreSQL manual, "Message Flow").
constexpr std::string_view option_prefix = "_pq_.";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// PostgreSQL takes a boolean by any prefix that only one word has, in either case (manual, "Boolean Type").
bool abbreviates(std::string_view text, std::string_view word, std::size_t shortest) {
  return text.size() >= shortest && text.size() <= word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return lower(a) == b; });
}

std::optional<bool> read_bool(std::string_view text) {
  if (text == "1" || abbreviates(text, "true", 1) || abbreviates(text, "yes", 1) ||
      abbreviates(text, "on", 2))
    return true;
  if (text == "0" || abbreviates(text, "false", 1) || abbreviates(text, "no", 1) ||
      abbreviates(text, "off", 2))
    return false;
  return std::nullopt;
}

std::optional<PgError> read_replication(std::string_view value, StartupMessage& message) {
  if (value == "database") {
    message.replication = Replication::logical;
    return std::nullopt;
  }
  const std::optional<bool> is_physical = read_bool(value);
  if (!is_physical) {
    PgError error = fatal(sqlstate::invalid_parameter_value,
                          "invalid value for parameter \"replication\": \"" + std::string(value) + "\"");
    error.hint = R"(Valid values are: "false", 0, "true", 1, "database".)";
    return error;
  }
  message.replication = *is_physical ? Replication::physical : Replication::none;
  return std::nullopt;
}

std::optional<PgError> read_parameter(std::string_view name, std::string_view value,
                                      StartupMessage& message) {
  if (name == "user") {
    message.user = value;
  } else if (name == "database") {
    message.database = value;
  } else if (name.starts_with(option_prefix)) {
    message.unknown_options.emplace_back(name);
  } else {
    message.parameters.emplace_back(name, value);
    if (name == "replication") return read_replication(value, message);
  }
  return std::nullopt;
}

StartupPacket read_message(std::int32_t version, Reader body) {
  StartupMessage message;
  message.version = version;
  for (;;) {
    const std::string_view name = body.cstring();
    if (name.empty()) break;  // the terminator, or bytes are missing
    const std::string_view value = body.cstring();
    if (!body.ok()) break;
    if (auto error = read_parameter(name, value, message)) return *std::move(error);
  }
  if (!body.finished())
    return fatal(sqlstate::protocol_violation,
                 "invalid startup packet layout: expected terminator as last byte");
  if (message.user.empty())
    return fatal(sqlstate::invalid_authorization, "no PostgreSQL user name specified in startup packet");
  if (message.database.empty()) message.database = message.user;
  return message;
}

StartupPacket read_cancel(Reader body) {
  CancelRequest request;
  request.process_id = body.int32();
  request.secret = body.rest();
  const std::size_t size = request.secret.size();
  if (!body.ok() || size < min_cancel_secret || size > max_cancel_secret) return InvalidPacket{};
  return request;
}

}  // namespace

StartupPacket read_startup_packet(std::string_view in, std::size_t& consumed) {
  consumed = 0;
  if (in.size() < 4) return StartupIncomplete{4};
  Reader length_word(in);
  // The length counts itself, and the version or code must follow.
  const auto length = static_cast<std::uint32_t>(length_word.int32());
  if (length < 8 || length - 4 > max_startup_packet_length) return InvalidPacket{};
  if (in.size() < length) return StartupIncomplete{length};

  consumed = length;
  Reader body(in.substr(4, length - 4));
  const std::int32_t version = body.int32();
  switch (version) {
    case ssl_request_code:
      return body.finished() ? StartupPacket(SslRequest{}) : InvalidPacket{};
    case gssenc_request_code:
      return body.finished() ? StartupPacket(GssEncRequest{}) : InvalidPacket{};
    case cancel_request_code:
      return read_cancel(body);
    default:
      return version >> 16 == 3 ? read_message(version, body) : unsupported_protocol(version);
  }
}

PgError unsupported_protocol(std::int32_t version) {
  const auto bits = static_cast<std::uint32_t>(version);
  const std::string asked = std::to_string(bits >> 16) + "." + std::to_string(bits & 0xffff);
  return fatal(sqlstate::feature_not_supported,
               "unsupported frontend protocol " + asked + ": server supports 3.0 to 3.2");
}

void write_startup_message(std::string& out, std::int32_t version, const StartupParameters& parameters) {
  MessageWriter packet(out);
  packet.int32(version);
  for (const auto& [name, value] : parameters) packet.cstring(name).cstring(value);
  packet.byte('\0');
}

void write_ssl_request(std::string& out) { MessageWriter(out).int32(ssl_request_code); }

void write_cancel_request(std::string& out, std::int32_t process_id, std::string_view secret) {
  assert(secret.size() >= min_cancel_secret && secret.size() <= max_cancel_secret);
  MessageWriter(out).int32(cancel_request_code).int32(process_id).bytes(secret);
}

}  // namespace ballast
