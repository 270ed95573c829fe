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

class House final : public ServerOwner {
 public:
  test::FakeWorld world;
  ParameterSets sets;
  ParameterSetRef bare = sets.intern({});
  CustomSettings custom;
  bool wants_names = false;
  bool has_nameless = false;
  bool wants_limits = false;
  ServerLimits limits;
  std::string user = "ann";
  std::string events;  // s settled, b broken
  PgError error;
  Holder client;
  test::FarEnd far;
  std::unique_ptr<ServerConnection> server;

  House() {
    bare->reported = {{"TimeZone", "UTC"}, {"client_encoding", "UTF8"}, {"application_name", ""}};
    ServerConnection::Birth birth;
    far = world.stream(birth.stream);
    birth.reported = bare->reported;
    birth.parameters = bare;
    server = std::make_unique<ServerConnection>(std::move(birth), world.loop, *this);
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
    server->take_parameters(sets.intern(std::move(values)));
    for (std::size_t left = wire::messages(asked()).size(); left > 0; --left)
      hear(backend::complete("SELECT 1") + (left == 1 ? told : "") + backend::ready());
  }

  void on_logged_in(ServerConnection&, const ReportedParameters&) override {}
  void on_login_failed(ServerConnection&, const PgError&, bool) override {}
  void on_settled(ServerConnection&, const PgError& how) override {
    events += 's';
    error = how;
  }
  void on_server_broken(ServerConnection&, const PgError& how) override {
    events += 'b';
    error = how;
  }
  void on_schema_changed() override {}
  void on_defaults_changed() override { events += 'd'; }
  void on_unheld(ServerConnection&) override {}
  ParameterSets& parameter_sets() override { return sets; }
  const ReportedParameters& bare_parameters() const override { return bare->reported; }
  const CustomSettings& custom_settings() const override { return custom; }
  bool wants_setting_names() const override { return wants_names; }
  bool learn_setting_names(const CustomSettings& names) override {
    wants_names = false;
    const std::size_t known = custom.size();
    custom.insert(names.begin(), names.end());
    return custom.size() > known;
  }
  bool takes_limits_question() override { return std::exchange(wants_limits, false); }
  void on_limits(const ServerLimits& told) override { limits = told; }
  bool has_nameless_settings() const override { return has_nameless; }
  const std::string& login_user() const override { return user; }
};

const std::string two_findings =
    backend::audit({{"s", "TimeZone", "Asia/Tokyo"}, {"i", "role", "none"}, {"t", "", ""}});

}  // namespace

// Audits ----------------------------------------------------------------------------------------------------

TEST_CASE(
    "what an audit finds is the server's state, however its answer is cut, and none of it the client's") {
  wire::at_every_cut(two_findings.size(), [](std::size_t offset, std::size_t piece) {
    House house;
    house.client_runs(Residue::settings | Residue::temp_objects);
    house.client.answers.clear();
    house.server->audit();
    CHECK(house.asked() == query(audit_query(Residue::settings | Residue::temp_objects, {})));
    house.hear(std::string_view(two_findings).substr(0, offset));
    for (std::size_t at = offset; at < two_findings.size(); at += piece)
      house.hear(std::string_view(two_findings).substr(at, piece));
    CHECK(house.client.events == "ta");
    CHECK(house.client.answers.empty());
    CHECK(house.server->parameters() == house.sets.intern({{"timezone", "Asia/Tokyo"}}));
    CHECK(house.server->residue().pins() == Residue::temp_objects);
    CHECK_FALSE(house.server->is_busy_with_own());
  });
}

TEST_CASE("an audit that did not ask for settings leaves them as they were") {
  House house;
  house.be_in({{"work_mem", "64"}});
  house.client_runs(Residue::advisory_locks);
  house.server->audit();
  house.hear(backend::audit({{"l", "", ""}}));
  CHECK(house.server->parameters() == house.sets.intern({{"work_mem", "64"}}));
  CHECK(house.server->residue().pins() == Residue::advisory_locks);
}

TEST_CASE("an audit that fails says nothing: what it asked for is unknown, the rest as it was") {
  House house;
  house.be_in({{"work_mem", "64"}});
  house.client_runs(Residue::settings);
  house.server->audit();
  house.hear(wire::message('T', "\0\0"s) +
             backend::error("57014", "canceling statement due to statement timeout") + backend::ready());
  CHECK(house.client.events == "ta");
  CHECK(house.client.answers == backend::complete("SET") + backend::ready());
  CHECK(house.server->parameters() == house.sets.intern({{"work_mem", "64"}}));
  CHECK(house.server->residue().unknown() == Residue::settings);
  CHECK_FALSE(house.server->broken());
  house.client_runs({});
  house.server->audit();
  house.hear(backend::audit({}));
  CHECK(house.server->residue().is_clean());
  CHECK(house.server->parameters() == house.bare);
}

TEST_CASE("an audit of anything asks for the settings of functions once, and again by the new names") {
  House house;
  house.wants_names = true;
  house.client_runs(Residue::settings);
  house.server->audit();
  CHECK(house.asked().find(setting_names_query) == std::string::npos);
  house.hear(backend::audit({}));
  house.client_runs(Residue::anything);
  house.server->audit();
  CHECK(house.asked().find(setting_names_query) != std::string::npos);
  house.hear(backend::audit({{"c", "app.user", ""}}));
  CHECK(house.custom == CustomSettings{"app.user"});
  CHECK(house.server->residue().needs_audit());
  house.server->audit();
  CHECK(house.asked() == query(audit_query(Residue::settings, {"app.user"})));
  house.hear(backend::audit({{"s", "app.user", "anne"}}));
  CHECK(house.server->residue().is_clean());
  CHECK(house.server->parameters() == house.sets.intern({{"app.user", "anne"}}));
}

TEST_CASE("where functions set what can't be asked for, whoever may have called one keeps the server") {
  House house;
  house.has_nameless = true;
  house.client_runs(Residue::settings);
  house.server->audit();
  house.hear(backend::audit({}));
  CHECK(house.server->residue().is_clean());
  house.client_runs(Residue::anything);
  house.server->audit();
  house.hear(backend::audit({}));
  CHECK(house.server->residue().pins() == Residue::unseen);
}

TEST_CASE("a setting that is too long to be told is unknown, until an audit finds it shorter") {
  House house;
  house.client_runs(Residue::settings);
  house.server->audit();
  const std::string too_long = "\0\3"s + wire::int32(1) + "s" + wire::int32(5) + "app.x" + wire::int32(-1);
  house.hear(wire::message('T', "\0\0"s) + wire::message('D', too_long) + backend::complete("SELECT 1") +
             backend::ready());
  CHECK_FALSE(house.server->broken());
  CHECK(house.server->residue().unknown() == Residue::settings);
  house.client_runs({});
  house.server->audit();
  house.hear(backend::audit({{"s", "app.x", "short"}}));
  CHECK(house.server->residue().is_clean());
}

TEST_CASE("a name is lent for one query: what comes of the Parse is nobody's but ours") {
  for (const std::string& parsed :
       {wire::message('1', ""), backend::error("25P02", "current transaction is aborted")}) {
    House house;
    house.server->lend_name("mine", "SELECT 1\0\0\0"s);
    house.server->expect({.kind = RequestKind::query});
    house.server->take_name_back("mine");
    CHECK(wire::types(house.asked()) == "PSCS");
    CHECK(house.server->is_busy_with_own());
    house.hear(parsed + backend::ready() + backend::complete("EXECUTE") + backend::ready());
    CHECK(house.client.answers == backend::complete("EXECUTE") + backend::ready());
    CHECK(house.server->is_busy_with_own_only());
    house.hear(wire::message('3', "") + backend::ready());
    CHECK_FALSE(house.server->is_busy_with_own());
    CHECK(house.client.answers == backend::complete("EXECUTE") + backend::ready());
    CHECK_FALSE(house.server->broken());
  }
}

TEST_CASE("what may have changed what servers are born with is told at the end of its transaction") {
  for (const std::string tag : {"ALTER ROLE", "ALTER DATABASE"}) {
    House house;
    house.server->expect({.kind = RequestKind::query});
    house.hear(backend::complete(tag) + backend::ready('T'));
    CHECK(house.events.empty());
    house.server->expect({.kind = RequestKind::query});
    house.hear(backend::complete("COMMIT") + backend::ready());
    CHECK(house.events == "d");
    house.server->expect({.kind = RequestKind::query});
    house.hear(backend::complete("ALTER TABLE") + backend::ready());
    CHECK(house.events == "d");
  }
}

TEST_CASE("an answer that is none of an audit's ends the server and its client") {
  House house;
  house.client_runs(Residue::settings);
  house.server->audit();
  house.hear(backend::row_description + backend::row("what?"));
  CHECK(house.client.events == "tl");
  CHECK(house.events == "b");
  CHECK(house.error.message == "the answer of an audit is malformed");
}

TEST_CASE("a server that is lost in an audit takes its client with it: what that had there is gone") {
  House house;
  house.client_runs(Residue::settings);
  house.server->audit();
  house.far.close();
  house.hear(wire::message('T', "\0\0"s));
  CHECK(house.client.events == "tl");
  CHECK(house.events == "b");
}

TEST_CASE("an audit whose client has left settles the server, failed or not") {
  for (const bool fails : {false, true}) {
    CAPTURE(fails);
    House house;
    house.client_runs(Residue::settings);
    house.server->audit();
    CHECK(house.server->is_busy_with_own_only());
    house.server->unlease();
    house.hear(fails ? backend::error("57014", "canceled") + backend::ready() : two_findings);
    CHECK(house.events == "s");
    CHECK(house.error.message.empty());
    CHECK(house.client.events == "t");
    CHECK_FALSE(house.server->residue().is_clean());
  }
}

TEST_CASE("a request behind an audit is the client's, and is asked about by the next") {
  House house;
  house.client_runs(Residue::settings);
  house.client.answers.clear();
  house.server->audit();
  house.server->suspect(Residue::prepared);
  house.server->expect({.kind = RequestKind::query});
  CHECK_FALSE(house.server->is_busy_with_own_only());
  house.hear(backend::audit({}) + backend::selected("1"));
  CHECK(house.client.answers == backend::selected("1"));
  CHECK(house.client.events == "tat");
  CHECK(house.server->residue().needs_audit());
}

TEST_CASE(
    "values are asked for in the encoding in which the server was born, and the client's is as reported") {
  House house;
  house.client_runs(Residue::settings, backend::parameter("client_encoding", "LATIN1"));
  house.far.take();
  house.server->audit();
  CHECK(house.asked() == query("SET LOCAL client_encoding TO 'UTF8';" + audit_query(Residue::settings, {})));
  // SET LOCAL shows as the session's doing, and its value is ours.
  house.hear(backend::complete("SET") + backend::audit({{"s", "client_encoding", "UTF8"}}));
  CHECK(house.server->parameters() == house.sets.intern({{"client_encoding", "LATIN1"}}));
}

TEST_CASE("custom settings are asked for by the names that the owner knows") {
  House house;
  house.custom = {"app.user"};
  house.client_runs(Residue::settings);
  house.far.take();
  house.server->audit();
  CHECK(house.asked() == query(audit_query(Residue::settings, {"app.user"})));
}

TEST_CASE("a client that does not read keeps no audit from its answer") {
  House house;
  house.client.is_congested = true;
  house.client.at_end = [&house] {
    if (house.server->residue().needs_audit()) house.server->audit();
  };
  house.client_runs(Residue::temp_objects);
  CHECK(house.far.is_being_read());
  house.hear(backend::audit({}));
  CHECK(house.client.events == "ta");
}

// States ----------------------------------------------------------------------------------------------------

TEST_CASE("a state is reported as it is when all of its settings are made, not before") {
  House house;
  house.be_in({{"client_encoding", "LATIN1"}}, backend::parameter("client_encoding", "LATIN1"));
  const ParameterSetRef tokyo = house.sets.intern({{"timezone", "Asia/Tokyo"}});
  house.server->take_parameters(tokyo);
  house.hear(backend::complete("RESET") + backend::parameter("client_encoding", "UTF8") + backend::ready());
  CHECK_FALSE(tokyo->proven());
  house.hear(backend::complete("SELECT 1") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready());
  CHECK(tokyo->reported.at("TimeZone") == "Asia/Tokyo");
  CHECK(tokyo->reported.at("client_encoding") == "UTF8");
}

TEST_CASE("a state that is refused leaves the server as it is, which is without the encoding it had") {
  House house;
  house.be_in({{"client_encoding", "LATIN1"}, {"work_mem", "64"}},
              backend::parameter("client_encoding", "LATIN1"));
  house.server->take_parameters(house.sets.intern({{"role", "gone"}, {"work_mem", "64"}}));
  CHECK(wire::messages(house.asked()).size() == 2);
  house.hear(backend::complete("RESET") + backend::parameter("client_encoding", "UTF8") + backend::ready() +
             backend::error("22023", "role \"gone\" does not exist") + backend::ready());
  CHECK(house.client.events == "r");
  CHECK(house.client.why.message == "role \"gone\" does not exist");
  CHECK(house.server->parameters() == house.sets.intern({{"work_mem", "64"}}));
}

TEST_CASE("a state that is refused with requests behind it ends the server: they ran in the wrong one") {
  House house;
  house.server->take_parameters(house.sets.intern({{"role", "gone"}}));
  house.server->expect({.kind = RequestKind::query});
  house.hear(backend::error("22023", "role \"gone\" does not exist") + backend::ready());
  CHECK(house.client.events == "l");
  CHECK(house.client.why.sqlstate == "22023");
}

TEST_CASE("startup values that a RESET took are set again behind it, and their report is the client's") {
  House house;
  house.be_in({{"timezone", "Asia/Tokyo"}}, backend::parameter("TimeZone", "Asia/Tokyo"));
  house.server->suspect(Residue::settings);
  house.server->expect({.kind = RequestKind::query});
  house.server->restore({{"timezone", "Asia/Tokyo"}});
  CHECK(house.asked() == query("SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);"));
  const std::string reset =
      backend::complete("RESET") + backend::parameter("TimeZone", "UTC") + backend::ready();
  const std::string again = backend::parameter("TimeZone", "Asia/Tokyo");
  house.hear(reset + backend::complete("SELECT 1") + again + backend::ready());
  CHECK(house.client.answers == reset + again);
  CHECK(house.server->parameters() == house.sets.intern({{"timezone", "Asia/Tokyo"}}));
}

TEST_CASE("startup values that can't be set again in a failed transaction are no error of the client's") {
  House house;
  house.server->expect({.kind = RequestKind::query});
  house.server->restore({{"timezone", "Asia/Tokyo"}});
  const std::string failed = backend::error("25P02", "current transaction is aborted") + backend::ready('E');
  house.hear(failed + failed);
  CHECK(house.client.answers == failed);
  CHECK_FALSE(house.server->is_busy_with_own());
}

TEST_CASE("a query of ours that the server throws away behind the client's error is none that is under way") {
  House house;
  SUBCASE("when it is sent") {
    house.server->expect({.kind = RequestKind::parse});
    house.hear(backend::error("42601", "syntax error"));
    house.server->expect({.kind = RequestKind::query});
    house.server->restore({{"timezone", "Asia/Tokyo"}});
  }
  SUBCASE("when the error comes") {
    house.server->expect({.kind = RequestKind::parse});
    house.server->expect({.kind = RequestKind::query});
    house.server->restore({{"timezone", "Asia/Tokyo"}});
    house.hear(backend::error("42601", "syntax error"));
  }
  CHECK_FALSE(house.server->is_busy_with_own());
  house.server->expect({.kind = RequestKind::sync});
  CHECK_FALSE(house.server->is_busy_with_own_only());
  house.hear(backend::ready());
  CHECK(house.server->pipeline().at_rest());
}

TEST_CASE("a reset takes the server back to its birth, whatever was there") {
  House house;
  house.client_runs(Residue::anything, backend::parameter("TimeZone", "Asia/Tokyo"));
  house.server->unlease();
  house.server->reset("DISCARD ALL", house.bare);
  CHECK(house.server->parameters() == house.bare);
  CHECK(house.server->residue().is_clean());
  CHECK_FALSE(house.server->is_used());
  house.hear(backend::complete("DISCARD ALL") + backend::parameter("TimeZone", "UTC") + backend::ready());
  CHECK(house.events == "s");
  CHECK(house.server->parameters() == house.bare);
  CHECK(house.server->reported().at("TimeZone") == "UTC");
}

TEST_CASE("a rollback takes the settings of its transaction with it") {
  House house;
  house.server->expect({.kind = RequestKind::query});
  house.hear(backend::complete("SET") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready('T'));
  CHECK(house.server->parameters() == house.sets.intern({{"timezone", "Asia/Tokyo"}}));
  house.server->unlease();
  house.server->roll_back();
  house.hear(backend::complete("ROLLBACK") + backend::parameter("TimeZone", "UTC") + backend::ready());
  CHECK(house.server->parameters() == house.bare);
  CHECK(house.events == "s");
}

TEST_CASE("the question for limits goes in front of the lessee's first request, who hears nothing of it") {
  House house;
  house.server->unlease();
  house.wants_limits = true;
  house.server->lease_to(house.client);
  CHECK(house.asked() == query(std::string(limits_query)));
  CHECK(house.server->is_busy_with_own_only());
  house.server->expect({.kind = RequestKind::query});
  const std::string row =
      wire::message('D', "\0\3"s + wire::int32(3) + "104" + wire::int32(1) + "7" + wire::int32(-1));
  house.hear(backend::row_description + row + backend::complete("SELECT 1") + backend::ready() +
             backend::selected("1"));
  CHECK(house.limits == ServerLimits{104, 7});
  CHECK(house.client.answers == backend::selected("1"));
  CHECK(house.server->pipeline().at_rest());
}

}  // namespace ballast
