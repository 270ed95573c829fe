// House: the pools of one worker in a fake world, and clients that queue for their servers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "proxy/pool/pool_set.hpp"

#include "tests/support/fake_world.hpp"
#include "tests/unit/pool/backend.hpp"

namespace ballast {

inline const PoolKey app_ann{"app", "ann"};
inline const PoolKey app_bob{"app", "bob"};
inline const PoolKey shop_ann{"shop", "ann"};

// Waits for a server, and has it.
class Client final : public Waiter, public Lessee {
 public:
  ServerConnection* server = nullptr;
  PgError refused;
  int grants = 0;
  int refusals = 0;
  std::string request;  // what it asks of each server as soon as it has it
  bool rides = false;   // may that go to a server whose login is not over?

  void ask(Pool& pool) {
    if (ServerConnection* const idle = pool.checkout(*this)) on_granted(*idle);
  }
  void give_back(Pool& pool) { pool.checkin(*std::exchange(server, nullptr)); }
  bool has_server() const { return server != nullptr; }
  // It has left something on its server that only a claim keeps.
  void claim(std::uint64_t as) {
    claimant_ = as;
    server->claim(as);
  }
  void want_fresh() { wants_fresh_ = true; }

  void on_granted(ServerConnection& granted) override {
    ++grants;
    server = &granted;
    granted.lease_to(*this);
    if (request.empty()) return;
    granted.expect({.kind = RequestKind::query});
    granted.send(request);
    granted.flush();
  }
  bool may_ride() const override { return rides; }
  void on_refused(const PgError& why) override {
    ++refusals;
    refused = why;
  }
  void on_answer(std::string_view) override {}
  std::string statement_name(const Request&) const override { return {}; }
  void on_error(std::string_view, std::string_view) override {}
  void on_parameters_changed() override {}
  void on_parameters_refused(const PgError&) override {}
  void on_transaction_end() override {}
  void on_audited() override {}
  Heard on_notification(std::string_view) override { return Heard::go_on; }
  void on_listened() override {}
  void on_schema_changed() override {}
  void on_request_answered(const Request&) override {}
  void on_request_discarded(const Request&) override {}
  void on_statements_dropped() override {}
  void on_answers_end() override {}
  bool congested() const override { return false; }
  void on_server_drained() override {}
  void on_server_lost(const PgError&) override { server = nullptr; }
};

struct House {
  // Most tests' servers answer no question of the Broker's.
  explicit House(const Settings& from = {}, Switch budget = Switch::off) : settings(from) {
    settings.scale_to_zero = ScaleToZero::on;
    settings.server_budget = budget;
    settings.upstream.user = "ann";
    settings.upstream.password = "pencil";
    if (settings.upstream.sslmode == UpstreamTarget{}.sslmode) settings.upstream.sslmode = SslMode::disable;
    pools =
        std::make_unique<PoolSet>(fake.world, broker, std::make_shared<const Settings>(settings), users());
    wake();
  }
  // Somebody else is connected: pools need not find out whether the server is there (Upstream).
  void wake() {
    const auto attempt = broker.upstream().begin_connecting(fake.loop.now(), 1);
    REQUIRE(attempt);
    broker.upstream().connected(*attempt);
  }
  std::unique_ptr<UserTable> users() {
    return std::make_unique<UserTable>(settings.upstream,
                                       std::map<std::string, std::string>{{"bob", "secret"}}, fake.random);
  }
  Pool& pool(const PoolKey& key = app_ann) { return pools->pool(key); }
  // Lets the oldest connect succeed, up to the first ReadyForQuery.
  test::FarEnd connect() {
    REQUIRE(fake.connector.pending() > 0);
    test::FarEnd far = fake.connector.accept();
    far.send(backend::welcome());
    fake.run();
    far.take();
    return far;
  }
  void refuse_login(const std::string& code, const std::string& text) {
    fake.connector.accept().send(backend::error(code, text, "FATAL"));
    fake.run();
  }
  void pass(Duration time) {
    fake.loop.advance(time);
    pools->tick(fake.loop.now());
    fake.run();
  }
  std::size_t connecting() const { return fake.connector.pending(); }
  Counters& counters() { return pools->counters(); }

  Settings settings;
  test::FakeWorld fake;
  Broker broker;
  std::unique_ptr<PoolSet> pools;
};

inline Settings with_size(int size) {
  Settings settings;
  settings.default_pool_size = size;
  return settings;
}

}  // namespace ballast
