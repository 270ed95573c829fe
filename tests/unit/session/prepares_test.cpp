// A client's prepared statements on a server that it shares: renamed, prepared where they are missing, in one
// flight.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::error_in;
using test::House;
using test::statement_in;
using wire::messages;
using wire::types;

// Clients and servers of a pool, with an answer to everything extended that the server is asked.
struct Talk : House {
  using House::House;

  // Answers what the server has been asked as PostgreSQL would, if all goes well; gives what it was asked.
  std::string serve() {
    const std::string asked = server().take();
    std::string answers;
    for (const auto& one : messages(asked)) {
      switch (one.type) {
        case 'P':
          answers += backend::parse_complete;
          break;
        case 'B':
          answers += backend::bind_complete;
          break;
        case 'D':
          answers += (one.body[0] == 'S' ? backend::parameter_description : "") + backend::no_data;
          break;
        case 'E':
          answers += backend::complete("SELECT 1");
          break;
        case 'C':
          answers += backend::close_complete;
          break;
        case 'S':
          answers += backend::ready();
          break;
        case 'Q':
          answers += backend::complete("SELECT 1") + backend::ready();
          break;
        default:
          break;
      }
    }
    server().send(answers);
    run();
    return asked;
  }
  // The client sends, the server answers; gives what the server was asked.
  std::string exchange(test::FarEnd client, const std::string& bytes) {
    client.send(bytes);
    run();
    return serve();
  }
};

std::string use(const std::string& name) {
  return frontend::bind("", name) + frontend::execute() + frontend::sync;
}
// The names of statements in the messages of that type.
std::vector<std::string> names(const std::string& bytes, char type) {
  std::vector<std::string> all;
  for (const auto& one : messages(bytes)) {
    if (one.type == type) all.push_back(statement_in(one));
  }
  return all;
}

}  // namespace

TEST_CASE("a named statement has a name of ours on the server, in Parse, Bind and Describe, at every cut") {
  const std::string batch = frontend::parse("mine", "SELECT $1") + frontend::describe('S', "mine") +
                            frontend::bind("portal", "mine", "value") + frontend::execute("portal") +
                            frontend::sync;
  wire::at_every_cut(batch.size(), [&](std::size_t offset, std::size_t piece) {
    Talk talk;
    test::FarEnd client = talk.log_in();
    client.send(batch.substr(0, offset));
    talk.run();
    for (std::size_t at = offset; at < batch.size(); at += piece) {
      client.send(batch.substr(at, piece));
      talk.run();
    }
    const std::string asked = talk.serve();
    const std::string name = names(asked, 'P').at(0);
    CHECK(name.starts_with("ballast_"));
    // Byte for byte what the client said, with another name.
    CHECK(asked == frontend::parse(name, "SELECT $1") + frontend::describe('S', name) +
                       frontend::bind("portal", name, "value") + frontend::execute("portal") +
                       frontend::sync);
    CHECK(types(client.take()) == "1tn2CZ");
  });
}

TEST_CASE("a statement is prepared on another server in the same write as its Bind") {
  Talk talk;
  talk.settings.default_pool_size = 2;
  talk.reload();
  test::FarEnd client = talk.log_in();
  const std::string name =
      names(talk.exchange(client, frontend::parse("mine", "SELECT $1") + frontend::sync), 'P').at(0);
  test::FarEnd holder = talk.log_in();
  holder.send(frontend::query("BEGIN"));
  talk.run();
  client.take();
  client.send(use("mine"));
  talk.run();
  talk.connect();
  CHECK(talk.server().take_writes() ==
        std::vector<std::string>{frontend::parse(name, "SELECT $1") + frontend::bind("", name) +
                                 frontend::execute() + frontend::sync});
  talk.server().send(backend::parse_complete + backend::bind_complete + backend::complete("SELECT 1") +
                     backend::ready());
  talk.run();
  CHECK(types(client.take()) == "2CZ");
  CHECK(talk.counters().statements_prepared.value() == 1);
}

TEST_CASE("parameters, Parse and Bind leave in one write") {
  Talk talk;
  test::FarEnd tokyo = talk.log_in("timezone\0Asia/Tokyo\0"s);
  const std::string name =
      names(talk.exchange(tokyo, frontend::parse("mine", "SELECT $1") + frontend::sync), 'P').at(0);
  talk.server().close();  // the statement is to be prepared anew
  talk.run();
  test::FarEnd plain = talk.log_in();
  talk.exchange(plain, frontend::query("SELECT 1"));
  while (talk.fake.connector.pending() > 0) talk.connect();
  talk.serve();
  talk.server().take();
  tokyo.send(use("mine"));
  talk.run();
  CHECK(talk.server().take_writes() ==
        std::vector<std::string>{
            frontend::query("SELECT pg_catalog.set_config('timezone','Asia/Tokyo',false);") +
            frontend::parse(name, "SELECT $1") + frontend::bind("", name) + frontend::execute() +
            frontend::sync});
}

TEST_CASE("a statement that the server has is not prepared again for a Bind or Describe") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("mine", "SELECT $1") + frontend::sync);
  CHECK(types(talk.exchange(client, use("mine"))) == "BES");
  CHECK(types(talk.exchange(client, frontend::describe('S', "mine") + frontend::sync)) == "DS");
}

TEST_CASE("two clients with the same text share a statement, under names of their own") {
  Talk talk;
  test::FarEnd one = talk.log_in();
  test::FarEnd two = talk.log_in();
  const std::string first = talk.exchange(one, frontend::parse("a", "SELECT $1") + frontend::sync);
  const std::string second = talk.exchange(two, frontend::parse("b", "SELECT $1") + frontend::sync);
  CHECK(names(first, 'P') == names(second, 'P'));
  CHECK(names(talk.exchange(one, use("a")), 'B') == names(talk.exchange(two, use("b")), 'B'));
}

TEST_CASE("other parameter types are another statement [5.2-46]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  const std::string types_given = wire::message('P', "b\0SELECT $1\0\0\1\0\0\0\x17"s);
  const std::string asked =
      talk.exchange(client, frontend::parse("a", "SELECT $1") + types_given + frontend::sync);
  const std::vector<std::string> both = names(asked, 'P');
  REQUIRE(both.size() == 2);
  CHECK(both[0] != both[1]);
}

TEST_CASE("a Parse of a name in use inside a COPY ends the client, it does not wait for ever [5.3-64]") {
  for (const bool copy_has_begun : {true, false}) {
    CAPTURE(copy_has_begun);
    Talk talk;
    test::FarEnd client = talk.log_in();
    talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync);
    client.take();
    client.send(frontend::query("COPY t FROM STDIN"));
    if (!copy_has_begun) client.send(frontend::parse("mine", "SELECT 2"));
    talk.run();
    talk.server().send(backend::copy_in);
    talk.run();
    if (copy_has_begun) client.send(frontend::parse("mine", "SELECT 2"));
    talk.run();
    const std::string answer = client.take();
    REQUIRE(answer.starts_with(backend::copy_in));
    CHECK(error_in(answer).sqlstate == "08P01");
    CHECK(error_in(answer).severity == Severity::fatal);
  }
}

TEST_CASE(
    "a name in use is refused by the server, with the client's own name, and the client stays [5.2-32]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  const std::string name =
      names(talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync), 'P').at(0);
  client.take();
  client.send(frontend::parse("mine", "SELECT 2") + use("mine"));
  talk.run();
  // The server is made to refuse the second text, under a name that it has: all before that goes well.
  const std::string asked = talk.server().take();
  const std::string refused = names(asked, 'P').back();
  std::string answers;
  for (const auto& one : messages(asked)) {
    if (one.type == 'P' && one.body.find("SELECT 2") != std::string::npos) break;
    answers += one.type == 'P' ? backend::parse_complete : backend::close_complete;
  }
  talk.server().send(answers +
                     backend::error("42P05", "prepared statement \"" + refused + "\" already exists") +
                     backend::ready());
  talk.run();
  const std::string answer = client.take();
  CHECK(types(answer) == "EZ");
  CHECK(error_in(answer).message == "prepared statement \"mine\" already exists");
  CHECK(names(talk.exchange(client, use("mine")), 'B') == std::vector<std::string>{name});  // the first one
}

TEST_CASE("an unknown name goes to the server as it is, and its error comes back [5.2-33]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  for (const std::string& batch :
       {frontend::bind("", "nobody") + frontend::sync, frontend::describe('S', "nobody") + frontend::sync}) {
    client.send(batch);
    talk.run();
    CHECK(talk.server().take() == batch);
    const std::string answer =
        backend::error("26000", "prepared statement \"nobody\" does not exist") + backend::ready();
    talk.server().send(answer);
    talk.run();
    CHECK(client.take() == answer);
  }
}

TEST_CASE("a client can't reach another's statement by its name on the server") {
  Talk talk;
  test::FarEnd owner = talk.log_in();
  test::FarEnd thief = talk.log_in();
  const std::string name =
      names(talk.exchange(owner, frontend::parse("mine", "SELECT 1") + frontend::sync), 'P').at(0);
  for (const std::string& batch : {use(name), frontend::describe('S', name) + frontend::sync}) {
    thief.send(batch);
    talk.run();
    const std::string asked = talk.server().take();
    for (const char type : {'B', 'D'}) {
      for (const std::string& asked_for : names(asked, type)) CHECK(asked_for != name);
    }
    talk.server().send(backend::error("26000", "no") + backend::ready());
    talk.run();
  }
  const std::string closing =
      talk.exchange(thief, frontend::query("BEGIN") + frontend::close('S', name) + frontend::sync);
  for (const std::string& closed : names(closing, 'C')) CHECK(closed != name);
}

TEST_CASE(
    "Close of a statement is answered without the server's doing, and the name is free again [5.2-33]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync);
  client.take();
  client.send(frontend::close('S', "mine") + frontend::close('S', "nobody") + frontend::sync);
  talk.run();
  CHECK(types(client.take()) == "33Z");
  CHECK(talk.asked().empty());
  const std::string asked = talk.exchange(client, frontend::parse("mine", "SELECT 2") + use("mine"));
  CHECK(types(client.take()) == "12CZ");
  CHECK(names(asked, 'P') == names(asked, 'B'));
}

TEST_CASE(
    "Close within a batch is answered in its place, and leaves the shared statement where it is [5.2-43]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  const std::string name =
      names(talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync), 'P').at(0);
  client.take();
  const std::string asked = talk.exchange(client, frontend::bind("", "mine") + frontend::close('S', "mine") +
                                                      frontend::execute() + frontend::sync);
  CHECK(types(asked) == "BCES");
  CHECK(names(asked, 'C').at(0) != name);
  CHECK(types(client.take()) == "23CZ");
}

TEST_CASE("a Close of the same batch is undone by an error before it [5.2-37]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync);
  client.take();
  client.send(frontend::bind("", "nobody") + frontend::close('S', "mine") + frontend::sync);
  talk.run();
  talk.server().take();
  talk.server().send(backend::error("26000", "no") + backend::ready());
  talk.run();
  CHECK(types(client.take()) == "EZ");
  CHECK(types(talk.exchange(client, use("mine"))) == "BES");
  CHECK(types(client.take()) == "2CZ");
}

TEST_CASE("a Parse that fails frees its name and is not believed to be on the server [5.2-36]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  client.send(frontend::parse("mine", "SELEC") + use("mine"));
  talk.run();
  talk.server().take();
  talk.server().send(backend::error("42601", "syntax error") + backend::ready());
  talk.run();
  CHECK(types(client.take()) == "EZ");
  const std::string asked = talk.exchange(client, frontend::parse("mine", "SELECT 1") + use("mine"));
  CHECK(types(client.take()) == "12CZ");
  CHECK(names(asked, 'P') == names(asked, 'B'));
}

TEST_CASE("a Parse sent behind an error of its batch, before the Sync, is skipped without harm [5.2-36]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  client.send(frontend::parse("bad", "SELEC") + frontend::flush);
  talk.run();
  talk.server().take();
  talk.server().send(backend::error("42601", "syntax error"));
  talk.run();
  CHECK(types(client.take()) == "E");
  client.send(frontend::parse("good", "SELECT 1"));
  talk.run();
  client.send(frontend::sync);
  talk.run();
  talk.server().take();
  talk.server().send(backend::ready());
  talk.run();
  CHECK(types(client.take()) == "Z");
  const std::string asked = talk.exchange(client, frontend::parse("good", "SELECT 1") + use("good"));
  CHECK(types(asked).ends_with("PBES"));
  CHECK(types(client.take()) == "12CZ");
}

TEST_CASE("a Close of ours that is skipped behind an error leaves no statement to collide with [5.2-38]") {
  Settings settings;
  settings.max_prepared_statements = 1;
  Talk talk(settings);
  test::FarEnd client = talk.log_in();
  const std::string first =
      names(talk.exchange(client, frontend::parse("a", "SELECT 1") + frontend::sync), 'P').at(0);
  client.send(frontend::bind("", "nobody") + frontend::flush);
  talk.run();
  talk.server().take();
  talk.server().send(backend::error("26000", "no"));
  talk.run();
  client.send(frontend::parse("b", "SELECT 2") + frontend::sync);  // would evict "a"; all of it is skipped
  talk.run();
  talk.server().take();
  talk.server().send(backend::ready());
  talk.run();
  // The server still has `first`: a Parse of it must follow a Close.
  test::FarEnd other = talk.log_in();
  const std::string asked = talk.exchange(other, frontend::parse("x", "SELECT 1") + frontend::sync);
  CHECK(names(asked, 'P') == std::vector<std::string>{first});
  REQUIRE_FALSE(names(asked, 'C').empty());
  CHECK(names(asked, 'C').front() == first);
}

TEST_CASE("a shared statement whose new Parse was skipped does not collide later [5.2-38]") {
  Talk talk;
  test::FarEnd one = talk.log_in();
  test::FarEnd two = talk.log_in();
  const std::string name =
      names(talk.exchange(one, frontend::parse("a", "SELECT 1") + frontend::sync), 'P').at(0);
  two.send(frontend::bind("", "nobody") + frontend::parse("b", "SELECT 1") + frontend::sync);
  talk.run();
  talk.server().take();
  talk.server().send(backend::error("26000", "no") + backend::ready());
  talk.run();
  const std::string asked = talk.exchange(two, frontend::parse("b", "SELECT 1") + frontend::sync);
  CHECK(names(asked, 'P') == std::vector<std::string>{name});
  CHECK(names(asked, 'C') == std::vector<std::string>{name});
}

TEST_CASE("the least recently used statement is closed to make room, in the same flight [5.2-38]") {
  Settings settings;
  settings.max_prepared_statements = 2;
  Talk talk(settings);
  test::FarEnd client = talk.log_in();
  const std::string a =
      names(talk.exchange(client, frontend::parse("a", "SELECT 1") + frontend::sync), 'P').at(0);
  const std::string b =
      names(talk.exchange(client, frontend::parse("b", "SELECT 2") + frontend::sync), 'P').at(0);
  talk.exchange(client, use("a"));
  client.take();
  const std::string asked = talk.exchange(client, frontend::parse("c", "SELECT 3") + use("c"));
  CHECK(types(asked) == "CPBES");
  CHECK(names(asked, 'C') == std::vector<std::string>{b});
  CHECK(types(client.take()) == "12CZ");
  CHECK(talk.counters().statements_evicted.value() == 1);
  const std::string again = talk.exchange(client, use("b"));  // prepared again, "a" goes
  CHECK(types(again) == "CPBES");
  CHECK(names(again, 'C') == std::vector<std::string>{a});
  CHECK(types(client.take()) == "2CZ");
}

TEST_CASE("a full cache evicts nothing that the batch at hand uses [5.2-38] [5.2-44]") {
  Settings settings;
  settings.max_prepared_statements = 1;
  Talk talk(settings);
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("a", "SELECT 1") + frontend::sync);
  client.take();
  const std::string asked =
      talk.exchange(client, frontend::bind("", "a") + frontend::execute() + frontend::parse("b", "SELECT 2") +
                                frontend::describe('S', "b") + frontend::flush);
  CHECK(types(asked) == "BEPDH");
  CHECK(types(client.take()) == "2C1tn");
}

TEST_CASE("a client that dies between Parse and its answer leaves no wrong belief [5.2-39]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  client.send(frontend::parse("a", "SELECT 1") + frontend::flush);
  talk.run();
  client.close();
  talk.run();
  CHECK(talk.server().is_gone());  // and with it whatever it had
}

TEST_CASE("the unnamed statement is prepared again on another server [5.2-49]") {
  Talk talk;
  talk.settings.default_pool_size = 2;
  talk.reload();
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("", "SELECT $1") + frontend::sync);
  CHECK(types(talk.exchange(client, use(""))) == "BES");  // still there
  client.take();
  test::FarEnd holder = talk.log_in();
  holder.send(frontend::query("BEGIN"));
  talk.run();
  client.send(use(""));
  talk.run();
  talk.connect();
  const std::string asked = talk.serve();
  CHECK(asked == frontend::parse("", "SELECT $1") + use(""));
  CHECK(types(client.take()) == "2CZ");
}

TEST_CASE("the unnamed statement of another client is never used [5.2-49]") {
  Talk talk;
  test::FarEnd one = talk.log_in();
  test::FarEnd two = talk.log_in();
  talk.exchange(one, frontend::parse("", "SELECT 'one'") + frontend::sync);
  talk.exchange(two, frontend::parse("", "SELECT 'two'") + frontend::sync);
  CHECK(talk.exchange(one, use("")) == frontend::parse("", "SELECT 'one'") + use(""));
  CHECK(talk.exchange(two, use("")) == frontend::parse("", "SELECT 'two'") + use(""));
  test::FarEnd none = talk.log_in();
  none.send(use(""));
  talk.run();
  CHECK(types(talk.server().take()) == "CBES");  // so that the server says that there is none
}

TEST_CASE("a simple query destroys the unnamed statement, here and for good [5.2-49]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("", "SELECT 1") + frontend::sync);
  talk.exchange(client, frontend::query("SELECT 2"));
  client.send(use(""));
  talk.run();
  CHECK(names(talk.server().take(), 'P').empty());
}

TEST_CASE("DEALLOCATE ALL forgets the client's statements [5.2-50]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  const std::string name =
      names(talk.exchange(client, frontend::parse("a", "SELECT 1") + frontend::sync), 'P').at(0);
  client.send(frontend::query("DEALLOCATE ALL"));
  talk.run();
  talk.server().take();
  talk.server().send(backend::complete("DEALLOCATE ALL") + backend::ready());
  talk.run();
  client.send(use("a"));
  talk.run();
  const std::string asked = talk.server().take();
  CHECK(names(asked, 'B') == std::vector<std::string>{"a"});
  talk.server().send(backend::error("26000", "no") + backend::ready());
  talk.run();
  const std::string again = talk.exchange(client, frontend::parse("a", "SELECT 1") + frontend::sync);
  CHECK(types(again) == "PS");
  CHECK(names(again, 'P') == std::vector<std::string>{name});
}

TEST_CASE("a Parse in the same pipe behind DEALLOCATE ALL is there afterwards [5.2-50]") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  client.send(frontend::query("DEALLOCATE ALL") + frontend::parse("b", "SELECT 1") + frontend::sync);
  talk.run();
  const std::string name = names(talk.server().take(), 'P').at(0);
  talk.server().send(backend::complete("DEALLOCATE ALL") + backend::ready() + backend::parse_complete +
                     backend::ready());
  talk.run();
  CHECK(types(client.take()) == "CZ1Z");
  CHECK(names(talk.exchange(client, use("b")), 'B') == std::vector<std::string>{name});
}

TEST_CASE("after a change of the schema a client that parses anew gets a statement of today [5.2-48]") {
  Talk talk;
  test::FarEnd one = talk.log_in();
  test::FarEnd two = talk.log_in();
  const std::string name =
      names(talk.exchange(one, frontend::parse("a", "SELECT * FROM t") + frontend::sync), 'P').at(0);
  two.send(frontend::query("ALTER TABLE t ADD c int"));
  talk.run();
  talk.server().take();
  talk.server().send(backend::complete("ALTER TABLE") + backend::ready());
  talk.run();
  const std::string asked = talk.exchange(two, frontend::parse("b", "SELECT * FROM t") + use("b"));
  CHECK(types(asked) == "CPBES");
  CHECK(names(asked, 'P') == std::vector<std::string>{name});
}

TEST_CASE("a name is waited for when its fate is open: two Parses of one name in two groups") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  client.send(frontend::parse("a", "SELEC") + frontend::sync + frontend::parse("a", "SELECT 1") + use("a"));
  talk.run();
  CHECK(types(talk.server().take()).starts_with("PS"));
  talk.server().send(backend::error("42601", "syntax error") + backend::ready());
  talk.run();
  const std::string asked = talk.serve();
  CHECK(types(client.take()) == "EZ12CZ");
  CHECK(names(asked, 'P') == names(asked, 'B'));
}

TEST_CASE("a client keeps at most max_client_prepared_statements names [5.2-53]") {
  Settings settings;
  settings.max_client_prepared_statements = 3;
  Talk talk(settings);
  test::FarEnd client = talk.log_in();
  for (const std::string name : {"a", "b", "c"}) {
    talk.exchange(client, frontend::parse(name, "SELECT '" + name + "'") + frontend::sync);
  }
  client.take();
  client.send(frontend::parse("d", "SELECT 4") + frontend::sync);
  talk.run();
  const PgError error = error_in(client.take());
  CHECK(error.sqlstate == "54000");
  CHECK(error.message.find("max_client_prepared_statements (3)") != std::string::npos);
  CHECK(talk.counters().client_statement_limits.value() == 1);
}

TEST_CASE(
    "a Parse above max_prepared_statement_length is refused with a name and passes without one [5.2-45]") {
  Settings settings;
  settings.max_prepared_statement_length = 1000;
  const std::string text(2000, 'x');
  Talk talk(settings);
  test::FarEnd named = talk.log_in();
  named.send(frontend::parse("a", text) + frontend::sync);
  talk.run();
  const PgError error = error_in(named.take());
  CHECK(error.sqlstate == "54000");
  CHECK(error.message.find("max_prepared_statement_length") != std::string::npos);
  test::FarEnd unnamed = talk.log_in();
  CHECK(talk.exchange(unnamed, frontend::parse("", text) + use("")) == frontend::parse("", text) + use(""));
}

TEST_CASE(
    "a Parse and a Bind of several buffers pass whole, with a change of parameters before them [5.2-45]") {
  Talk talk;
  talk.log_in();
  test::FarEnd client = talk.log_in("timezone\0Asia/Tokyo\0"s);
  talk.exchange(talk.log_in(), frontend::query("SELECT 1"));
  const std::string text(300'000, 'x');
  const std::string value(500'000, 'v');
  client.send(frontend::parse("a", text) + frontend::bind("", "a", value) + frontend::execute() +
              frontend::sync);
  talk.run();
  const std::string asked = talk.serve();
  CHECK(types(asked) == "QPBES");
  const std::string name = names(asked, 'P').at(0);
  CHECK(asked.ends_with(frontend::parse(name, text) + frontend::bind("", name, value) + frontend::execute() +
                        frontend::sync));
  CHECK(types(client.take()) == "12CZ");
}

TEST_CASE("session pooling, and max_prepared_statements 0, leave all names alone") {
  for (const bool is_session : {false, true}) {
    Settings settings;
    if (is_session) {
      settings.pool_mode = PoolMode::session;
    } else {
      settings.max_prepared_statements = 0;
    }
    Talk talk(settings);
    test::FarEnd client = talk.log_in();
    const std::string batch = frontend::parse("a", "SELECT 1") + frontend::describe('S', "a") +
                              frontend::bind("", "a") + frontend::execute() + frontend::close('S', "a") +
                              frontend::sync;
    CHECK(talk.exchange(client, batch) == batch);
    CHECK(types(client.take()) == "1tn2C3Z");
  }
}

TEST_CASE("malformed messages go to the server as they are: it says best what is wrong") {
  for (const std::string& bad : {wire::message('P', "no end"), wire::message('B', "no end"),
                                 wire::message('D', ""), wire::message('D', "Sname")}) {
    Talk talk;
    test::FarEnd client = talk.log_in();
    client.send(bad + frontend::sync);
    talk.run();
    CHECK(talk.server().take() == bad + frontend::sync);
    talk.server().send(backend::error("08P01", "invalid message format") + backend::ready());
    talk.run();
    CHECK(types(client.take()) == "EZ");
  }
}

// SQL's EXECUTE ---------------------------------------------------------------------------------------------

TEST_CASE("SQL's EXECUTE finds a statement of the protocol's under the client's name, for that query only") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync);
  client.take();
  for (const std::string& sql : {"EXECUTE mine"s, "EXPLAIN EXECUTE mine"s}) {
    const std::string asked = talk.exchange(client, frontend::query(sql));
    CHECK(types(asked) == "PSQCS");
    CHECK(names(asked, 'P') == std::vector<std::string>{"mine"});
    CHECK(names(asked, 'C') == std::vector<std::string>{"mine"});
    CHECK(types(client.take()) == "CZ");
    talk.serve();  // an audit
  }
  CHECK(types(talk.exchange(client, frontend::query("EXECUTE others"))) == "Q");
  talk.serve();
  CHECK(types(talk.exchange(client, frontend::query("SELECT 1"))) == "Q");
}

TEST_CASE("an EXECUTE behind other requests waits for their answers") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  CHECK(types(talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync +
                                        frontend::query("EXECUTE mine"))) == "PSH");
  CHECK(types(talk.serve()) == "PSQCS");
  CHECK(types(client.take()) == "1ZCZ");
}

TEST_CASE("an EXECUTE by the protocol has its name within its batch") {
  Talk talk;
  test::FarEnd client = talk.log_in();
  talk.exchange(client, frontend::parse("mine", "SELECT 1") + frontend::sync);
  const std::string batch =
      frontend::parse("", "EXECUTE mine") + frontend::bind("", "") + frontend::execute();
  const std::string asked =
      talk.exchange(client, batch + frontend::bind("", "") + frontend::execute() + frontend::sync);
  CHECK(types(asked) == "PPBEBESCS");
  CHECK(names(asked, 'P') == std::vector<std::string>{"", "mine"});
  CHECK(types(client.take()) == "1Z12C2CZ");
  talk.serve();
  talk.exchange(client, frontend::parse("", "EXECUTE others") + frontend::bind("", "") + frontend::sync);
  CHECK(types(client.take()) == "12Z");
}

}  // namespace ballast
