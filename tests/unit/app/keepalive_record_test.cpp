#include "proxy/app/keepalive_record.hpp"

#include <chrono>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

// Wakes the database, for 300 s.
void spend(Keepalive& keepalive, TimePoint now = TimePoint(1h)) { keepalive.connected(now); }

}  // namespace

TEST_CASE("what was spent survives a restart") {
  const TemporaryFolder folder;
  Keepalive before;
  KeepaliveRecord record(before, folder.path(""));
  record.resume();
  CHECK(before.spending().awake == 0s);
  spend(before);
  record.save();
  Keepalive after;
  KeepaliveRecord(after, folder.path("")).resume();
  CHECK(after.spending() == before.spending());
  CHECK(after.spending().awake == 300s);
}

TEST_CASE("what has not changed is not written") {
  const TemporaryFolder folder;
  Keepalive keepalive;
  KeepaliveRecord record(keepalive, folder.path(""));
  record.save();
  CHECK(folder.read("keepalive") == "");
  spend(keepalive);
  record.save();
  CHECK(folder.read("keepalive") != "");
  folder.write("keepalive", "somebody else's");
  record.save();
  CHECK(folder.read("keepalive") == "somebody else's");
}

TEST_CASE("a damaged file counts as nothing spent, and is written anew") {
  const TemporaryFolder folder;
  folder.write("keepalive", "ballast keepalive 1\nyear 20");
  Keepalive keepalive;
  KeepaliveRecord record(keepalive, folder.path(""));
  record.resume();
  CHECK(keepalive.spending() == KeepaliveSpending());
  spend(keepalive);
  record.save();
  CHECK(folder.read("keepalive") == to_text(keepalive.spending()));
}

TEST_CASE("without a folder, or with one that can't be, it goes on without") {
  Keepalive keepalive;
  for (const char* const folder : {"", "/dev/null/folder"}) {
    KeepaliveRecord record(keepalive, folder);
    record.resume();
    spend(keepalive);
    record.save();
    record.save();
  }
  CHECK(keepalive.spending().awake > 0s);
}
