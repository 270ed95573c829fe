#include "proxy/base/user_file.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;
using namespace std::string_literals;

namespace {

std::string problem(const std::string& text) {
  try {
    parse_user_file(text, "users.txt");
  } catch (const UserFileError& failure) {
    return failure.what();
  }
  return "";
}

}  // namespace

TEST_CASE("users and their secrets are read as they stand") {
  const UserSecrets secrets = parse_user_file(
      "\"alice\" \"plain text\"\n"
      "\"bob\" \"md545f2603610af569b6155c45067268c6b\"\r\n"
      "\"carol\"\t\"SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy\" ignored \"rest\"\n"
      "  \"dave\"\"s\"\"\"  \"a\"\"b;#\\\"",
      "users.txt");
  CHECK(secrets.size() == 4);
  CHECK(secrets.at("alice") == "plain text");
  CHECK(secrets.at("bob") == "md545f2603610af569b6155c45067268c6b");
  CHECK(secrets.at("carol") == "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy");
  CHECK(secrets.at("dave\"s\"") == "a\"b;#\\");
}

TEST_CASE("comments, empty lines and empty secrets are allowed, the last line of a user counts") {
  const UserSecrets secrets =
      parse_user_file("; comment \"x\" \"y\"\n\n  # another\n\"a\" \"1\"\n\t\n\"b\" \"\"\n\"a\" \"2\"\n", "");
  CHECK(secrets == UserSecrets{{"a", "2"}, {"b", ""}});
  CHECK(parse_user_file("", "").empty());
}

TEST_CASE("a line that isn't a user and a secret is named by its number, and no secret is quoted") {
  const std::string bad_line =
      "auth_file \"users.txt\": line 2 is not \"user\" \"secret\", with both in double quotes";
  for (const std::string line :
       {"bob hunter2", "\"bob\" hunter2", "\"bob\"", "\"bob", "\"bob\" \"hunter2", "'bob' 'x'"}) {
    CAPTURE(line);
    CHECK(problem("\"a\" \"1\"\n" + line + "\n\"c\" \"3\"\n") == bad_line);
  }
  CHECK(problem("\"\" \"x\"") == "auth_file \"users.txt\": line 1 has an empty user name");
  CHECK(problem("\"a\" \"x\0y\""s) == "auth_file \"users.txt\": line 1 holds a zero byte");
}

TEST_CASE("names and secrets are bounded") {
  const auto line = [](std::size_t user, std::size_t secret) {
    return "\"" + std::string(user, 'u') + "\" \"" + std::string(secret, 's') + "\"";
  };
  CHECK(problem(line(128, 2048)) == "");
  CHECK(problem(line(129, 1)).ends_with("line 1 has a user name of more than 128 bytes"));
  CHECK(problem(line(1, 2049)).ends_with("line 1 has a secret of more than 2048 bytes"));
}

TEST_CASE("a file cut at any byte is read or refused, and its error quotes no secret") {
  const std::string text = "\"alice\" \"hunter2\"\n; c\n\"bo\"\"b\" \"hun\"\"ter2\" x\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string message = problem(text.substr(0, cut));
    CHECK(message.find("hunt") == std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("a missing file is one line with its name") {
  const TemporaryFolder folder;
  const std::string path = folder.path("none");
  CHECK_THROWS_WITH_AS(read_user_file(path),
                       ("auth_file \"" + path + "\": No such file or directory").c_str(), UserFileError);
  CHECK(read_user_file(folder.write("users", "\"a\" \"b\"\n")).at("a") == "b");
}
