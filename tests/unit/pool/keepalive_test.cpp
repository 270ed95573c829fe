#include "proxy/pool/keepalive.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;
using std::chrono::November;
using std::chrono::sys_days;
using State = Upstream::State;
using Act = Keepalive::Act;

constexpr auto pause = 270s;  // 300 s less the margin of 30 s

// One worker, its clients, and a clock of which both the hands move.
struct Stage {
  explicit Stage(KeepaliveMode mode = KeepaliveMode::always) {
    terms.mode = mode;
    configure();
  }
  void configure() { keepalive.configure(terms); }
  void schedule(const std::string& text) {
    terms.schedule = Schedule::parse(text);
    configure();
  }
  Act decide() {
    sight.now = now;
    sight.wall = wall;
    return keepalive.decide(sight);
  }
  void pass(std::chrono::milliseconds time) {
    now += time;
    wall += time;
  }
  // In ticks of a second; how many pings were sent. Each act must be `act`.
  int run(std::chrono::seconds time, Act act = Act::ping) {
    int acts = 0;
    for (auto left = time; left > 0s; left -= 1s) {
      pass(1s);
      const Act done = decide();
      if (done == Act::nothing) continue;
      CHECK(done == act);
      ++acts;
    }
    return acts;
  }
  void awake(bool has_idle_server = true) {
    sight.upstream = State::awake;
    sight.has_idle_server = has_idle_server;
  }
  void busy() { sight.active_at = now; }
  std::chrono::milliseconds spent() const { return keepalive.spending().awake; }

  KeepaliveTerms terms;
  Keepalive keepalive;
  Keepalive::Sight sight;
  TimePoint now{1000h};
  WallTime wall = sys_days(2026y / November / 2) + 12h;  // a Monday
};

}  // namespace

TEST_CASE("off is off: nothing is sent, whatever happens") {
  Stage stage(KeepaliveMode::off);
  CHECK(stage.keepalive.is_off());
  stage.awake();
  stage.sight.clients = 5;
  CHECK(stage.run(3600s) == 0);
}

TEST_CASE("a ping comes shortly before the database would sleep, then one for each pause") {
  Stage stage;
  stage.awake();
  stage.busy();
  CHECK(stage.run(pause - 1s) == 0);
  CHECK(stage.run(1s) == 1);
  CHECK(stage.run(pause - 1s) == 0);
  CHECK(stage.run(1s) == 1);
  CHECK(stage.keepalive.figures().pings == 2);
}

TEST_CASE("what clients ask makes pings unnecessary") {
  Stage stage;
  stage.awake();
  for (int i = 0; i < 20; ++i) {
    stage.busy();
    CHECK(stage.run(pause - 1s) == 0);
  }
  CHECK(stage.spent() == 0s);
}

TEST_CASE("a short timeout has a short margin") {
  Stage stage;
  stage.terms.suspend_timeout = 10s;
  stage.configure();
  stage.awake();
  stage.busy();
  CHECK(stage.run(7s) == 0);
  CHECK(stage.run(1s) == 1);
}

TEST_CASE("while_clients pings for as long as a client is there, on whatever worker") {
  Stage stage(KeepaliveMode::while_clients);
  stage.awake();
  stage.busy();
  CHECK(stage.run(600s) == 0);
  Keepalive::Sight other = stage.sight;
  other.worker = 3;
  other.clients = 1;
  other.has_idle_server = false;
  other.now = stage.now;
  other.wall = stage.wall;
  stage.keepalive.decide(other);
  CHECK(stage.run(2 * pause) == 2);
  other.clients = 0;
  other.now = stage.now;
  stage.keepalive.decide(other);
  CHECK(stage.run(600s) == 0);
}

TEST_CASE("while_clients wakes nothing: neither what sleeps, nor what may") {
  Stage stage(KeepaliveMode::while_clients);
  stage.sight.clients = 1;
  for (const State state : {State::unknown, State::asleep, State::waking, State::down, State::refused}) {
    stage.sight.upstream = state;
    CHECK(stage.run(900s) == 0);
  }
}

TEST_CASE("always wakes what sleeps, by one connect for each margin, until one succeeds") {
  Stage stage;
  for (const State state : {State::unknown, State::asleep, State::down, State::refused}) {
    stage.sight.upstream = state;
    CHECK(stage.run(90s, Act::connect) == 3);
  }
  stage.sight.upstream = State::waking;
  CHECK(stage.run(90s) == 0);
  stage.keepalive.connected(stage.now);
  stage.awake();
  CHECK(stage.run(pause - 1s) == 0);
  CHECK(stage.run(1s) == 1);
  stage.sight.upstream = State::asleep;
  CHECK(stage.run(1s, Act::connect) == 1);
}

TEST_CASE("failed connects cost nothing") {
  Stage stage;
  stage.sight.upstream = State::down;
  CHECK(stage.run(600s, Act::connect) == 20);
  CHECK(stage.spent() == 0s);
}

TEST_CASE("the schedule wakes once where its hours begin, and lets go where they end") {
  Stage stage(KeepaliveMode::schedule);
  stage.schedule("12:10-13:10");
  stage.sight.upstream = State::asleep;
  CHECK(stage.run(599s) == 0);
  CHECK(stage.run(1s, Act::connect) == 1);
  stage.keepalive.connected(stage.now);
  stage.awake();
  CHECK(stage.run(3600s) == 13);
  CHECK(stage.run(3600s) == 0);
}

TEST_CASE(
    "what falls asleep within the hours of the schedule all the same is not woken again until the next") {
  Stage stage(KeepaliveMode::schedule);
  stage.schedule("12:00-13:00");
  stage.awake();
  stage.busy();
  CHECK(stage.run(1s) == 0);
  stage.sight.upstream = State::asleep;
  CHECK(stage.run(1800s) == 0);
  stage.awake();  // a client has woken it
  CHECK(stage.run(1s) == 1);
  stage.sight.upstream = State::asleep;
  CHECK(stage.run(24h - 1803s) == 0);
  CHECK(stage.run(1s, Act::connect) == 1);  // at noon
}

TEST_CASE("a schedule that is begun within its hours wakes, too") {
  Stage stage(KeepaliveMode::schedule);
  stage.schedule("11:00-13:00");
  CHECK(stage.run(1s, Act::connect) == 1);
}

TEST_CASE(
    "where no server is idle a connect takes the place of the ping, if nobody else has pinged until then") {
  Stage stage(KeepaliveMode::while_clients);
  stage.sight.clients = 1;
  stage.awake(false);
  stage.busy();
  CHECK(stage.run(pause + 14s) == 0);
  CHECK(stage.run(1s, Act::connect) == 1);
  stage.keepalive.connected(stage.now);
  CHECK(stage.run(pause + 14s) == 0);
  CHECK(stage.run(1s, Act::connect) == 1);
}

TEST_CASE("when we have closed the last server, a connect comes in time, but none when it may be asleep") {
  Stage stage(KeepaliveMode::while_clients);
  stage.sight.clients = 1;
  stage.awake();
  stage.busy();
  stage.decide();
  stage.sight.upstream = State::unknown;
  stage.sight.has_idle_server = false;
  CHECK(stage.run(pause - 1s) == 0);
  CHECK(stage.run(1s, Act::connect) == 1);
  CHECK(stage.run(900s) == 0);  // it has failed
}

TEST_CASE("a ping without an answer is sent again at once, on another server") {
  Stage stage;
  stage.awake();
  stage.busy();
  CHECK(stage.run(pause) == 1);
  stage.keepalive.missed();
  CHECK(stage.run(1s) == 1);
  CHECK(stage.run(pause - 1s) == 0);
}

TEST_CASE("bought is the time from when it would have slept, to when it sleeps after the last ping") {
  Stage stage(KeepaliveMode::while_clients);
  stage.sight.clients = 1;
  stage.awake();
  stage.busy();
  CHECK(stage.run(pause) == 1);
  CHECK(stage.spent() == 270s);  // 570 s after the client, less its own 300
  CHECK(stage.run(pause) == 1);
  CHECK(stage.spent() == 540s);
  stage.sight.clients = 0;
  CHECK(stage.run(900s) == 0);
  CHECK(stage.spent() == 540s);
}

TEST_CASE("what a client asks again ends what is bought") {
  Stage stage;
  stage.awake();
  stage.busy();
  CHECK(stage.run(400s) == 1);
  CHECK(stage.spent() == 270s);
  stage.busy();
  stage.decide();
  CHECK(stage.spent() == 100s);  // 300 s to 400 s after it had asked first
  CHECK(stage.run(pause) == 1);
  CHECK(stage.spent() == 370s);
}

TEST_CASE("a wake of ours is paid from its first moment") {
  Stage stage;
  CHECK(stage.run(1s, Act::connect) == 1);
  stage.pass(2s);
  stage.keepalive.connected(stage.now);
  CHECK(stage.spent() == 300s);
}

TEST_CASE("what sleeps before its time costs no more") {
  Stage stage(KeepaliveMode::while_clients);
  stage.sight.clients = 1;
  stage.awake();
  stage.busy();
  CHECK(stage.run(400s) == 1);
  stage.sight.upstream = State::asleep;
  stage.decide();
  CHECK(stage.spent() == 100s);
}

TEST_CASE("what is counted in odd pieces adds up, and is the same whenever it is asked for") {
  Stage stage(KeepaliveMode::while_clients);
  stage.now += 123456ns;
  stage.decide();
  stage.keepalive.connected(stage.now);
  stage.awake();
  const KeepaliveSpending whole = stage.keepalive.spending();
  CHECK(whole.awake == 300s);
  for (int i = 0; i < 5000; ++i) {
    stage.now += 100'345'678ns;
    stage.decide();
    KeepaliveSpending now = stage.keepalive.spending();
    now.month = whole.month;
    CHECK(now == whole);
  }
}

TEST_CASE("the price goes by the size of the compute") {
  Stage stage;
  stage.terms.compute_cu = Thousandths(2000);
  stage.configure();
  stage.keepalive.connected(stage.now);
  CHECK(stage.keepalive.spending().cu_microseconds == 600'000'000);
  CHECK(stage.keepalive.spending().cu_hours() == doctest::Approx(1.0 / 6));
}

TEST_CASE("the budget ends it before it is exceeded, and the next month begins with nothing spent") {
  Stage stage;
  stage.terms.budget_cu_microseconds = 250'000'000;
  stage.configure();
  stage.awake();
  stage.busy();
  CHECK(stage.run(3600s) == 3);  // 270 s each; the fourth would make it 1080
  CHECK(stage.spent() == 810s);
  CHECK(stage.keepalive.figures().budget_ends == 1);
  stage.wall = sys_days(2026y / std::chrono::December / 1) - 2s;
  CHECK(stage.run(1s) == 0);
  CHECK(stage.keepalive.figures().budget_ends == 1);
  CHECK(stage.run(1s) == 1);
  CHECK(stage.spent() == 300s);
  CHECK(stage.keepalive.spending().month == 2026y / std::chrono::December);
}

TEST_CASE("without a budget there is no end") {
  Stage stage;
  stage.awake();
  stage.busy();
  CHECK(stage.run(24h) == 320);
  CHECK(stage.keepalive.figures().budget_ends == 0);
}

TEST_CASE("time that was bought over the turn of the month counts in each of both") {
  Stage stage;
  stage.wall = sys_days(2026y / std::chrono::December / 1) - 100s;
  stage.keepalive.connected(stage.now);
  stage.awake();
  stage.decide();
  CHECK(stage.run(99s) == 0);
  CHECK(stage.spent() == 300s);
  CHECK(stage.run(1s) == 0);
  CHECK(stage.spent() == 200s);
}

TEST_CASE("a clock that is set back gives no budget back") {
  Stage stage;
  stage.keepalive.connected(stage.now);
  stage.decide();
  stage.wall = sys_days(2026y / std::chrono::October / 31);
  stage.awake();
  stage.decide();
  CHECK(stage.spent() == 300s);
  CHECK(stage.keepalive.spending().month == 2026y / std::chrono::October);
}

TEST_CASE("what was spent before a restart is spent") {
  Stage before;
  before.terms.budget_cu_microseconds = 100'000'000;
  before.configure();
  before.awake();
  before.busy();
  CHECK(before.run(3600s) == 1);  // 270 s at 0.25
  Stage after;
  after.terms.budget_cu_microseconds = 100'000'000;
  after.configure();
  after.keepalive.resume(before.keepalive.spending());
  after.awake();
  after.busy();
  CHECK(after.run(3600s) == 0);
  CHECK(after.spent() == 270s);
  CHECK(after.keepalive.figures().budget_ends == 1);
}

TEST_CASE("what was spent in another month before a restart does not count") {
  Stage stage;
  stage.keepalive.resume({2026y / std::chrono::October, std::chrono::hours(500), 450'000'000'000});
  stage.awake();
  stage.busy();
  stage.decide();
  CHECK(stage.spent() == 0s);
}

TEST_CASE("a reload with a higher budget goes on, one with a longer timeout waits longer") {
  Stage stage;
  stage.terms.budget_cu_microseconds = 10'000'000;
  stage.configure();
  stage.awake();
  stage.busy();
  CHECK(stage.run(600s) == 0);
  stage.terms.budget_cu_microseconds = 0;
  stage.configure();
  CHECK(stage.run(1s) == 1);
  stage.terms.suspend_timeout = 600s;
  stage.configure();
  CHECK(stage.run(568s) == 0);
  CHECK(stage.run(2s) == 1);
}

TEST_CASE("the terms are the settings'") {
  Settings settings;
  settings.keepalive = KeepaliveMode::schedule;
  settings.keepalive_schedule = "Mon 12:00-13:00";
  settings.keepalive_budget_cu_hours = Thousandths(1500);
  settings.compute_cu = Thousandths(500);
  settings.suspend_timeout = 60s;
  CHECK(KeepaliveTerms::of(settings).mode == KeepaliveMode::off);  // such a database never sleeps
  settings.scale_to_zero = ScaleToZero::on;
  const KeepaliveTerms terms = KeepaliveTerms::of(settings);
  CHECK(terms.mode == KeepaliveMode::schedule);
  CHECK(terms.schedule.covers(sys_days(2026y / November / 2) + 12h));
  CHECK(terms.budget_cu_microseconds == 5'400'000'000);
  CHECK(terms.compute_cu == Thousandths(500));
  CHECK(terms.suspend_timeout == 60s);
  settings.keepalive_schedule = "Monday";
  CHECK_THROWS_AS(KeepaliveTerms::of(settings), std::invalid_argument);
}

}  // namespace ballast
