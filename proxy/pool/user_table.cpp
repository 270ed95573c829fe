#include "proxy/pool/user_table.hpp"

#include <array>
#include <utility>

#include "proxy/base/upstream_target.hpp"

namespace ballast {

UserTable::UserTable(const UpstreamTarget& upstream, const std::map<std::string, std::string>& secrets,
                     Random& random)
    : random_(random) {
  users_[upstream.user].secret.password = upstream.password;
  for (const auto& [name, text] : secrets) {
    UserSecret secret;
    secret.scram = parse_scram_secret(text);
    if (!secret.scram) (text.starts_with("md5") && text.size() == 35 ? secret.md5 : secret.password) = text;
    // The URL's password opens the server; what the file says of the same user is for clients.
    users_[name].secret = std::move(secret);
  }
  upstream_user_ = upstream.user;
  upstream_password_ = upstream.password;
}

const UserSecret* UserTable::find(std::string_view user) {
  const auto found = users_.find(user);
  if (found == users_.end()) return nullptr;
  UserSecret& secret = found->second.secret;
  if (!secret.scram && !secret.password.empty()) {
    std::array<char, scram_salt_size> salt{};
    random_.fill(salt);
    secret.scram = make_scram_secret(secret.password, {salt.data(), salt.size()}, default_scram_iterations);
  }
  return &secret;
}

ScramCredentials UserTable::server_credentials(std::string_view user) const {
  if (user == upstream_user_ && !upstream_password_.empty()) return {upstream_password_, {}};
  const auto found = users_.find(user);
  if (found == users_.end()) return {};
  const User& known = found->second;
  if (!known.secret.password.empty() || !known.secret.scram) return {known.secret.password, {}};
  return {{}, {known.client_key, known.secret.scram->server_key}};
}

void UserTable::remember_client_key(std::string_view user, std::string client_key) {
  const auto found = users_.find(user);
  if (found != users_.end() && !client_key.empty()) found->second.client_key = std::move(client_key);
}

ScramKeyCache* UserTable::key_cache(std::string_view user) {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second.server_keys;
}

}  // namespace ballast
