#include "proxy/pool/user_table.hpp"

#include <array>
#include <utility>

#include "protocol/md5_password.hpp"

#include "proxy/base/upstream_target.hpp"

namespace ballast {

UserTable::UserTable(const UpstreamTarget& upstream, const std::map<std::string, std::string>& secrets,
                     Random& random)
    : upstream_user_(upstream.user), upstream_password_(upstream.password) {
  users_[upstream.user].secret.password = upstream.password;
  for (const auto& [name, text] : secrets) {
    UserSecret secret;
    secret.scram = parse_scram_secret(text);
    if (!secret.scram) (is_md5_secret(text) ? secret.md5 : secret.password) = text;
    // The URL's password opens the server; what the file says of the same user is for clients.
    users_[name].secret = std::move(secret);
  }
  for (auto& [name, user] : users_) {
    if (user.secret.scram || user.secret.password.empty()) continue;
    std::array<char, scram_salt_size> salt{};
    random.fill(salt);
    user.secret.scram =
        make_scram_secret(user.secret.password, {salt.data(), salt.size()}, default_scram_iterations);
  }
}

std::vector<std::string> UserTable::names() const {
  std::vector<std::string> names;
  for (const auto& [name, user] : users_) names.push_back(name);
  return names;
}

const UserSecret* UserTable::find(std::string_view user) {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second.secret;
}

void UserTable::inherit(const UserTable& former) {
  for (auto& [name, user] : users_) {
    const auto before = former.users_.find(name);
    if (before == former.users_.end() || !user.secret.scram || !before->second.secret.scram) continue;
    if (user.secret.scram->stored_key == before->second.secret.scram->stored_key) {
      user.client_key = before->second.client_key;
    }
  }
}

UserTable::ServerCredentials UserTable::server_credentials(std::string_view user) const {
  if (user == upstream_user_ && !upstream_password_.empty()) return {upstream_password_, {}, {}};
  const auto found = users_.find(user);
  if (found == users_.end()) return {};
  const User& known = found->second;
  if (!known.secret.password.empty() || !known.secret.scram)
    return {known.secret.password, known.secret.md5, {}};
  return {{}, {}, {known.client_key, known.secret.scram->server_key}};
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
