#include "proxy/app/scram_secret_command.hpp"

#include <doctest/doctest.h>

#include "protocol/scram_secret.hpp"

#include "proxy/base/user_file.hpp"

#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

const std::string salt = "sixteen bytes...";

}  // namespace

TEST_CASE("the secret is opened by its password and no other") {
  const auto secret = parse_scram_secret(scram_secret_line("pencil", salt, ""));
  REQUIRE(secret);
  CHECK(secret->iterations == 4096);
  CHECK(secret->salt == salt);
  CHECK(scram_secret_matches(*secret, "pencil"));
  CHECK_FALSE(scram_secret_matches(*secret, "pencil "));
}

TEST_CASE("with a user it is a line of auth_file, whatever the name holds") {
  for (const std::string user : {"app", "o\"dd \"\"name", "two words", "über"}) {
    const UserSecrets users = parse_user_file(scram_secret_line("pencil", salt, user) + "\n", "f");
    CHECK(users.size() == 1);
    CHECK(users.at(user) == scram_secret_line("pencil", salt, ""));
  }
}

TEST_CASE("what can't be a password or a line is refused") {
  CHECK_THROWS_AS(scram_secret_line("", salt, ""), OptionsError);
  CHECK_THROWS_AS(scram_secret_line(std::string(1025, 'a'), salt, ""), OptionsError);
  CHECK_THROWS_AS(scram_secret_line("a", salt, "two\nlines"), OptionsError);
  CHECK_THROWS_AS(scram_secret_line("a", salt, std::string(129, 'a')), OptionsError);
}

TEST_CASE("scram-secret takes no password and no settings as arguments") {
  CHECK(load({"scram-secret", "--user", "app"}).command_options.at("--user") == "app");
  CHECK(load_error({"scram-secret", "hunter2"}) == "an argument too many; see `ballast scram-secret --help`");
  CHECK(load_error({"scram-secret", "--workers", "2"}) ==
        "--workers: `ballast scram-secret` takes no settings; remove it");
  CHECK(load_error({"--config", "f", "scram-secret"}) ==
        "--config: `ballast scram-secret` takes no settings; remove it");
}
