// A client that listens, on its server and on the connection that listens for many.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/session/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::error_in;
using test::House;
using wire::message;
using wire::types;

constexpr std::int32_t server_process = 100;  // as House names them
constexpr std::int32_t stranger_process = 4711;

std::string notification(const std::string& channel, const std::string& payload,
                         std::int32_t process = stranger_process) {
  return message('A', wire::int32(process) + channel + "\0"s + payload + "\0"s);
}
std::string done(const std::string& tag) { return backend::complete(tag) + backend::ready(); }
std::string text_between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  REQUIRE(begin != std::string::npos);
  return text.substr(begin + from.size(), text.find(to, begin + from.size()) - begin - from.size());
}

// One client on one server, and the connection that listens for it.
struct Stage {
  House house;
  test::FarEnd client;
  test::FarEnd server;
  test::FarEnd shared;
  std::string mark_channel;
  std::string mark;  // the last that the server was told to set

  explicit Stage(const Settings& settings = {}, Switch defer_begin = Switch::off)
      : house(settings, defer_begin), client(house.log_in()), server(house.server()) {}

  void client_says(const std::string& bytes) {
    client.send(bytes);
    house.run();
  }
  void server_says(const std::string& bytes) {
    server.send(bytes);
    house.run();
  }
  void shared_says(const std::string& bytes) {
    shared.send(bytes);
    house.run();
  }
  // The client's LISTEN, up to the audit that finds these channels.
  void listen(const std::vector<std::string>& channels) {
    client_says(frontend::query("LISTEN news"));
    CHECK(server.take() == frontend::query("LISTEN news"));
    server_says(done("LISTEN"));
    CHECK(client.take() == done("LISTEN"));
    answer_audit(channels);
  }
  void answer_audit(const std::vector<std::string>& channels) {
    CHECK(server.take() == frontend::query(audit_query(Residue::listening, {})));
    std::vector<std::array<std::string, 3>> rows;
    for (const std::string& channel : channels) rows.push_back({"n", channel, ""});
    server_says(backend::audit(rows));
  }
  // The shared connection comes up.
  void connect_shared() {
    shared = house.connect();
    mark_channel = text_between(shared.take(), "LISTEN \"ballast_mark", "\"");
    mark_channel.insert(0, "ballast_mark");
    shared_says(done("LISTEN"));
  }
  void note_mark(const std::string& query) {
    mark = text_between(query, "NOTIFY \"" + mark_channel + "\",'", "'");
  }
  std::string marked() const { return notification(mark_channel, mark); }
  // The server is to give the client's channels away, and does.
  void expect_hand_over() {
    const auto asked = wire::messages(server.take());
    REQUIRE(asked.size() == 2);
    note_mark(asked[0].body);
    CHECK(asked[1].body == "UNLISTEN *\0"s);
  }
  void answer_hand_over() { server_says(marked() + done("NOTIFY") + done("UNLISTEN")); }
  // All of the above.
  void hand_over() {
    listen({"news"});
    connect_shared();
    expect_hand_over();
    answer_hand_over();
    shared_says(marked());
    CHECK(idle_count() == 1);
  }
  std::size_t idle_count() const { return house.pools->pools().begin()->second->idle_count(); }
};

}  // namespace

TEST_CASE("a LISTEN is answered by its server, and handed over when another connection has registered too") {
  Stage stage;
  stage.listen({"news"});
  CHECK(stage.idle_count() == 0);
  CHECK(stage.house.pools->subscriber_count() == 1);
  stage.server_says(notification("news", "early"));
  CHECK(stage.client.take() == notification("news", "early"));
  stage.connect_shared();
  stage.expect_hand_over();
  stage.answer_hand_over();
  CHECK(stage.idle_count() == 1);
  stage.shared_says(stage.marked() + notification("news", "late") + notification("other", "not asked for"));
  CHECK(stage.client.take() == notification("news", "late"));
  CHECK(stage.house.counters().listening_handovers.value() == 1);
  CHECK(stage.house.counters().notifications_forwarded.value() == 1);
  CHECK(stage.house.counters().pins_listening.value() == 0);
}

TEST_CASE("before the mark the server is heard, behind it the shared connection, whichever is quicker") {
  Stage stage;
  stage.listen({"news"});
  stage.connect_shared();
  stage.expect_hand_over();
  stage.shared_says(notification("news", "1") + stage.marked() + notification("news", "2"));
  CHECK(stage.client.take().empty());
  stage.server_says(notification("news", "1"));
  CHECK(stage.client.take() == notification("news", "1"));
  stage.server_says(stage.marked() + notification("news", "2") + done("NOTIFY") + done("UNLISTEN"));
  CHECK(stage.client.take() == notification("news", "2"));
}

TEST_CASE(
    "a client that listens has a server that listens, before its statement and for as long as it has it") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("BEGIN"));
  const auto asked = wire::messages(stage.server.take());
  REQUIRE(asked.size() == 3);
  CHECK(asked[0].body.find("LISTEN \"news\";") != std::string::npos);
  stage.note_mark(asked[0].body);
  CHECK(asked[1].body == unlisten(stage.mark_channel) + "\0"s);
  CHECK(asked[2].body == "BEGIN\0"s);

  const std::string begun = backend::complete("BEGIN") + backend::ready('T');
  stage.server_says(notification("news", "1") + stage.marked() + done("NOTIFY") + done("UNLISTEN") + begun);
  CHECK(stage.client.take() == begun);
  stage.client_says(frontend::query("ROLLBACK"));
  CHECK(stage.server.take() == frontend::query("ROLLBACK"));
  stage.server_says(backend::complete("ROLLBACK") + notification("news", "2") + backend::ready());
  CHECK(stage.client.take() == backend::complete("ROLLBACK"));  // what was before must come first
  stage.shared_says(notification("news", "1"));
  CHECK(stage.client.take().empty());
  stage.shared_says(stage.marked() + notification("news", "2"));
  CHECK(stage.client.take() == notification("news", "1") + notification("news", "2") + backend::ready());
  stage.expect_hand_over();
  stage.answer_hand_over();
  CHECK(stage.idle_count() == 1);
}

TEST_CASE("a statement that can't tell goes to a server that does not listen; what comes meanwhile waits") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("SELECT 1"));
  CHECK(stage.server.take() == frontend::query("SELECT 1"));
  const std::string answer = backend::selected("1");
  stage.server_says(answer.substr(0, 20));
  stage.shared_says(notification("news", "meanwhile"));
  CHECK(stage.client.take() == answer.substr(0, 20));
  stage.server_says(answer.substr(20));
  CHECK(stage.client.take() == answer.substr(20) + notification("news", "meanwhile"));
  CHECK(stage.idle_count() == 1);
}

TEST_CASE(
    "one's own notification comes in the server's place for it, with the process id that the client knows") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("NOTIFY news"));
  stage.note_mark(stage.server.take());
  stage.shared_says(stage.marked());
  stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + backend::complete("NOTIFY") +
                    notification("news", "", server_process) + backend::ready());
  const std::int32_t known = test::key_in(stage.house.welcome).process_id;
  CHECK(stage.client.take() ==
        backend::complete("NOTIFY") + notification("news", "", known) + backend::ready());
}

TEST_CASE("who listens no more is told nothing more, and its channel is given up") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("UNLISTEN news"));
  stage.note_mark(stage.server.take());
  stage.shared_says(stage.marked());
  stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + done("UNLISTEN"));
  CHECK(stage.client.take() == done("UNLISTEN"));
  stage.answer_audit({});
  CHECK(stage.idle_count() == 1);
  CHECK(stage.house.pools->subscriber_count() == 0);
  stage.shared_says(notification("news", "too late"));
  CHECK(stage.client.take().empty());
  stage.house.pass(stage.house.settings.server_idle_timeout);
  CHECK(wire::messages(stage.shared.take()).back().type == 'X');
  stage.house.pass(1s);
  CHECK(stage.shared.is_gone());
}

TEST_CASE("what came while a transaction ended the listening to it is not told behind it [5.4-86]") {
  Stage stage;
  stage.listen({"more", "news"});
  stage.connect_shared();
  stage.expect_hand_over();
  stage.answer_hand_over();
  stage.shared_says(stage.marked());
  stage.client_says(frontend::query("UNLISTEN news"));
  stage.note_mark(stage.server.take());
  stage.shared_says(notification("news", "1") + notification("more", "2") + stage.marked());
  std::string own;
  stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN"));
  SUBCASE("nothing else happens") {}
  SUBCASE("and it is told of something else at its end") { own = notification("more", "3"); }
  stage.server_says(backend::complete("UNLISTEN") + own + backend::ready());
  CHECK(stage.client.take() == done("UNLISTEN"));
  stage.answer_audit({"more"});
  CHECK(stage.client.take() == notification("more", "2") + own);
}

TEST_CASE("other channels of the same client are asked for before its server is given back") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("LISTEN more"));
  stage.note_mark(stage.server.take());
  stage.shared_says(stage.marked());
  stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + done("LISTEN"));
  stage.answer_audit({"more", "news"});
  CHECK(stage.server.take().empty());
  CHECK(stage.shared.take() == frontend::query("LISTEN \"more\";"));
  stage.shared_says(done("LISTEN"));
  stage.expect_hand_over();
}

TEST_CASE("a request that comes during the hand-over goes behind it, and takes the channels back") {
  Stage stage;
  stage.listen({"news"});
  stage.connect_shared();
  stage.expect_hand_over();
  const std::string first = stage.marked();
  stage.client_says(frontend::query("NOTIFY news"));
  stage.note_mark(stage.server.take());
  const std::string second = stage.marked();
  CHECK(first != second);
  stage.shared_says(first + notification("news", "between") + second);
  CHECK(stage.client.take().empty());
  stage.server_says(first + done("NOTIFY") + done("UNLISTEN") + second + done("NOTIFY") + done("UNLISTEN"));
  CHECK(stage.client.take().empty());
  stage.server_says(backend::complete("NOTIFY") + notification("news", "own") + backend::ready());
  CHECK(stage.client.take() == backend::complete("NOTIFY") + notification("news", "between") +
                                   notification("news", "own") + backend::ready());
}

TEST_CASE("a block that begins while the server waits to be given back is not lost during the hand-over") {
  Stage stage({}, Switch::on);
  stage.listen({"news"});
  stage.client_says(frontend::query("BEGIN"));
  CHECK(stage.client.take() == backend::complete("BEGIN") + backend::ready('T'));
  CHECK(stage.server.take().empty());
  stage.connect_shared();
  stage.expect_hand_over();
  stage.client_says(frontend::query("SELECT 1"));
  const auto asked = wire::messages(stage.server.take());
  REQUIRE(asked.size() == 4);
  CHECK(asked[0].body.find("LISTEN \"news\"") != std::string::npos);
  CHECK(asked[2].body == "BEGIN\0"s);
  CHECK(asked[3].body == "SELECT 1\0"s);
}

TEST_CASE("what else is on the server keeps the client there with its channels") {
  Stage stage;
  stage.client_says(frontend::query("LISTEN news; CREATE TEMP TABLE t ()"));
  stage.server.take();
  stage.server_says(backend::complete("LISTEN") + done("CREATE TABLE"));
  stage.server.take();
  stage.server_says(backend::audit({{"n", "news", ""}, {"t", "", ""}}));
  stage.connect_shared();
  CHECK(stage.server.take().empty());
  CHECK(stage.idle_count() == 0);
  stage.client.take();
  stage.shared_says(notification("news", "1"));
  CHECK(stage.client.take().empty());
  stage.server_says(notification("news", "1"));
  CHECK(stage.client.take() == notification("news", "1"));
}

TEST_CASE("without a place for another connection a listener keeps its server, until there is one [5.4-86]") {
  Settings settings;
  settings.max_db_connections = 1;
  Stage stage(settings);
  stage.listen({"news"});
  CHECK(stage.house.fake.connector.pending() == 0);
  stage.server_says(notification("news", "here"));
  CHECK(stage.client.take() == notification("news", "here"));
  stage.house.settings.max_db_connections = 2;
  stage.house.reload();
  stage.house.pass(1s);
  stage.connect_shared();
  stage.expect_hand_over();
}

TEST_CASE(
    "when the shared connection is lost it is made again, and listeners are told once it listens [5.4-87]") {
  Stage stage;
  stage.hand_over();
  stage.shared_says(backend::error("57P01", "terminating connection", "FATAL"));
  stage.shared.close();
  stage.house.run();
  CHECK(stage.client.take().empty());
  CHECK_FALSE(stage.client.is_gone());
  stage.house.pass(stage.house.settings.server_login_retry);
  stage.shared = stage.house.connect();
  CHECK(stage.shared.take().find("LISTEN \"news\"") != std::string::npos);
  CHECK(stage.client.take().empty());
  stage.shared_says(done("LISTEN"));
  const auto told = wire::messages(stage.client.take());
  REQUIRE(told.size() == 1);
  CHECK(told[0].type == 'N');
  const PgError notice = read_error(told[0].body);
  CHECK(notice.sqlstate == "01000");
  CHECK(notice.message.find("missed") != std::string::npos);
  stage.shared_says(notification("news", "again"));
  CHECK(stage.client.take() == notification("news", "again"));
  CHECK(stage.house.counters().listening_connections_lost.value() == 1);
}

TEST_CASE("a connection that can't be made is tried again after a pause") {
  Stage stage;
  stage.listen({"news"});
  stage.house.fake.connector.refuse("no");
  stage.house.run();
  CHECK(stage.house.fake.connector.pending() == 0);
  stage.house.pass(std::chrono::milliseconds(100));
  CHECK(stage.house.fake.connector.pending() == 1);
  stage.connect_shared();
  stage.expect_hand_over();
}

TEST_CASE("an answer that waits for the shared connection goes on when that one is lost") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("NOTIFY news"));
  stage.note_mark(stage.server.take());
  const std::string own = notification("news", "own") + done("NOTIFY");
  stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + own);
  CHECK(stage.client.take().empty());
  stage.shared.fail("reset by peer");
  stage.house.run();
  CHECK(stage.client.take() == own);
}

TEST_CASE("in a block that no server knows of yet nothing is told; at its end all is [5.4-86]") {
  Stage stage({}, Switch::on);
  stage.hand_over();
  stage.client_says(frontend::query("BEGIN"));
  const std::string begun = backend::complete("BEGIN") + backend::ready('T');
  CHECK(stage.client.take() == begun);
  stage.shared_says(notification("news", "1"));
  CHECK(stage.client.take().empty());
  SUBCASE("without a statement") {
    stage.client_says(frontend::query("COMMIT"));
    CHECK(stage.client.take() == done("COMMIT") + notification("news", "1"));
  }
  SUBCASE("with one, in front of which the server is told to listen") {
    stage.client_says(frontend::query("SELECT 1"));
    const auto asked = wire::messages(stage.server.take());
    REQUIRE(asked.size() == 4);
    stage.note_mark(asked[0].body);
    CHECK(asked[2].body == "BEGIN\0"s);
    CHECK(asked[3].body == "SELECT 1\0"s);
    stage.shared_says(stage.marked());
    const std::string selected =
        backend::row_description + backend::complete("SELECT 1") + backend::ready('T');
    stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + begun + selected);
    CHECK(stage.client.take() == selected);
    stage.client_says(frontend::query("COMMIT"));
    stage.server_says(done("COMMIT"));
    CHECK(stage.client.take() == done("COMMIT") + notification("news", "1"));
  }
}

TEST_CASE("a shared connection that does not tell what others hear is given up in the end") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("NOTIFY news"));
  stage.note_mark(stage.server.take());
  const std::string own = notification("news", "own") + done("NOTIFY");
  stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + own);
  CHECK(stage.client.take().empty());
  stage.house.pass(stage.house.settings.server_connect_timeout);
  CHECK(stage.client.take() == own);
  CHECK(stage.shared.is_gone());
}

TEST_CASE("a server that is lost while the client has only its channels there takes nobody with it") {
  Stage stage;
  stage.listen({"news"});
  stage.server.fail("reset by peer");
  stage.house.run();
  CHECK_FALSE(stage.client.is_gone());
  stage.connect_shared();
  CHECK(types(stage.client.take()) == "N");
  stage.shared_says(notification("news", "heard"));
  CHECK(stage.client.take() == notification("news", "heard"));
  stage.client_says(frontend::query("SELECT 1"));
  CHECK(stage.house.fake.connector.pending() == 1);
}

TEST_CASE(
    "a server that is lost with the audit unanswered ends the client: what it listened to nobody knows") {
  Stage stage;
  stage.client_says(frontend::query("LISTEN news"));
  stage.server_says(done("LISTEN"));
  stage.client.take();
  stage.server.fail("reset by peer");
  stage.house.run();
  CHECK(error_in(stage.client.take()).sqlstate == "08006");
}

TEST_CASE("a client that does not read its notifications is ended above max_notification_backlog") {
  Settings settings;
  settings.max_notification_backlog = 100'000;
  Stage stage(settings);
  stage.hand_over();
  stage.client.take();
  stage.client.limit_room(0);
  const std::string one = notification("news", std::string(7000, 'x'));
  for (int count = 1; count <= 14; ++count) stage.shared_says(one);
  CHECK(stage.house.counters().client_notification_limits.value() == 0);
  for (int count = 1; count <= 3; ++count) stage.shared_says(one);
  CHECK(stage.house.counters().client_notification_limits.value() == 1);
  stage.client.limit_room(test::unlimited);
  stage.house.run();
  const std::string told = stage.client.take();
  CHECK(types(told) == std::string(15, 'A') + "E");
  CHECK(error_in(told).sqlstate == "54000");
  CHECK(error_in(told).message.find("max_notification_backlog") != std::string::npos);
  stage.house.run();
  CHECK(stage.client.is_gone());
  CHECK(stage.house.pools->subscriber_count() == 0);
}

TEST_CASE("a listener whose request its lost server has not answered is told so") {
  Stage stage;
  stage.hand_over();
  stage.client_says(frontend::query("SELECT 1"));
  stage.server.close();
  stage.house.run();
  CHECK(read_error(wire::messages(stage.client.take()).at(0).body).sqlstate == "08006");
  CHECK(stage.client.is_gone());
}

TEST_CASE("a listener that leaves takes its subscription along, and its server is clean for the next") {
  Stage stage;
  stage.hand_over();
  SUBCASE("without a server") { stage.client.close(); }
  SUBCASE("in the middle of its transaction") {
    stage.client_says(frontend::query("BEGIN"));
    stage.note_mark(stage.server.take());
    stage.shared_says(stage.marked());
    stage.server_says(stage.marked() + done("NOTIFY") + done("UNLISTEN") + backend::complete("BEGIN") +
                      backend::ready('T'));
    stage.client.close();
    stage.house.run();
    CHECK(stage.server.take() == frontend::query("ROLLBACK"));
    stage.server_says(done("ROLLBACK"));
    CHECK(stage.server.take() == frontend::query("DISCARD ALL"));
    stage.server_says(done("DISCARD ALL"));
  }
  stage.house.run();
  CHECK(stage.house.pools->subscriber_count() == 0);
  CHECK(stage.idle_count() == 1);
  stage.shared_says(notification("news", "to nobody"));
}

TEST_CASE("many listen to one channel by one connection, and each is told") {
  Stage stage;
  stage.hand_over();
  std::vector<test::FarEnd> others;
  for (int count = 0; count < 20; ++count) {
    stage.client = stage.house.log_in();
    stage.listen({"news"});
    stage.expect_hand_over();
    stage.answer_hand_over();
    stage.shared_says(stage.marked());
    others.push_back(stage.client);
  }
  CHECK(stage.house.fake.connector.attempts == 2);
  CHECK(stage.house.pools->subscriber_count() == 21);
  others[7].close();
  others.erase(others.begin() + 7);
  stage.house.run();
  stage.shared_says(notification("news", "to all"));
  for (test::FarEnd& other : others) CHECK(other.take() == notification("news", "to all"));
}

TEST_CASE("in session pooling, and where sessions are not kept apart, notifications pass as they come") {
  Settings settings;
  SUBCASE("session pooling") { settings.pool_mode = PoolMode::session; }
  SUBCASE("session_fidelity = off") { settings.session_fidelity = SessionFidelity::off; }
  Stage stage(settings);
  stage.client_says(frontend::query("LISTEN news"));
  const std::string answer = backend::complete("LISTEN") + notification("news", "own", server_process);
  stage.server_says(answer + backend::ready());
  CHECK(stage.client.take() == answer + backend::ready());
  CHECK(stage.server.take() == frontend::query("LISTEN news"));
  CHECK(stage.house.pools->subscriber_count() == 0);
}

}  // namespace ballast
