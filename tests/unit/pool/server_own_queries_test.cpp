#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/error_message.hpp"

#include "proxy/pool/server_connection.hpp"

#include "tests/support/fake_world.hpp"
#include "tests/unit/pool/backend.hpp"
#include "tests/unit/pool/owner.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;

std::string query(const std::string& text) { return wire::message('Q', text + "\0"s); }

// Writes down what it is told, and lets go of its server when it is told to.
class Holder final : public Lessee {
 public:
  std::string answers;
  std::string events;  // p parameters changed, r refused, t transaction end, a audited, l lost
  PgError why;
  bool is_congested = false;
  std::function<void()> at_end;

  void on_answer(std::string_view bytes) override { answers += bytes; }
  std::string statement_name(const Request&) const override { return {}; }
  void on_error(std::string_view text, std::string_view) override { answers += text; }
  void on_parameters_changed() override { events += 'p'; }
  void on_transaction_end() override { events += 't'; }
  void on_audited() override { events += 'a'; }
  Heard on_notification(std::string_view) override { return Heard::go_on; }
  void on_listened() override {}
  void on_parameters_refused(const PgError& error) override {
    events += 'r';
    why = error;
  }
  void on_request_answered(const Request&) override {}
  void on_request_discarded(const Request&) override {}
  void on_schema_changed() override {}
  void on_statements_dropped() override {}
  void on_answers_end() override {
    if (at_end) at_end();
  }
  bool congested() const override { return is_congested; }
  void on_server_drained() override {}
  void on_server_lost(const PgError& error) override {
    events += 'l';
    why = error;
  }
};

struct Setup {
  test::FakeWorld world;
  Owner owner;
  Holder client;
  test::FarEnd far;
  std::unique_ptr<ServerConnection> server;

  Setup() {
    owner.bare->reported = {{"TimeZone", "UTC"}, {"client_encoding", "UTF8"}, {"application_name", ""}};
    ServerConnection::Birth birth;
    far = world.stream(birth.stream);
    birth.reported = owner.bare->reported;
    birth.parameters = owner.bare;
    server = std::make_unique<ServerConnection>(std::move(birth), world.loop, owner);
    server->lease_to(client);
  }
  void hear(std::string_view bytes) {
    far.send(bytes);
    CHECK(world.run());
  }
  std::string asked() {
    server->flush();
    return far.take();
  }
  // A request of the client's that may leave something behind, and its whole answer.
  void client_runs(ResidueSet residue, const std::string& told = {}) {
    server->suspect(residue);
    server->expect({.kind = RequestKind::query});
    hear(backend::complete("SET") + told + backend::ready());
  }
  void be_in(ReportedParameters values, const std::string& told = {}) {
    server->take_parameters(owner.sets.intern(std::move(values)));
    for (std::size_t left = wire::messages(asked()).size(); left > 0; --left)
      hear(backend::complete("SELECT 1") + (left == 1 ? told : "") + backend::ready());
  }
};

const std::string two_findings =
    backend::audit({{"s", "TimeZone", "Asia/Tokyo"}, {"i", "role", "none"}, {"t", "", ""}});

}  // namespace

// Audits ----------------------------------------------------------------------------------------------------

TEST_CASE(
    "what an audit finds is the server's state, however its answer is cut, and none of it the client's") {
  wire::at_every_cut(two_findings.size(), [](std::size_t offset, std::size_t piece) {
    Setup setup;
    setup.client_runs(Residue::settings | Residue::temp_objects);
    setup.client.answers.clear();
    setup.server->audit();
    CHECK(setup.asked() == query(audit_query(Residue::settings | Residue::temp_objects, {})));
    setup.hear(std::string_view(two_findings).substr(0, offset));
    for (std::size_t at = offset; at < two_findings.size(); at += piece)
      setup.hear(std::string_view(two_findings).substr(at, piece));
    CHECK(setup.client.events == "ta");
    CHECK(setup.client.answers.empty());
    CHECK(setup.server->parameters() == setup.owner.sets.intern({{"timezone", "Asia/Tokyo"}}));
    CHECK(setup.server->residue().pins() == Residue::temp_objects);
    CHECK_FALSE(setup.server->is_busy_with_own());
  });
}

TEST_CASE("an audit that did not ask for settings leaves them as they were") {
  Setup setup;
  setup.be_in({{"work_mem", "64"}});
  setup.client_runs(Residue::advisory_locks);
  setup.server->audit();
  setup.hear(backend::audit({{"l", "", ""}}));
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"work_mem", "64"}}));
  CHECK(setup.server->residue().pins() == Residue::advisory_locks);
}

TEST_CASE("an audit that fails says nothing: what it asked for is unknown, the rest as it was") {
  Setup setup;
  setup.be_in({{"work_mem", "64"}});
  setup.client_runs(Residue::settings);
  setup.server->audit();
  setup.hear(wire::message('T', "\0\0"s) +
             backend::error("57014", "canceling statement due to statement timeout") + backend::ready());
  CHECK(setup.client.events == "ta");
  CHECK(setup.client.answers == backend::complete("SET") + backend::ready());
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"work_mem", "64"}}));
  CHECK(setup.server->residue().unknown() == Residue::settings);
  CHECK_FALSE(setup.server->broken());
  setup.client_runs({});
  setup.server->audit();
  setup.hear(backend::audit({}));
  CHECK(setup.server->residue().is_clean());
  CHECK(setup.server->parameters() == setup.owner.bare);
}

TEST_CASE("an audit of anything asks for the settings of functions once, and again by the new names") {
  Setup setup;
  setup.owner.wants_names = true;
  setup.client_runs(Residue::settings);
  setup.server->audit();
  CHECK(setup.asked().find(setting_names_query) == std::string::npos);
  setup.hear(backend::audit({}));
  setup.client_runs(Residue::anything);
  setup.server->audit();
  CHECK(setup.asked().find(setting_names_query) != std::string::npos);
  setup.hear(backend::audit({{"c", "app.user", ""}}));
  CHECK(setup.owner.custom == CustomSettings{"app.user"});
  CHECK(setup.server->residue().needs_audit());
  setup.server->audit();
  CHECK(setup.asked() == query(audit_query(Residue::settings, {"app.user"})));
  setup.hear(backend::audit({{"s", "app.user", "anne"}}));
  CHECK(setup.server->residue().is_clean());
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"app.user", "anne"}}));
}

TEST_CASE("where functions set what can't be asked for, whoever may have called one keeps the server") {
  Setup setup;
  setup.owner.has_nameless = true;
  setup.client_runs(Residue::settings);
  setup.server->audit();
  setup.hear(backend::audit({}));
  CHECK(setup.server->residue().is_clean());
  setup.client_runs(Residue::anything);
  setup.server->audit();
  setup.hear(backend::audit({}));
  CHECK(setup.server->residue().pins() == Residue::unseen);
}

TEST_CASE("a setting that is too long to be told is unknown, until an audit finds it shorter") {
  Setup setup;
  setup.client_runs(Residue::settings);
  setup.server->audit();
  const std::string too_long = "\0\3"s + wire::int32(1) + "s" + wire::int32(5) + "app.x" + wire::int32(-1);
  setup.hear(wire::message('T', "\0\0"s) + wire::message('D', too_long) + backend::complete("SELECT 1") +
             backend::ready());
  CHECK_FALSE(setup.server->broken());
  CHECK(setup.server->residue().unknown() == Residue::settings);
  setup.client_runs({});
  setup.server->audit();
  setup.hear(backend::audit({{"s", "app.x", "short"}}));
  CHECK(setup.server->residue().is_clean());
}

TEST_CASE("a name is lent for one query: what comes of the Parse is nobody's but ours") {
  for (const std::string& parsed :
       {wire::message('1', ""), backend::error("25P02", "current transaction is aborted")}) {
    Setup setup;
    setup.server->lend_name("mine", "SELECT 1\0\0\0"s);
    setup.server->expect({.kind = RequestKind::query});
    setup.server->take_name_back("mine");
    CHECK(wire::types(setup.asked()) == "PSCS");
    CHECK(setup.server->is_busy_with_own());
    setup.hear(parsed + backend::ready() + backend::complete("EXECUTE") + backend::ready());
    CHECK(setup.client.answers == backend::complete("EXECUTE") + backend::ready());
    CHECK(setup.server->is_busy_with_own_only());
    setup.hear(wire::message('3', "") + backend::ready());
    CHECK_FALSE(setup.server->is_busy_with_own());
    CHECK(setup.client.answers == backend::complete("EXECUTE") + backend::ready());
    CHECK_FALSE(setup.server->broken());
  }
}

TEST_CASE("what may have changed what servers are born with is told at the end of its transaction") {
  for (const std::string tag : {"ALTER ROLE", "ALTER DATABASE"}) {
    Setup setup;
    setup.server->expect({.kind = RequestKind::query});
    setup.hear(backend::complete(tag) + backend::ready('T'));
    CHECK(setup.owner.events == "c");
    setup.server->expect({.kind = RequestKind::query});
    setup.hear(backend::complete("COMMIT") + backend::ready());
    CHECK(setup.owner.events == "cd");
    setup.server->expect({.kind = RequestKind::query});
    setup.hear(backend::complete("ALTER TABLE") + backend::ready());
    CHECK(setup.owner.events == "cdc");
  }
}

TEST_CASE("an answer that is none of an audit's ends the server and its client") {
  Setup setup;
  setup.client_runs(Residue::settings);
  setup.server->audit();
  setup.hear(backend::row_description + backend::row("what?"));
  CHECK(setup.client.events == "tl");
  CHECK(setup.owner.events == "b");
  CHECK(setup.owner.broken.message == "the answer of an audit is malformed");
}

TEST_CASE("a server that is lost in an audit takes its client with it: what that had there is gone") {
  Setup setup;
  setup.client_runs(Residue::settings);
  setup.server->audit();
  setup.far.close();
  setup.hear(wire::message('T', "\0\0"s));
  CHECK(setup.client.events == "tl");
  CHECK(setup.owner.events == "b");
}

TEST_CASE("an audit whose client has left settles the server, failed or not") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    Setup setup;
    setup.client_runs(Residue::settings);
    setup.server->audit();
    CHECK(setup.server->is_busy_with_own_only());
    setup.server->unlease();
    setup.hear(fails ? backend::error("57014", "canceled") + backend::ready() : two_findings);
    CHECK(setup.owner.events == "s");
    CHECK(setup.owner.settled.message.empty());
    CHECK(setup.client.events == "t");
    CHECK_FALSE(setup.server->residue().is_clean());
  }
}

TEST_CASE("a request behind an audit is the client's, and is asked about by the next") {
  Setup setup;
  setup.client_runs(Residue::settings);
  setup.client.answers.clear();
  setup.server->audit();
  setup.server->suspect(Residue::prepared);
  setup.server->expect({.kind = RequestKind::query});
  CHECK_FALSE(setup.server->is_busy_with_own_only());
  setup.hear(backend::audit({}) + backend::selected("1"));
  CHECK(setup.client.answers == backend::selected("1"));
  CHECK(setup.client.events == "tat");
  CHECK(setup.server->residue().needs_audit());
}

TEST_CASE(
    "values are asked for in the encoding in which the server was born, and the client's is as reported") {
  Setup setup;
  setup.client_runs(Residue::settings, backend::parameter("client_encoding", "LATIN1"));
  setup.far.take();
  setup.server->audit();
  CHECK(setup.asked() == query("SET LOCAL client_encoding TO 'UTF8';" + audit_query(Residue::settings, {})));
  // SET LOCAL shows as the session's doing, and its value is ours.
  setup.hear(backend::complete("SET") + backend::audit({{"s", "client_encoding", "UTF8"}}));
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"client_encoding", "LATIN1"}}));
}

TEST_CASE("custom settings are asked for by the names that the owner knows") {
  Setup setup;
  setup.owner.custom = {"app.user"};
  setup.client_runs(Residue::settings);
  setup.far.take();
  setup.server->audit();
  CHECK(setup.asked() == query(audit_query(Residue::settings, {"app.user"})));
}

TEST_CASE("a client that does not read keeps no audit from its answer") {
  Setup setup;
  setup.client.is_congested = true;
  setup.client.at_end = [&setup] {
    if (setup.server->residue().needs_audit()) setup.server->audit();
  };
  setup.client_runs(Residue::temp_objects);
  CHECK(setup.far.is_being_read());
  setup.hear(backend::audit({}));
  CHECK(setup.client.events == "ta");
}

// States ----------------------------------------------------------------------------------------------------

TEST_CASE("a state is reported as it is when all of its settings are made, not before") {
  Setup setup;
  setup.be_in({{"client_encoding", "LATIN1"}}, backend::parameter("client_encoding", "LATIN1"));
  const ParameterSetRef tokyo = setup.owner.sets.intern({{"timezone", "Asia/Tokyo"}});
  setup.server->take_parameters(tokyo);
  setup.hear(backend::complete("RESET") + backend::parameter("client_encoding", "UTF8") + backend::ready());
  CHECK_FALSE(tokyo->proven());
  setup.hear(backend::complete("SELECT 1") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready());
  CHECK(tokyo->reported.at("TimeZone") == "Asia/Tokyo");
  CHECK(tokyo->reported.at("client_encoding") == "UTF8");
}

TEST_CASE("a state that is refused leaves the server as it is, which is without the encoding it had") {
  Setup setup;
  setup.be_in({{"client_encoding", "LATIN1"}, {"work_mem", "64"}},
              backend::parameter("client_encoding", "LATIN1"));
  setup.server->take_parameters(setup.owner.sets.intern({{"role", "gone"}, {"work_mem", "64"}}));
  CHECK(wire::messages(setup.asked()).size() == 2);
  setup.hear(backend::complete("RESET") + backend::parameter("client_encoding", "UTF8") + backend::ready() +
             backend::error("22023", "role \"gone\" does not exist") + backend::ready());
  CHECK(setup.client.events == "r");
  CHECK(setup.client.why.message == "role \"gone\" does not exist");
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"work_mem", "64"}}));
}

TEST_CASE("a state that is refused with requests behind it ends the server: they ran in the wrong one") {
  Setup setup;
  setup.server->take_parameters(setup.owner.sets.intern({{"role", "gone"}}));
  setup.server->expect({.kind = RequestKind::query});
  setup.hear(backend::error("22023", "role \"gone\" does not exist") + backend::ready());
  CHECK(setup.client.events == "l");
  CHECK(setup.client.why.sqlstate == "22023");
}

TEST_CASE("startup values that a RESET took are set again behind it, and their report is the client's") {
  Setup setup;
  setup.be_in({{"timezone", "Asia/Tokyo"}}, backend::parameter("TimeZone", "Asia/Tokyo"));
  setup.server->suspect(Residue::settings);
  setup.server->expect({.kind = RequestKind::query});
  setup.server->restore({{"timezone", "Asia/Tokyo"}});
  CHECK(setup.asked() == query("SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);"));
  const std::string reset =
      backend::complete("RESET") + backend::parameter("TimeZone", "UTC") + backend::ready();
  const std::string again = backend::parameter("TimeZone", "Asia/Tokyo");
  setup.hear(reset + backend::complete("SELECT 1") + again + backend::ready());
  CHECK(setup.client.answers == reset + again);
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"timezone", "Asia/Tokyo"}}));
}

TEST_CASE("startup values that can't be set again in a failed transaction are no error of the client's") {
  Setup setup;
  setup.server->expect({.kind = RequestKind::query});
  setup.server->restore({{"timezone", "Asia/Tokyo"}});
  const std::string failed = backend::error("25P02", "current transaction is aborted") + backend::ready('E');
  setup.hear(failed + failed);
  CHECK(setup.client.answers == failed);
  CHECK_FALSE(setup.server->is_busy_with_own());
}

TEST_CASE("a query of ours that the server throws away behind the client's error is none that is under way") {
  Setup setup;
  SUBCASE("when it is sent") {
    setup.server->expect({.kind = RequestKind::parse});
    setup.hear(backend::error("42601", "syntax error"));
    setup.server->expect({.kind = RequestKind::query});
    setup.server->restore({{"timezone", "Asia/Tokyo"}});
  }
  SUBCASE("when the error comes") {
    setup.server->expect({.kind = RequestKind::parse});
    setup.server->expect({.kind = RequestKind::query});
    setup.server->restore({{"timezone", "Asia/Tokyo"}});
    setup.hear(backend::error("42601", "syntax error"));
  }
  CHECK_FALSE(setup.server->is_busy_with_own());
  setup.server->expect({.kind = RequestKind::sync});
  CHECK_FALSE(setup.server->is_busy_with_own_only());
  setup.hear(backend::ready());
  CHECK(setup.server->pipeline().at_rest());
}

TEST_CASE("a reset takes the server back to its birth, whatever was there") {
  Setup setup;
  setup.client_runs(Residue::anything, backend::parameter("TimeZone", "Asia/Tokyo"));
  setup.server->unlease();
  setup.server->reset("DISCARD ALL", setup.owner.bare);
  CHECK(setup.server->parameters() == setup.owner.bare);
  CHECK(setup.server->residue().is_clean());
  CHECK_FALSE(setup.server->is_used());
  setup.hear(backend::complete("DISCARD ALL") + backend::parameter("TimeZone", "UTC") + backend::ready());
  CHECK(setup.owner.events == "s");
  CHECK(setup.server->parameters() == setup.owner.bare);
  CHECK(setup.server->reported().at("TimeZone") == "UTC");
}

TEST_CASE("a rollback takes the settings of its transaction with it") {
  Setup setup;
  setup.server->expect({.kind = RequestKind::query});
  setup.hear(backend::complete("SET") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready('T'));
  CHECK(setup.server->parameters() == setup.owner.sets.intern({{"timezone", "Asia/Tokyo"}}));
  setup.server->unlease();
  setup.server->roll_back();
  setup.hear(backend::complete("ROLLBACK") + backend::parameter("TimeZone", "UTC") + backend::ready());
  CHECK(setup.server->parameters() == setup.owner.bare);
  CHECK(setup.owner.events == "s");
}

TEST_CASE("the question for limits goes in front of the lessee's first request, who hears nothing of it") {
  Setup setup;
  setup.server->unlease();
  setup.owner.wants_limits = true;
  setup.server->lease_to(setup.client);
  CHECK(setup.asked() == query(std::string(limits_query)));
  CHECK(setup.server->is_busy_with_own_only());
  setup.server->expect({.kind = RequestKind::query});
  const std::string row =
      wire::message('D', "\0\3"s + wire::int32(3) + "104" + wire::int32(1) + "7" + wire::int32(-1));
  setup.hear(backend::row_description + row + backend::complete("SELECT 1") + backend::ready() +
             backend::selected("1"));
  CHECK(setup.owner.limits == ServerLimits{104, 7});
  CHECK(setup.client.answers == backend::selected("1"));
  CHECK(setup.server->pipeline().at_rest());
}

}  // namespace ballast
