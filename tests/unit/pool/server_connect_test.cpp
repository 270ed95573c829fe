#include "proxy/pool/server_connect.hpp"

#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/fake_world.hpp"
#include "tests/unit/pool/backend.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;

struct Setup {
  test::FakeWorld world;
  UpstreamTarget target;
  ScramKeyCache cache;
  std::unique_ptr<ServerConnect> connect;
  std::optional<ServerConnect::Outcome> outcome;
  int calls = 0;

  void begin(SslMode mode = SslMode::disable) {
    target.sslmode = mode;
    ServerLoginRequest login;
    login.user = "ann";
    login.password = "pencil";
    login.parameters = {{"user", "ann"}, {"database", "app"}};
    connect = std::make_unique<ServerConnect>(world.world, target, login, &cache,
                                              world.loop.now() + std::chrono::seconds(5),
                                              [this](ServerConnect::Outcome result) {
                                                ++calls;
                                                outcome = std::move(result);
                                              });
  }
  bool failed_with(const std::string& text) const {
    return calls == 1 && !outcome->stream && outcome->error.message.find(text) != std::string::npos;
  }
};

const std::string too_late = backend::error("57P03", "the database system is starting up", "FATAL");

}  // namespace

TEST_CASE("a connect and a login give a stream and what the server said, at every cut") {
  const std::string answers = backend::welcome();
  wire::at_every_cut(answers.size(), [&](std::size_t offset, std::size_t piece) {
    Setup setup;
    setup.begin();
    CHECK(setup.calls == 0);  // never from inside the constructor
    test::FarEnd server = setup.world.connector.accept();
    setup.world.run();
    CHECK(server.take() == wire::startup("user\0ann\0database\0app\0"s));
    server.send(answers.substr(0, offset));
    setup.world.run();
    for (std::size_t at = offset; at < answers.size(); at += piece) {
      server.send(answers.substr(at, piece));
      setup.world.run();
    }
    REQUIRE(setup.calls == 1);
    REQUIRE(setup.outcome->stream);
    CHECK(setup.outcome->reported.size() == 4);
    CHECK(setup.outcome->process_id == 100);
    CHECK(setup.outcome->cancel_secret == wire::int32(101));
    CHECK_FALSE(setup.outcome->refused_by_server);
  });
}

TEST_CASE("the connector gets the deadline, and its failure is told in its words [5.6-102]") {
  Setup setup;
  setup.begin();
  CHECK(setup.world.connector.oldest().deadline == setup.world.loop.now() + std::chrono::seconds(5));
  setup.world.connector.refuse("connect to [::1]:5432: Connection refused");
  CHECK(setup.failed_with("Connection refused"));
  CHECK(setup.outcome->error.sqlstate == "08001");
  CHECK_FALSE(setup.outcome->refused_by_server);
}

TEST_CASE("a server that asks for another authentication than the last time is connected once more") {
  Setup setup;
  setup.cache.mechanism = scram_mechanism;
  setup.begin();
  test::FarEnd first = setup.world.connector.accept();
  setup.world.run();
  CHECK(first.take().find("SCRAM-SHA-256") != std::string::npos);
  first.send(backend::welcome());  // it trusts us now
  setup.world.run();
  CHECK(setup.calls == 0);
  test::FarEnd second = setup.world.connector.accept();
  setup.world.run();
  CHECK(second.take() == wire::startup("user\0ann\0database\0app\0"s));
  second.send(backend::welcome());
  setup.world.run();
  REQUIRE(setup.calls == 1);
  CHECK(setup.outcome->stream);
}

TEST_CASE("a login that has failed has no use for its key cache any more") {
  test::FakeWorld world;
  UpstreamTarget target;
  target.sslmode = SslMode::disable;
  auto cache = std::make_unique<ScramKeyCache>();
  cache->mechanism = scram_mechanism;
  std::string known = "not told";
  ServerLoginRequest login;
  login.password = "pencil";
  ServerConnect connect(world.world, target, login, cache.get(), world.loop.now() + std::chrono::seconds(5),
                        [&](const ServerConnect::Outcome&) {
                          known = cache->mechanism;
                          cache.reset();
                        });
  world.connector.accept().close();
  world.run();
  CHECK(known.empty());
}

TEST_CASE("a server that refuses the login says so itself") {
  Setup setup;
  setup.begin();
  test::FarEnd server = setup.world.connector.accept();
  server.send(backend::error("28P01", "password authentication failed for user \"ann\"", "FATAL"));
  setup.world.run();
  CHECK(setup.failed_with("password authentication failed"));
  CHECK(setup.outcome->error.sqlstate == "28P01");
  CHECK(setup.outcome->refused_by_server);
}

TEST_CASE("a server that closes or breaks during login has refused nothing") {
  Setup closed;
  closed.begin();
  test::FarEnd server = closed.world.connector.accept();
  server.send(backend::welcome().substr(0, 20));
  server.close();
  closed.world.run();
  CHECK(closed.failed_with("closed the connection during login"));
  CHECK_FALSE(closed.outcome->refused_by_server);

  Setup broken;
  broken.begin();
  broken.world.connector.accept().fail("Connection reset by peer");
  broken.world.run();
  CHECK(broken.failed_with("Connection reset by peer"));
}

TEST_CASE("a deadline that passes says in which setting it is, before and after the connect [5.6-102]") {
  Setup connecting;
  connecting.begin();
  connecting.connect->time_out();
  CHECK(connecting.failed_with("server connection timed out (server_connect_timeout)"));
  CHECK(connecting.world.connector.pending() == 0);  // given up

  Setup silent;  // accepts and says nothing [5.6-104]
  silent.begin();
  test::FarEnd server = silent.world.connector.accept();
  silent.world.run();
  silent.connect->time_out();
  CHECK(silent.failed_with("server login timed out (server_connect_timeout)"));
}

TEST_CASE("giving up ends the attempt without a call") {
  Setup setup;
  setup.begin();
  setup.connect.reset();
  CHECK(setup.world.connector.pending() == 0);
  setup.begin();
  test::FarEnd server = setup.world.connector.accept();
  setup.connect.reset();
  CHECK(server.is_gone());
  CHECK(setup.calls == 0);
}

TEST_CASE("sslmode allow tries again with TLS when the server refuses without") {
  Setup setup;
  setup.begin(SslMode::allow);
  test::FarEnd plain = setup.world.connector.accept();
  setup.world.run();
  plain.take();
  plain.send(backend::error("28000", "no pg_hba.conf entry for host, no encryption", "FATAL"));
  setup.world.run();
  CHECK(plain.is_gone());
  CHECK(setup.calls == 0);
  REQUIRE(setup.world.connector.pending() == 1);
  CHECK(setup.world.connector.oldest().target.sslmode == SslMode::require);
  test::FarEnd secure = setup.world.connector.accept();
  setup.world.run();
  CHECK(secure.take() == wire::startup("user\0ann\0database\0app\0"s));
  secure.send(backend::welcome());
  setup.world.run();
  REQUIRE(setup.calls == 1);
  CHECK(setup.outcome->stream);
}

TEST_CASE("sslmode allow does not try a third time") {
  Setup setup;
  setup.begin(SslMode::allow);
  for (int tries = 0; tries < 2; ++tries) {
    setup.world.connector.accept().send(backend::error("28P01", "no", "FATAL"));
    setup.world.run();
  }
  CHECK(setup.world.connector.pending() == 0);
  CHECK(setup.failed_with("no"));
  CHECK(setup.outcome->refused_by_server);
}

TEST_CASE("when the second try of sslmode allow does not even connect, that is no refusal of the server's") {
  Setup setup;
  setup.begin(SslMode::allow);
  setup.world.connector.accept().send(backend::error("28000", "no encryption", "FATAL"));
  setup.world.run();
  setup.world.connector.refuse("TLS handshake failed");
  CHECK(setup.failed_with("TLS handshake failed"));
  CHECK_FALSE(setup.outcome->refused_by_server);
}

TEST_CASE("other modes do not try again") {
  for (const SslMode mode : {SslMode::disable, SslMode::prefer, SslMode::require}) {
    Setup setup;
    setup.begin(mode);
    setup.world.connector.accept().send(too_late);
    setup.world.run();
    CHECK(setup.failed_with("starting up"));
    CHECK(setup.world.connector.pending() == 0);
  }
}

TEST_CASE("a startup packet that the stream takes bit by bit still arrives whole") {
  Setup setup;
  setup.begin();
  setup.world.connector.room = 0;
  test::FarEnd server = setup.world.connector.accept();
  setup.world.run();
  std::string got;
  const std::string packet = wire::startup("user\0ann\0database\0app\0"s);
  for (std::size_t i = 0; i < packet.size(); ++i) {
    CHECK(got == packet.substr(0, i));
    server.limit_room(1);
    setup.world.run();
    got += server.take();
  }
  CHECK(got == packet);
}

}  // namespace ballast
