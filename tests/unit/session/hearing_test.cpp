#include "proxy/session/hearing.hpp"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using Source = Hearing::Source;

// One order of notifications and marks, as the server keeps it, and two connections that read it at their own
// pace. `told` is what the client hears.
class Theatre {
 public:
  Hearing hearing;
  std::vector<int> told;

  void notify() { queue_.push_back({++last_, 0}); }
  void turn() { queue_.push_back({0, hearing.turn()}); }
  bool read(Source source) {
    std::size_t& at = at_[static_cast<std::size_t>(source)];
    if (at == queue_.size()) return false;
    const Entry entry = queue_[at];
    const bool waits =
        source == Source::server && entry.mark == 0 && hearing.judge(source) == Hearing::Verdict::later;
    if (waits) return false;
    ++at;
    if (entry.mark != 0) {
      hearing.passed(source, entry.mark);
    } else if (const Hearing::Verdict verdict = hearing.judge(source); verdict == Hearing::Verdict::now) {
      tell_held();
      told.push_back(entry.notification);
    } else if (verdict == Hearing::Verdict::later) {
      hearing.hold(std::string(1, static_cast<char>(entry.notification)));
    }
    tell_held();
    return true;
  }
  void read_all() {
    while (read(Source::shared) || read(Source::server)) {
    }
  }
  // Another server begins to hear here: the one before was given back when it had passed its mark.
  bool is_at_rest() const { return at_[0] == queue_.size(); }
  int last() const { return last_; }

 private:
  struct Entry {
    int notification;
    Hearing::Turn mark;
  };
  void tell_held() {
    if (!hearing.has_due()) return;
    for (const char each : hearing.take_held()) told.push_back(static_cast<unsigned char>(each));
  }

  std::vector<Entry> queue_;
  std::size_t at_[2] = {0, 0};
  int last_ = 0;
};

std::vector<int> up_to(int last) {
  std::vector<int> all;
  for (int each = 1; each <= last; ++each) all.push_back(each);
  return all;
}

}  // namespace

TEST_CASE("from the first LISTEN on the server is heard, the shared connection is not") {
  Hearing hearing;
  CHECK(hearing.source() == Source::server);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::now);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::never);
}

TEST_CASE("behind a mark the other is heard, but not before the first has come to the mark too") {
  Hearing hearing;
  CHECK(hearing.turn() == 1);
  CHECK(hearing.source() == Source::shared);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::now);
  hearing.passed(Source::shared, 1);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::later);
  hearing.hold("early");
  CHECK_FALSE(hearing.has_due());
  hearing.passed(Source::server, 1);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::never);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::now);
  REQUIRE(hearing.has_due());
  CHECK(hearing.take_held() == "early");
}

TEST_CASE("a server that has come to its turn waits for what the shared connection had before") {
  Hearing hearing;
  for (const Source source : {Source::server, Source::shared}) {
    if (source == Source::server) hearing.turn();
    hearing.passed(source, 1);
  }
  CHECK(hearing.turn() == 2);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::never);
  hearing.passed(Source::server, 2);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::later);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::now);
  hearing.passed(Source::shared, 2);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::now);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::never);
}

TEST_CASE("at whatever pace the two read, each notification is told once and in order") {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    std::mt19937 dice(seed);
    Theatre theatre;
    for (int step = 0; step < 120; ++step) {
      switch (dice() % 6) {
        case 0:
        case 1:
          theatre.notify();
          break;
        case 2:
          // A server is given back at rest only; another may be taken at once.
          if (theatre.hearing.source() == Source::shared || theatre.is_at_rest()) theatre.turn();
          break;
        case 3:
          theatre.read(Source::server);
          break;
        default:
          theatre.read(Source::shared);
          break;
      }
    }
    theatre.read_all();
    CHECK(theatre.told == up_to(theatre.last()));
  }
}

TEST_CASE(
    "when the shared connection is lost nobody waits for it, and what it may have missed is said once") {
  Hearing hearing;
  hearing.turn();
  hearing.passed(Source::server, 1);
  hearing.passed(Source::shared, 1);
  hearing.turn();
  hearing.passed(Source::server, 2);
  REQUIRE(hearing.judge(Source::server) == Hearing::Verdict::later);
  hearing.deafen();
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::now);
  CHECK(hearing.listens_again());
  CHECK_FALSE(hearing.listens_again());
}

TEST_CASE(
    "marks that are set while there is no shared connection are not waited for, nor taken when they come") {
  Hearing hearing;
  hearing.turn();
  hearing.passed(Source::server, 1);
  hearing.passed(Source::shared, 1);
  hearing.deafen();
  CHECK(hearing.turn() == 2);
  hearing.passed(Source::server, 2);
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::now);
  CHECK(hearing.listens_again());
  hearing.turn();
  hearing.passed(Source::shared, 2);  // late
  hearing.passed(Source::server, 3);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::never);
  hearing.passed(Source::shared, 3);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::now);
}

TEST_CASE("who was told by its server misses nothing when the shared connection is lost") {
  Hearing hearing;
  hearing.deafen();
  CHECK_FALSE(hearing.listens_again());
}

TEST_CASE("of what is held, what is of no channel of the client's any more is forgotten") {
  using namespace std::string_literals;
  const auto notification = [](const std::string& channel) {
    return wire::message('A', wire::int32(1) + channel + "\0payload\0"s);
  };
  const std::string notice = wire::message('N', "SWARNING\0\0"s);
  Hearing hearing;
  for (const std::string& each : {notification("a"), notification("b"), notice, notification("c")})
    hearing.hold(each);
  hearing.keep_only({"a", "c", "d"});
  CHECK(hearing.take_held() == notification("a") + notice + notification("c"));
}

TEST_CASE("a lost server leaves the turn to the shared connection, and something may be missed") {
  Hearing hearing;
  SUBCASE("before it was to give the client's channels away") {}
  SUBCASE("while it did") { hearing.turn(); }
  hearing.lose_server();
  CHECK(hearing.source() == Source::shared);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::now);
  CHECK(hearing.listens_again());
}

TEST_CASE("another shared connection begins with the next mark") {
  Hearing hearing;
  hearing.turn();
  hearing.passed(Source::server, 1);
  hearing.passed(Source::shared, 1);
  hearing.turn();
  hearing.passed(Source::server, 2);
  hearing.change_shared();
  CHECK(hearing.judge(Source::server) == Hearing::Verdict::now);
  hearing.turn();
  hearing.passed(Source::server, 3);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::never);
  hearing.passed(Source::shared, 3);
  CHECK(hearing.judge(Source::shared) == Hearing::Verdict::now);
}

}  // namespace ballast
