#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast::test {
namespace {

using namespace std::string_literals;
using Rows = std::vector<std::array<std::string, 3>>;
using wire::types;

const std::string to_tokyo = "SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);";
const std::string in_tokyo = "timezone\0Asia/Tokyo\0"s;
const Rows tokyo{{"s", "TimeZone", "Asia/Tokyo"}};
const Rows a_lock{{"l", "", ""}};
const std::string discard_all = frontend::query("DISCARD ALL");

const std::string lock = "SELECT pg_advisory_lock(1)";
const std::string unlock = "SELECT pg_advisory_unlock(1)";

std::string done(const std::string& tag = "SELECT 1") { return backend::complete(tag) + backend::ready(); }
std::string asks(ResidueSet kinds, const CustomSettings& custom = {}) {
  return frontend::query(audit_query(kinds, custom));
}
std::string asks_names(ResidueSet kinds, const CustomSettings& custom = {}) {
  return frontend::query(audit_query(kinds, custom).append(setting_names_query));
}
const ResidueSet visible = Residue::settings | Residue::advisory_locks | Residue::temp_objects |
                           Residue::hold_cursors | Residue::prepared | Residue::listening;
// A Bind of text values; "\0" stands for null.
std::string bind(const std::string& name, const std::vector<std::string>& values) {
  std::string body = "\0"s + name + "\0\0\0\0"s;
  body.push_back(static_cast<char>(values.size()));
  for (const std::string& value : values)
    body += value == "\0"s ? wire::int32(-1) : wire::int32(static_cast<std::int64_t>(value.size())) + value;
  return wire::message('B', body + "\0\0"s);
}

struct Town : House {
  explicit Town(const Settings& from = {}) : House(from) {}

  Pool& pool() { return *pools->pools().begin()->second; }
  // The functions of its database set no settings of their own, and that is known.
  FarEnd log_in(const std::string& parameters = {}) {
    FarEnd client = House::log_in(parameters);
    pool().learn_setting_names({});
    return client;
  }
  // What the server is asked when this client sends that.
  std::string sends(FarEnd& client, const std::string& bytes) {
    client.send(bytes);
    run();
    return server().take();
  }
  void answers(const std::string& bytes) {
    server().send(bytes);
    run();
  }
  // A whole transaction of one simple query; what the server is asked behind it.
  std::string runs(FarEnd& client, const std::string& sql, const std::string& told = {}) {
    CHECK(sends(client, frontend::query(sql)) == frontend::query(sql));
    answers(backend::complete("DONE") + told + backend::ready());
    CHECK(types(client.take()).ends_with("Z"));
    return server().take();
  }
  std::size_t idle() const { return pools->pools().begin()->second->idle_count(); }
  ResidueSet pins() const {
    REQUIRE(sessions->size() > 0);
    return sessions->sessions().front()->pinned_by();
  }
};

Settings with_mode(PoolMode mode) {
  Settings settings;
  settings.pool_mode = mode;
  return settings;
}

}  // namespace

// What travels ----------------------------------------------------------------------------------------------

TEST_CASE("a transaction that can leave nothing is not asked about") {
  Town house;
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "SELECT 1").empty());
  CHECK(house.runs(one, "SET LOCAL work_mem = '1MB'").empty());
  CHECK(house.idle() == 1);
  CHECK(house.counters().audits.value() == 0);
}

TEST_CASE("what a client has set is set for it on the next server, and for nobody else") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  CHECK(house.runs(one, "SET work_mem = '64kB'") == asks(Residue::settings));
  house.answers(backend::audit({{"s", "work_mem", "64"}}));
  CHECK(house.idle() == 1);
  CHECK(house.sends(two, frontend::query("SELECT 2")) ==
        frontend::query("RESET \"work_mem\";") + frontend::query("SELECT 2"));
  house.answers(done("RESET") + done());
  CHECK(house.sends(one, frontend::query("SELECT 1")) ==
        frontend::query("SELECT pg_catalog.set_config('work_mem','64',false);") +
            frontend::query("SELECT 1"));
  CHECK(house.counters().audits.value() == 1);
}

TEST_CASE("a role travels: it is awaited before the client's own statement goes out") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  CHECK(house.runs(one, "SET ROLE reader") == asks(Residue::settings));
  house.answers(backend::audit({{"i", "role", "reader"}, {"i", "session_authorization", "ann"}}));
  CHECK(house.sends(two, frontend::query("SELECT 2")) ==
        frontend::query("RESET ROLE;RESET SESSION AUTHORIZATION;") + frontend::query("SELECT 2"));
  house.answers(done("RESET") + done());
  CHECK(house.sends(one, frontend::query("SELECT 1")) ==
        frontend::query("SELECT pg_catalog.set_config('role','reader',false);"));
  house.answers(done());
  CHECK(house.server().take() == frontend::query("SELECT 1"));
}

TEST_CASE("a role that is gone ends its client with the server's error, and the server is as it was") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.runs(one, "SET ROLE reader");
  house.answers(backend::audit({{"i", "role", "reader"}}));
  house.sends(two, frontend::query("SELECT 2"));
  house.answers(done("RESET") + done());
  house.sends(one, frontend::query("SELECT 1"));
  house.answers(backend::error("22023", "role \"reader\" does not exist") + backend::ready());
  const std::string told = one.take();
  CHECK(error_in(told).sqlstate == "22023");
  CHECK(error_in(told).severity == Severity::fatal);
  CHECK(one.is_gone());
  two.take();
  CHECK(house.sends(two, frontend::query("SELECT 3")) == frontend::query("SELECT 3"));
}

TEST_CASE("a client that is asked about may send on: it never waits for the audit") {
  Town house;
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "SET work_mem = '64kB'") == asks(Residue::settings));
  CHECK(house.sends(one, frontend::query("SELECT 2")) == frontend::query("SELECT 2"));
  house.answers(backend::audit({{"s", "work_mem", "64"}}) + backend::selected("2"));
  CHECK(one.take() == backend::selected("2"));
  CHECK(house.idle() == 1);
}

TEST_CASE(
    "a server that another client has used since answers currval() with its error, not another's value") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.runs(one, "SELECT nextval('s')");
  const std::string reads = frontend::query("SELECT currval('s')");
  CHECK(house.sends(one, reads) == reads);
  house.answers(backend::selected("1"));
  const std::string forget = frontend::query("DISCARD SEQUENCES");
  const std::string calls = frontend::query("SELECT f()");  // which may call either
  CHECK(house.sends(two, calls) == forget + calls);
  house.answers(done("DISCARD SEQUENCES") + backend::selected("1"));
  CHECK(house.server().take() == asks(visible));  // it may have left anything
  house.answers(backend::audit({}));
  CHECK(house.sends(one, reads) == forget + reads);
}

TEST_CASE("a setting whose name PostgreSQL refuses keeps no server") {
  Town house;
  FarEnd client = house.log_in();
  house.runs(client, "SET app.\"bad-name\" = 1");
  house.answers(backend::audit({}));
  CHECK(house.pins().empty());
  CHECK(house.idle() == 1);
}

// What pins -------------------------------------------------------------------------------------------------

TEST_CASE("a lock keeps the server for its client until an audit finds it gone") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  CHECK(house.runs(one, lock) == asks(Residue::advisory_locks));
  house.answers(backend::audit(a_lock));
  CHECK(house.pins() == Residue::advisory_locks);
  CHECK(house.counters().pins_advisory_locks.value() == 1);
  CHECK(house.sends(two, frontend::query("SELECT 2")).empty());
  CHECK(house.runs(one, "SELECT 1").empty());  // it can't have changed that
  CHECK(house.runs(one, unlock) == asks(Residue::advisory_locks));
  house.answers(backend::audit({}));
  CHECK(house.pins().empty());
  CHECK(house.server().take() == frontend::query("SELECT 2"));
  CHECK(house.counters().pins_advisory_locks.value() == 1);
  CHECK(house.counters().servers_reset.value() == 0);
}

TEST_CASE("each reason to pin is counted when it begins") {
  Town house;
  FarEnd one = house.log_in();
  house.runs(one, "CREATE TEMP TABLE t()");
  house.answers(backend::audit({{"t", "", ""}}));
  house.runs(one, "DO 'anything'");
  house.answers(backend::audit({{"t", "", ""}, {"h", "", ""}, {"p", "", ""}, {"n", "", ""}}));
  const Counters& counters = house.counters();
  CHECK(counters.pins_temp_objects.value() == 1);
  CHECK(counters.pins_hold_cursors.value() == 1);
  CHECK(counters.pins_prepared.value() == 1);
  CHECK(counters.pins_listening.value() == 1);
  CHECK(counters.pins_advisory_locks.value() == 0);
  CHECK(counters.pins_unseen.value() == 0);
}

TEST_CASE("a server that its client leaves with something on it is reset before anybody gets it") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.runs(one, lock);
  house.answers(backend::audit(a_lock));
  house.sends(two, frontend::query("SELECT 2"));
  CHECK(house.sends(one, frontend::terminate) == discard_all);
  CHECK(house.counters().servers_reset.value() == 1);
  house.answers(done("DISCARD ALL"));
  CHECK(house.server().take() == frontend::query("SELECT 2"));
}

TEST_CASE("a reset that is refused is the end of the server, not of those who wait") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.runs(one, lock);
  house.answers(backend::audit(a_lock));
  house.sends(two, frontend::query("SELECT 2"));
  house.sends(one, frontend::terminate);
  house.answers(backend::error("XX000", "no") + backend::ready());
  CHECK(house.server().is_gone());
  CHECK(house.connect().take() == frontend::query("SELECT 2"));
}

TEST_CASE("what no audit can see keeps the server for good; it is closed when its client leaves") {
  Town house;
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "LOAD 'auto_explain'").empty());
  CHECK(house.pins() == Residue::unseen);
  CHECK(house.counters().pins_unseen.value() == 1);
  house.runs(one, "DISCARD ALL");
  house.answers(backend::audit({}));
  CHECK(house.pins() == Residue::unseen);
  house.sends(one, frontend::terminate);
  CHECK(house.server().is_gone());
  CHECK(house.counters().servers_reset.value() == 0);
}

TEST_CASE("a server with something on it that a cancel may still hit is reset when the cancel is over") {
  Town house;
  FarEnd one = house.log_in();
  const CancelRequest key = key_in(house.welcome);
  house.runs(one, lock);
  house.answers(backend::audit(a_lock));
  house.sends(one, frontend::query("SELECT pg_sleep(9)"));
  FarEnd canceller = house.arrive();
  std::string packet;
  write_cancel_request(packet, key.process_id, key.secret);
  canceller.send(packet);
  house.run();
  FarEnd carrier = house.fake.connector.accept();
  house.run();
  house.answers(backend::error("57014", "canceled") + backend::ready());
  CHECK(house.sends(one, frontend::terminate).empty());
  carrier.close();
  house.run();
  CHECK(house.server().take() == discard_all);
}

// Audits that fail, and clients that don't wait for them ----------------------------------------------------

TEST_CASE("a client that leaves during its audit leaves the server to be settled") {
  const auto leaves_with = [](const std::string& answer) {
    Town house;
    FarEnd one = house.log_in();
    house.runs(one, "DO 'anything'");
    CHECK(house.sends(one, frontend::terminate).empty());
    CHECK(one.is_gone());
    CHECK(house.idle() == 0);
    house.answers(answer);
    const std::string asked = house.server().take();
    if (asked.empty()) CHECK(house.idle() == 1);
    return asked;
  };
  CHECK(leaves_with(backend::audit({})).empty());
  CHECK(leaves_with(backend::audit(tokyo)).empty());  // the next client's state says what to do
  CHECK(leaves_with(backend::audit(a_lock)) == discard_all);
  CHECK(leaves_with(backend::error("57014", "canceled") + backend::ready()) == discard_all);
}

TEST_CASE("an audit that never ends is not waited for when its client has left") {
  Town house;
  FarEnd one = house.log_in();
  house.runs(one, "DO 'anything'");
  house.sends(one, frontend::terminate);
  house.pass(house.settings.server_connect_timeout);
  CHECK(house.server().is_gone());
}

TEST_CASE("behind an audit that failed the client keeps its server, and is asked about again") {
  const std::string unnamed = frontend::parse("", "SELECT 1") + frontend::bind("", "") + frontend::execute();
  const std::string named = frontend::parse("s", "SELECT 1") + frontend::bind("", "s") + frontend::execute();
  const std::string answer = backend::parse_complete + backend::bind_complete + backend::row("1") +
                             backend::complete("SELECT 1") + backend::ready();
  for (const auto& [request, answered] :
       std::vector<std::pair<std::string, std::string>>{{frontend::query("SELECT 1"), backend::selected("1")},
                                                        {unnamed + frontend::sync, answer},
                                                        {named + frontend::sync, answer}}) {
    Town house;
    FarEnd one = house.log_in();
    house.runs(one, "SET work_mem = '1MB'");
    house.answers(backend::error("57014", "canceling statement due to statement timeout") + backend::ready());
    CHECK(one.take().empty());
    CHECK(house.idle() == 0);
    CHECK(house.pins() == Residue::settings);
    CHECK(house.counters().pins_failed_audits.value() == 1);
    house.sends(one, request);
    house.answers(answered);
    CHECK(house.server().take() == asks(Residue::settings));
    house.answers(backend::audit({{"s", "work_mem", "1024"}}));
    CHECK(house.idle() == 1);
    CHECK(house.counters().pins_failed_audits.value() == 1);
  }
}

TEST_CASE("what an audit that failed was to find is counted as nothing that was found") {
  Town house;
  FarEnd one = house.log_in();
  house.runs(one, lock);
  house.answers(backend::error("57014", "canceled") + backend::ready());
  CHECK(house.counters().pins_failed_audits.value() == 1);
  CHECK(house.counters().pins_advisory_locks.value() == 0);
  house.runs(one, unlock);
  house.answers(backend::audit(a_lock));
  CHECK(house.counters().pins_advisory_locks.value() == 1);
}

TEST_CASE("a server that is lost in an audit is lost to its client, as what it had there is") {
  Town house;
  FarEnd one = house.log_in();
  house.runs(one, "CREATE TEMP TABLE t()");
  house.server().close();
  house.run();
  CHECK(error_in(one.take()).sqlstate == "08006");
  CHECK(one.is_gone());
}

TEST_CASE("a cancel that comes when only an audit is under way has nothing to cancel") {
  Town house;
  FarEnd one = house.log_in();
  const CancelRequest key = key_in(house.welcome);
  house.runs(one, "CREATE TEMP TABLE t()");
  FarEnd canceller = house.arrive();
  std::string packet;
  write_cancel_request(packet, key.process_id, key.secret);
  canceller.send(packet);
  house.run();
  CHECK(house.fake.connector.pending() == 0);
  CHECK(canceller.is_gone());
  CHECK(house.counters().cancels_forwarded.value() == 0);
}

TEST_CASE("a drain ends a client that is pinned at once, one that is asked about behind the answer") {
  Town house;
  FarEnd one = house.log_in();
  SUBCASE("pinned") {
    house.runs(one, lock);
    house.answers(backend::audit(a_lock));
    house.sessions->drain();
    house.run();
  }
  SUBCASE("asked about") {
    house.runs(one, lock);
    house.sessions->drain();
    house.run();
    CHECK(one.take().empty());
    house.answers(backend::audit(a_lock));
  }
  CHECK(error_in(one.take()).sqlstate == "57P01");
  CHECK(one.is_gone());
  CHECK(house.server().take() == discard_all);
}

TEST_CASE("a pinned client may be idle too long, and an audit take too long") {
  Settings settings;
  settings.client_idle_timeout = 10s;
  settings.query_timeout = 5s;
  Town house(settings);
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.runs(one, lock);
  house.answers(backend::audit(a_lock));
  house.pass(6s);
  CHECK(house.runs(one, "SELECT 1").empty());
  house.pass(9s);
  CHECK_FALSE(one.is_gone());
  house.pass(1s);
  CHECK(error_in(one.take()).sqlstate == "57P05");
  CHECK(house.server().take() == discard_all);
  house.answers(done("DISCARD ALL"));
  CHECK(two.is_gone());
  FarEnd three = house.log_in();
  house.runs(three, lock);
  house.pass(5s);
  CHECK(error_in(three.take()).sqlstate == "57014");
  CHECK(house.counters().query_timeouts.value() == 1);
}

// RESET -----------------------------------------------------------------------------------------------------

TEST_CASE("a RESET goes back to the client's own startup value, in the same flight") {
  for (const std::string reset : {"RESET timezone", "RESET ALL", "SET TIME ZONE DEFAULT", "DISCARD ALL"}) {
    CAPTURE(reset);
    Town house;
    FarEnd one = house.log_in(in_tokyo);
    CHECK(house.sends(one, frontend::query(reset)) == frontend::query(reset) + frontend::query(to_tokyo));
    house.answers(done(reset) + done());
    CHECK(one.take() == done(reset));
    CHECK_FALSE(house.server().take().empty());
    house.answers(backend::audit(tokyo));
    CHECK(house.server().take().empty());
    CHECK(house.idle() == 1);
    CHECK(house.runs(one, "SELECT 1").empty());
  }
}

TEST_CASE("a RESET of what the startup packet did not carry is the server's alone") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  CHECK(house.sends(one, frontend::query("RESET work_mem")) == frontend::query("RESET work_mem"));
}

TEST_CASE("in the extended protocol the startup value is set again behind the Sync") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  const std::string batch =
      frontend::parse("", "RESET timezone") + frontend::bind("", "") + frontend::execute();
  CHECK(house.sends(one, batch + frontend::sync) == batch + frontend::sync + frontend::query(to_tokyo));
  const std::string answer = backend::parse_complete + backend::bind_complete + done("RESET");
  house.answers(answer + done());
  CHECK(one.take() == answer);
  CHECK(house.server().take() == asks(Residue::settings));
}

TEST_CASE("a RESET among other statements is mended when the audit has shown it") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  CHECK(house.runs(one, "RESET ALL; SET work_mem = '64kB'") == asks(Residue::settings));
  house.answers(backend::audit({{"s", "work_mem", "64"}}));
  CHECK(house.server().take() == frontend::query(to_tokyo));
  CHECK(house.idle() == 0);
  house.answers(backend::complete("SELECT 1") + backend::parameter("TimeZone", "Asia/Tokyo") +
                backend::ready());
  CHECK(one.take() == backend::parameter("TimeZone", "Asia/Tokyo"));
  CHECK(house.idle() == 1);
  CHECK(house.runs(one, "SELECT 1").empty());
}

TEST_CASE("a role of the startup packet is taken again by RESET ROLE, and by nothing else") {
  const std::string role = "SELECT pg_catalog.set_config('role','clerk',false);";
  Town house;
  FarEnd one = house.log_in("role\0clerk\0"s);
  CHECK(house.runs(one, "SET ROLE NONE") == asks(Residue::settings));
  house.answers(backend::audit({{"i", "role", "none"}}));
  CHECK(house.server().take().empty());
  CHECK(house.runs(one, "SELECT 1").empty());
  CHECK(house.runs(one, "RESET ALL") == asks(Residue::settings));
  house.answers(backend::audit({}));
  CHECK(house.sends(one, frontend::query("RESET ROLE")) ==
        frontend::query("RESET ROLE") + frontend::query(role));
}

TEST_CASE("nothing is mended behind a request that may be a COPY, but when it is over") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  house.runs(one, "CALL resets_all()");
  CHECK(house.sends(one, frontend::query("COPY t FROM STDIN")) == frontend::query("COPY t FROM STDIN"));
  house.answers(backend::audit({}));
  CHECK(house.server().take().empty());
  house.answers(backend::copy_in);
  CHECK(house.sends(one, frontend::copy_done) == frontend::copy_done);
  house.answers(done("COPY 0"));
  CHECK(house.server().take() == asks(Residue::settings));
  house.answers(backend::audit({}));
  CHECK(house.server().take() == frontend::query(to_tokyo));
}

TEST_CASE("a statement behind a RESET that only the audit can mend waits for that") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  CHECK(house.runs(one, "RESET ALL; SELECT 1") == asks(Residue::settings));
  CHECK(house.sends(one, frontend::query("SELECT 2")).empty());
  house.answers(backend::audit({}));
  CHECK(house.server().take() == frontend::query(to_tokyo));
  house.answers(done("SELECT 1"));
  CHECK(house.server().take() == frontend::query("SELECT 2"));
}

TEST_CASE("RESETs alone, in a transaction, are mended at once") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  house.sends(one, frontend::query("BEGIN"));
  house.sends(one, frontend::query("SELECT 1"));
  house.answers(backend::complete("BEGIN") + backend::ready('T') + backend::complete("SELECT 1") +
                backend::ready('T'));
  const std::string resets = frontend::query("RESET timezone; RESET work_mem");
  CHECK(house.sends(one, resets) == resets + frontend::query(to_tokyo));
}

TEST_CASE("an empty custom setting is not taken for one that was reset") {
  Town house;
  FarEnd one = house.log_in("app.tenant\0acme\0"s);
  const auto audit = house.runs(one, "SET app.tenant = ''");
  CHECK(!audit.empty());
  house.answers(backend::audit({}));
  CHECK(house.server().take() == frontend::query("SELECT pg_catalog.set_config('app.tenant','',false);"));
}

TEST_CASE("nothing of ours runs behind a batch that may have a COPY in it") {
  Town house;
  FarEnd one = house.log_in(in_tokyo);
  const std::string batch = frontend::parse("", "RESET timezone") + frontend::bind("", "") +
                            frontend::execute() + frontend::parse("", "COPY t FROM STDIN") +
                            frontend::bind("", "") + frontend::execute() + frontend::sync;
  CHECK(house.sends(one, batch) == batch);
}

// Custom settings -------------------------------------------------------------------------------------------

TEST_CASE("a custom setting is asked for from the first statement on that names it") {
  Town house;
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "SELECT current_setting('app.other')").empty());
  CHECK(house.runs(one, "SET App.User = '5'") == asks(Residue::settings, {"app.other", "app.user"}));
  house.answers(backend::audit({{"s", "app.user", "5"}}));
  FarEnd two = house.log_in();
  CHECK(house.sends(two, frontend::query("SELECT 2")) ==
        frontend::query("RESET \"app\".\"user\";") + frontend::query("SELECT 2"));
}

TEST_CASE("a custom setting of the startup packet is asked for") {
  Town house;
  FarEnd one = house.log_in("options\0-c app.tenant=7\0"s);
  CHECK(house.runs(one, "SET work_mem = '64kB'") == asks(Residue::settings, {"app.tenant"}));
  house.answers(backend::audit({{"s", "app.tenant", "8"}, {"s", "work_mem", "64"}}));
  CHECK(house.server().take().empty());
}

TEST_CASE("custom settings whose names are parameters are found among their values") {
  const std::string sql = "SELECT set_config($1, $2, false)";
  const CustomSettings names{"app.user"};
  for (const std::string name : {"", "s"}) {
    Town house;
    FarEnd one = house.log_in();
    house.sends(one, frontend::parse(name, sql) + bind(name, {"App.User", "5"}) + frontend::execute() +
                         frontend::sync);
    house.answers(backend::parse_complete + backend::bind_complete + done());
    CHECK(house.server().take() == asks(Residue::settings, names));
  }
}

TEST_CASE("a Bind whose values matter is waited for, however it is cut") {
  const std::string parse = frontend::parse("", "SELECT set_config($1, $2, false)");
  const std::string whole = bind("", {"app.user", "5"});
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    Town house;
    FarEnd one = house.log_in();
    house.sends(one, parse + frontend::flush + whole.substr(0, cut));
    CHECK(house.sends(one, whole.substr(cut) + frontend::execute() + frontend::sync) ==
          whole + frontend::execute() + frontend::sync);
    house.answers(backend::parse_complete + backend::bind_complete + done());
    CHECK(house.server().take() == asks(Residue::settings, {"app.user"}));
  }
}

TEST_CASE("values that can be no names of custom settings are not taken for such") {
  for (const std::string& value : {"\0"s, ""s, "5"s, "user"s, "10.0.0.1"s, "3.14"s, "app.1"s, "a b.c"s, ".a"s,
                                   "a."s, "a..b"s, "app.\xff"s, std::string(150, 'a') + ".b"}) {
    CAPTURE(value);
    Town house;
    FarEnd one = house.log_in();
    house.sends(one, frontend::parse("", "SELECT set_config($1, $2, false)") + bind("", {value, value}) +
                         frontend::execute() + frontend::sync);
    house.answers(backend::parse_complete + backend::bind_complete + done());
    CHECK(house.server().take() == asks(Residue::settings));
  }
}

TEST_CASE("a Bind that is malformed is the server's to refuse") {
  Town house;
  FarEnd one = house.log_in();
  const std::string bad = wire::message('B', "\0\0\0\1\0\0\0\2\0\0\0\x09"s + "app");
  house.sends(one, frontend::parse("", "SELECT set_config($1, $2, false)") + bad + frontend::sync);
  house.answers(backend::parse_complete + backend::error("08P01", "insufficient data left in message") +
                backend::ready());
  CHECK(error_in(one.take()).sqlstate == "08P01");
  CHECK(house.server().take() == asks(Residue::settings));
}

TEST_CASE("names in a Bind that is too long to be waited for keep the server: what was set is not known") {
  Town house;
  FarEnd one = house.log_in();
  house.sends(one, frontend::parse("", "SELECT set_config($1, $2, false)") +
                       bind("", {std::string(70'000, 'x'), "app.user"}) + frontend::execute() +
                       frontend::sync);
  house.answers(backend::parse_complete + backend::bind_complete + done());
  house.server().take();
  house.answers(backend::audit({}));
  CHECK(house.pins() == Residue::unseen);
}

TEST_CASE("a name that an audit can't ask for, or one too many, keeps the server") {
  Town house;
  FarEnd one = house.log_in();
  SUBCASE("not of this encoding") { house.runs(one, "SET \"app\".\"\xff\" = '5'"); }
  SUBCASE("too long") {
    house.runs(one, "SELECT set_config('app." + std::string(300, 'a') + "', '5', false)");
  }
  SUBCASE("the 201st") {
    for (int i = 0; i < 200; ++i) house.runs(one, "SHOW app.x" + std::to_string(i));
    CHECK(house.idle() == 1);
    CHECK(house.runs(one, "SHOW app.x7").empty());
    CHECK(house.idle() == 1);
    house.runs(one, "SET app.y = '5'");
  }
  house.answers(backend::audit({}));
  CHECK(house.pins() == Residue::unseen);
  CHECK(house.counters().pins_unseen.value() == 1);
  // Nobody else's audit has it in it.
  FarEnd two = house.log_in();
  house.sends(two, frontend::query("SET work_mem = '64kB'"));
  house.sends(one, frontend::terminate);
  house.connect();
  house.answers(done("SET"));
  CHECK(house.server().take().find("app.aaa") == std::string::npos);
  CHECK(house.server().take().find('\xff') == std::string::npos);
}

// The extended protocol -------------------------------------------------------------------------------------

TEST_CASE("a prepared statement is asked about where it is executed") {
  Town house;
  FarEnd one = house.log_in();
  house.sends(one, frontend::parse("s", "SET work_mem = '64kB'") + frontend::sync);
  house.answers(backend::parse_complete + backend::ready());
  CHECK(house.server().take().empty());
  CHECK(house.idle() == 1);
  house.sends(one, frontend::bind("", "s") + frontend::execute() + frontend::sync);
  house.answers(backend::bind_complete + done("SET"));
  CHECK(house.server().take() == asks(Residue::settings));
}

TEST_CASE("statements that are not shared may do anything when they are executed") {
  Settings settings;
  settings.max_prepared_statements = 0;
  Town house(settings);
  FarEnd one = house.log_in();
  house.sends(one, frontend::parse("", "SELECT f()") + frontend::sync);
  house.answers(backend::parse_complete + backend::ready());
  CHECK(house.server().take() == asks(visible));
  house.answers(backend::audit({}));
  house.sends(one, frontend::bind("", "") + frontend::execute() + frontend::sync);
  house.answers(backend::bind_complete + done());
  CHECK(house.server().take() == asks(visible));
}

TEST_CASE("a statement that only the server knows, by a PREPARE of SQL's, may do anything") {
  Town house;
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "PREPARE p AS SELECT 1") == asks(Residue::prepared));
  house.answers(backend::audit({{"p", "", ""}}));
  house.sends(one, frontend::bind("", "p") + frontend::execute() + frontend::sync);
  house.answers(backend::bind_complete + done());
  CHECK(house.server().take() == asks(visible));
}

// Functions -------------------------------------------------------------------------------------------------

namespace {

const std::string call_f = "SELECT f()";

// Lets audits find nothing behind f() until it is trusted.
void prove_f(Town& house, FarEnd& client) {
  for (int i = 0; i < FunctionTable::audits_to_trust; ++i) {
    CHECK(house.runs(client, call_f) == asks(visible));
    house.answers(backend::audit({}));
  }
}

}  // namespace

TEST_CASE("a function that has left nothing often enough is asked about no more, but for a sample") {
  Town house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  prove_f(house, one);
  for (int call = 1; call < FunctionTable::calls_per_sample; ++call)
    CHECK(house.runs(call % 2 == 0 ? one : two, call_f).empty());
  CHECK(house.counters().audits_saved.value() == FunctionTable::calls_per_sample - 1);
  CHECK(house.runs(one, call_f) == asks(visible));
  house.answers(backend::audit({}));
  CHECK(house.runs(one, "SELECT g()") == asks(visible));
}

TEST_CASE("a trusted function changes nothing about what else a statement may leave") {
  Town house;
  FarEnd one = house.log_in();
  prove_f(house, one);
  CHECK(house.runs(one, call_f + "; SET work_mem = '64kB'") == asks(Residue::settings));
}

TEST_CASE("a function that leaves something is asked about for ever") {
  Town house;
  FarEnd one = house.log_in();
  for (int i = 0; i < 30; ++i) {
    CHECK(house.runs(one, call_f) == asks(visible));
    house.answers(backend::audit({{"s", "work_mem", std::to_string(i)}}));
  }
}

TEST_CASE("a late find makes a function start over") {
  Town house;
  FarEnd one = house.log_in();
  prove_f(house, one);
  for (int call = 1; call < FunctionTable::calls_per_sample; ++call) house.runs(one, call_f);
  SUBCASE("of a setting") {
    house.runs(one, call_f);
    house.answers(backend::audit({{"s", "work_mem", "64"}}));
  }
  SUBCASE("of one that is reported before the audit shows it") {
    house.runs(one, call_f, backend::parameter("TimeZone", "Asia/Tokyo"));
    house.answers(backend::audit(tokyo));
  }
  SUBCASE("of a lock") {
    house.runs(one, call_f);
    house.answers(backend::audit(a_lock));
  }
  CHECK(house.runs(one, call_f) == asks(visible));
}

TEST_CASE("what a SET beside it has changed is not a function's doing") {
  Town house;
  FarEnd one = house.log_in();
  for (int i = 0; i < 9; ++i) {
    house.runs(one, call_f);
    house.answers(backend::audit({}));
  }
  house.runs(one, "SET work_mem = '64kB'; " + call_f);
  house.answers(backend::audit({{"s", "work_mem", "64"}}));
  CHECK(house.runs(one, call_f) == asks(visible));
  house.answers(backend::audit({{"s", "work_mem", "64"}}));
  CHECK(house.runs(one, call_f).empty());
}

TEST_CASE("a call that failed, was rolled back, or whose audit failed proves nothing") {
  const auto fail = [](Town& house, FarEnd& client) {
    house.sends(client, frontend::query(call_f));
    house.answers(backend::error("P0001", "no") + backend::ready());
    house.server().take();
    house.answers(backend::audit({}));
  };
  const auto roll_back = [](Town& house, FarEnd& client) {
    house.sends(client, frontend::query("BEGIN; " + call_f));
    house.answers(backend::complete("SELECT 1") + backend::ready('T'));
    CHECK(house.runs(client, "ROLLBACK") == asks(visible));
    house.answers(backend::audit({}));
  };
  const auto fail_audit = [](Town& house, FarEnd& client) {
    house.runs(client, call_f);
    house.answers(backend::error("57014", "canceled") + backend::ready());
    CHECK(house.runs(client, "SELECT 1") == asks(visible));
    house.answers(backend::audit({}));
  };
  for (const auto& disprove : std::vector<std::function<void(Town&, FarEnd&)>>{fail, roll_back, fail_audit}) {
    Town house;
    FarEnd one = house.log_in();
    for (int i = 0; i < 9; ++i) {
      house.runs(one, call_f);
      house.answers(backend::audit({}));
    }
    disprove(house, one);
    CHECK(house.runs(one, call_f) == asks(visible));
    house.answers(backend::audit({}));
    CHECK(house.runs(one, call_f).empty());
  }
}

TEST_CASE("a call behind an audit is judged by the next one") {
  Town house;
  FarEnd one = house.log_in();
  for (int i = 0; i < 9; ++i) {
    house.runs(one, call_f);
    house.answers(backend::audit({}));
  }
  house.runs(one, "SET work_mem = '64kB'");
  house.sends(one, frontend::query(call_f));
  house.answers(backend::audit({{"s", "work_mem", "64"}}) + done());
  CHECK(house.server().take() == asks(visible));
  house.answers(backend::audit({{"s", "work_mem", "64"}}));  // as before the call
  CHECK(house.runs(one, call_f).empty());
}

TEST_CASE("a change of the schema makes every function start over") {
  Town house;
  FarEnd one = house.log_in();
  prove_f(house, one);
  CHECK(house.sends(one, frontend::query("CREATE OR REPLACE FUNCTION f() ...")) != "");
  house.answers(done("CREATE FUNCTION"));
  CHECK(house.runs(one, call_f) == asks_names(visible));
}

TEST_CASE("settings that functions set are asked for by the names in the functions' texts") {
  Town house;
  FarEnd one = house.House::log_in();
  FarEnd two = house.House::log_in();
  CHECK(house.runs(one, "SET work_mem = '64kB'") == asks(Residue::settings));
  house.answers(backend::audit({{"s", "work_mem", "64kB"}}));
  CHECK(house.runs(one, call_f) == asks_names(visible));
  house.answers(backend::audit({{"s", "work_mem", "64kB"}, {"c", "app.user", ""}, {"c", "app.role", ""}}));
  CHECK(house.server().take() == asks(Residue::settings, {"app.role", "app.user"}));
  house.answers(backend::audit({{"s", "work_mem", "64kB"}, {"s", "app.user", "anne"}}));
  CHECK(house.idle() == 1);
  CHECK(house.sends(two, frontend::query("SELECT 1")) ==
        frontend::query("RESET \"app\".\"user\";RESET \"work_mem\";") + frontend::query("SELECT 1"));
  house.answers(done() + done());
  CHECK(house.runs(two, call_f).ends_with(asks(visible, {"app.role", "app.user"})));
}

TEST_CASE("names of settings are asked for again when the schema has changed, and now and then") {
  Town house;
  FarEnd one = house.House::log_in();
  CHECK(house.runs(one, call_f) == asks_names(visible));
  house.answers(backend::audit({}));
  CHECK(house.idle() == 1);
  CHECK(house.runs(one, call_f) == asks(visible));
  house.answers(backend::audit({}));
  house.fake.loop.advance(std::chrono::minutes(1));
  CHECK(house.runs(one, call_f) == asks_names(visible));
}

TEST_CASE("more settings of functions than can be asked for keep the servers of those who call functions") {
  Town house;
  FarEnd one = house.House::log_in();
  Rows names;
  for (int i = 0; i < 201; ++i) names.push_back({"c", "app.n" + std::to_string(i), ""});
  CHECK(house.runs(one, call_f) == asks_names(visible));
  house.answers(backend::audit(names));
  CHECK(house.pins() == Residue::unseen);
}

TEST_CASE("what SQL has prepared may be closed by the protocol") {
  Town house;
  FarEnd one = house.log_in();
  house.runs(one, "PREPARE p AS SELECT 1");
  house.answers(backend::audit({{"p", "", ""}}));
  house.sends(one, frontend::close('S', "p") + frontend::sync);
  house.answers(backend::close_complete + backend::ready());
  CHECK(house.server().take() == asks(Residue::prepared | Residue::hold_cursors));
  house.answers(backend::audit({}));
  CHECK(house.idle() == 1);
}

// Modes -----------------------------------------------------------------------------------------------------

TEST_CASE("without session fidelity everything stays on the server, and nothing is asked or reset") {
  Settings settings;
  settings.session_fidelity = SessionFidelity::off;
  Town house(settings);
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "SET work_mem = '64kB'").empty());
  CHECK(house.runs(one, lock).empty());
  CHECK(house.runs(one, "SELECT '" + std::string(70'000, 'x') + "'").empty());
  house.sends(one, wire::message('F', wire::int32(1) + "\0\0\0\0\0\0"s));
  house.answers(wire::message('V', wire::int32(-1)) + backend::ready());
  CHECK(house.server().take().empty());
  CHECK(house.idle() == 1);
  house.sends(one, frontend::terminate);
  CHECK(house.server().take().empty());
  CHECK(house.idle() == 1);
}

TEST_CASE("in session pooling nothing is asked: the server is its client's") {
  Town house(with_mode(PoolMode::session));
  FarEnd one = house.log_in();
  CHECK(house.runs(one, lock).empty());
  CHECK(house.idle() == 0);
  CHECK(house.sends(one, frontend::terminate) == discard_all);  // server_reset_query
}

TEST_CASE("in statement pooling state travels as in transaction pooling") {
  Town house(with_mode(PoolMode::statement));
  FarEnd one = house.log_in();
  CHECK(house.runs(one, "SET work_mem = '64kB'") == asks(Residue::settings));
  house.answers(backend::audit({{"s", "work_mem", "64"}}));
  CHECK(house.idle() == 1);
}

}  // namespace ballast::test
