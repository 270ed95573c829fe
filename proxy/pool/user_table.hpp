// UserTable: who may log in, and as whom Ballast logs in at the server: the upstream URL's own user, and those of
// auth_file. One per worker, one thread; a reload makes a new one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "protocol/client_login.hpp"
#include "protocol/scram.hpp"
#include "proxy/io/world.hpp"

namespace ballast {

struct UpstreamTarget;

class UserTable final : public SecretSource {
 public:
  // `secrets` by user name, as in auth_file: plain text, "md5...", or "SCRAM-SHA-256$...".
  UserTable(const UpstreamTarget& upstream, const std::map<std::string, std::string>& secrets, Random& random);

  // SCRAM keys of a password in the clear are derived here at a user's first login, and kept.
  const UserSecret* find(std::string_view user) override;

  // How to log in as `user` at the server. Without a password, the ClientKey that a client has proved to have
  // serves, if the server holds the same secret as auth_file.
  ScramCredentials server_credentials(std::string_view user) const;
  void remember_client_key(std::string_view user, std::string client_key);
  // Keys for logging in at the server are kept here between logins. Valid as long as the table; null: no such user.
  ScramKeyCache* key_cache(std::string_view user);

 private:
  struct User {
    UserSecret secret;
    ScramKeyCache server_keys;  // for the server's salt and iterations
    std::string client_key;     // proved by a client
  };

  Random& random_;
  std::string upstream_user_;
  std::string upstream_password_;
  std::map<std::string, User, std::less<>> users_;
};

}  // namespace ballast
