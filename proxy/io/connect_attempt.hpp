// ConnectAttempt: one outgoing connection in the making. It goes through its candidates in order; at each:
// TCP, then, where TLS is wanted, the SSLRequest and the handshake. The first that comes through is the
// result.
//
// Confined to its reactor's thread. It starts in the next turn, so that its callback never comes from inside
// connect().
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/upstream_target.hpp"
#include "proxy/io/reactor.hpp"
#include "proxy/io/resolver.hpp"
#include "proxy/io/socket.hpp"
#include "proxy/io/tls_channel.hpp"
#include "proxy/io/world.hpp"

namespace ballast {

class UpstreamTls;

enum class TlsUse { never, if_possible, always };

struct ConnectCandidate {
  UpstreamHost host;
  TlsUse tls_use = TlsUse::always;
  std::optional<SocketAddress>
      address;  // unknown: the host is looked up, and its addresses take this one's place
};

struct ConnectPlan {
  UpstreamTarget target;
  std::deque<ConnectCandidate> candidates;
  TimePoint deadline;
};

class ConnectAttempt final : public Connecting, private EventHandler, private AlarmHandler {
 public:
  ConnectAttempt(Reactor& reactor, Resolver& resolver, UpstreamTls& tls, ConnectPlan plan,
                 Connector::Done done);
  ~ConnectAttempt() override;
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;

 private:
  enum class Stage { not_started, looking_up, connecting, asking_for_tls, shaking_hands };
  enum class Progress {
    waiting,    // for the socket or the resolver
    next,       // this candidate is done with
    connected,  // the result
  };

  void on_events(std::uint32_t events) override;
  void on_alarm() override;
  void on_answer(const Resolver::Answer& answer);

  // What each step has come to ends here. May destroy this: nothing may follow it.
  void proceed(Progress progress);
  Progress try_next();
  Progress look_up();
  Progress use_addresses(const std::vector<SocketAddress>& addresses);
  Progress connect();
  Progress on_connected();
  Progress ask_for_tls();
  Progress read_tls_answer();
  Progress begin_tls();
  Progress shake_hands();

  Progress fail(std::string_view cause);
  // Where the target can do without TLS, the same address is tried once more, without.
  Progress fail_tls(std::string_view cause);
  void finish(std::unique_ptr<Stream> stream);
  std::unique_ptr<Stream> make_stream();
  void note_figures();

  TimePoint deadline_of_candidate() const;
  std::string candidate_text() const;
  void watch(std::uint32_t events);
  void close_socket();

  Reactor& reactor_;
  Resolver& resolver_;
  UpstreamTls& tls_;
  ConnectPlan plan_;
  Connector::Done done_;
  Alarm alarm_;
  Stage stage_ = Stage::not_started;
  ConnectCandidate current_;
  std::unique_ptr<Resolver::Question> question_;
  FileDescriptor socket_;
  std::uint32_t watched_events_ = 0;  // 0: the socket is not registered
  std::unique_ptr<TlsChannel> channel_;
  ConnectFigures figures_;
  TimePoint began_at_;
  TimePoint tcp_connected_at_;  // at the present candidate
  std::string failures_;        // of all candidates so far, as text
};

}  // namespace ballast
