// House: pools and sessions on a fake world, with helpers that play clients and servers.
//
//   House house;                                      settings as defaults, trust, one server
//   test::FarEnd client = house.log_in();             up to ReadyForQuery; house.server() is connected then
//   client.send(frontend::query("SELECT 1")); house.run();
//   house.server().take() ...
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/error_message.hpp"
#include "protocol/startup.hpp"

#include "proxy/pool/pool_set.hpp"
#include "proxy/session/session_set.hpp"

#include "tests/support/fake_world.hpp"
#include "tests/unit/pool/backend.hpp"

namespace ballast::frontend {

using namespace std::string_literals;
using wire::message;

inline std::string query(const std::string& text) { return message('Q', text + "\0"s); }
inline std::string parse(const std::string& name, const std::string& text) {
  return message('P', name + "\0"s + text + "\0\0\0"s);
}
// One parameter, in text.
inline std::string bind(const std::string& portal, const std::string& name, const std::string& value = "5") {
  return message('B', portal + "\0"s + name + "\0\0\0\0\1"s +
                          wire::int32(static_cast<std::int64_t>(value.size())) + value + "\0\0"s);
}
inline std::string describe(char kind, const std::string& name) { return message('D', kind + name + "\0"s); }
inline std::string execute(const std::string& portal = "") { return message('E', portal + "\0\0\0\0\0"s); }
inline std::string close(char kind, const std::string& name) { return message('C', kind + name + "\0"s); }
inline const std::string sync = message('S', "");
inline const std::string flush = message('H', "");
inline const std::string terminate = message('X', "");
inline std::string copy_data(const std::string& data) { return message('d', data); }
inline const std::string copy_done = message('c', "");

}  // namespace ballast::frontend

namespace ballast::test {

using namespace std::chrono_literals;

class House {
 public:
  // BEGIN reaches the server at once, so that a test can have a server by it.
  explicit House(Settings from = {}, Switch defer_begin = Switch::off) : settings(std::move(from)) {
    settings.defer_begin = defer_begin;
    settings.server_budget = Switch::off;  // most tests' servers answer no question of the Broker's
    // Time passes here by minutes, and most tests' servers answer no probes.
    if (settings.server_check_delay == Settings{}.server_check_delay)
      settings.server_check_delay = Milliseconds{0};
    if (settings.default_pool_size == Settings{}.default_pool_size) settings.default_pool_size = 1;
    if (settings.auth_type == Settings{}.auth_type) settings.auth_type = AuthType::trust;
    settings.upstream.user = "ann";
    if (settings.upstream.sslmode == UpstreamTarget{}.sslmode) settings.upstream.sslmode = SslMode::disable;
    pools =
        std::make_unique<PoolSet>(fake.world, broker, std::make_shared<const Settings>(settings), users());
    sessions = std::make_unique<SessionSet>(fake.world, *pools, 3, clients, "mock key",
                                            [this](const CancelRequest& request, std::function<void()> done) {
                                              elsewhere.push_back(request);
                                              done();
                                            });
  }

  std::unique_ptr<UserTable> users() const {
    FakeRandom random;
    return std::make_unique<UserTable>(settings.upstream, secrets, random);
  }
  void run() { CHECK(fake.run()); }
  void pass(Duration time) {
    fake.loop.advance(time);
    pools->tick(fake.loop.now());
    sessions->tick(fake.loop.now());
    run();
  }

  // A client that has connected and said nothing yet.
  FarEnd arrive() {
    std::unique_ptr<Stream> near;
    FarEnd client = fake.stream(near);
    sessions->accept(std::move(near));
    return client;
  }
  // A client that has sent its StartupMessage.
  FarEnd knock(const std::string& parameters = {}) {
    FarEnd client = arrive();
    client.send(startup(parameters));
    run();
    return client;
  }
  static std::string startup(const std::string& parameters) {
    using namespace std::string_literals;
    return wire::startup("user\0ann\0database\0app\0"s + parameters);
  }
  // A client that is logged in and has read its welcome.
  FarEnd log_in(const std::string& parameters = {}) {
    FarEnd client = knock(parameters);
    while (fake.connector.pending() > 0) connect();
    answer_own_queries();
    welcome = client.take();
    REQUIRE(wire::types(welcome).ends_with("Z"));
    return client;
  }
  // Lets the oldest connect succeed, up to the first ReadyForQuery.
  FarEnd& connect() {
    REQUIRE(fake.connector.pending() > 0);
    servers.push_back(fake.connector.accept());
    servers.back().send(backend::welcome(100 * static_cast<std::int32_t>(servers.size())));
    run();
    const std::string received = servers.back().take();
    // Behind the StartupMessage there may be requests already.
    const std::size_t startup_size =
        static_cast<unsigned char>(received[3]) + 256U * static_cast<unsigned char>(received[2]);
    servers.back().connection().writes = {received.substr(startup_size)};
    return servers.back();
  }
  FarEnd& server() { return servers.back(); }
  // As a server that takes every parameter; it reports none of them.
  void answer_own_queries() {
    for (FarEnd& server : servers) {
      for (const auto& one : wire::messages(server.take())) {
        if (one.type == 'Q') server.send(backend::complete("SELECT 1") + backend::ready());
      }
    }
    run();
  }
  // What the server has been asked since the last look, as type bytes.
  std::string asked() { return wire::types(server().take()); }
  void reload() { pools->configure(std::make_shared<const Settings>(settings), users()); }
  Counters& counters() { return pools->counters(); }
  // Of the first pool.
  PoolStatistics& statistics() { return pools->pools().begin()->second->statistics(); }

  Settings settings;
  std::map<std::string, std::string> secrets;
  FakeWorld fake;
  Broker broker;
  std::atomic<int> clients{0};
  std::vector<CancelRequest> elsewhere;  // cancels for other workers
  std::unique_ptr<PoolSet> pools;
  std::unique_ptr<SessionSet> sessions;
  std::vector<FarEnd> servers;
  std::string welcome;  // of the last log_in()
};

// The process id and secret in a welcome.
inline CancelRequest key_in(const std::string& welcome) {
  for (const auto& one : wire::messages(welcome)) {
    if (one.type != 'K') continue;
    std::int32_t id = 0;
    for (const char byte : one.body.substr(0, 4)) id = id << 8 | static_cast<unsigned char>(byte);
    return {id, one.body.substr(4)};
  }
  return {};
}
// The statement's name in a Parse or Bind on the wire.
inline std::string statement_in(const wire::Message& message) {
  const std::size_t from = message.type == 'B' ? message.body.find('\0') + 1 : message.type == 'P' ? 0 : 1;
  return message.body.c_str() + from;
}
inline PgError error_in(const std::string& bytes) {
  for (const auto& one : wire::messages(bytes)) {
    if (one.type == 'E') return read_error(one.body);
  }
  return {};
}

}  // namespace ballast::test
