// Administration: how the running process is steered, in the words of PgBouncer's console. Signals, HTTP and
// the console all come here. Control thread; a command's outcome comes there too, at once or later, and not
// at all if the process ends before.
//
// A pause closes a database's servers as they become free, and is done when none is left: clients stay
// connected and wait, within query_wait_timeout, for RESUME. What holds a server for longer than a
// transaction (session pooling, a pin) is waited for.
//
// Who waits for PAUSE, SUSPEND or WAIT_CLOSE may lose patience. As with PgBouncer, what is cancelled is taken
// back by RESUME; who only leaves lets a pause stand, but not a SUSPEND: nobody on the console may be left to
// end it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "protocol/pg_error.hpp"

#include "proxy/app/live_settings.hpp"
#include "proxy/app/patience.hpp"
#include "proxy/app/worker.hpp"
#include "proxy/pool/gates.hpp"

namespace ballast {

enum class Shutdown {
  now,
  drain,             // no new clients; running transactions finish within shutdown_timeout; clients are told
  wait_for_servers,  // the same, for as long as they take
  wait_for_clients,  // no new clients; those that are there stay until they leave by themselves
  hand_over,         // the same for shutdown_timeout, then as drain
};

// The rest of the process, as far as commands move it.
class Process {
 public:
  virtual void hold_doors() = 0;  // new clients wait in the system's queue
  virtual void open_doors() = 0;
  virtual void leaving() = 0;  // no new clients any more
  virtual void leave() = 0;    // end
  // By clients of the process whose place this one took: their cancel requests come this way.
  virtual bool is_needed() const = 0;
  virtual void reloading() = 0;
  virtual void reloaded(const LiveSettings::Change& change) = 0;  // or not, or one setting (SET)

 protected:
  ~Process() = default;
};

class Administration {
 public:
  // No message: done.
  using Done = std::function<void(PgError)>;

  Administration(boost::asio::io_context& control, Household& household, LiveSettings& settings,
                 Process& process);

  // `database` as clients name it; empty: all.
  void pause(std::string database, Done done, Patience patience = {});
  void resume(std::string database, Done done);
  void kill(std::string database, Done done);
  void reconnect(std::string database, Done done);
  void wait_close(std::string database, Done done, Patience patience = {});
  // One database.
  void disable(std::string database, Done done);
  void enable(std::string database, Done done);

  // Also one of the console.
  void kill_client(std::uint64_t id, Done done);
  void suspend(Done done, Patience patience = {});
  void reload(Done done);
  // Connects a server of the URL's user, if there is none, which wakes the database.
  void warm_up(Done done);
  // Until the next reload.
  void set(std::string name, std::string value, Done done);
  // Done when it has begun; never for Shutdown::now.
  void shutdown(Shutdown how, Done done);
  // SIGTERM: a drain; the second time the end.
  void terminate(Done done);

  enum class State { active, paused, suspended, leaving };
  State state() const;
  // Which databases are paused and disabled.
  const Gates& gates() const { return gates_; }

 private:
  using Work = std::function<int(PoolSet&, SessionSet&)>;
  using WorkWithConsoles = std::function<int(PoolSet&, SessionSet&, ConsoleSet&)>;
  using Then = std::function<void()>;

  void on_all(Work work, std::function<void(int sum)> then);
  void on_all_with_consoles(WorkWithConsoles work, std::function<void(int sum)> then);
  void wait_until_none(Work work, std::function<PgError()> hindrance, Done done);
  void find(const std::string& database, const Done& done, Then then);
  void tell_gates(Then then);
  void wait_until_paused(const std::string& database, const Patience& patience, Done done);
  void wait_until_flushed(const Patience& patience, Done done);
  Done or_resume(std::string database, std::function<bool()> is_wanted, Done done);
  void begin_drain();
  void on_empty();
  void give_up_later();
  void wait_until_empty();
  void apply(const LiveSettings::Change& change, Done done);

  boost::asio::io_context& control_;
  Household& household_;
  LiveSettings& settings_;
  Process& process_;
  Gates gates_;
  std::optional<Shutdown> leaves_;                                   // how, once it does
  std::optional<std::chrono::steady_clock::time_point> give_up_at_;  // shutdown_timeout
};

}  // namespace ballast
