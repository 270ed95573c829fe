#include "proxy/app/console_session.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/error_message.hpp"
#include "protocol/reader.hpp"

#include "tests/support/fake_world.hpp"
#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using wire::message;
using wire::types;

std::string query(const std::string& text) { return message('Q', text + "\0"s); }
std::string parse(const std::string& name, const std::string& text) {
  return message('P', name + "\0"s + text + "\0\0\0"s);
}
std::string bind_to(const std::string& portal, const std::string& name,
                    const std::string& formats = "\0\0"s) {
  return message('B', portal + "\0"s + name + "\0\0\0\0\0"s + formats);
}
std::string describe(char kind, const std::string& name) { return message('D', kind + name + "\0"s); }
std::string execute(const std::string& portal, char rows = 0) {
  return message('E', portal + "\0\0\0\0"s + rows);
}
std::string close_of(char kind, const std::string& name) { return message('C', kind + name + "\0"s); }
const std::string sync = message('S', "");

// A session on a fake stream, whose requests the test answers.
struct Desk final : ConsoleHost {
  explicit Desk(StartupParameters parameters = {{"application_name", "test"}}) {
    ConsoleClient client{7, nullptr, {}, {}, {}, "a secret"};
    far_end = fake.stream(client.stream);
    client.startup.user = "ann";
    client.startup.database = "ballast";
    client.startup.parameters = std::move(parameters);
    session = std::make_unique<ConsoleSession>(std::move(client), *this);
  }
  void welcome() {
    session->welcome();
    run();
    far_end.take();
  }
  void run() { CHECK(fake.run()); }
  std::string say(const std::string& bytes) {
    far_end.send(bytes);
    run();
    return far_end.take();
  }
  static ConsoleAnswer table(std::size_t rows) {
    ConsoleAnswer answer;
    answer.table = {columns_of(Show::state, ColumnNames::present), {}};
    for (std::size_t i = 0; i < rows; ++i) answer.table.rows.push_back({std::to_string(i), "value"});
    return answer;
  }
  std::string answer(ConsoleAnswer with) {
    session->answer(std::move(with));
    run();
    return far_end.take();
  }
  static ConsoleAnswer refusal() {
    ConsoleAnswer answer;
    answer.error = {Severity::error, "42501", "admin access needed", {}, {}};
    return answer;
  }

  Loop& loop() override { return fake.loop; }
  CancelKeys& cancel_keys() override { return keys; }
  void ask(const ConsoleSession&, ConsoleRequest request) override { asked.push_back(std::move(request)); }
  void on_console_ended(ConsoleSession&) override {
    has_ended = true;
    fake.loop.bury(std::move(session));
  }

  test::FakeWorld fake;
  CancelKeys keys{3};
  test::FarEnd far_end;
  std::unique_ptr<ConsoleSession> session;
  std::vector<ConsoleRequest> asked;
  bool has_ended = false;
};

std::string command_tag(const std::string& bytes) {
  std::string tag;
  for (const auto& one : wire::messages(bytes)) {
    if (one.type == 'C') tag = one.body.c_str();
  }
  return tag;
}

PgError first_error(const std::string& bytes) {
  for (const auto& one : wire::messages(bytes)) {
    if (one.type == 'E') return read_error(one.body);
  }
  return {};
}

}  // namespace

TEST_CASE("a client is welcomed with what drivers look for, and may ask") {
  Desk desk;
  desk.session->welcome();
  const std::string welcome = desk.far_end.take();
  CHECK(types(welcome).ends_with("Z"));
  CHECK(welcome.find("server_version\0"s + "1.25"s) != std::string::npos);
  CHECK(welcome.find("standard_conforming_strings\0on\0"s) != std::string::npos);
  desk.run();
  CHECK(desk.say(query("SHOW STATE")).empty());
  REQUIRE(desk.asked.size() == 1);
  CHECK(desk.asked[0].user == "ann");
  CHECK(desk.asked[0].command.show == Show::state);
  const std::string answer = desk.answer(Desk::table(2));
  CHECK(types(answer) == "TDDCZ");
  CHECK(command_tag(answer) == "SHOW");
}

TEST_CASE("statements of one Query are carried out one after the other, up to the first that fails") {
  Desk desk;
  desk.welcome();
  desk.say(query("PAUSE; ;SHOW STATE; RESUME; KILL app"));
  CHECK(desk.asked.size() == 1);
  CHECK(types(desk.answer({})) == "C");
  REQUIRE(desk.asked.size() == 2);
  CHECK(types(desk.answer(Desk::table(1))) == "TDC");
  const std::string end = desk.answer(Desk::refusal());
  CHECK(types(end) == "EZ");
  CHECK(first_error(end).sqlstate == "42501");
  CHECK(desk.asked.size() == 3);
  CHECK(types(desk.say(query(" ; "))) == "IZ");
}

TEST_CASE("a text that is no command is an error, and the client stays") {
  Desk desk;
  desk.welcome();
  const std::string answer = desk.say(query("DROP TABLE t"));
  CHECK(types(answer) == "EZ");
  CHECK(first_error(answer).sqlstate == "42601");
  CHECK(desk.asked.empty());
  CHECK(types(desk.say(query(""))) == "IZ");
  CHECK(!desk.has_ended);
}

TEST_CASE("the extended protocol asks in parts, with answers in the format that it wants") {
  Desk desk;
  desk.welcome();
  const std::string described = desk.say(parse("s", "SHOW STATE") + describe('S', "s") + sync);
  CHECK(types(described) == "1tTZ");
  CHECK(desk.asked.empty());
  CHECK(desk.say(bind_to("", "s", "\0\1\0\1"s) + execute("") + sync) == message('2', ""));
  REQUIRE(desk.asked.size() == 1);
  CHECK(types(desk.answer(Desk::table(2))) == "DDCZ");
  // And again, by the same statement.
  desk.say(bind_to("p", "s") + describe('P', "p") + execute("p") + sync);
  CHECK(types(desk.answer(Desk::table(1))) == "DCZ");
  CHECK(types(desk.say(close_of('S', "s") + sync)) == "3Z");
  CHECK(first_error(desk.say(bind_to("", "s") + sync)).sqlstate == "26000");
}

TEST_CASE("every cut of an extended batch comes to the same") {
  const std::string batch =
      parse("", "SHOW STATE") + bind_to("", "") + describe('P', "") + execute("") + sync;
  for (std::size_t cut = 1; cut < batch.size(); ++cut) {
    CAPTURE(cut);
    Desk desk;
    desk.welcome();
    std::string answer = desk.say(batch.substr(0, cut));
    answer += desk.say(batch.substr(cut));
    REQUIRE(desk.asked.size() == 1);
    answer += desk.answer(Desk::table(1));
    CHECK(types(answer) == "12TDCZ");
  }
}

TEST_CASE("an Execute with a limit stops there, and the next goes on") {
  Desk desk;
  desk.welcome();
  desk.say(parse("", "SHOW STATE") + bind_to("", "") + execute("", 2) + execute("", 1) + execute("", 2) +
           sync);
  CHECK(desk.asked.size() == 1);
  CHECK(types(desk.answer(Desk::table(4))) == "DDsDsDCZ");
}

TEST_CASE("what fails in a batch skips the rest of it") {
  Desk desk;
  desk.welcome();
  const std::string answer = desk.say(parse("", "nonsense") + bind_to("", "") + execute("") + sync);
  CHECK(types(answer) == "EZ");
  CHECK(types(desk.say(execute("none") + describe('P', "none") + sync)) == "EZ");
  CHECK(types(desk.say(parse("", "SHOW STATE; SHOW STATE") + sync)) == "EZ");
  CHECK(types(desk.say(parse("a", "SHOW STATE") + parse("a", "SHOW STATE") + sync)) == "1EZ");
  CHECK(types(desk.say(bind_to("", "a", "\0\3\0\0\0\0\0\0"s) + sync)) == "EZ");  // two columns, three formats
  CHECK(types(desk.say(bind_to("", "a", "\0\1\0\2"s) + sync)) == "EZ");          // no such format
  CHECK(types(desk.say(parse("", "") + bind_to("", "") + describe('P', "") + execute("") + sync)) == "12nIZ");
  CHECK(desk.asked.empty());
}

TEST_CASE("a client cannot prepare without end") {
  Desk desk;
  desk.welcome();
  std::string batch;
  for (std::size_t i = 0; i < ConsoleSession::names_max; ++i)
    batch += parse("s" + std::to_string(i), "SHOW STATE");
  CHECK(first_error(desk.say(batch + sync)).message.empty());
  CHECK(first_error(desk.say(parse("more", "SHOW STATE") + sync)).sqlstate == "54000");
}

TEST_CASE("what drivers set, and their transactions, are answered and change nothing") {
  Desk desk;
  desk.welcome();
  const std::string begun = desk.say(query("BEGIN"));
  CHECK(types(begun) == "CZ");
  CHECK(begun.back() == 'T');
  const std::string set = desk.say(query("SET client_encoding = 'UTF8'"));
  CHECK(types(set) == "NCZ");
  CHECK(command_tag(set) == "SET");
  CHECK(types(desk.say(query("SHOW standard_conforming_strings"))) == "TDCZ");
  CHECK(desk.say(query("COMMIT")).back() == 'I');
  CHECK(desk.asked.empty());
}

TEST_CASE("one request at a time: what comes meanwhile waits unread [5.7-122]") {
  Desk desk;
  desk.welcome();
  std::string flood;
  for (int i = 0; i < 10'000; ++i) flood += query("SHOW STATE");
  desk.say(flood);
  CHECK(desk.asked.size() == 1);
  CHECK(!desk.far_end.is_being_read());
  for (std::size_t i = 1; i <= 10'000; ++i) {
    CHECK(desk.asked.size() == i);
    CHECK(types(desk.answer(Desk::table(1))) == "TDCZ");
  }
  CHECK(desk.asked.size() == 10'000);
  CHECK(desk.far_end.is_being_read());
}

TEST_CASE("who does not read the answers gets no more of them") {
  Desk desk;
  desk.welcome();
  desk.far_end.limit_room(10);
  desk.say(query("SHOW STATE; SHOW STATE") + query("SHOW STATE"));
  desk.answer(Desk::table(100));
  CHECK(desk.asked.size() == 1);
  CHECK(!desk.far_end.is_being_read());
  desk.far_end.limit_room(test::unlimited);
  desk.run();
  CHECK(desk.asked.size() == 2);
}

TEST_CASE("a message that is too long, or of a kind that has no place here, ends the session with a word") {
  const std::string unknown_type = message('F', "\0\0\0\0"s);
  for (const std::string& wrong : {query(std::string(ConsoleSession::message_max, ' ')), unknown_type,
                                   message('d', ""), message('Q', "SHOW STATE"), message('B', "x")}) {
    Desk desk;
    desk.welcome();
    const std::string answer = desk.say(wrong);
    CHECK(first_error(answer).severity == Severity::fatal);
    CHECK(desk.has_ended);
    CHECK(desk.far_end.is_gone());
  }
}

TEST_CASE("a client that is idle for too long is told so and leaves; one that waits for its answer is not") {
  Desk desk;
  desk.welcome();
  desk.say(query("PAUSE"));
  desk.fake.loop.advance(2min);
  desk.session->tick(desk.fake.loop.now(), 60s, 60s);
  CHECK(!desk.has_ended);
  desk.answer({});
  desk.session->tick(desk.fake.loop.now(), 60s, 60s);
  CHECK(!desk.has_ended);
  desk.fake.loop.advance(60s);
  desk.session->tick(desk.fake.loop.now(), 60s, 60s);
  desk.run();
  CHECK(first_error(desk.far_end.take()).sqlstate == "57P05");
  CHECK(desk.has_ended);
}

TEST_CASE("a cancel request with the key that a client was given ends the patience with its command") {
  Desk desk;
  desk.session->welcome();
  std::int32_t process_id = 0;
  for (const auto& one : wire::messages(desk.far_end.take())) {
    if (one.type != 'K') continue;
    Reader reader(one.body);
    process_id = reader.int32();
    CHECK(reader.rest() == "a secret");
  }
  CHECK(CancelKeys::worker_of(process_id) == 3);
  const auto cancel = [&] {
    Cancelable* const meant = desk.keys.find(process_id, "a secret");
    REQUIRE(meant != nullptr);
    bool is_done = false;
    meant->cancel([&is_done] { is_done = true; });
    CHECK(is_done);
  };
  cancel();  // of nothing
  desk.say(query("PAUSE"));
  CHECK(desk.asked[0].patience.ended() == Patience::End::none);
  CHECK(desk.keys.find(process_id, "another") == nullptr);
  cancel();
  CHECK(desk.asked[0].patience.ended() == Patience::End::canceled);
  CHECK(types(desk.answer(Desk::refusal())) == "EZ");
  cancel();
  desk.say(query("WAIT_CLOSE"));
  CHECK(desk.asked[1].patience.ended() == Patience::End::none);
  desk.far_end.close();
  desk.run();
  CHECK(desk.keys.find(process_id, "a secret") == nullptr);
}

TEST_CASE("a client that leaves while its command is under way is gone at once") {
  Desk desk;
  desk.welcome();
  desk.say(query("PAUSE"));
  desk.far_end.close();
  desk.run();
  CHECK(desk.has_ended);
  CHECK(desk.asked[0].patience.ended() == Patience::End::left);
}

TEST_CASE("a client that is told to go while its command is under way is not answered any more") {
  Desk desk;
  desk.welcome();
  desk.say(query("PAUSE"));
  desk.session->end(fatal(sqlstate::admin_shutdown, "the process ends"));
  desk.run();
  CHECK(desk.has_ended);
  CHECK(first_error(desk.far_end.take()).sqlstate == "57P01");
}

TEST_CASE("Terminate ends it without a word") {
  Desk desk;
  desk.welcome();
  CHECK(desk.say(message('X', "")).empty());
  CHECK(desk.has_ended);
}

TEST_CASE("a client that says nothing of itself gets the columns' former names too") {
  Desk old(StartupParameters{});
  old.welcome();
  const std::string described = old.say(parse("s", "SHOW DATABASES") + describe('S', "s") + sync);
  CHECK(described.find("reserve_pool\0"s) != std::string::npos);
  Desk present;
  present.welcome();
  CHECK(present.say(parse("s", "SHOW DATABASES") + describe('S', "s") + sync).find("reserve_pool\0"s) ==
        std::string::npos);
}

}  // namespace ballast
