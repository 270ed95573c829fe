#include "proxy/app/login_file.hpp"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

namespace ballast {
namespace {

const PoolKey ann{"app", "ann"};
const ReportedParameters bare{{"TimeZone", "GMT"}};

}  // namespace

TEST_CASE("what is known of logins is there again after a restart, in a folder that is made for it") {
  const TemporaryFolder folder;
  const std::string state = folder.path("state");
  LoginMemory memory;
  LoginFile file(memory, state);
  file.save();
  CHECK_FALSE(std::filesystem::exists(state));  // nothing is known yet
  memory.remember(ann, {}, bare);
  file.save();
  LoginMemory again;
  LoginFile(again, state);
  CHECK(again.find(ann, {}) == bare);
}

TEST_CASE("without a folder nothing is kept") {
  LoginMemory memory;
  LoginFile file(memory, "");
  memory.remember(ann, {}, bare);
  file.save();
  CHECK(memory.find(ann, {}) == bare);
}

TEST_CASE("a file that is no such thing is as none") {
  const TemporaryFolder folder;
  folder.write("logins", "nonsense");
  LoginMemory memory;
  LoginFile file(memory, folder.path(""));
  CHECK_FALSE(memory.find(ann, {}));
  memory.remember(ann, {}, bare);
  file.save();
  LoginMemory again;
  LoginFile(again, folder.path(""));
  CHECK(again.find(ann, {}) == bare);
}

TEST_CASE("a folder that can't be written to does no harm") {
  const TemporaryFolder folder;
  const std::string occupied = folder.write("file", "x");
  LoginMemory memory;
  LoginFile file(memory, occupied);
  memory.remember(ann, {}, bare);
  file.save();
  memory.remember(ann, {{"a", "b"}}, bare);
  file.save();
  CHECK(memory.find(ann, {}) == bare);
}

}  // namespace ballast
