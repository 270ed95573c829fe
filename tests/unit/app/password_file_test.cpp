#include "proxy/app/password_file.hpp"

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

namespace {

const PasswordQuery query{"db.example", "5432", "app", "alice"};

std::string found(std::string_view text, const PasswordQuery& wanted = query) {
  return find_password(text, wanted).value_or("(none)");
}

void allow(const std::string& path, std::filesystem::perms permissions) {
  std::filesystem::permissions(path, permissions);
}

}  // namespace

TEST_CASE("the first line that matches counts, and * matches anything") {
  CHECK(found("db.example:5432:app:alice:secret") == "secret");
  CHECK(found("db.example:5432:app:alice:secret\r\n") == "secret");
  CHECK(found("*:*:*:*:any\ndb.example:5432:app:alice:secret\n") == "any");
  CHECK(found("other:*:*:*:no\n*:5433:*:*:no\n*:*:x:*:no\n*:*:*:bob:no\n*:*:app:*:yes\n") == "yes");
  CHECK(found("# *:*:*:*:comment\n\n") == "(none)");
  CHECK(found("") == "(none)");
  CHECK(found("*:*:*:*:") == "");
}

TEST_CASE("a backslash keeps colons, backslashes and stars") {
  CHECK(found("*:*:*:*:a\\:b\\\\c:d") == "a:b\\c:d");
  CHECK(found("a\\:\\:1:*:*:*:x", {"a::1", "5432", "d", "u"}) == "x");
  CHECK(found("\\*:*:*:*:x") == "(none)");
  CHECK(found("\\*:*:*:*:x", {"*", "5432", "d", "u"}) == "x");
}

TEST_CASE("a file cut at any byte is read as far as it goes") {
  const std::string text = "other:1:a:b:c\ndb.example:5432:app:alice:secret\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string expected =
        cut < text.find("secret") ? "(none)" : std::string("secret").substr(0, cut - text.find("secret"));
    CHECK(found(text.substr(0, cut)) == expected);
  }
}

TEST_CASE("a file that others can read is refused, one that isn't there holds nothing") {
  using std::filesystem::perms;
  const TemporaryFolder folder;
  const std::string path = folder.write("pgpass", "*:*:*:*:secret\n");
  allow(path, perms::owner_read | perms::owner_write);
  CHECK(read_password(path, query) == "secret");
  for (const perms open : {perms::group_read, perms::others_read, perms::group_write, perms::others_exec}) {
    allow(path, perms::owner_read | perms::owner_write | open);
    CHECK_THROWS_WITH_AS(read_password(path, query),
                         ("password file \"" + path + "\" is open to group or others; chmod 600 it").c_str(),
                         PasswordFileError);
  }
  CHECK_FALSE(read_password(folder.path("none"), query));
  CHECK_FALSE(read_password(folder.path(""), query));  // a folder
}
