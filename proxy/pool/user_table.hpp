// UserTable: who may log in, and as whom Ballast logs in at the server: the upstream URL's own user, and
// those of auth_file. One per worker, one thread; a reload makes a new one. SCRAM keys of passwords in the
// clear are derived when it is made, 1 ms each: not on a worker's thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/client_login.hpp"
#include "protocol/scram.hpp"

#include "proxy/io/world.hpp"

namespace ballast {

struct UpstreamTarget;

class UserTable final : public SecretSource {
 public:
  // `secrets` by user name, as in auth_file: plain text, "md5...", or "SCRAM-SHA-256$...".
  UserTable(const UpstreamTarget& upstream, const std::map<std::string, std::string>& secrets,
            Random& random);

  const UserSecret* find(std::string_view user) override;
  std::vector<std::string> names() const;

  // What the clients of a former table have proved, where their secrets are still the same.
  void inherit(const UserTable& former);

  // How to log in as `user` at the server. Without a password, the ClientKey that a client has proved to have
  // serves, if the server holds the same secret as auth_file.
  struct ServerCredentials {
    std::string password;  // in the clear; empty: one of the others serves
    std::string md5;
    ScramKeys keys;
    bool operator==(const ServerCredentials&) const = default;
  };
  ServerCredentials server_credentials(std::string_view user) const;
  void remember_client_key(std::string_view user, std::string client_key);
  // Keys for logging in at the server are kept here between logins. Valid as long as the table; null: no such
  // user.
  ScramKeyCache* key_cache(std::string_view user);

 private:
  struct User {
    UserSecret secret;
    ScramKeyCache server_keys;  // for the server's salt and iterations
    std::string client_key;     // proved by a client
  };

  std::string upstream_user_;
  std::string upstream_password_;
  std::map<std::string, User, std::less<>> users_;
};

}  // namespace ballast
