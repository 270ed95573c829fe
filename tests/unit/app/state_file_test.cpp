#include "proxy/app/state_file.hpp"

#include <filesystem>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

TEST_CASE("what was written is read, and what is written again takes its place") {
  const TemporaryFolder folder;
  const StateFile file(folder.path(""), "some");
  CHECK_FALSE(file.read());
  file.write("one");
  CHECK(file.read() == "one");
  file.write("two, longer");
  CHECK(file.read() == "two, longer");
  CHECK(StateFile(folder.path(""), "some").read() == "two, longer");
  file.write("");
  CHECK(file.read() == "");
}

TEST_CASE("nothing but the file is left, and nobody else may read it") {
  const TemporaryFolder folder;
  StateFile(folder.path(""), "some").write("text");
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path(""))) {
    ++count;
    CHECK(entry.path().filename() == "some");
    CHECK((entry.status().permissions() & std::filesystem::perms(0077)) == std::filesystem::perms::none);
  }
  CHECK(count == 1);
}

TEST_CASE("a draft that a crash has left is in nobody's way") {
  const TemporaryFolder folder;
  const StateFile file(folder.path(""), "some");
  file.write("old");
  folder.write("some.new", "half of a much longer te");
  CHECK(file.read() == "old");
  file.write("new");
  CHECK(file.read() == "new");
}

TEST_CASE("without a folder nothing is kept") {
  const StateFile file("", "some");
  CHECK_FALSE(file.is_kept());
  file.write("text");
  CHECK_FALSE(file.read());
}

TEST_CASE("what can't be written or read is said with its name, and the old text stays") {
  const TemporaryFolder folder;
  folder.write("text", "");
  const StateFile nowhere(folder.path("text"), "some");
  CHECK_THROWS_WITH_AS(nowhere.write("text"), (folder.path("text") + "/some.new: Not a directory").c_str(),
                       StateFileError);
  std::filesystem::create_directory(folder.path("folder"));
  const StateFile file(folder.path(""), "folder");
  CHECK_THROWS_AS(file.read(), StateFileError);
  CHECK_THROWS_AS(file.write("text"), StateFileError);
  const StateFile blocked(folder.path(""), "blocked");
  blocked.write("old");
  std::filesystem::create_directory(folder.path("blocked.new"));
  CHECK_THROWS_AS(blocked.write("new"), StateFileError);
  CHECK(blocked.read() == "old");
}

TEST_CASE("a folder for state is one, or is made by the first write") {
  const TemporaryFolder folder;
  CHECK(why_not_a_state_folder(folder.path("")) == "");
  CHECK(why_not_a_state_folder(folder.path("some/where")) == "");
  StateFile(folder.path("some/where"), "file").write("text");
  CHECK(StateFile(folder.path("some/where"), "file").read() == "text");
  CHECK(why_not_a_state_folder(folder.write("file", "")) == "Not a directory");
  CHECK(why_not_a_state_folder(folder.path("file/below")) == "Not a directory");
}
