#include "proxy/base/text_file.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

TEST_CASE("a file is read whole, up to its bound") {
  const TemporaryFolder folder;
  const std::string text(10'000, 'x');
  const std::string path = folder.write("file", text);
  CHECK(read_text_file(path) == text);
  CHECK(read_text_file(path, 10'000) == text);
  CHECK_THROWS_WITH_AS(read_text_file(path, 9'999), "larger than 9999 bytes", TextFileError);
  CHECK(read_text_file(folder.write("empty", "")) == "");
}

TEST_CASE("a file that can't be read says why") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(read_text_file(folder.path("none")), "No such file or directory", TextFileError);
  CHECK_THROWS_WITH_AS(read_text_file(folder.path("")), "Is a directory", TextFileError);
}
