#include "proxy/pool/user_table.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/scram_secret.hpp"

#include "proxy/base/upstream_target.hpp"

#include "tests/support/fake_world.hpp"

namespace ballast {
namespace {

UpstreamTarget upstream() {
  UpstreamTarget target;
  target.user = "owner";
  target.password = "url password";
  return target;
}
const std::string md5_text = "md50123456789abcdef0123456789abcdef";
const std::string salt(16, 's');

}  // namespace

TEST_CASE("its names are those of the URL and of the file") {
  test::FakeRandom random;
  const UserTable users(upstream(), {{"ann", "a password"}}, random);
  const std::vector<std::string> expected{"ann", "owner"};
  CHECK(users.names() == expected);
}

TEST_CASE("the URL's own user may log in with its password, and so does Ballast") {
  test::FakeRandom random;
  UserTable users(upstream(), {}, random);
  const UserSecret* const secret = users.find("owner");
  REQUIRE(secret != nullptr);
  CHECK(secret->password == "url password");
  CHECK(users.server_credentials("owner").password == "url password");
}

TEST_CASE("an unknown user has no secret, no credentials and no cache") {
  test::FakeRandom random;
  UserTable users(upstream(), {{"ann", "secret"}}, random);
  CHECK(users.find("bob") == nullptr);
  CHECK(users.find("") == nullptr);
  CHECK(users.find("ANN") == nullptr);
  CHECK(users.server_credentials("bob").password.empty());
  CHECK(users.server_credentials("bob").keys.client_key.empty());
  CHECK(users.key_cache("bob") == nullptr);
  users.remember_client_key("bob", "key");
  CHECK(users.find("bob") == nullptr);
}

TEST_CASE("each kind of secret in auth_file is known by its form") {
  test::FakeRandom random;
  const std::string scram = format_scram_secret(make_scram_secret("pencil", salt, 4096));
  const std::string odd = "md5" + std::string(32, 'x');  // as long as an md5 secret, but none
  UserTable users(
      upstream(),
      {{"plain", "pencil"}, {"md5", md5_text}, {"scram", scram}, {"short", "md5abc"}, {"odd", odd}}, random);
  CHECK(users.find("plain")->password == "pencil");
  CHECK(users.find("plain")->md5.empty());
  CHECK(users.find("md5")->md5 == md5_text);
  CHECK(users.find("md5")->password.empty());
  CHECK_FALSE(users.find("md5")->scram);
  CHECK(users.find("scram")->password.empty());
  REQUIRE(users.find("scram")->scram);
  CHECK(scram_secret_matches(*users.find("scram")->scram, "pencil"));
  CHECK(users.find("short")->password == "md5abc");
  CHECK(users.find("odd")->password == odd);
}

TEST_CASE("SCRAM keys of a plain password are derived once, not at every login") {
  test::FakeRandom random;
  UserTable users(upstream(), {{"ann", "pencil"}}, random);
  const UserSecret* const first = users.find("ann");
  REQUIRE(first->scram);
  CHECK(scram_secret_matches(*first->scram, "pencil"));
  const std::string first_salt = first->scram->salt;
  CHECK(users.find("ann")->scram->salt == first_salt);  // a new derivation would have taken a new salt
}

TEST_CASE(
    "of a user in both places, the file's secret is for clients and the URL's password for the server") {
  test::FakeRandom random;
  UserTable users(upstream(), {{"owner", "client password"}}, random);
  CHECK(users.find("owner")->password == "client password");
  CHECK(users.server_credentials("owner").password == "url password");
}

TEST_CASE("a user with a plain password logs in at the server with it, also after a client's login") {
  test::FakeRandom random;
  UserTable users(upstream(), {{"ann", "pencil"}}, random);
  CHECK(users.server_credentials("ann").password == "pencil");
  users.find("ann");
  CHECK(users.server_credentials("ann").password == "pencil");
}

TEST_CASE("a SCRAM secret opens the server with the key that a client has proved [5.1-24]") {
  test::FakeRandom random;
  const ScramSecret secret = make_scram_secret("pencil", salt, 4096);
  UserTable users(upstream(), {{"ann", format_scram_secret(secret)}}, random);
  CHECK(users.server_credentials("ann").password.empty());
  CHECK(users.server_credentials("ann").keys.client_key.empty());  // nobody has proved it yet
  const ScramKeys keys = derive_scram_keys("pencil", salt, 4096);
  users.remember_client_key("ann", keys.client_key);
  CHECK(users.server_credentials("ann").keys.client_key == keys.client_key);
  CHECK(users.server_credentials("ann").keys.server_key == keys.server_key);
  users.remember_client_key("ann", "");  // a login without SCRAM proves nothing and takes nothing away
  CHECK(users.server_credentials("ann").keys.client_key == keys.client_key);
}

TEST_CASE("an md5 secret opens a server that asks for md5, and no other") {
  test::FakeRandom random;
  UserTable users(upstream(), {{"ann", md5_text}}, random);
  CHECK(users.server_credentials("ann").md5 == md5_text);
  CHECK(users.server_credentials("ann").password.empty());
  CHECK(users.server_credentials("ann").keys.client_key.empty());
}

TEST_CASE("a new table inherits what clients have proved, unless the secret is another now [5.1-24]") {
  test::FakeRandom random;
  const std::string secret = format_scram_secret(make_scram_secret("pencil", salt, 4096));
  UserTable former(upstream(), {{"ann", secret}, {"bob", secret}, {"eve", secret}}, random);
  for (const std::string_view user : {"ann", "bob", "eve"}) former.remember_client_key(user, "proved");
  const std::string changed = format_scram_secret(make_scram_secret("eraser", salt, 4096));
  UserTable next(upstream(), {{"ann", secret}, {"bob", changed}, {"new", secret}}, random);
  next.inherit(former);
  CHECK(next.server_credentials("ann").keys.client_key == "proved");
  CHECK(next.server_credentials("bob").keys.client_key.empty());
  CHECK(next.server_credentials("new").keys.client_key.empty());
  CHECK(next.find("eve") == nullptr);
}

TEST_CASE("each user has a cache of keys for the server, which stays in its place") {
  test::FakeRandom random;
  UserTable users(upstream(), {{"ann", "pencil"}}, random);
  ScramKeyCache* const cache = users.key_cache("ann");
  REQUIRE(cache != nullptr);
  CHECK(users.key_cache("owner") != cache);
  cache->salt = "salt";
  CHECK(users.key_cache("ann")->salt == "salt");
}

}  // namespace ballast
