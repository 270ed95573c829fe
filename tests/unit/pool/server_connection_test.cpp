#include "proxy/pool/server_connection.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/error_message.hpp"

#include "tests/support/fake_world.hpp"
#include "tests/unit/pool/backend.hpp"
#include "tests/unit/pool/owner.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;
using wire::message;
using wire::types;

// Writes down what it is told.
class Recorder final : public Lessee {
 public:
  std::string answers;  // all bytes, errors among them
  std::string events;   // a letter for each call that is no answer
  std::vector<PgError> errors;
  PgError refused;
  PgError lost;
  bool is_congested = false;
  bool is_to_wait = false;  // with a notification
  std::function<void()> at_end;

  void on_answer(std::string_view bytes) override { answers += bytes; }
  std::string statement_name(const Request&) const override { return {}; }
  void on_error(std::string_view text, std::string_view) override {
    answers += text;
    errors.push_back(read_error(text.substr(header_size)));
  }
  void on_parameters_changed() override { events += 'p'; }
  void on_transaction_end() override {}
  void on_audited() override {}
  Heard on_notification(std::string_view message) override {
    if (is_to_wait) return Heard::wait;
    answers += message;
    return Heard::go_on;
  }
  void on_listened() override { events += 'n'; }
  void on_schema_changed() override {}
  void on_parameters_refused(const PgError& why) override {
    events += 'r';
    refused = why;
  }
  void on_request_answered(const Request& request) override {
    events += "+" + std::to_string(request.statement);
  }
  void on_request_discarded(const Request& request) override {
    events += "-" + std::to_string(request.statement);
  }
  void on_statements_dropped() override { events += 'd'; }
  void on_answers_end() override {
    if (at_end) at_end();
  }
  bool congested() const override { return is_congested; }
  void on_server_drained() override { events += 'w'; }
  void on_server_lost(const PgError& why) override {
    events += 'l';
    lost = why;
  }
};

struct Setup {
  test::FakeWorld world;
  Owner owner;
  Recorder client;
  test::FarEnd far;
  std::unique_ptr<ServerConnection> server;

  Setup() {
    owner.bare->reported = {{"TimeZone", "UTC"}, {"application_name", ""}};
    ServerConnection::Birth birth;
    far = world.stream(birth.stream);
    birth.reported = owner.bare->reported;
    birth.process_id = 100;
    birth.parameters = owner.bare;
    birth.id = 7;
    server = std::make_unique<ServerConnection>(std::move(birth), world.loop, owner);
  }
  void lease() { server->lease_to(client); }
  void ask(RequestKind kind, Answer answer = Answer::forward) {
    server->expect({.kind = kind, .answer = answer});
  }
  void hear(std::string_view bytes) {
    far.send(bytes);
    CHECK(world.run());
  }
};

// Plays `answers` to a fresh setup in every cut: whole, in two parts, byte by byte.
void at_every_cut(std::string_view answers, const std::function<void(Setup&)>& begin,
                  const std::function<void(Setup&)>& check) {
  wire::at_every_cut(answers.size(), [&](std::size_t offset, std::size_t piece) {
    Setup setup;
    setup.lease();
    begin(setup);
    setup.hear(answers.substr(0, offset));
    for (std::size_t at = offset; at < answers.size(); at += piece) setup.hear(answers.substr(at, piece));
    check(setup);
  });
}

}  // namespace

TEST_CASE("a query's answers reach the lessee byte for byte, however they arrive") {
  const std::string answers = backend::row_description + backend::row("one") + backend::row("") +
                              backend::notice("careful") + backend::complete("SELECT 2") + backend::ready();
  at_every_cut(
      answers, [](Setup& setup) { setup.ask(RequestKind::query); },
      [&](Setup& setup) {
        CHECK(setup.client.answers == answers);
        CHECK(setup.client.events.empty());
        CHECK(setup.server->pipeline().at_rest());
      });
}

TEST_CASE("answers to a query of ours are dropped, those to the client's behind it are not") {
  const std::string ours = backend::selected("ours");
  const std::string theirs = backend::selected("theirs");
  at_every_cut(
      ours + theirs,
      [](Setup& setup) {
        setup.server->roll_back();
        CHECK(setup.server->is_busy_with_own());
        setup.ask(RequestKind::query);
      },
      [&](Setup& setup) {
        CHECK(setup.client.answers == theirs);
        CHECK_FALSE(setup.server->is_busy_with_own());
        CHECK(setup.owner.events.empty());  // somebody has it
      });
}

TEST_CASE("an error arrives whole, by a call of its own, in its place") {
  const std::string before = backend::bind_complete;
  const std::string error = backend::error("22012", "division by zero");
  at_every_cut(
      before + error + backend::ready(),
      [](Setup& setup) {
        setup.ask(RequestKind::bind);
        setup.ask(RequestKind::execute);
        setup.ask(RequestKind::sync);
      },
      [&](Setup& setup) {
        CHECK(setup.client.answers == before + error + backend::ready());
        REQUIRE(setup.client.errors.size() == 1);
        CHECK(setup.client.errors[0].sqlstate == "22012");
      });
}

TEST_CASE("a row is passed on as it comes, not assembled [5.8-127]") {
  Setup setup;
  setup.lease();
  setup.ask(RequestKind::query);
  const std::string row = backend::row(std::string(5'000'000, 'x'));
  std::size_t sent = 0;
  for (; sent + 70'000 < row.size(); sent += 70'000) {
    setup.hear(std::string_view(row).substr(sent, 70'000));
    CHECK(setup.client.answers.size() == sent + 70'000);
  }
  setup.hear(row.substr(sent));
  CHECK(setup.client.answers == row);
}

TEST_CASE("a result of exactly the buffer's size comes through at once [5.8-125]") {
  for (const std::size_t size : {65'535U, 65'536U, 65'537U, 131'072U}) {
    CAPTURE(size);
    Setup setup;
    setup.lease();
    setup.ask(RequestKind::query);
    const std::string end = backend::complete("SELECT 1") + backend::ready();
    const std::string row = backend::row(std::string(size - end.size() - 11, 'x'));
    REQUIRE(row.size() + end.size() == size);
    setup.hear(row + end);
    CHECK(setup.client.answers == row + end);
    CHECK(setup.server->pipeline().at_rest());
  }
}

// Asynchronous messages -------------------------------------------------------------------------------------

TEST_CASE(
    "asynchronous messages go to the lessee, but of those within a query of ours only "
    "notifications, and none of an idle server "
    "[5.4-89]") {
  const std::string notification = message('A', wire::int32(1) + "channel\0payload\0"s);
  Setup setup;
  setup.hear(backend::notice("idle") + notification);
  CHECK(setup.owner.events.empty());
  setup.lease();
  setup.server->roll_back();
  setup.hear(backend::notice("ours") + notification + backend::complete("SELECT 1") +
             backend::notice("still ours") + backend::ready());
  CHECK(setup.client.answers == notification);
  setup.client.answers.clear();
  setup.hear(backend::notice("between two requests"));
  CHECK(setup.client.answers == backend::notice("between two requests"));
}

TEST_CASE("a notification is the lessee's in its place among the answers, at every cut") {
  const std::string answers =
      backend::complete("NOTIFY") + message('A', wire::int32(1) + "channel\0payload\0"s) + backend::ready();
  at_every_cut(
      answers, [](Setup& setup) { setup.ask(RequestKind::query); },
      [&](Setup& setup) { CHECK(setup.client.answers == answers); });
}

TEST_CASE("a lessee may let a notification wait, and all that is behind it") {
  const std::string notification = message('A', wire::int32(1) + "channel\0payload\0"s);
  Setup setup;
  setup.lease();
  setup.client.is_to_wait = true;
  setup.ask(RequestKind::query);
  setup.hear(backend::row_description + notification + backend::complete("SELECT 1"));
  CHECK(setup.client.answers == backend::row_description);
  CHECK_FALSE(setup.far.is_being_read());
  setup.server->resume_reading();
  CHECK_FALSE(setup.far.is_being_read());
  setup.far.send(backend::ready());
  setup.client.is_to_wait = false;
  setup.server->relay_on();
  const std::string rest = notification + backend::complete("SELECT 1");
  CHECK(setup.client.answers == backend::row_description + rest);
  CHECK(setup.world.run());
  CHECK(setup.client.answers == backend::row_description + rest + backend::ready());
  CHECK(setup.server->pipeline().at_rest());
}

TEST_CASE("a LISTEN of ours is the lessee's until another mark, and gone before its own requests") {
  Setup setup;
  setup.lease();
  setup.server->listen_from("marks", {7, 2}, {"a", "b \"quoted\""});
  setup.server->flush();
  const auto asked = wire::messages(setup.far.take());
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].body == listen_and_set_mark({"a", "b \"quoted\""}, "marks", {7, 2}) + "\0"s);
  CHECK(asked[0].body.ends_with(
      "LISTEN \"a\";LISTEN \"b \"\"quoted\"\"\";LISTEN \"marks\";NOTIFY \"marks\",'7.2'\0"s));
  CHECK(asked[1].body == "UNLISTEN \"marks\";\0"s);
  CHECK(setup.server->residue().is_pinned());
  CHECK(setup.server->channels() == Channels{"a", "b \"quoted\""});
  setup.hear(backend::complete("NOTIFY") + backend::ready() + backend::complete("UNLISTEN") +
             backend::ready());
  setup.server->listen_until("marks", {7, 3});
  setup.server->flush();
  CHECK(setup.far.take() == message('Q', set_mark("marks", {7, 3}) + "\0"s) + message('Q', "UNLISTEN *\0"s));
  CHECK_FALSE(setup.server->residue().is_pinned());
  CHECK(setup.server->channels().empty());
}

TEST_CASE("a LISTEN of ours that fails ends the connection") {
  Setup setup;
  setup.lease();
  setup.server->listen({"a"}, {});
  setup.hear(backend::error("53000", "no room") + backend::ready());
  CHECK(setup.client.lost.sqlstate == "53000");
  CHECK(setup.server->broken());
}

TEST_CASE("a changed parameter is the lessee's, and the server's new state, at every cut") {
  const std::string answers =
      backend::complete("SET") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready();
  at_every_cut(
      answers, [](Setup& setup) { setup.ask(RequestKind::query); },
      [&](Setup& setup) {
        CHECK(setup.client.answers == answers);
        CHECK(setup.client.events == "p");
        CHECK(setup.server->parameters()->values == ReportedParameters{{"timezone", "Asia/Tokyo"}});
        CHECK(setup.server->parameters()->proven());
        CHECK(setup.server->reported().at("TimeZone") == "Asia/Tokyo");
      });
}

TEST_CASE("a malformed ParameterStatus or ReadyForQuery ends the connection") {
  for (const std::string& bad : {message('S', "name without end"), message('S', "a\0b\0c"s), message('Z', ""),
                                 message('Z', "X"), message('Z', "II")}) {
    Setup setup;
    setup.lease();
    setup.ask(RequestKind::query);
    setup.hear(bad);
    CHECK(setup.owner.events == "b");
    CHECK(setup.client.events == "l");
  }
}

// Parameters ------------------------------------------------------------------------------------------------

TEST_CASE("taking parameters sends one query and proves the set") {
  Setup setup;
  const ParameterSetRef wanted = setup.owner.sets.intern({{"timezone", "Asia/Tokyo"}});
  setup.lease();
  setup.server->take_parameters(wanted);
  setup.ask(RequestKind::query);
  setup.server->flush();
  CHECK(setup.far.take() == message('Q', "SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);\0"s));
  CHECK(setup.server->parameters() == wanted);
  CHECK_FALSE(wanted->proven());
  setup.hear(backend::row_description + backend::row("Asia/Tokyo") + backend::complete("SELECT 1") +
             backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready());
  CHECK(wanted->proven());
  CHECK(wanted->reported.at("TimeZone") == "Asia/Tokyo");
  CHECK(setup.client.answers.empty());
  CHECK(setup.client.events.empty());
}

TEST_CASE("taking the parameters that it has sends nothing") {
  Setup setup;
  setup.lease();
  setup.server->take_parameters(setup.owner.bare);
  setup.server->flush();
  CHECK(setup.far.take().empty());
  CHECK(setup.server->pipeline().at_rest());
}

TEST_CASE("refused parameters leave the server as it was and tell the lessee why") {
  Setup setup;
  setup.lease();
  setup.server->take_parameters(setup.owner.sets.intern({{"timezone", "Nowhere"}}));
  setup.hear(backend::error("22023", "invalid value for parameter \"TimeZone\": \"Nowhere\"") +
             backend::ready());
  CHECK(setup.client.events == "r");
  CHECK(setup.client.refused.sqlstate == "22023");
  CHECK(setup.client.answers.empty());
  CHECK(setup.server->parameters() == setup.owner.bare);
  CHECK(setup.server->pipeline().at_rest());
}

TEST_CASE(
    "refused parameters with a client's request behind them end the connection: it must not run in a wrong "
    "state") {
  Setup setup;
  setup.lease();
  setup.server->take_parameters(setup.owner.sets.intern({{"timezone", "Nowhere"}}));
  setup.ask(RequestKind::query);
  setup.hear(backend::error("22023", "invalid value") + backend::ready() + backend::selected("wrong"));
  CHECK(setup.client.events == "l");
  CHECK(setup.client.answers.empty());
  CHECK(setup.owner.events == "b");
}

// Queries of our own while nobody has it --------------------------------------------------------------------

TEST_CASE("an own query of a server that nobody has settles it") {
  Setup setup;
  setup.server->become(ServerConnection::State::settling);
  setup.server->roll_back();
  setup.server->flush();
  CHECK(setup.far.take() == message('Q', "ROLLBACK\0"s));
  setup.hear(backend::complete("ROLLBACK") + backend::ready());
  CHECK(setup.owner.events == "s");
  CHECK(setup.owner.settled.message.empty());
}

TEST_CASE("an own query that fails settles it with the error") {
  Setup setup;
  setup.server->reset("DISCARD ALL", setup.owner.bare);
  setup.hear(backend::error("25001", "cannot run inside a transaction block") + backend::ready());
  CHECK(setup.owner.events == "s");
  CHECK(setup.owner.settled.sqlstate == "25001");
}

TEST_CASE("a reset takes it back to the state in which it was born") {
  Setup setup;
  setup.lease();
  CHECK(setup.server->is_used());
  setup.ask(RequestKind::query);
  setup.hear(backend::complete("SET") + backend::parameter("TimeZone", "Asia/Tokyo") + backend::ready());
  setup.server->statements().preparing(1, 1, 1);
  setup.server->statements().confirmed(1);
  setup.server->unlease();
  setup.server->reset("DISCARD ALL", setup.owner.bare);
  setup.hear(backend::parameter("TimeZone", "UTC") + backend::complete("DISCARD ALL") + backend::ready());
  CHECK(setup.owner.events == "s");
  CHECK(setup.server->parameters() == setup.owner.bare);
  CHECK(setup.server->statements().size() == 0);
  CHECK_FALSE(setup.server->is_used());
  CHECK(setup.client.events == "p");  // nothing of the reset
}

// Command tags ----------------------------------------------------------------------------------------------

TEST_CASE("DISCARD ALL and DEALLOCATE ALL of the client drop its statements and the server's [5.2-50]") {
  for (const std::string tag : {"DISCARD ALL", "DEALLOCATE ALL"}) {
    Setup setup;
    setup.lease();
    setup.server->statements().preparing(1, 1, 1);
    setup.server->statements().confirmed(1);
    setup.ask(RequestKind::query);
    setup.hear(backend::complete(tag) + backend::ready());
    CHECK(setup.client.events == "d");
    CHECK(setup.server->statements().size() == 0);
  }
}

TEST_CASE("a command that changes the schema is counted, others are not [5.2-48]") {
  for (const std::string tag : {"CREATE TABLE", "ALTER TABLE", "DROP VIEW"}) {
    Setup setup;
    setup.lease();
    setup.ask(RequestKind::query);
    setup.hear(backend::complete(tag) + backend::ready());
    CHECK(setup.owner.events == "c");
  }
  for (const std::string tag : {"SELECT 1", "INSERT 0 1", "DROPPED", "CREATED", "COPY 5", ""}) {
    Setup setup;
    setup.lease();
    setup.ask(RequestKind::query);
    setup.hear(backend::complete(tag) + backend::ready());
    CHECK(setup.owner.events.empty());
  }
}

// Statements ------------------------------------------------------------------------------------------------

TEST_CASE("a Parse is confirmed by its answer and not believed after an error") {
  Setup setup;
  setup.lease();
  for (const std::uint64_t id : {11U, 12U}) {
    setup.server->statements().preparing(id, setup.server->pipeline().group(), 1);
    setup.server->expect({.kind = RequestKind::parse, .by_client = true, .statement = id});
  }
  setup.ask(RequestKind::sync);
  setup.hear(backend::parse_complete + backend::error("42601", "syntax error") + backend::ready());
  CHECK(setup.client.events == "+11-12");
  const std::uint64_t group = setup.server->pipeline().group();
  CHECK(setup.server->statements().look_up(11, group, 1) == ServerStatements::Presence::present);
  CHECK(setup.server->statements().look_up(12, group, 1) != ServerStatements::Presence::present);
}

TEST_CASE("a Close of ours that was skipped leaves the statement known") {
  Setup setup;
  setup.lease();
  setup.server->statements().preparing(11, 1, 1);
  setup.server->statements().confirmed(11);
  setup.ask(RequestKind::bind);
  setup.server->expect({.kind = RequestKind::close, .answer = Answer::drop, .statement = 11});
  setup.server->statements().closing(11, setup.server->pipeline().group());
  setup.ask(RequestKind::sync);
  setup.hear(backend::error("26000", "no such statement") + backend::ready());
  CHECK(setup.server->statements().may_be_there(11, 99));
}

TEST_CASE("a Close and a new Parse of one statement, both skipped, leave it known: it is still there") {
  Setup setup;
  setup.lease();
  ServerStatements& statements = setup.server->statements();
  statements.preparing(11, 1, 1);
  statements.confirmed(11);
  setup.ask(RequestKind::bind);
  setup.server->expect({.kind = RequestKind::close, .answer = Answer::drop, .statement = 11});
  statements.closing(11, setup.server->pipeline().group());
  statements.preparing(11, setup.server->pipeline().group(), 2);
  setup.server->expect({.kind = RequestKind::parse, .by_client = true, .statement = 11});
  setup.ask(RequestKind::sync);
  setup.hear(backend::error("26000", "no such statement") + backend::ready());
  CHECK(statements.may_be_there(11, 99));
}

// The end ---------------------------------------------------------------------------------------------------

TEST_CASE("whatever nobody asked for ends the connection, and both sides are told once") {
  for (const std::string& stray :
       {backend::ready(), backend::row("x"), backend::complete("SELECT 1"), message('R', wire::int32(0)),
        message('K', wire::int32(1) + wire::int32(2)), message('?', ""), backend::copy_in}) {
    Setup setup;
    setup.lease();
    setup.hear(stray + backend::selected("more"));
    CHECK(setup.client.events == "l");
    CHECK(setup.client.lost.sqlstate == "08006");
    CHECK(setup.client.answers.empty());
    CHECK(setup.owner.events == "b");
    CHECK(setup.server->broken());
    CHECK(setup.server->lessee() == nullptr);
  }
}

TEST_CASE("a message of invalid length ends the connection [5.8-129]") {
  for (const std::string& bad : {"C\0\0\0\3"s, "D\0\0\0\0"s, "D\x40\0\0\0"s, "T\xff\xff\xff\xff"s}) {
    Setup setup;
    setup.lease();
    setup.ask(RequestKind::query);
    setup.hear(bad);
    CHECK(setup.owner.events == "b");
    CHECK(setup.client.events == "l");
  }
}

TEST_CASE("an error that claims to be huge is not waited for") {
  Setup setup;
  setup.lease();
  setup.ask(RequestKind::query);
  setup.hear("E\0\x20\0\0"s);
  CHECK(setup.owner.events == "b");
}

TEST_CASE("an idle server that says why it goes is believed") {
  Setup setup;
  setup.hear(backend::error("57P01", "terminating connection due to administrator command", "FATAL"));
  CHECK(setup.owner.events == "b");
  CHECK(setup.owner.broken.sqlstate == "57P01");
}

TEST_CASE("a server that goes between two requests tells its lessee why") {
  Setup setup;
  setup.lease();
  setup.hear(backend::error("57P01", "terminating connection due to administrator command", "FATAL"));
  CHECK(setup.client.events == "l");
  CHECK(setup.client.lost.sqlstate == "57P01");
}

TEST_CASE("a closed and a failed connection end it, with what is known of the reason") {
  Setup closed;
  closed.lease();
  closed.ask(RequestKind::query);
  closed.far.close();
  closed.world.run();
  CHECK(closed.client.lost.message == "the server closed the connection");
  CHECK(closed.owner.events == "b");

  Setup failed;
  failed.far.fail("Connection reset by peer");
  failed.world.run();
  CHECK(failed.owner.broken.message == "server connection lost: Connection reset by peer");
}

TEST_CASE("what came before the end is still given") {
  Setup setup;
  setup.lease();
  setup.ask(RequestKind::query);
  setup.far.send(backend::row("last"));
  setup.far.close();
  setup.world.run();
  CHECK(setup.client.answers == backend::row("last"));
  CHECK(setup.client.events == "l");
}

TEST_CASE("goodbye is a Terminate") {
  Setup setup;
  setup.server->say_goodbye();
  CHECK(setup.far.take() == message('X', ""));
  CHECK_FALSE(setup.far.is_being_read());
}

// Backpressure ----------------------------------------------------------------------------------------------

TEST_CASE("a congested lessee stops the reading until it resumes [5.8-127]") {
  Setup setup;
  setup.lease();
  setup.ask(RequestKind::query);
  setup.client.is_congested = true;
  const std::string row = backend::row(std::string(500'000, 'x'));
  setup.hear(row);
  CHECK(setup.client.answers.size() < 200'000);
  CHECK_FALSE(setup.far.is_being_read());
  setup.client.is_congested = false;
  setup.server->resume_reading();
  setup.world.run();
  CHECK(setup.client.answers == row);
}

TEST_CASE("a server whose lessee left while it was paused is read again") {
  Setup setup;
  setup.lease();
  setup.ask(RequestKind::query);
  setup.client.is_congested = true;
  setup.hear(backend::selected("x"));
  CHECK_FALSE(setup.far.is_being_read());
  setup.server->unlease();
  CHECK(setup.far.is_being_read());
}

TEST_CASE("one readable event reads a bounded part of a large result [5.8-130]") {
  Setup setup;
  setup.lease();
  setup.ask(RequestKind::query);
  setup.far.send(backend::row(std::string(10'000'000, 'x')));
  setup.world.loop.run_once();
  CHECK(setup.client.answers.size() <= 4 * 65'536);
  CHECK(setup.client.answers.size() > 0);
}

TEST_CASE("a server that does not take our bytes is congested, and says when it has taken them") {
  Setup setup;
  setup.lease();
  setup.far.limit_room(10);
  setup.ask(RequestKind::query);
  const std::string query = message('Q', std::string(100'000, 'q') + "\0"s);
  setup.server->send(query);
  setup.server->flush();
  CHECK(setup.server->congested());
  setup.far.limit_room(test::unlimited);
  setup.world.run();
  CHECK(setup.far.take() == query);
  CHECK_FALSE(setup.server->congested());
  CHECK(setup.client.events == "w");
}

// Holds -----------------------------------------------------------------------------------------------------

TEST_CASE("the last hold that ends tells the owner [5.5-90]") {
  Setup setup;
  {
    const ServerHold one(*setup.server);
    {
      const ServerHold two(*setup.server);
      CHECK(setup.server->is_held());
    }
    CHECK(setup.owner.events.empty());
  }
  CHECK_FALSE(setup.server->is_held());
  CHECK(setup.owner.events == "u");
}

TEST_CASE("a server that ends first clears its holds") {
  Setup broken;
  const ServerHold hold(*broken.server);
  broken.far.close();
  broken.world.run();
  CHECK(hold.server() == nullptr);

  Setup destroyed;
  const ServerHold other(*destroyed.server);
  destroyed.server.reset();
  CHECK(other.server() == nullptr);
}

}  // namespace ballast
