#include "proxy/pool/notifications.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using wire::message;

const std::string listened = backend::complete("LISTEN") + backend::ready();
std::string query(const std::string& text) { return message('Q', text + "\0"s); }
std::string notification(const std::string& channel) {
  return message('A', wire::int32(1) + channel + "\0payload\0"s);
}

// Writes down what it is told: l(istening), n(otification), m(ark), e(nd), d(eaf).
class Ear final : public Subscriber {
 public:
  explicit Ear(Notifications& from) : from_(from) {}
  std::string events;
  std::uint64_t mark = 0;
  Notifications::Key key = 0;
  bool leaves = false;  // at the next notification

  void subscribe(const Channels& channels) { key = from_.subscribe(*this, channels); }
  std::string take() { return std::exchange(events, {}); }

  void on_listening() override { events += 'l'; }
  void on_shared_notification(std::string_view) override {
    events += 'n';
    if (leaves) from_.unsubscribe(key);
  }
  void on_shared_mark(std::uint64_t number) override {
    events += 'm';
    mark = number;
  }
  void on_notifications_end() override { events += 'e'; }
  void on_deaf() override { events += 'd'; }

 private:
  Notifications& from_;
};

struct Stage {
  House house;
  Notifications& notifications;
  test::FarEnd server;

  explicit Stage(const Settings& settings = {})
      : house(settings), notifications(house.pools->notifications(app_ann, "")) {}

  void connect() {
    server = house.fake.connector.accept(), server.send(backend::welcome()), house.fake.run();
  }
  // What it was asked, without the login.
  std::string asked() {
    std::string bytes = server.take();
    const std::size_t first = bytes.find("Q\0"s);
    return first == std::string::npos ? "" : bytes.substr(first);
  }
  std::string listen_to_marks() const { return "LISTEN \"" + notifications.mark_channel() + "\";"; }
  void hear(const std::string& bytes) {
    server.send(bytes);
    house.fake.run();
  }
};

}  // namespace

TEST_CASE("the connection is made with the first subscription, and says when it listens") {
  Stage stage;
  CHECK(stage.house.connecting() == 0);
  Ear ear(stage.notifications);
  ear.subscribe({"news"});
  CHECK(stage.house.connecting() == 1);
  stage.connect();
  CHECK(stage.asked() == query(stage.listen_to_marks() + "LISTEN \"news\";"));
  CHECK_FALSE(stage.notifications.is_listening_for(ear.key));
  stage.hear(listened);
  CHECK(stage.notifications.is_listening_for(ear.key));
  CHECK(ear.take() == "l");
  stage.hear(notification("news") + notification("other"));
  CHECK(ear.take() == "ne");
}

TEST_CASE("subscriptions that come while a LISTEN is under way go together in the next") {
  Stage stage;
  Ear first(stage.notifications);
  first.subscribe({"a"});
  stage.connect();
  stage.asked();
  Ear second(stage.notifications);
  Ear third(stage.notifications);
  second.subscribe({"a", "b"});
  third.subscribe({"c"});
  CHECK(stage.asked().empty());
  stage.hear(listened);
  CHECK(first.take() == "l");
  CHECK(second.take().empty());
  CHECK(stage.asked() == query("LISTEN \"b\";LISTEN \"c\";"));
  stage.hear(listened);
  CHECK(second.take() == "l");
  CHECK(third.take() == "l");
  CHECK(stage.house.fake.connector.attempts == 1);
}

TEST_CASE("who subscribes to what is listened to already need not wait") {
  Stage stage;
  Ear first(stage.notifications);
  first.subscribe({"a"});
  stage.connect();
  stage.hear(listened);
  Ear second(stage.notifications);
  second.subscribe({"a"});
  CHECK(stage.notifications.is_listening_for(second.key));
  CHECK(second.take().empty());
}

TEST_CASE("a change of channels asks for the new ones, and tells no more of the old") {
  Stage stage;
  Ear ear(stage.notifications);
  ear.subscribe({"a", "b"});
  stage.connect();
  stage.hear(listened);
  stage.asked();
  ear.take();
  stage.notifications.change(ear.key, {"b", "c"});
  CHECK_FALSE(stage.notifications.is_listening_for(ear.key));
  CHECK(stage.asked() == query("LISTEN \"c\";"));
  stage.hear(listened);
  CHECK(ear.take() == "l");
  stage.hear(notification("a") + notification("b") + notification("c"));
  CHECK(ear.take() == "nne");
}

TEST_CASE(
    "a channel that nobody listens to any more is given up at the next tick, and asked for again then") {
  Stage stage;
  Ear ear(stage.notifications);
  Ear other(stage.notifications);
  ear.subscribe({"a"});
  other.subscribe({"b"});
  stage.connect();
  stage.hear(listened);
  stage.asked();
  stage.notifications.unsubscribe(ear.key);
  CHECK(stage.asked().empty());
  SUBCASE("unless somebody comes back to it first") {
    ear.subscribe({"a"});
    CHECK(stage.notifications.is_listening_for(ear.key));
    stage.house.pass(100ms);
    CHECK(stage.asked().empty());
  }
  SUBCASE("and somebody comes back to it while it is given up") {
    stage.house.pass(100ms);
    CHECK(stage.asked() == query("UNLISTEN \"a\";"));
    ear.subscribe({"a"});
    CHECK_FALSE(stage.notifications.is_listening_for(ear.key));
    stage.hear(backend::complete("UNLISTEN") + backend::ready());
    CHECK(stage.asked() == query("LISTEN \"a\";"));
  }
}

TEST_CASE("all that listen to a channel are told, also when one of them leaves at that moment") {
  Stage stage;
  std::vector<std::unique_ptr<Ear>> ears;
  for (int count = 0; count < 5; ++count) {
    ears.push_back(std::make_unique<Ear>(stage.notifications));
    ears.back()->subscribe({"news"});
  }
  stage.connect();
  stage.hear(listened);
  for (const auto& ear : ears) CHECK(ear->take() == "l");
  ears[2]->leaves = true;
  stage.hear(notification("news"));
  for (const auto& ear : ears) CHECK(ear->take() == (ear == ears[2] ? "n" : "ne"));
  ears[2]->leaves = false;
  stage.hear(notification("news"));
  for (const auto& ear : ears) CHECK(ear->take() == (ear == ears[2] ? "" : "ne"));
}

TEST_CASE("a mark is for the one who had it set") {
  Stage stage;
  Ear one(stage.notifications);
  Ear other(stage.notifications);
  one.subscribe({"news"});
  other.subscribe({"news"});
  stage.connect();
  stage.hear(listened);
  one.take();
  other.take();
  const auto mark = [&](const std::string& payload) {
    return message('A', wire::int32(1) + stage.notifications.mark_channel() + "\0"s + payload + "\0"s);
  };
  stage.hear(mark(std::to_string(other.key) + ".17"));
  CHECK(other.take() == "me");
  CHECK(other.mark == 17);
  stage.hear(mark("999999.1") + mark("nonsense"));
  CHECK(one.take().empty());
  CHECK(other.take().empty());
}

TEST_CASE("a lost connection is made again, at most one in server_login_retry, and listens to all") {
  Stage stage;
  Ear ear(stage.notifications);
  ear.subscribe({"a", "b"});
  stage.connect();
  stage.hear(listened);
  ear.take();
  stage.server.fail("reset by peer");
  stage.house.fake.run();
  CHECK(ear.take() == "d");
  CHECK_FALSE(stage.notifications.is_listening_for(ear.key));
  stage.house.pass(100ms);
  CHECK(stage.house.connecting() == 0);
  stage.house.pass(stage.house.settings.server_login_retry);
  CHECK(stage.house.connecting() == 1);
  stage.connect();
  CHECK(stage.asked() == query("LISTEN \"a\";LISTEN \"b\";" + stage.listen_to_marks()));
  CHECK(ear.take().empty());
  stage.hear(listened);
  CHECK(ear.take() == "l");
}

TEST_CASE(
    "a server that has gone to sleep is not woken to listen; once it is awake it is listened to again") {
  Stage stage;
  Ear ear(stage.notifications);
  ear.subscribe({"a"});
  stage.connect();
  stage.hear(listened);
  ear.take();
  stage.house.broker.upstream().disconnected(Upstream::End::ours);  // the house's own
  stage.server.send(backend::error("57P01", "terminating connection due to administrator command", "FATAL"));
  stage.house.fake.run();
  CHECK(ear.take() == "d");
  CHECK(stage.house.broker.upstream().state() == Upstream::State::asleep);
  stage.house.pass(1h);
  CHECK(stage.house.connecting() == 0);
  stage.house.wake();
  stage.house.pass(100ms);
  CHECK(stage.house.connecting() == 1);
}

TEST_CASE("a LISTEN that the server refuses ends that connection, not the subscription") {
  Stage stage;
  Ear ear(stage.notifications);
  ear.subscribe({"a"});
  stage.connect();
  stage.hear(backend::error("53200", "out of memory") + backend::ready());
  CHECK(ear.take() == "d");
  stage.house.pass(stage.house.settings.server_login_retry);
  stage.connect();
  stage.hear(listened);
  CHECK(ear.take() == "l");
}

TEST_CASE("without subscribers it is closed after server_idle_timeout, and nothing is left of it") {
  Stage stage;
  Ear ear(stage.notifications);
  ear.subscribe({"a"});
  stage.connect();
  stage.hear(listened);
  stage.notifications.unsubscribe(ear.key);
  stage.house.pass(1s);
  CHECK_FALSE(stage.server.is_gone());
  stage.house.pass(stage.house.settings.server_idle_timeout);
  CHECK(stage.server.is_gone());
  CHECK(stage.house.broker.servers({"app", "ann", Replication::none, true}) == 0);
}

TEST_CASE("it takes a place in the limits of its database, but none of its pool's size") {
  Settings settings = with_size(1);
  SUBCASE("pool_size") {
    Stage stage(settings);
    Client client;
    client.ask(stage.house.pool());
    stage.house.connect();
    CHECK(client.has_server());
    Ear ear(stage.notifications);
    ear.subscribe({"a"});
    CHECK(stage.house.connecting() == 1);
  }
  SUBCASE("max_db_connections") {
    settings.max_db_connections = 1;
    Stage stage(settings);
    Client client;
    client.ask(stage.house.pool());
    stage.house.connect();
    Ear ear(stage.notifications);
    ear.subscribe({"a"});
    CHECK(stage.house.connecting() == 0);
    client.give_back(stage.house.pool());
    stage.house.pass(1s);
    CHECK(stage.house.connecting() == 1);
  }
}

TEST_CASE("clients of another encoding are told in theirs") {
  Stage stage;
  Notifications& latin = stage.house.pools->notifications(app_ann, "LATIN1");
  CHECK(&latin != &stage.notifications);
  Ear ear(latin);
  ear.subscribe({"a"});
  stage.connect();
  const std::string asked = stage.asked();
  CHECK(asked.find("'LATIN1'") != std::string::npos);
  CHECK(asked.find("client_encoding") < asked.find("LISTEN \"a\""));
}

}  // namespace ballast
