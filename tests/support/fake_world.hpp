// FakeWorld: a World for unit tests. Nothing happens by itself: the test moves the clock, plays the far end
// of each stream, and says when and how a connection is made.
//
//   FakeWorld fake;                      fake.world goes to what is tested
//   FarEnd client = fake.stream(near);   `near` goes to what is tested, the test talks through `client`
//   client.send(bytes); fake.run();      delivers what is ready until nothing is
//   FarEnd server = fake.connector.accept();   lets the oldest connect succeed
//
// Made for one thread and for reading in a test, not for speed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/upstream_target.hpp"
#include "proxy/io/stream.hpp"
#include "proxy/io/world.hpp"

namespace ballast::test {

inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

// What both ends of a stream share.
struct Connection {
  std::string unread;                // on its way to the stream
  std::vector<std::string> writes;   // what each write of the stream took
  std::size_t room = unlimited;      // how much the stream may still write
  std::size_t read_max = unlimited;  // of one read
  std::string refused;               // what the stream was offered and did not take: it must be offered again
  bool is_offered_again = true;      // has that been kept?
  bool is_ended = false;             // the far end has closed, behind `unread`
  std::string failure;               // or broken off, saying this
  StreamListener* listener = nullptr;
  Interest interest = Interest::none;
  bool is_alive = true;  // has the stream not been destroyed?
  bool is_tls = false;
  bool offers_tls = false;
  std::string peer = "127.0.0.1:1";
  std::optional<Route> route;

  bool wants(Interest what) const {
    return is_alive && listener != nullptr &&
           (static_cast<int>(interest) & static_cast<int>(what)) == static_cast<int>(what);
  }
  bool is_readable() const {
    return wants(Interest::read) && (!unread.empty() || is_ended || !failure.empty());
  }
  bool is_writable() const { return wants(Interest::write) && room > 0; }
};

class FakeStream final : public Stream {
 public:
  explicit FakeStream(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~FakeStream() override {
    connection_->is_alive = false;
    connection_->listener = nullptr;
  }
  IoResult read(std::span<char> into) override {
    std::string& unread = connection_->unread;
    if (unread.empty()) {
      if (!connection_->failure.empty()) return {IoStatus::failed, 0};
      return {connection_->is_ended ? IoStatus::closed : IoStatus::would_block, 0};
    }
    const std::size_t size = std::min({into.size(), unread.size(), connection_->read_max});
    std::copy_n(unread.begin(), size, into.begin());
    unread.erase(0, size);
    return {IoStatus::ok, size};
  }
  IoResult write(std::string_view bytes) override {
    if (!connection_->failure.empty()) return {IoStatus::failed, 0};
    if (!bytes.starts_with(connection_->refused)) connection_->is_offered_again = false;
    const std::size_t size = std::min(bytes.size(), connection_->room);
    connection_->refused = bytes.substr(size);
    if (size == 0) return {IoStatus::would_block, 0};
    if (connection_->room != unlimited) connection_->room -= size;
    connection_->writes.emplace_back(bytes.substr(0, size));
    return {IoStatus::ok, size};
  }
  void listen(StreamListener* listener, Interest interest) override {
    connection_->listener = listener;
    connection_->interest = interest;
  }
  bool start_tls() override {
    connection_->is_tls = connection_->offers_tls;
    return connection_->offers_tls;
  }
  std::string error() const override { return connection_->failure; }
  bool has_timed_out() const override { return connection_->failure == "Connection timed out"; }
  std::string peer() const override { return connection_->peer; }
  bool is_tls() const override { return connection_->is_tls; }
  std::string channel_binding() const override { return {}; }
  std::string peer_common_name() const override { return {}; }
  void detach() override { listen(nullptr, Interest::none); }
  void attach(Loop&) override {}
  const Route* route() const override { return connection_->route ? &*connection_->route : nullptr; }

 private:
  std::shared_ptr<Connection> connection_;  // with the FarEnd, which may be asked after the stream's end
};

// The test's end of a stream. A copy is the same end.
class FarEnd {
 public:
  FarEnd() = default;
  explicit FarEnd(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  void send(std::string_view bytes) { connection_->unread += bytes; }
  void close() { connection_->is_ended = true; }
  void fail(std::string why) { connection_->failure = std::move(why); }
  // Everything that was written since the last call.
  std::string take() {
    std::string all;
    for (const std::string& write : std::exchange(connection_->writes, {})) all += write;
    return all;
  }
  std::vector<std::string> take_writes() { return std::exchange(connection_->writes, {}); }
  // Whether the other side has let go of the stream.
  bool is_gone() const { return !connection_->is_alive; }
  void limit_room(std::size_t room) { connection_->room = room; }
  bool is_being_read() const { return connection_->wants(Interest::read); }
  Connection& connection() { return *connection_; }

 private:
  std::shared_ptr<Connection> connection_;
};

class FakeLoop final : public Loop {
 public:
  TimePoint now() const override { return now_; }
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void bury(std::unique_ptr<Mortal> dead) override { dead_.push_back(std::move(dead)); }

  void advance(Duration time) { now_ += time; }
  void watch(std::shared_ptr<Connection> connection) { connections_.push_back(std::move(connection)); }
  // Delivers what is ready, and goes on with what follows from it. True: it has come to rest.
  bool run() {
    for (int turns = 0; turns < 100'000; ++turns) {
      if (!run_once()) return true;
    }
    return false;
  }
  // One turn; false: nothing was ready.
  bool run_once() {
    bool was_busy = false;
    for (auto& task : std::exchange(tasks_, {})) {
      task();
      was_busy = true;
    }
    const std::vector<std::shared_ptr<Connection>> connections = connections_;
    for (const auto& connection : connections) {
      if (connection->is_readable()) was_busy = true, connection->listener->on_readable();
      if (connection->is_writable()) was_busy = true, connection->listener->on_writable();
    }
    std::erase_if(connections_, [](const auto& connection) { return !connection->is_alive; });
    // What dies may bury others.
    while (!dead_.empty()) std::exchange(dead_, {}).clear();
    return was_busy;
  }

 private:
  TimePoint now_{std::chrono::hours(1)};
  std::vector<std::function<void()>> tasks_;
  std::vector<std::unique_ptr<Mortal>> dead_;
  std::vector<std::shared_ptr<Connection>> connections_;  // with the streams and the tests
};

// Bytes that count up, so that a test knows them.
class FakeRandom final : public Random {
 public:
  void fill(std::span<char> out) override {
    for (char& byte : out) byte = static_cast<char>(next_++);
  }

 private:
  unsigned char next_ = 1;
};

class FakeConnector final : public Connector {
 public:
  explicit FakeConnector(FakeLoop& loop) : loop_(loop) {}

  struct Attempt {
    UpstreamTarget target;
    std::optional<Route> route;  // of connect_again
    TimePoint deadline;
    Done done;
  };

  std::unique_ptr<Connecting> connect(const UpstreamTarget& target, TimePoint deadline, Done done) override {
    return begin({target, std::nullopt, deadline, std::move(done)});
  }
  std::unique_ptr<Connecting> connect_again(const UpstreamTarget& target, const Route& route,
                                            TimePoint deadline, Done done) override {
    return begin({target, route, deadline, std::move(done)});
  }

  // Those that wait for the test to decide, oldest first.
  std::size_t pending() const { return pending_.size(); }
  const Attempt& oldest() const { return *pending_.front(); }
  int attempts = 0;              // ever begun
  std::size_t room = unlimited;  // of a stream when it is accepted

  FarEnd accept() {
    auto connection = std::make_shared<Connection>();
    connection->peer = "127.0.0.1:5432";
    connection->room = room;
    connection->is_tls = oldest().target.sslmode >= SslMode::require;
    connection->route = oldest().route.value_or(Route{"db", "raw", "127.0.0.1:5432", connection->is_tls});
    loop_.watch(connection);
    finish({std::make_unique<FakeStream>(connection), {}});
    return FarEnd(connection);
  }
  void refuse(std::string why) { finish({nullptr, std::move(why)}); }

 private:
  class Pending final : public Connecting {
   public:
    Pending(FakeConnector& connector, std::shared_ptr<Attempt> attempt)
        : connector_(connector), attempt_(std::move(attempt)) {}
    ~Pending() override { std::erase(connector_.pending_, attempt_); }

   private:
    FakeConnector& connector_;
    std::shared_ptr<Attempt> attempt_;  // with the connector's list
  };

  std::unique_ptr<Connecting> begin(Attempt attempt) {
    ++attempts;
    pending_.push_back(std::make_shared<Attempt>(std::move(attempt)));
    return std::make_unique<Pending>(*this, pending_.back());
  }
  void finish(ConnectResult result) {
    const std::shared_ptr<Attempt> attempt = pending_.front();
    pending_.pop_front();
    const Done done = std::move(attempt->done);
    done(std::move(result));
  }

  FakeLoop& loop_;
  std::deque<std::shared_ptr<Attempt>> pending_;
};

class FakeWorld {
 public:
  FakeLoop loop;
  FakeRandom random;
  FakeConnector connector{loop};
  World world{loop, random, connector};

  bool run() { return loop.run(); }
  FarEnd stream(std::unique_ptr<Stream>& near) {
    auto connection = std::make_shared<Connection>();
    loop.watch(connection);
    near = std::make_unique<FakeStream>(connection);
    return FarEnd(connection);
  }
};

}  // namespace ballast::test
