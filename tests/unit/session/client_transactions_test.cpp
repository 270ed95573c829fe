// BEGIN that is answered before any server knows of it, and the block until the first statement brings both
// to a server.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast::test {
namespace {

using namespace std::string_literals;
using Texts = std::vector<std::string>;
using wire::types;

const std::string begin = frontend::query("BEGIN");
const std::string commit = frontend::query("COMMIT");
const std::string select = frontend::query("SELECT 1");
const std::string fail_block = frontend::query("ROLLBACK TO SAVEPOINT ballast_none");
const std::string in_block = backend::complete("BEGIN") + backend::ready('T');
const std::string selected_in_block =
    backend::row_description + backend::row("1") + backend::complete("SELECT 1") + backend::ready('T');
const std::string committed = backend::complete("COMMIT") + backend::ready();

std::string done(const std::string& tag, char status) {
  return backend::complete(tag) + backend::ready(status);
}
// A Bind without parameters, its results in text.
std::string bind(const std::string& name, const std::string& portal = {}) {
  return wire::message('B', portal + "\0"s + name + "\0\0\0\0\0\0\0"s);
}
std::string batch(const std::string& sql) {
  return frontend::parse("", sql) + bind("") + frontend::execute() + frontend::sync;
}
std::string described(const std::string& sql) {
  return frontend::parse("", sql) + bind("") + frontend::describe('P', "") + frontend::execute() +
         frontend::sync;
}
// A batch whose Parse is done already.
std::string executed(const std::string& name) { return bind(name) + frontend::execute() + frontend::sync; }
std::string answer_to_batch(const std::string& tag, char status) {
  return backend::parse_complete + backend::bind_complete + done(tag, status);
}

struct Inn : House {
  explicit Inn(const Settings& from = {}) : House(from, Switch::on) {}

  // What the client is told when it says that.
  std::string told(FarEnd& client, const std::string& bytes) {
    client.send(bytes);
    run();
    return client.take();
  }
  std::string received() { return server().take(); }
  void answers(const std::string& bytes) {
    server().send(bytes);
    run();
  }
  // Logged in to a server that reports this at login.
  FarEnd log_in_where(const std::string& report) {
    FarEnd client = knock();
    servers.push_back(fake.connector.accept());
    std::string welcome_there = backend::welcome();
    welcome_there.insert(welcome_there.size() - backend::ready().size(), report);
    answers(welcome_there);
    CHECK(types(client.take()).ends_with("Z"));
    received();
    return client;
  }
  // It holds a lock, and so its server.
  FarEnd log_in_pinned() {
    FarEnd client = log_in();
    told(client, frontend::query("SELECT pg_advisory_lock(1)"));
    answers(backend::selected(""));
    answers(backend::audit({{"l", "", ""}}));
    client.take();
    received();
    CHECK(is_pinned());
    return client;
  }
  bool is_pinned() const { return !sessions->sessions().front()->pinned_by().empty(); }
  std::size_t idle() const { return pools->pools().begin()->second->idle_count(); }
};

// The client has been told that, as FATAL, and is gone.
void check_end(FarEnd& client, const std::string& told, const std::string& code) {
  CHECK(error_in(told).severity == Severity::fatal);
  CHECK(error_in(told).sqlstate == code);
  CHECK(client.is_gone());
}

Settings with_wait_timeout() {
  Settings settings;
  settings.query_wait_timeout = 5s;
  return settings;
}
Settings with_mode(PoolMode mode) {
  Settings settings;
  settings.pool_mode = mode;
  return settings;
}

// A client whose first request behind BEGIN has got no server: another client's query keeps that.
struct Refusal : Inn {
  explicit Refusal(const std::string& request = select) : Inn(with_wait_timeout()) {
    holder = log_in();
    client = log_in();
    told(holder, frontend::query("SELECT 'long'"));
    CHECK(told(client, begin) == in_block);
    CHECK(told(client, request).empty());
    CHECK(types(received()) == "Q");
  }
  void free_server() {
    answers(backend::selected("long"));
    CHECK(idle() == 1);
  }
  FarEnd holder;
  FarEnd client;
};

}  // namespace

// BEGIN and what ends it ------------------------------------------------------------------------------------

TEST_CASE("BEGIN is answered at once, and its server is free for others until it is needed") {
  Inn house;
  FarEnd client = house.log_in();
  FarEnd other = house.log_in();
  CHECK(house.told(client, begin) == in_block);
  CHECK(house.received().empty());
  CHECK(house.idle() == 1);
  CHECK(house.told(other, select).empty());
  CHECK(house.received() == select);
}

TEST_CASE("BEGIN and its first statement leave in one write, and the client is told of the statement alone") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, begin);
  house.server().take_writes();
  CHECK(house.told(client, select).empty());
  CHECK(house.server().take_writes() == Texts{begin + select});
  house.answers(in_block + selected_in_block);
  CHECK(client.take() == selected_in_block);
  CHECK(house.idle() == 0);
  CHECK(house.told(client, commit).empty());
  CHECK(house.received() == commit);
  house.answers(committed);
  CHECK(client.take() == committed);
  CHECK(house.idle() == 1);
  CHECK(house.statistics().transactions.value() == 1);
}

TEST_CASE("a whole transaction in one flight of the client's is one write to the server") {
  Inn house;
  FarEnd client = house.log_in();
  house.server().take_writes();
  CHECK(house.told(client, begin + select + commit) == in_block);
  CHECK(house.server().take_writes() == Texts{begin + select + commit});
  house.answers(in_block + selected_in_block + committed);
  CHECK(client.take() == selected_in_block + committed);
  CHECK(house.idle() == 1);
}

TEST_CASE(
    "each spelling of BEGIN is answered with the tag that PostgreSQL has for it, and goes out as it is") {
  const Texts spellings{"BEGIN",
                        "begin;",
                        " Begin Work ; ",
                        "/* a /* nested */ one */ BEGIN TRANSACTION -- and more",
                        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                        "START TRANSACTION",
                        "-- first\nstart transaction read only;"};
  for (const std::string& spelling : spellings) {
    CAPTURE(spelling);
    Inn house;
    FarEnd client = house.log_in();
    const bool is_start =
        spelling.find("ransaction read only;") != std::string::npos || spelling.starts_with("START");
    CHECK(house.told(client, frontend::query(spelling)) ==
          done(is_start ? "START TRANSACTION" : "BEGIN", 'T'));
    CHECK(house.received().empty());
    house.told(client, select);
    CHECK(house.received() == frontend::query(spelling) + select);
  }
}

TEST_CASE("an empty transaction costs its server nothing, however it ends") {
  const std::vector<std::array<std::string, 2>> ends{
      {"COMMIT", "COMMIT"},     {"END;", "COMMIT"},    {"commit work -- done", "COMMIT"},
      {"ROLLBACK", "ROLLBACK"}, {"ABORT", "ROLLBACK"}, {"/* no */ rollback transaction;", "ROLLBACK"}};
  for (const auto& spelling : ends) {
    const auto& [end, tag] = spelling;
    CAPTURE(spelling[0]);
    Inn house;
    FarEnd client = house.log_in();
    CHECK(house.told(client, begin) == in_block);
    CHECK(house.told(client, frontend::query(end)) == done(tag, 'I'));
    CHECK(house.told(client, batch("BEGIN")) == answer_to_batch("BEGIN", 'T'));
    CHECK(house.told(client, batch(end)) == answer_to_batch(tag, 'I'));
    CHECK(house.received().empty());
    house.told(client, select);
    CHECK(house.received() == select);  // outside of any block
  }
}

TEST_CASE("what would begin another transaction at once, or end none, is the server's to answer") {
  for (const char* const text : {"COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "ROLLBACK TO SAVEPOINT a",
                                 "PREPARE TRANSACTION 'a'", "SAVEPOINT a", "BEGIN", "COMMIT; SELECT 1", ""}) {
    CAPTURE(text);
    Inn house;
    FarEnd client = house.log_in();
    house.told(client, begin);
    CHECK(house.told(client, frontend::query(text)).empty());
    CHECK(house.received() == begin + frontend::query(text));
  }
}

TEST_CASE("COMMIT or ROLLBACK without a block is the server's to warn of") {
  Inn house;
  FarEnd client = house.log_in();
  CHECK(house.told(client, commit).empty());
  CHECK(house.received() == commit);
}

TEST_CASE("BEGIN in a transaction goes to the server that has it, and a COMMIT there is its own") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, begin + select);
  house.answers(in_block + selected_in_block);
  client.take();
  house.received();
  CHECK(house.told(client, begin).empty());
  CHECK(house.received() == begin);
  house.answers(backend::notice("there is already a transaction in progress") + in_block);
  CHECK(types(client.take()) == "NCZ");
  house.told(client, commit);
  CHECK(house.received() == commit);
}

TEST_CASE("BEGIN by a simple Query is held back at every cut of its bytes") {
  const std::string bytes = frontend::query("START TRANSACTION;");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    Inn house;
    FarEnd client = house.log_in();
    CHECK(house.told(client, bytes.substr(0, cut)).empty());
    CHECK(house.told(client, bytes.substr(cut)) == done("START TRANSACTION", 'T'));
    CHECK(house.received().empty());
  }
}

// The extended protocol -------------------------------------------------------------------------------------

TEST_CASE("BEGIN by a batch is answered at once, with Describe and without") {
  Inn house;
  FarEnd client = house.log_in();
  CHECK(house.told(client, batch("BEGIN")) == answer_to_batch("BEGIN", 'T'));
  CHECK(house.told(client, described("COMMIT")) ==
        backend::parse_complete + backend::bind_complete + backend::no_data + done("COMMIT", 'I'));
  CHECK(house.told(client, described("START TRANSACTION")) ==
        backend::parse_complete + backend::bind_complete + backend::no_data + done("START TRANSACTION", 'T'));
  CHECK(house.received().empty());
  house.told(client, batch("SELECT 1"));
  CHECK(house.received() == frontend::query("START TRANSACTION") + batch("SELECT 1"));
}

TEST_CASE("a batch of BEGIN and the statement's batch behind it, in one flight, are one write") {
  Inn house;
  FarEnd client = house.log_in();
  house.server().take_writes();
  CHECK(house.told(client, batch("BEGIN") + batch("SELECT 1") + batch("COMMIT")) ==
        answer_to_batch("BEGIN", 'T'));
  CHECK(house.server().take_writes() == Texts{begin + batch("SELECT 1") + batch("COMMIT")});
}

TEST_CASE("BEGIN from a prepared statement is answered at once, with Describe and without") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, frontend::parse("b", "BEGIN") + frontend::sync);
  house.answers(backend::parse_complete + backend::ready());
  house.told(client, frontend::parse("c", "COMMIT") + frontend::sync);
  house.answers(backend::parse_complete + backend::ready());
  client.take();
  house.received();
  CHECK(house.told(client, executed("b")) == backend::bind_complete + in_block);
  CHECK(house.told(client, bind("c") + frontend::describe('P', "") + frontend::execute() + frontend::sync) ==
        backend::bind_complete + backend::no_data + committed);
  CHECK(house.received().empty());
  house.told(client, executed("b") + select);
  CHECK(house.received() == begin + select);
}

TEST_CASE("a batch of BEGIN comes to the same at every cut of its bytes") {
  const std::string bytes = described("BEGIN");
  const std::string answer = backend::parse_complete + backend::bind_complete + backend::no_data + in_block;
  // From an Execute on a batch is not waited for: then it is the server's.
  const std::size_t execute_header = bytes.size() - frontend::sync.size() - frontend::execute().size() + 5;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    Inn house;
    FarEnd client = house.log_in();
    CHECK(house.told(client, bytes.substr(0, cut)).empty());
    const std::string told = house.told(client, bytes.substr(cut));
    if (cut < execute_header) {
      CHECK(told == answer);
      CHECK(house.received().empty());
    } else {
      CHECK(house.received() == bytes);
      house.answers(answer);
      CHECK(told + client.take() == answer);
    }
  }
}

TEST_CASE("any other batch of BEGIN is the server's to answer") {
  const std::string execute_one_row = wire::message('E', "\0\0\0\0\1"s);
  const std::string parse = frontend::parse("", "BEGIN");
  const std::string typed = wire::message('P', "\0BEGIN\0\0\1\0\0\0\x17"s);
  const std::string execute_portal = frontend::execute("p");
  const Texts batches{
      parse + frontend::bind("", "") + frontend::execute() + frontend::sync,  // a parameter
      typed + bind("") + frontend::execute() + frontend::sync,
      parse + bind("") + frontend::execute() + frontend::flush,
      parse + bind("") + frontend::execute() + batch("SELECT 1"),
      parse + bind("") + frontend::execute() + frontend::execute() + frontend::sync,
      parse + bind("") + frontend::sync,
      parse + bind("", "p") + execute_portal + frontend::sync,
      parse + bind("") + execute_portal + frontend::sync,  // there is no such portal
      parse + bind("") + frontend::describe('S', "") + frontend::execute() + frontend::sync,
      parse + bind("") + frontend::describe('P', "p") + frontend::execute() + frontend::sync,
      parse + wire::message('B', "\0\0\0\0\0\0"s) + frontend::execute() + frontend::sync,  // no formats
      parse + bind("") + wire::message('E', "\0"s) + frontend::sync,                       // no row limit
      wire::message('P', "\0BEGIN\0\0\0more"s) + bind("") + frontend::execute() + frontend::sync,
  };
  for (std::size_t i = 0; i < batches.size(); ++i) {
    CAPTURE(i);
    Inn house;
    FarEnd client = house.log_in();
    CHECK(house.told(client, batches[i]).empty());
    CHECK(house.received() == batches[i]);
  }
  Inn house;
  FarEnd client = house.log_in();
  CHECK(house.told(client, parse + bind("") + execute_one_row + frontend::sync) ==
        answer_to_batch("BEGIN", 'T'));
}

TEST_CASE("a Query with something behind its text is the server's to refuse") {
  Inn house;
  FarEnd client = house.log_in();
  const std::string malformed = wire::message('Q', "BEGIN\0more\0"s);
  CHECK(house.told(client, malformed).empty());
  CHECK(house.received() == malformed);
}

TEST_CASE("a Parse of BEGIN under a name goes to the server, and begins nothing") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, frontend::parse("b", "BEGIN") + bind("b") + frontend::execute() + frontend::sync);
  CHECK(house.asked() == "PBES");
}

TEST_CASE("a Sync in a block that no server knows of says so") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, begin);
  CHECK(house.told(client, frontend::sync) == backend::ready('T'));
  CHECK(house.told(client, frontend::flush).empty());
  house.told(client, commit);
  CHECK(house.told(client, frontend::sync) == backend::ready('I'));
  CHECK(house.received().empty());
}

// The unnamed statement -------------------------------------------------------------------------------------

TEST_CASE("BEGIN by a simple Query ends the unnamed statement, as on the server") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, frontend::parse("", "SELECT 1") + frontend::sync);
  house.answers(backend::parse_complete + backend::ready());
  house.received();
  house.told(client, begin);
  house.told(client, executed(""));
  CHECK(house.received() == begin + executed(""));  // 26000
}

TEST_CASE("the unnamed statement of a batch that was answered here is there to be executed again") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, batch("BEGIN"));
  CHECK(house.told(client, executed("")).empty());
  CHECK(house.received() == begin + batch("BEGIN"));
  house.answers(in_block + backend::parse_complete + backend::bind_complete +
                backend::notice("there is already a transaction in progress") + in_block);
  CHECK(types(client.take()) == "2NCZ");
}

TEST_CASE("BEGIN from a prepared statement leaves the unnamed one as it was") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, frontend::parse("b", "BEGIN") + frontend::parse("", "SELECT 1") + frontend::sync);
  house.answers(backend::parse_complete + backend::parse_complete + backend::ready());
  client.take();
  house.received();
  CHECK(house.told(client, executed("b")) == backend::bind_complete + in_block);
  house.told(client, executed(""));
  CHECK(house.received() == begin + batch("SELECT 1"));
}

// What is not held back -------------------------------------------------------------------------------------

TEST_CASE("where BEGIN may not be held back it goes to the server as it comes") {
  Settings apart_only;
  apart_only.session_fidelity = SessionFidelity::off;
  for (const Settings& settings :
       {with_mode(PoolMode::session), with_mode(PoolMode::statement), apart_only}) {
    for (const std::string& bytes : {begin, batch("BEGIN")}) {
      Inn house(settings);
      FarEnd client = house.log_in();
      CHECK(types(house.told(client, bytes)).find('C') == std::string::npos);
      CHECK(house.received() == bytes);
    }
  }
  House house({}, Switch::off);
  FarEnd client = house.log_in();
  client.send(begin);
  house.run();
  CHECK(house.server().take() == begin);
}

TEST_CASE("a block that is open when defer_begin is switched off goes on to the server") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, begin);
  house.settings.defer_begin = Switch::off;
  house.reload();
  CHECK(house.told(client, commit).empty());
  CHECK(house.received() == begin + commit);
}

TEST_CASE("modes that a standby refuses are held back only where there is none for certain") {
  const Texts modes{"BEGIN READ WRITE", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                    "begin isolation level serializable read only"};
  for (const std::string& report :
       {""s, backend::parameter("in_hot_standby", "on"), backend::parameter("in_hot_standby", "off")}) {
    const bool is_primary = report.ends_with("off\0"s);
    CAPTURE(report);
    for (const std::string& mode : modes) {
      Inn house;
      FarEnd client = house.log_in_where(report);
      CHECK(house.told(client, frontend::query(mode)).empty() == !is_primary);
      CHECK(house.received().empty() == is_primary);
    }
    Inn house;
    FarEnd client = house.log_in_where(report);
    CHECK(house.told(client, begin) == in_block);
    CHECK(house.received().empty());
  }
}

// What goes in front of the block ---------------------------------------------------------------------------

TEST_CASE("the client's state, its BEGIN and its statement go out in this order, in one write") {
  Inn house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.told(one, frontend::query("SET work_mem = '64kB'"));
  house.answers(done("SET", 'I'));
  house.answers(backend::audit({{"s", "work_mem", "64"}}));
  CHECK(house.told(two, begin) == in_block);
  house.server().take_writes();
  house.told(two, select);
  CHECK(house.server().take_writes() == Texts{frontend::query("RESET \"work_mem\";") + begin + select});
}

TEST_CASE("what others have left of sequences is forgotten in front of the block that would read it") {
  Inn house;
  FarEnd other = house.log_in();
  FarEnd client = house.log_in();
  house.told(other, frontend::query("INSERT INTO t DEFAULT VALUES"));
  house.answers(done("INSERT 0 1", 'I'));
  house.received();
  const std::string reads = frontend::query("SELECT currval('s')");
  house.told(client, begin + reads);
  CHECK(house.received() == frontend::query("DISCARD SEQUENCES") + begin + reads);
}

TEST_CASE("a role that is awaited holds back the statement, not the block") {
  Inn house;
  FarEnd one = house.log_in();
  FarEnd two = house.log_in();
  house.told(one, frontend::query("SET ROLE reader"));
  house.answers(done("SET", 'I'));
  house.answers(backend::audit({{"i", "role", "reader"}, {"i", "session_authorization", "ann"}}));
  house.told(two, select);
  house.answers(done("RESET", 'I') + backend::selected("1"));
  one.take();
  house.received();
  CHECK(house.told(one, begin + select) == in_block);
  CHECK(types(house.received()) == "QQ");
  SUBCASE("and is there") {
    house.answers(done("SELECT 1", 'I') + in_block);
    CHECK(house.received() == select);
    house.answers(selected_in_block);
    CHECK(one.take() == selected_in_block);
  }
  SUBCASE("and is gone: so is the client, and the statement never ran") {
    house.answers(backend::error("22023", "role \"reader\" does not exist") + backend::ready());
    check_end(one, one.take(), "22023");
    CHECK(house.received().find(select) == std::string::npos);
  }
}

// Failures --------------------------------------------------------------------------------------------------

TEST_CASE("a first statement that fails leaves the client in the server's failed transaction") {
  Inn house;
  FarEnd client = house.log_in();
  const std::string error = backend::error("42703", "no such column") + backend::ready('E');
  house.told(client, begin + frontend::query("SELECT x"));
  house.answers(in_block + error);
  CHECK(client.take() == error);
  house.received();
  CHECK(house.told(client, commit).empty());
  CHECK(house.received() == commit);
  house.answers(done("ROLLBACK", 'I'));
  CHECK(client.take() == done("ROLLBACK", 'I'));
  CHECK(house.idle() == 1);
}

TEST_CASE(
    "a BEGIN that the server refuses ends the connection: what follows it would run outside of a block") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, begin + select);
  house.answers(backend::error("XX000", "not now") + backend::ready() + backend::selected("1"));
  check_end(client, client.take(), "XX000");
  CHECK(house.server().is_gone());
}

TEST_CASE("a block whose first request gets no server has failed; what ends it is answered here") {
  for (const char* const end : {"ROLLBACK", "COMMIT"}) {
    CAPTURE(end);
    Refusal house;
    house.pass(5s);
    const std::string told = house.client.take();
    CHECK(types(told) == "EZ");
    CHECK(error_in(told).sqlstate == "53300");
    CHECK(told.ends_with(backend::ready('E')));
    CHECK(house.told(house.client, frontend::sync) == backend::ready('E'));
    CHECK(house.told(house.client, frontend::query(end)) == done("ROLLBACK", 'I'));
    house.free_server();
    CHECK(house.received().empty());
    CHECK(house.told(house.client, begin) == in_block);
  }
}

TEST_CASE("a batch that gets no server fails its block too, and is skipped to its Sync") {
  Refusal house(batch("SELECT 1"));
  house.pass(5s);
  const std::string told = house.client.take();
  CHECK(types(told) == "EZ");
  CHECK(told.ends_with(backend::ready('E')));
  CHECK(house.told(house.client, batch("COMMIT")) == answer_to_batch("ROLLBACK", 'I'));
}

TEST_CASE("another statement in a block that failed here, and that gets no server, fails for the block") {
  for (const std::string& request : {select, batch("SELECT 1")}) {
    Refusal house;
    house.pass(5s);
    house.client.take();
    CHECK(house.told(house.client, request).empty());
    house.pass(5s);
    CHECK(house.client.take() ==
          backend::error("25P02",
                         "current transaction is aborted, commands ignored until end of transaction block") +
              backend::ready('E'));
    CHECK(house.told(house.client, commit) == done("ROLLBACK", 'I'));
  }
}

TEST_CASE("what may end a block that failed here, and gets no server, is told that there is none") {
  for (const std::string& request : {frontend::query("COMMIT; BEGIN"), frontend::query(""), batch("")}) {
    Refusal house;
    house.pass(5s);
    house.client.take();
    CHECK(house.told(house.client, request).empty());
    house.pass(5s);
    const std::string answer = house.client.take();
    CHECK(error_in(answer).sqlstate == "53300");
    CHECK(answer.ends_with(backend::ready('E')));
  }
}

TEST_CASE("another statement in a block that failed here fails on the server, which says so") {
  Refusal house;
  house.pass(5s);
  house.client.take();
  house.free_server();
  CHECK(house.told(house.client, select).empty());
  CHECK(house.received() == begin + fail_block + select);
  const std::string aborted = backend::error("25P02", "transaction is aborted") + backend::ready('E');
  house.answers(in_block + backend::error("3B001", "no such savepoint") + backend::ready('E') + aborted);
  CHECK(house.client.take() == aborted);
  house.told(house.client, commit);
  CHECK(house.received() == commit);
  house.answers(done("ROLLBACK", 'I'));
  CHECK(house.client.take() == done("ROLLBACK", 'I'));
  CHECK(house.idle() == 1);
}

TEST_CASE("a cancel of the first request while it waits fails the block") {
  Refusal house;
  const CancelRequest key = key_in(house.welcome);
  FarEnd canceller = house.arrive();
  std::string packet;
  write_cancel_request(packet, key.process_id, key.secret);
  canceller.send(packet);
  house.run();
  const std::string told = house.client.take();
  CHECK(error_in(told).sqlstate == "57014");
  CHECK(told.ends_with(backend::ready('E')));
  CHECK(house.told(house.client, frontend::query("ROLLBACK")) == done("ROLLBACK", 'I'));
}

TEST_CASE("a client that leaves a block that no server knows of leaves nothing to roll back") {
  Inn house;
  FarEnd client = house.log_in();
  house.told(client, begin);
  house.told(client, frontend::terminate);
  CHECK(client.is_gone());
  CHECK(house.received().empty());
  CHECK(house.idle() == 1);
}

// Time ------------------------------------------------------------------------------------------------------

TEST_CASE(
    "idle_transaction_timeout counts in a block that no server knows of; client_idle_timeout does not") {
  for (const bool is_pinned : {false, true}) {
    CAPTURE(is_pinned);
    Settings settings;
    settings.idle_transaction_timeout = 60s;
    settings.client_idle_timeout = 10s;
    Inn house(settings);
    FarEnd client = is_pinned ? house.log_in_pinned() : house.log_in();
    house.told(client, begin);
    house.pass(59s);
    CHECK_FALSE(client.is_gone());
    house.pass(1s);
    check_end(client, client.take(), "25P03");
    CHECK(house.counters().idle_transaction_timeouts.value() == 1);
  }
}

TEST_CASE("client_idle_timeout counts from the end of an empty transaction") {
  Settings settings;
  settings.client_idle_timeout = 10s;
  Inn house(settings);
  FarEnd client = house.log_in();
  house.told(client, begin);
  house.pass(30s);
  CHECK(house.told(client, commit) == committed);
  house.pass(9s);
  CHECK_FALSE(client.is_gone());
  house.pass(1s);
  check_end(client, client.take(), "57P05");
}

TEST_CASE("a drain leaves a block that no server knows of to its end") {
  for (const bool is_pinned : {false, true}) {
    CAPTURE(is_pinned);
    Inn house;
    FarEnd client = is_pinned ? house.log_in_pinned() : house.log_in();
    house.told(client, begin);
    house.sessions->drain();
    house.run();
    CHECK_FALSE(client.is_gone());
    const std::string told = house.told(client, commit);
    CHECK(told.starts_with(committed));
    check_end(client, told, "57P01");
  }
}

// A client that keeps its server ----------------------------------------------------------------------------

TEST_CASE("a pinned client's BEGIN is answered here too, and goes out with its statement") {
  Inn house;
  FarEnd client = house.log_in_pinned();
  CHECK(house.told(client, begin) == in_block);
  CHECK(house.told(client, frontend::sync) == backend::ready('T'));
  CHECK(house.told(client, commit) == committed);
  CHECK(house.told(client, begin) == in_block);
  CHECK(house.received().empty());
  house.server().take_writes();
  house.told(client, select);
  CHECK(house.server().take_writes() == Texts{begin + select});
  house.answers(in_block + selected_in_block);
  CHECK(client.take() == selected_in_block);
}

TEST_CASE("a Close begins a pinned client's block on the server, in front of what comes behind it") {
  Inn house;
  FarEnd client = house.log_in_pinned();
  house.told(client, begin);
  const std::string close = frontend::close('P', "p");
  CHECK(house.told(client, close + batch("SELECT 1")).empty());
  CHECK(house.received() == begin + close + batch("SELECT 1"));
  const std::string answer = backend::close_complete + answer_to_batch("SELECT 1", 'T');
  house.answers(in_block + answer);
  CHECK(client.take() == answer);
}

TEST_CASE("a BEGIN behind another request goes to the server with it") {
  Inn house;
  FarEnd client = house.log_in_pinned();
  CHECK(house.told(client, select + begin).empty());
  CHECK(house.received() == select + begin);
}

}  // namespace ballast::test
