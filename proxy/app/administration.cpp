#include "proxy/app/administration.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "proxy/base/log.hpp"
#include "proxy/base/printable.hpp"

namespace ballast {

namespace asio = boost::asio;

namespace {

// How soon a command that waits notices that it is done.
constexpr std::chrono::milliseconds poll_interval{20};

PgError refused(std::string message) {
  return {Severity::error, std::string(sqlstate::not_in_prerequisite_state), std::move(message), {}, {}};
}

const PgError done_well;

// Nothing, as long as it lasts.
PgError end_of(const Patience& patience) {
  if (patience.ended() == Patience::End::none) return done_well;
  return {Severity::error,
          std::string(sqlstate::query_canceled),
          "canceling statement due to user request",
          {},
          {}};
}

std::string command_text(std::string_view command, const std::string& database) {
  return std::string(command) + (database.empty() ? "" : " " + printable(database));
}

}  // namespace

Administration::Administration(asio::io_context& control, Household& household, LiveSettings& settings,
                               Process& process)
    : control_(control), household_(household), settings_(settings), process_(process) {}

Administration::State Administration::state() const {
  if (leaves_) return State::leaving;
  if (gates_.is_suspended) return State::suspended;
  return gates_.are_all_paused ? State::paused : State::active;
}

// Each worker does it; then the sum of what came out.
void Administration::on_all(Work work, std::function<void(int)> then) {
  on_all_with_consoles([work = std::move(work)](PoolSet& pools, SessionSet& sessions,
                                                ConsoleSet&) { return work(pools, sessions); },
                       std::move(then));
}

void Administration::on_all_with_consoles(WorkWithConsoles work, std::function<void(int)> then) {
  struct Sum {
    std::size_t missing;
    int sum = 0;
    std::function<void(int)> then;
  };
  // Shared by the answers that are to come.
  const auto sum = std::make_shared<Sum>(Sum{household_.workers.size(), 0, std::move(then)});
  if (household_.workers.empty()) return asio::post(control_, [sum] { sum->then(0); });
  for (const auto& worker : household_.workers) {
    worker->with_consoles([this, work, sum](PoolSet& pools, SessionSet& sessions, ConsoleSet& consoles) {
      asio::post(control_, [sum, number = work(pools, sessions, consoles)] {
        sum->sum += number;
        if (--sum->missing == 0) sum->then(sum->sum);
      });
    });
  }
}

// Unless there is an error in the way of that.
void Administration::wait_until_none(Work work, std::function<PgError()> hindrance, Done done) {
  on_all(work, [=, this](int sum) {
    if (sum == 0) return done(done_well);
    if (const PgError error = hindrance(); !error.message.empty()) return done(error);
    const auto timer = std::make_shared<asio::steady_timer>(control_, poll_interval);  // lives until it rings
    timer->async_wait([=, this](const boost::system::error_code&) {
      (void)timer;
      wait_until_none(work, hindrance, done);
    });
  });
}

void Administration::tell_gates(Then then) {
  on_all(
      [gates = gates_](PoolSet& pools, SessionSet& sessions) {
        pools.obey(gates);
        sessions.obey_gates();
        return 0;
      },
      [then = std::move(then)](int) { then(); });
}

// Any client may name any database, and the server decides; one that is neither in the settings nor has
// clients is more likely a slip.
void Administration::find(const std::string& database, const Done& done, Then then) {
  const Settings& settings = settings_.settings();
  const bool is_known = database.empty() || database == settings.upstream.dbname ||
                        settings.databases.contains(database) || gates_.paused.contains(database) ||
                        gates_.disabled.contains(database);
  if (is_known) return then();
  on_all([database](PoolSet& pools, SessionSet&) { return pools.has_pool_of(database) ? 1 : 0; },
         [=](int sum) {
           if (sum > 0) return then();
           PgError error = refused("no such database: " + database);
           error.sqlstate = sqlstate::invalid_catalog_name;
           done(error);
         });
}

// Pausing and resuming ------------------------------------------------------------------------------------

void Administration::pause(std::string database, Done done, Patience patience) {
  find(database, done, [=, this] {
    if (leaves_) return done(refused("pooler is shutting down"));
    if (state() != State::active) return done(refused("already suspended/paused"));
    log::info("admin", command_text("PAUSE", database));
    if (database.empty()) {
      gates_.are_all_paused = true;
    } else {
      gates_.paused.insert(database);
    }
    tell_gates([=, this] {
      const auto is_canceled = [patience] { return patience.ended() == Patience::End::canceled; };
      wait_until_paused(database, patience, or_resume(database, is_canceled, done));
    });
  });
}

// Counted by the broker, which knows of servers on their way between workers too.
void Administration::wait_until_paused(const std::string& database, const Patience& patience, Done done) {
  const auto servers = [database](PoolSet& pools, SessionSet&) {
    return pools.broker().servers_of_database(database);
  };
  const auto hindrance = [this, database, patience] {
    const bool is_paused = database.empty() ? gates_.are_all_paused : gates_.is_paused(database);
    return is_paused ? end_of(patience) : refused("RESUME came before all servers were released");
  };
  wait_until_none(servers, hindrance, std::move(done));
}

// The outcome, but after a RESUME, if patience has ended the wait and that is wanted then.
Administration::Done Administration::or_resume(std::string database, std::function<bool()> is_wanted,
                                               Done done) {
  return [=, this](const PgError& error) {
    if (error.sqlstate != sqlstate::query_canceled || !is_wanted()) return done(error);
    resume(database, [done, error](const PgError&) { done(error); });
  };
}

void Administration::resume(std::string database, Done done) {
  find(database, done, [=, this] {
    if (leaves_) return done(refused("pooler is shutting down"));
    if (!database.empty() && !gates_.paused.contains(database))
      return done(refused("database " + database + " is not paused"));
    if (database.empty() && state() == State::active) return done(refused("pooler is not paused/suspended"));
    log::info("admin", command_text("RESUME", database));
    if (!database.empty()) {
      gates_.paused.erase(database);
    } else {
      if (gates_.is_suspended) process_.open_doors();
      gates_.are_all_paused = gates_.is_suspended = false;
    }
    tell_gates([done] { done(done_well); });
  });
}

// Clients are not read any more; when nothing is under way, new ones wait in the system's queue. Only then,
// for a cancel request comes by the same doors.
void Administration::suspend(Done done, Patience patience) {
  if (leaves_) return done(refused("pooler is shutting down"));
  if (state() != State::active) return done(refused("already suspended/paused"));
  if (!gates_.paused.empty()) return done(refused("cannot suspend with paused databases"));
  log::info("admin", "SUSPEND");
  gates_.is_suspended = true;
  const Done end = or_resume(
      {}, [] { return true; }, std::move(done));
  tell_gates([=, this] {
    wait_until_flushed(patience, [=, this](const PgError& error) {
      if (!error.message.empty()) return end(error);
      process_.hold_doors();
      wait_until_flushed(patience, end);  // a login may have come in between
    });
  });
}

void Administration::wait_until_flushed(const Patience& patience, Done done) {
  const auto hindrance = [this, patience] {
    return gates_.is_suspended ? end_of(patience) : refused("RESUME came before all was flushed");
  };
  wait_until_none([](PoolSet&, SessionSet& sessions) { return sessions.busy_count(); }, hindrance,
                  [=](const PgError& error) { done(error.message.empty() ? hindrance() : error); });
}

// Databases -----------------------------------------------------------------------------------------------

void Administration::disable(std::string database, Done done) {
  if (database.empty()) return done(refused("a database is required"));
  find(database, done, [=, this] {
    log::info("admin", command_text("DISABLE", database));
    gates_.disabled.insert(database);
    tell_gates([done] { done(done_well); });
  });
}

void Administration::enable(std::string database, Done done) {
  if (database.empty()) return done(refused("a database is required"));
  find(database, done, [=, this] {
    log::info("admin", command_text("ENABLE", database));
    gates_.disabled.erase(database);
    tell_gates([done] { done(done_well); });
  });
}

// It is paused by that: those who come back at once wait for RESUME.
void Administration::kill(std::string database, Done done) {
  find(database, done, [=, this] {
    if (leaves_) return done(refused("pooler is shutting down"));
    if (state() != State::active) return done(refused("already suspended/paused"));
    log::info("admin", command_text("KILL", database));
    if (database.empty()) {
      gates_.are_all_paused = true;
    } else {
      gates_.paused.insert(database);
    }
    const auto kill_them = [database, gates = gates_](PoolSet& pools, SessionSet& sessions) {
      pools.obey(gates);
      sessions.kill(database);
      pools.close_settling(database);
      return 0;
    };
    on_all(kill_them, [done](int) { done(done_well); });
  });
}

void Administration::kill_client(std::uint64_t id, Done done) {
  log::info("admin", "KILL_CLIENT " + std::to_string(id));
  const auto kill = [id](PoolSet&, SessionSet& sessions, ConsoleSet& consoles) {
    return sessions.kill_client(id) || consoles.kill_client(id) ? 1 : 0;
  };
  on_all_with_consoles(kill, [done](int sum) { done(sum > 0 ? done_well : refused("client not found")); });
}

void Administration::reconnect(std::string database, Done done) {
  find(database, done, [=, this] {
    log::info("admin", command_text("RECONNECT", database));
    const auto work = [database](PoolSet& pools, SessionSet&) {
      pools.reconnect(database);
      return 0;
    };
    on_all(work, [done](int) { done(done_well); });
  });
}

void Administration::warm_up(Done done) {
  if (leaves_) return done(refused("pooler is shutting down"));
  const Settings& settings = settings_.settings();
  if (gates_.is_paused(settings.upstream.dbname))
    return done(refused("database " + settings.upstream.dbname + " is paused"));
  household_.workers.front()->with([this, done](PoolSet& pools, SessionSet&) {
    pools.warm_up().ask(
        [this, done](const PgError& error) { asio::post(control_, [done, error] { done(error); }); });
  });
}

void Administration::wait_close(std::string database, Done done, Patience patience) {
  find(database, done, [=, this] {
    wait_until_none([database](PoolSet& pools, SessionSet&) { return pools.closing_count(database); },
                    [patience] { return end_of(patience); }, done);
  });
}

// Settings ------------------------------------------------------------------------------------------------

void Administration::reload(Done done) {
  process_.reloading();
  const LiveSettings::Change change = settings_.reload();
  if (!change.configuration) log::error("reload", change.error + "; the old settings stay");
  apply(change, std::move(done));
  if (change.configuration) log::info("reload", "settings, users and certificates were read again");
}

void Administration::set(std::string name, std::string value, Done done) {
  const LiveSettings::Change change = settings_.set(name, value);
  if (change.configuration) log::info("admin", "SET " + name);
  apply(change, std::move(done));
}

void Administration::apply(const LiveSettings::Change& change, Done done) {
  process_.reloaded(change);
  if (!change.configuration) {
    PgError error = refused(change.error);
    error.sqlstate = sqlstate::config_file_error;
    return done(error);
  }
  for (const auto& worker : household_.workers) worker->configure(change.configuration);
  on_all([](PoolSet&, SessionSet&) { return 0; }, [done = std::move(done)](int) { done(done_well); });
}

// The end -------------------------------------------------------------------------------------------------

void Administration::shutdown(Shutdown how, Done done) {
  if (how == Shutdown::now) {
    log::info("main", "leaving at once");
    return process_.leave();
  }
  if (leaves_) return done(refused("pooler is shutting down"));
  leaves_ = how;
  const bool tells_clients = how == Shutdown::drain || how == Shutdown::wait_for_servers;
  gates_.is_suspended = false;
  gates_.is_leaving = how != Shutdown::wait_for_clients;
  process_.leaving();
  log::info("main", tells_clients ? "draining: no new clients, running transactions may finish"
                                  : "no new clients; the end comes when the last one has left");
  if (how == Shutdown::drain || how == Shutdown::hand_over) give_up_later();
  tell_gates([this, tells_clients] {
    if (tells_clients) begin_drain();
    wait_until_empty();
  });
  done(done_well);
}

void Administration::terminate(Done done) {
  if (leaves_ != Shutdown::hand_over)
    return shutdown(leaves_ ? Shutdown::now : Shutdown::drain, std::move(done));
  begin_drain();
  done(done_well);
}

void Administration::begin_drain() {
  if (leaves_ == Shutdown::hand_over) {
    leaves_ = Shutdown::drain;
    give_up_later();
  }
  for (const auto& worker : household_.workers) worker->drain();
}

void Administration::give_up_later() {
  const Milliseconds limit = settings_.settings().shutdown_timeout;
  give_up_at_.reset();
  if (limit.count() > 0) give_up_at_ = std::chrono::steady_clock::now() + limit;
}

void Administration::wait_until_empty() {
  const auto hindrance = [this] {
    const bool is_late = give_up_at_ && std::chrono::steady_clock::now() >= *give_up_at_;
    if (!is_late) return done_well;
    if (leaves_ != Shutdown::hand_over)
      return refused("shutdown_timeout: clients are left in the middle of their transactions");
    log::info("main", "draining: clients are told to go");
    begin_drain();
    return done_well;
  };
  wait_until_none([](PoolSet&, SessionSet& sessions) { return sessions.is_empty() ? 0 : 1; }, hindrance,
                  [this](const PgError& error) {
                    if (error.message.empty()) return on_empty();
                    log::warning("main", error.message);
                    process_.leave();
                  });
}

void Administration::on_empty() {
  if (leaves_ != Shutdown::hand_over || !process_.is_needed()) return process_.leave();
  const auto timer = std::make_shared<asio::steady_timer>(control_, poll_interval);  // lives until it rings
  timer->async_wait([this, timer](const boost::system::error_code&) { on_empty(); });
}

}  // namespace ballast
