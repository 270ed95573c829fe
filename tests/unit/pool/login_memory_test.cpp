#include "proxy/pool/login_memory.hpp"

#include <doctest/doctest.h>

namespace ballast {
namespace {

const PoolKey ann{"app", "ann"};
const PoolKey bob{"app", "bob"};
const ReportedParameters bare{{"TimeZone", "GMT"}, {"server_version", "15.4"}};
const ReportedParameters berlin{{"TimeZone", "Europe/Berlin"}, {"server_version", "15.4"}};

void fill(LoginMemory& memory) {
  memory.remember(ann, {}, bare);
  memory.remember(ann, {{"timezone", "Europe/Berlin"}}, berlin);
}

}  // namespace

TEST_CASE("what a server has told is found again, by database, user and startup parameters") {
  LoginMemory memory;
  CHECK_FALSE(memory.find(ann, {}));
  fill(memory);
  CHECK(memory.find(ann, {}) == bare);
  CHECK(memory.find(ann, {{"timezone", "Europe/Berlin"}}) == berlin);
  CHECK_FALSE(memory.find(ann, {{"timezone", "UTC"}}));
  CHECK_FALSE(memory.find(bob, {}));
}

TEST_CASE("what it tells again is no change; a bare server that tells something else is another server") {
  LoginMemory memory;
  fill(memory);
  const std::uint64_t version = memory.version();
  fill(memory);
  CHECK(memory.version() == version);
  memory.remember(ann, {}, {{"TimeZone", "GMT"}, {"server_version", "16.1"}});
  CHECK(memory.version() > version);
  CHECK_FALSE(memory.find(ann, {{"timezone", "Europe/Berlin"}}));
}

TEST_CASE("it survives in a file, cut anywhere or damaged as much of it as can be read") {
  LoginMemory memory;
  fill(memory);
  const std::string bytes = memory.write();
  LoginMemory again;
  CHECK(again.read(bytes));
  CHECK(again.find(ann, {{"timezone", "Europe/Berlin"}}) == berlin);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    LoginMemory part;
    part.read(bytes.substr(0, size));
    const auto found = part.find(ann, {{"timezone", "Europe/Berlin"}});
    CHECK((!found || found == berlin));
    std::string damaged = bytes;
    damaged[size] = static_cast<char>(damaged[size] ^ 0x55);
    LoginMemory other;
    other.read(damaged);  // must not read past the end
  }
  LoginMemory none;
  CHECK_FALSE(none.read("something else"));
  CHECK_FALSE(none.read(""));
}

TEST_CASE("it is bounded") {
  LoginMemory memory;
  for (int i = 0; i < 1000; ++i) memory.remember(ann, {{"application_name", std::to_string(i)}}, bare);
  CHECK(memory.find(ann, {{"application_name", "99"}}));
  CHECK_FALSE(memory.find(ann, {{"application_name", "100"}}));
  for (int i = 0; i < 2000; ++i) memory.remember({"app", std::to_string(i)}, {}, bare);
  CHECK(memory.find({"app", "998"}, {}));
  CHECK_FALSE(memory.find({"app", "1000"}, {}));
}

}  // namespace ballast
