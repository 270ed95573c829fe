// SessionSet: the client sessions of one worker, and the cancel requests on their way. One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/session/cancel_forward.hpp"
#include "proxy/session/client_session.hpp"
#include "proxy/session/query_stop.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

class SessionSet final : public SessionContext {
 public:
  // Carries a CancelRequest to another worker.
  using ElsewhereCancel = std::function<void(const CancelRequest&, std::function<void()> done)>;

  // `clients` counts those of all workers against max_client_conn; `mock_key` is one for the process.
  SessionSet(World& world, PoolSet& pools, int worker, std::atomic<int>& clients, std::string mock_key,
             ElsewhereCancel cancel_elsewhere);
  ~SessionSet();

  // From now on there is a console; it takes its clients over from their logins.
  void set_console(std::function<void(ConsoleClient)> open) { open_console_ = std::move(open); }
  // Where a CancelRequest goes that nobody here knows; by default it is dropped.
  void pass_unknown_cancels(ElsewhereCancel cancel) { cancel_unknown_ = std::move(cancel); }
  void accept(std::unique_ptr<Stream> stream);
  void tick(TimePoint now);
  // After a change of PoolSet::gates().
  void obey_gates();
  // Clients that wait for a server or an answer.
  int busy_count() const;
  // From now on clients leave as soon as they are between transactions.
  void drain();
  // By an operator's order; all clients of the database, or of all if it is empty.
  void kill(std::string_view database);
  // False: there is none with that id.
  bool kill_client(std::uint64_t id);
  // A CancelRequest for a session of this worker.
  void cancel_here(const CancelRequest& request, std::function<void()> done);
  std::size_t size() const { return sessions_.size(); }
  bool is_empty() const { return sessions_.empty() && cancels_.empty() && stops_.empty(); }
  const std::vector<std::unique_ptr<ClientSession>>& sessions() const { return sessions_; }

  // SessionContext
  World& world() override { return world_; }
  PoolSet& pools() override { return pools_; }
  CancelKeys& cancel_keys() override { return cancel_keys_; }
  EffectTable& effects() override { return effects_; }
  ClientLoginPolicy login_policy() const override;
  bool admit_client() override;
  void client_left() override { clients_.fetch_sub(1); }
  bool is_draining() const override { return is_draining_; }
  void cancel(const CancelRequest& request, std::function<void()> done) override;
  void forward_cancel(ServerConnection& server, std::function<void()> done) override;
  void stop_query(ServerConnection& server) override;
  void end_client(std::uint64_t id) override;
  bool has_console() const override { return open_console_ != nullptr; }
  void open_console(ConsoleClient client) override { open_console_(std::move(client)); }
  void on_session_ended(ClientSession& session) override;

 private:
  TimePoint cancel_deadline() const;
  void tick_stop(std::size_t at, TimePoint now);

  World& world_;
  PoolSet& pools_;
  CancelKeys cancel_keys_;
  EffectTable effects_{4 * 1024 * 1024};  // bytes of long texts that come again
  std::atomic<int>& clients_;
  std::string mock_key_;
  ElsewhereCancel cancel_elsewhere_;
  std::function<void(ConsoleClient)> open_console_;
  ElsewhereCancel cancel_unknown_;
  std::vector<std::unique_ptr<ClientSession>> sessions_;
  std::vector<std::unique_ptr<CancelForward>> cancels_;
  std::vector<std::unique_ptr<QueryStop>> stops_;
  bool is_draining_ = false;
};

}  // namespace ballast
