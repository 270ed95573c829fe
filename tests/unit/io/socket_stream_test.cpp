#include "proxy/io/socket_stream.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sys/socket.h>

#include <doctest/doctest.h>

#include "proxy/io/client_tls.hpp"

#include "tests/unit/io/peer.hpp"
#include "tests/unit/io/probe.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;

// A client's stream, and the client.
struct Pair {
  Reactor reactor;
  Listener listener;
  Peer client = listener.connect();
  FileDescriptor accepted = listener.accept_socket();
  const int fd = accepted.get();
  std::optional<Probe> probe{std::make_unique<SocketStream>(reactor, std::move(accepted), nullptr)};
};

}  // namespace

TEST_CASE("a stream reads what the peer wrote and writes what the peer reads") {
  Pair pair;
  pair.client.write("hello");
  CHECK(run_until(pair.reactor, [&] { return pair.probe->received == "hello"; }));
  pair.probe->send("world");
  CHECK(pair.client.read(5) == "world");
  CHECK(!pair.probe->stream->is_tls());
  CHECK(pair.probe->stream->peer().starts_with("127.0.0.1:"));
  CHECK(pair.probe->stream->route() == nullptr);
  CHECK(pair.probe->stream->channel_binding().empty());
}

TEST_CASE("a stream knows both its ends") {
  Pair pair;
  const StreamFigures figures = pair.probe->stream->figures();
  CHECK(figures.fd == pair.fd);
  CHECK(figures.address + ":" + std::to_string(figures.port) == pair.probe->stream->peer());
  CHECK(figures.local_address == "127.0.0.1");
  CHECK(figures.local_port > 0);
  CHECK(figures.local_port != figures.port);
  CHECK(figures.peer_pid == 0);
  CHECK(figures.tls.empty());
}

TEST_CASE("the listener is called in every turn for as long as bytes are left") {
  Pair pair;
  pair.probe->read_size = 2;
  pair.client.write("abcdef");
  CHECK(run_until(pair.reactor, [&] { return pair.probe->received == "abcdef"; }));
  CHECK(pair.probe->reads >= 3);
}

TEST_CASE("a peer that ends in order is closed, one that resets is failed with a text") {
  Pair ordered;
  ordered.client.close();
  CHECK(run_until(ordered.reactor, [&] { return ordered.probe->end.has_value(); }));
  CHECK(ordered.probe->end == IoStatus::closed);

  Pair abrupt;
  abrupt.client.reset();
  CHECK(run_until(abrupt.reactor, [&] { return abrupt.probe->end.has_value(); }));
  CHECK(abrupt.probe->end == IoStatus::failed);
  CHECK(abrupt.probe->stream->error() == "Connection reset by peer");
}

TEST_CASE("a write after the peer has reset is failed, without a signal") {
  Pair pair;
  pair.probe->stream->listen(&*pair.probe, Interest::none);
  pair.client.reset();
  IoStatus status = IoStatus::ok;
  CHECK(run_until(pair.reactor,
                  [&] { return (status = pair.probe->stream->write("x").status) == IoStatus::failed; }));
}

TEST_CASE("a peer that hangs up while nobody is interested does not keep the loop awake") {
  Pair pair;
  pair.probe->stream->listen(&*pair.probe, Interest::none);
  pair.client.reset();
  CHECK(turns_of_an_idle_moment(pair.reactor) <= 3);
  CHECK(pair.probe->reads == 0);
  pair.probe->stream->listen(&*pair.probe, Interest::read);
  CHECK(run_until(pair.reactor, [&] { return pair.probe->end == IoStatus::failed; }));
}

TEST_CASE("ten megabytes go both ways at once, with partial writes") {
  Pair pair;
  std::string sent(10'000'000, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 2654435761U >> 13);
  std::string echoed;
  std::atomic<bool> is_over = false;
  Script writer([&] { pair.client.write(sent); });
  Script reader([&] {
    echoed = pair.client.read(sent.size());
    is_over = true;
  });
  pair.probe->after_read = [&] {
    pair.probe->send(pair.probe->received);
    pair.probe->received.clear();
  };
  CHECK(run_until(pair.reactor, [&] { return is_over.load(); }));
  writer.finish();
  reader.finish();
  CHECK(echoed == sent);
}

TEST_CASE("a stream may be destroyed in its own callback") {
  Pair pair;
  pair.probe->before_read = [&] { pair.probe->stream.reset(); };
  pair.client.write("x");
  CHECK(run_until(pair.reactor, [&] { return pair.probe->stream == nullptr; }));
  pair.reactor.run_once(0s);
  CHECK(pair.probe->reads == 1);
  CHECK(pair.client.ends());
}

TEST_CASE("a stream that is destroyed when readable is not called for being writable as well") {
  struct EndsItself : StreamListener {
    void on_readable() override { stream.reset(); }
    void on_writable() override { was_writable = stream == nullptr; }
    std::unique_ptr<Stream> stream;
    bool was_writable = false;
  } listener;
  Pair pair;
  pair.client.write("x");
  CHECK(run_until(pair.reactor, [&] { return pair.probe->received == "x"; }));
  pair.client.write("y");
  listener.stream = std::move(pair.probe->stream);
  // Both at once: the socket has room, and the byte is there before the loop looks.
  char byte = 0;
  while (::recv(pair.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) continue;
  listener.stream->listen(&listener, Interest::read_write);
  pair.reactor.run_once(1s);
  CHECK(listener.stream == nullptr);
  CHECK(!listener.was_writable);
}

TEST_CASE("a stream that is destroyed in another's callback is not called any more in that turn") {
  Reactor reactor;
  Listener listener;
  Peer one = listener.connect();
  Probe first(std::make_unique<SocketStream>(reactor, listener.accept_socket(), nullptr));
  Peer two = listener.connect();
  Probe second(std::make_unique<SocketStream>(reactor, listener.accept_socket(), nullptr));
  first.before_read = [&] { second.stream.reset(); };
  second.before_read = [&] { first.stream.reset(); };
  one.write("x");
  two.write("x");
  CHECK(run_until(reactor, [&] { return first.stream == nullptr || second.stream == nullptr; }));
  reactor.run_once(0s);
  CHECK(first.reads + second.reads >= 1);
  CHECK((first.stream == nullptr) != (second.stream == nullptr));
}

TEST_CASE("an idle stream moves to another reactor and is served there") {
  Reactor other;
  Pair pair;
  pair.client.write("here");
  CHECK(run_until(pair.reactor, [&] { return pair.probe->received == "here"; }));
  auto& stream = static_cast<SocketStream&>(*pair.probe->stream);
  stream.detach();
  pair.client.write("there");
  pair.reactor.run_once(1ms);
  CHECK(pair.probe->received == "here");
  stream.attach(other);
  stream.listen(&*pair.probe, Interest::read);
  CHECK(run_until(other, [&] { return pair.probe->received == "herethere"; }));
}

}  // namespace ballast::test
