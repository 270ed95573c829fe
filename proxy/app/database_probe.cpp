#include "proxy/app/database_probe.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace ballast {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

// How often a waking database is looked at.
constexpr std::chrono::milliseconds wake_poll{50};

std::string reason_of(PoolSet::Asked asked) {
  switch (asked) {
    case PoolSet::Asked::not_awake:
      return "it is not awake, as far as is known";
    case PoolSet::Asked::not_while_it_rests:
      return "nobody has asked it anything for a while: that would keep it awake";
    case PoolSet::Asked::no_idle_server:
      return "no server connection is idle";
    case PoolSet::Asked::yes:
      break;
  }
  return {};
}

}  // namespace

// One question. It asks worker after worker for an idle server. Shared by the answers that are to come.
class DatabaseProbe::Run : public std::enable_shared_from_this<Run> {
 public:
  Run(asio::io_context& control, Household& household, Effort effort, Done done)
      : control_(control),
        household_(household),
        effort_(effort),
        done_(std::move(done)),
        began_at_(Clock::now()),
        deadline_(control, limit),
        pause_(control) {}

  void start() {
    deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->finish(self->is_asked_ ? Verdict::silent : Verdict::not_asked);
    });
    try_worker(0);
  }

 private:
  void try_worker(std::size_t index) {
    if (!done_) return;
    if (index == household_.workers.size()) return on_nobody_asked();
    const auto even_if = effort_ == Effort::wake ? PoolSet::AskEvenIf::it_rests : PoolSet::AskEvenIf::never;
    asio::io_context& control = control_;
    household_.workers[index]->with([&control, self = shared_from_this(), index, even_if](PoolSet& pools,
                                                                                          SessionSet&) {
      const auto answered = [&control, self](bool is_answered) {
        asio::post(control,
                   [self, is_answered] { self->finish(is_answered ? Verdict::answered : Verdict::silent); });
      };
      const PoolSet::Asked asked = pools.ask_database(even_if, pools.world().loop.now(), answered);
      asio::post(control, [self, asked, index] { self->on_asked(asked, index); });
    });
  }

  void on_asked(PoolSet::Asked asked, std::size_t index) {
    is_asked_ = is_asked_ || asked == PoolSet::Asked::yes;
    if (is_asked_) return;
    reason_ = reason_of(asked);
    try_worker(index + 1);
  }

  // Is it to be woken, and is there hope? Then in a moment again.
  void on_nobody_asked() {
    const Upstream::State state = household_.broker.upstream().state();
    const bool is_hopeless = state == Upstream::State::down || state == Upstream::State::refused;
    if (effort_ == Effort::leave_asleep || (has_woken_ && is_hopeless)) return finish(Verdict::not_asked);
    if (!std::exchange(has_woken_, true)) wake();
    pause_.expires_after(wake_poll);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->try_worker(0);
    });
  }

  void wake() {
    household_.workers.front()->with([](PoolSet& pools, SessionSet&) { pools.wake_database(); });
  }

  void finish(Verdict verdict) {
    const Done done = std::exchange(done_, nullptr);
    if (!done) return;
    deadline_.cancel();
    pause_.cancel();
    Outcome outcome;
    outcome.verdict = verdict;
    if (verdict == Verdict::not_asked) outcome.reason = reason_;
    outcome.took = Clock::now() - began_at_;
    outcome.upstream = household_.broker.upstream().figures();
    done(std::move(outcome));
  }

  asio::io_context& control_;
  Household& household_;
  Effort effort_;
  Done done_;
  Clock::time_point began_at_;
  asio::steady_timer deadline_;
  asio::steady_timer pause_;
  std::string reason_;
  bool is_asked_ = false;
  bool has_woken_ = false;
};

void DatabaseProbe::ask(Effort effort, Done done) {
  std::make_shared<Run>(control_, household_, effort, std::move(done))->start();
}

}  // namespace ballast
