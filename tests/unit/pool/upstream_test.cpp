#include "proxy/pool/upstream.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono_literals;
using State = Upstream::State;
using News = Upstream::News;

struct Stage {
  using Attempt = Upstream::Attempt;
  bool begin(int most = 8) {
    const auto attempt = upstream.begin_connecting(now, most);
    if (attempt) under_way.push_back(*attempt);
    return attempt.has_value();
  }
  // The one that was begun last, or another.
  Attempt take() {
    REQUIRE_FALSE(under_way.empty());
    return take(under_way.size() - 1);
  }
  Attempt take(std::size_t index) {
    const Attempt attempt = under_way.at(index);
    under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(index));
    return attempt;
  }
  News fail(Attempt attempt, ConnectFailure kind, const std::string& text = "no") {
    return upstream.failed(attempt, now, {Severity::fatal, "XX000", text, {}, {}}, kind, 1s);
  }
  News fail(ConnectFailure kind, const std::string& text = "no") { return fail(take(), kind, text); }
  News succeed() { return upstream.connected(take()); }
  News give_up() { return upstream.given_up(take()); }
  News connect() {
    REQUIRE(begin());
    return succeed();
  }
  PgError refusal() const { return upstream.refusal(now, 30s); }

  Upstream upstream;
  TimePoint now{1h};
  std::vector<Attempt> under_way;
};

}  // namespace

TEST_CASE("nothing is known at first: one connect finds out, the others wait for it") {
  Stage stage;
  CHECK(stage.upstream.state() == State::unknown);
  CHECK(stage.begin());
  CHECK(stage.upstream.state() == State::waking);
  CHECK_FALSE(stage.begin());
  CHECK(stage.succeed() == News::may_connect);
  CHECK(stage.upstream.state() == State::awake);
}

TEST_CASE("an awake server is connected to as often at once as is allowed") {
  Stage stage;
  stage.connect();
  for (int i = 0; i < 3; ++i) CHECK(stage.begin(3));
  CHECK_FALSE(stage.begin(3));
  CHECK(stage.succeed() == News::nothing);
  CHECK(stage.begin(3));
}

TEST_CASE("it sleeps when the last server has ended by itself while idle") {
  Stage stage;
  stage.connect();
  stage.connect();
  stage.upstream.disconnected(Upstream::End::slept);
  CHECK(stage.upstream.state() == State::awake);
  CHECK_FALSE(stage.upstream.may_be_filled());
  stage.upstream.disconnected(Upstream::End::slept);
  CHECK(stage.upstream.state() == State::asleep);
  CHECK_FALSE(stage.upstream.may_be_filled());
  CHECK(stage.begin());
  CHECK(stage.upstream.state() == State::waking);
  CHECK_FALSE(stage.begin());
}

TEST_CASE("a connect that nobody waits for is not worth a wake, nor one more after a wake that has failed") {
  Stage stage;
  CHECK(stage.upstream.may_be_filled());
  stage.connect();
  stage.upstream.disconnected(Upstream::End::slept);
  REQUIRE(stage.begin());
  CHECK_FALSE(stage.upstream.may_be_filled());
  stage.fail(ConnectFailure::passing);
  CHECK(stage.upstream.state() == State::down);
  CHECK_FALSE(stage.upstream.may_be_filled());
  stage.now += 1s;
  stage.connect();
  CHECK(stage.upstream.may_be_filled());
  stage.upstream.disconnected(Upstream::End::ours);
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::passing);
  CHECK(stage.upstream.may_be_filled());
}

TEST_CASE("whether it sleeps is not known when we have closed the last server ourselves") {
  Stage stage;
  stage.connect();
  stage.upstream.disconnected(Upstream::End::ours);
  CHECK(stage.upstream.state() == State::unknown);
  CHECK(stage.begin());
  CHECK_FALSE(stage.begin());
}

TEST_CASE("a connect that is given up leaves the next one to others") {
  Stage stage;
  CHECK(stage.begin());
  CHECK(stage.give_up() == News::may_connect);
  CHECK(stage.upstream.state() == State::unknown);
  CHECK(stage.begin());
}

TEST_CASE("while it is down pauses double up to the longest, less a quarter at most") {
  Stage stage;
  Milliseconds whole = 100ms;
  for (int i = 0; i < 8; ++i) {
    REQUIRE(stage.begin());
    CHECK(stage.fail(ConnectFailure::passing) == News::nothing);
    CHECK(stage.upstream.state() == State::down);
    stage.now += whole * 3 / 4 - 1ms;
    CHECK_FALSE(stage.begin());
    stage.now += whole / 4 + 1ms;
    whole = std::min<Milliseconds>(whole * 2, 1s);
  }
  stage.connect();
  CHECK(stage.upstream.state() == State::awake);
  CHECK(stage.begin());
  stage.fail(ConnectFailure::passing);
  stage.now += 100ms;
  CHECK(stage.begin());
}

TEST_CASE("a login that only its own pool's is wrong says nothing about the server") {
  Stage stage;
  CHECK(stage.begin());
  CHECK(stage.fail(ConnectFailure::rejected) == News::may_connect);
  CHECK(stage.upstream.state() == State::unknown);
  CHECK(stage.begin());
  CHECK(stage.refusal().message.empty());
}

TEST_CASE("a crowded server gets half as many connects at once, and one more with each that succeeds") {
  Stage stage;
  stage.connect();
  for (int i = 0; i < 8; ++i) REQUIRE(stage.begin());
  stage.fail(ConnectFailure::crowded);
  CHECK(stage.upstream.state() == State::awake);
  for (int i = 0; i < 7; ++i) stage.give_up();
  stage.now += 200ms;
  for (int i = 0; i < 4; ++i) CHECK(stage.begin());
  CHECK_FALSE(stage.begin());
  stage.succeed();
  for (int i = 0; i < 2; ++i) CHECK(stage.begin());
  CHECK_FALSE(stage.begin());
}

TEST_CASE("a crowded server is left alone for a while, longer each time") {
  Stage stage;
  stage.connect();
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::crowded);
  CHECK_FALSE(stage.begin());
  stage.now += 200ms;
  REQUIRE(stage.begin());
  CHECK_FALSE(stage.begin());
  stage.fail(ConnectFailure::crowded);
  stage.now += 200ms;
  CHECK_FALSE(stage.begin());
  stage.now += 200ms;
  CHECK(stage.begin());
}

TEST_CASE("where nobody is let in all are told why for half a minute; then one may try") {
  Stage stage;
  REQUIRE(stage.begin());
  CHECK(stage.refusal().message.empty());
  stage.fail(ConnectFailure::refused, "The endpoint has been disabled.");
  CHECK(stage.upstream.state() == State::refused);
  CHECK(stage.refusal().message == "The endpoint has been disabled.");
  stage.now += 29'999ms;
  CHECK_FALSE(stage.begin());
  stage.now += 1ms;
  CHECK(stage.refusal().message.empty());
  CHECK(stage.begin());
  CHECK(stage.refusal().message.empty());
  CHECK_FALSE(stage.begin());
}

TEST_CASE("who waits for a server that is down is told so when patience is at its end") {
  Stage stage;
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::passing, "Connection refused");
  CHECK(stage.refusal().message.empty());
  stage.now += 30s;
  REQUIRE(stage.begin());
  CHECK(stage.refusal().message.empty());  // this one may succeed
  stage.fail(ConnectFailure::passing, "Connection refused");
  const PgError error = stage.refusal();
  CHECK(error.sqlstate == "08001");
  CHECK(error.detail == "Connection refused");
  CHECK(stage.upstream.refusal(stage.now, 0ms).message.empty());
}

TEST_CASE("a probe goes on whatever becomes of connects that were begun before it") {
  Stage stage;
  stage.connect();
  for (int i = 0; i < 3; ++i) REQUIRE(stage.begin());
  stage.upstream.disconnected(Upstream::End::slept);
  REQUIRE(stage.begin());
  CHECK(stage.upstream.state() == State::waking);
  CHECK(stage.fail(stage.take(0), ConnectFailure::passing) == News::nothing);
  CHECK(stage.upstream.given_up(stage.take(0)) == News::nothing);
  CHECK(stage.fail(stage.take(0), ConnectFailure::rejected) == News::nothing);
  CHECK(stage.upstream.state() == State::waking);
  CHECK_FALSE(stage.begin());
  CHECK(stage.succeed() == News::may_connect);
  CHECK(stage.begin());
}

TEST_CASE("that a connect fails which was begun before the server came back says nothing any more") {
  Stage stage;
  stage.connect();
  REQUIRE(stage.begin());
  stage.upstream.disconnected(Upstream::End::slept);
  stage.connect();
  CHECK(stage.fail(ConnectFailure::passing) == News::nothing);
  CHECK(stage.upstream.state() == State::awake);
  CHECK(stage.begin());
}

TEST_CASE("a connect from before that succeeds is as good as the probe, which says nothing more") {
  Stage stage;
  stage.connect();
  REQUIRE(stage.begin());
  stage.upstream.disconnected(Upstream::End::slept);
  REQUIRE(stage.begin());
  CHECK(stage.upstream.connected(stage.take(0)) == News::may_connect);
  CHECK(stage.upstream.state() == State::awake);
  CHECK(stage.fail(ConnectFailure::passing) == News::nothing);
  CHECK(stage.upstream.state() == State::awake);
}

TEST_CASE("each probe that fails counts, though connects from before end in between") {
  Stage stage;
  stage.connect();
  for (int i = 0; i < 4; ++i) REQUIRE(stage.begin());
  stage.upstream.disconnected(Upstream::End::slept);
  Milliseconds whole = 100ms;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(stage.begin());
    stage.upstream.given_up(stage.take(0));
    stage.fail(ConnectFailure::passing);
    CHECK(stage.upstream.state() == State::down);
    stage.now += whole * 3 / 4 - 1ms;
    CHECK_FALSE(stage.begin());
    stage.now += whole / 4 + 1ms;
    whole *= 2;
  }
}

TEST_CASE("connects that fail together are one failure") {
  for (const ConnectFailure kind : {ConnectFailure::passing, ConnectFailure::crowded}) {
    CAPTURE(static_cast<int>(kind));
    Stage stage;
    stage.connect();
    for (int i = 0; i < 8; ++i) REQUIRE(stage.begin());
    for (int i = 0; i < 8; ++i) stage.fail(kind);
    stage.now += 200ms;
    CHECK(stage.begin());
  }
}

TEST_CASE("the census follows each begin and each outcome") {
  Stage stage;
  REQUIRE(stage.begin());
  CHECK(stage.upstream.census().is_probing);
  stage.succeed();
  REQUIRE(stage.begin());
  CHECK_FALSE(stage.upstream.census().is_probing);
  CHECK(stage.upstream.census().connecting == 1);
  CHECK(stage.upstream.census().connected == 1);
  stage.give_up();
  stage.upstream.disconnected(Upstream::End::ours);
  CHECK(stage.upstream.census().connecting == 0);
  CHECK(stage.upstream.census().connected == 0);
}

TEST_CASE("a server without a free place tells one of those whom it has refused together") {
  Stage stage;
  stage.connect();
  for (int i = 0; i < 3; ++i) REQUIRE(stage.begin());
  CHECK(stage.fail(ConnectFailure::full) == News::is_full);
  CHECK(stage.fail(ConnectFailure::full) == News::nothing);
  CHECK(stage.fail(ConnectFailure::full) == News::nothing);
  stage.now += 200ms;
  REQUIRE(stage.begin());
  CHECK(stage.fail(ConnectFailure::full) == News::is_full);
}

TEST_CASE("patience with a server that can't be reached begins anew when it says that it is crowded") {
  Stage stage;
  const auto fail_with = [&stage](ConnectFailure kind) {
    REQUIRE(stage.begin());
    stage.fail(kind);
    stage.now += 20s;
  };
  fail_with(ConnectFailure::passing);
  fail_with(ConnectFailure::crowded);
  fail_with(ConnectFailure::passing);
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::passing);
  CHECK(stage.refusal().message.empty());
  stage.now += 20s;
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::passing);
  CHECK_FALSE(stage.refusal().message.empty());
}

TEST_CASE("a wake lasts from the first connect to what sleeps until one has succeeded") {
  Stage stage;
  stage.connect();
  stage.upstream.disconnected(Upstream::End::slept);
  REQUIRE(stage.upstream.state() == State::asleep);
  const TimePoint began = stage.now;
  REQUIRE(stage.begin());
  CHECK(stage.under_way.back().waking_since == began);
  stage.fail(ConnectFailure::passing);
  stage.now += 5s;
  REQUIRE(stage.begin());
  CHECK(stage.under_way.back().waking_since == began);
  stage.succeed();
  REQUIRE(stage.begin());
  CHECK(stage.under_way.back().waking_since == long_ago);
}

TEST_CASE("a connect that was given up has woken nobody") {
  Stage stage;
  stage.connect();
  stage.upstream.disconnected(Upstream::End::slept);
  REQUIRE(stage.begin());
  stage.give_up();
  stage.now += 1h;
  REQUIRE(stage.begin());
  CHECK(stage.under_way.back().waking_since == stage.now);
}

TEST_CASE("its figures say since when it is so, and what went wrong last") {
  Stage stage;
  stage.connect();
  stage.upstream.tick(stage.now);
  const TimePoint awake_at = stage.now;
  stage.upstream.tick(stage.now += 10s);
  CHECK(stage.upstream.figures().state == State::awake);
  CHECK(stage.upstream.figures().since == awake_at);
  CHECK(stage.upstream.figures().failed_at == long_ago);
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::rejected, "no such user");  // says nothing of the database
  CHECK(stage.upstream.figures().failed_at == long_ago);
  REQUIRE(stage.begin());
  stage.fail(ConnectFailure::refused, "over the quota");
  const TimePoint failed_at = stage.now;
  stage.upstream.tick(stage.now += 1s);
  CHECK(stage.upstream.figures().state == State::refused);
  CHECK(stage.upstream.figures().since == stage.now);
  CHECK(stage.upstream.figures().failed_at == failed_at);
  CHECK(stage.upstream.figures().last_error.message == "over the quota");
}

}  // namespace ballast
