#include "proxy/io/client_tls.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sys/socket.h>

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "proxy/base/settings.hpp"
#include "proxy/io/socket_stream.hpp"

#include "tests/unit/io/certificates.hpp"
#include "tests/unit/io/peer.hpp"
#include "tests/unit/io/probe.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;

// What all cases share: an authority, and a certificate for Ballast.
struct Pki {
  TemporaryFolder folder;
  Authority authority{folder, "ca"};
  Identity ballast = authority.issue({"localhost", "DNS:localhost"});
};

const Pki& pki() {
  static const Pki the_pki;
  return the_pki;
}

Settings tls_settings(const Identity& identity = pki().ballast) {
  Settings settings;
  settings.client_tls_sslmode = ClientTls::allow;
  settings.client_tls_cert_file = identity.certificate_file;
  settings.client_tls_key_file = identity.key_file;
  return settings;
}

// A client's stream, and the socket of the client.
struct Pair {
  explicit Pair(std::shared_ptr<const ClientTlsContext> context = ClientTlsContext::load(tls_settings()))
      : probe(std::make_unique<SocketStream>(reactor, listener.accept_socket(), std::move(context))) {}

  // Runs the client's side beside the loop until it has ended.
  void play(const std::function<void()>& client_side) {
    std::atomic<bool> is_over = false;
    Script script([&] {
      try {
        client_side();
      } catch (...) {
        is_over = true;
        throw;
      }
      is_over = true;
    });
    CHECK(run_until(reactor, [&] { return is_over.load(); }));
    script.finish();
  }

  void connect(const Context& context = client_context()) {
    probe.stream->start_tls();
    play([&] { REQUIRE(client.connect_tls(context.get())); });
  }

  bool run_to_end() {
    return run_until(reactor, [&] { return probe.end.has_value(); });
  }

  Reactor reactor;
  Listener listener;
  Peer client = listener.connect();
  Probe probe;
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 13);
  return bytes;
}

void echo(Probe& probe) {
  probe.after_read = [&] {
    probe.send(probe.received);
    probe.received.clear();
  };
}

}  // namespace

TEST_CASE("a client that asks for TLS is served over TLS 1.3 and 1.2") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    Pair pair;
    const Context context = client_context();
    SSL_CTX_set_max_proto_version(context.get(), version);
    pair.connect(context);
    echo(pair.probe);
    std::string answer;
    pair.play([&] {
      pair.client.write("hello");
      answer = pair.client.read(5);
    });
    CHECK(answer == "hello");
    CHECK(pair.probe.stream->is_tls());
    CHECK(pair.probe.stream->figures().tls.starts_with(version == TLS1_3_VERSION ? "TLSv1.3/" : "TLSv1.2/"));
    CHECK(SSL_version(pair.client.ssl()) == version);
  }
}

TEST_CASE("ten megabytes go out over TLS with partial writes, and come in") {
  Pair pair;
  pair.connect();
  const std::string sent = pattern(10'000'000);
  pair.probe.send(sent);
  CHECK(pair.probe.partial_writes > 0);
  CHECK(pair.probe.refusals > 0);
  std::string got;
  pair.play([&] {
    got = pair.client.read(sent.size());
    pair.client.write(got);
  });
  CHECK(got == sent);
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received.size() == sent.size(); }));
  CHECK(pair.probe.received == sent);
}

TEST_CASE("megabytes go both ways at once over TLS") {
  Pair pair;
  pair.connect();
  echo(pair.probe);
  const std::string sent = pattern(3'000'000);
  std::string echoed;
  pair.play([&] {
    pair.client.write(sent);
    echoed = pair.client.read(sent.size());
  });
  CHECK(echoed == sent);
}

TEST_CASE("one read is filled from all records that are there") {
  Pair pair;
  pair.connect();
  pair.client.gather([&] {
    for (int i = 0; i < 20; ++i) pair.client.write("0123456789");
  });
  CHECK(run_until(pair.reactor, [&] { return !pair.probe.received.empty(); }));
  CHECK(pair.probe.received.size() == 200);
}

TEST_CASE("bytes that TLS has taken from the socket are read to the end without any event [5.8-132]") {
  Pair pair;
  pair.connect();
  const std::string sent = pattern(9000);
  pair.probe.read_size = 7;
  pair.client.write(sent);
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received.size() == sent.size(); }));
  CHECK(pair.probe.received == sent);
  CHECK(turns_of_an_idle_moment(pair.reactor) <= 2);
}

TEST_CASE("bytes that TLS holds wait for a listener whose interest is gone, and do not keep the loop awake") {
  Pair pair;
  pair.connect();
  pair.probe.read_size = 4;
  pair.probe.after_read = [&] { pair.probe.stream->listen(&pair.probe, Interest::none); };
  pair.client.write("headtail");
  CHECK(run_until(pair.reactor, [&] { return !pair.probe.received.empty(); }));
  CHECK(turns_of_an_idle_moment(pair.reactor) <= 2);
  CHECK(pair.probe.received == "head");
  pair.probe.stream->listen(&pair.probe, Interest::read);
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received.size() > 4; }));
  CHECK(pair.probe.received == "headtail");
}

TEST_CASE("a listener that does not read what TLS holds is called in every turn") {
  Pair pair;
  pair.connect();
  pair.probe.read_size = 1;
  pair.client.write("ab");
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "a"; }));
  pair.probe.is_reading = false;
  const int before = pair.probe.reads;
  for (int i = 0; i < 5; ++i) pair.reactor.run_once(1h);
  CHECK(pair.probe.reads == before + 5);
}

TEST_CASE("direct TLS begins by itself where the client offers the protocol postgresql") {
  Pair pair;
  std::string answer;
  echo(pair.probe);
  pair.play([&] {
    REQUIRE(pair.client.connect_tls(client_context("postgresql").get()));
    pair.client.write("hello");
    answer = pair.client.read(5);
  });
  CHECK(answer == "hello");
  CHECK(pair.probe.stream->is_tls());
  CHECK(!pair.probe.stream->start_tls());
}

TEST_CASE("direct TLS without a protocol, or with another one, is refused") {
  for (const char* alpn : {"", "http/1.1"}) {
    CAPTURE(alpn);
    Pair pair;
    Script script([&] {
      pair.client.connect_tls(client_context(alpn).get());
      pair.client.read_to_end();
    });
    CHECK(pair.run_to_end());
    CHECK(pair.probe.end == IoStatus::failed);
    CHECK(!pair.probe.stream->error().empty());
    CHECK(pair.probe.received.empty());
    pair.probe.stream.reset();
    script.finish();
  }
}

TEST_CASE("a read before the first byte does not miss that it begins TLS") {
  Pair pair;
  std::array<char, 16> room{};
  CHECK(pair.probe.stream->read(room).status == IoStatus::would_block);
  pair.play([&] {
    REQUIRE(pair.client.connect_tls(client_context().get()));
    pair.client.write("hello");
  });
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "hello"; }));
}

TEST_CASE("TLS that was asked for needs no protocol, but refuses another one") {
  Pair without;
  without.connect(client_context(""));
  without.client.write("hello");
  CHECK(run_until(without.reactor, [&] { return without.probe.received == "hello"; }));

  Pair other;
  other.probe.stream->start_tls();
  bool is_connected = true;
  Script script([&] { is_connected = other.client.connect_tls(client_context("h2").get()); });
  CHECK(other.run_to_end());
  script.finish();
  CHECK(!is_connected);
}

TEST_CASE("an error that others left in OpenSSL's queue is not taken for the stream's") {
  Pair pair;
  pair.connect();
  pair.client.write("hello");
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "hello"; }));
  ERR_raise(ERR_LIB_USER, 1);
  std::array<char, 16> room{};
  CHECK(pair.probe.stream->read(room).status == IoStatus::would_block);
}

TEST_CASE("a stream may be destroyed in its own callback while TLS holds bytes of it") {
  Pair pair;
  pair.connect();
  pair.probe.read_size = 1;
  pair.client.write("abc");
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "a"; }));
  pair.probe.before_read = [&] { pair.probe.stream.reset(); };
  pair.reactor.run_once(1h);
  const int reads = pair.probe.reads;
  CHECK(turns_of_an_idle_moment(pair.reactor) <= 2);
  CHECK(pair.probe.stream == nullptr);
  CHECK(pair.probe.reads == reads);
}

TEST_CASE("a port that takes direct TLS takes plain text as well") {
  Pair pair;
  pair.client.write(std::string_view("\0\0\0\x08plain", 9));
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received.size() == 9; }));
  CHECK(!pair.probe.stream->is_tls());
}

TEST_CASE("without a certificate a TLS record is only bytes, and TLS can't be started") {
  Pair pair(ClientTlsContext::load(Settings{}));
  pair.client.write("\x16\x03\x01");
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "\x16\x03\x01"; }));
  CHECK(!pair.probe.stream->start_tls());
}

TEST_CASE("close_notify is an end in order; an end without it, or a reset, is a failure") {
  Pair ordered;
  ordered.connect();
  ordered.client.write("bye");
  ordered.client.close_notify();
  CHECK(ordered.run_to_end());
  CHECK(ordered.probe.received == "bye");
  CHECK(ordered.probe.end == IoStatus::closed);

  Pair cut;
  cut.connect();
  ::shutdown(cut.client.fd(), SHUT_WR);
  CHECK(cut.run_to_end());
  CHECK(cut.probe.end == IoStatus::failed);
  CHECK(cut.probe.stream->error() == "TLS: connection closed without close_notify");

  Pair reset;
  reset.connect();
  reset.client.reset();
  CHECK(reset.run_to_end());
  CHECK(reset.probe.end == IoStatus::failed);
}

TEST_CASE("an end that was found behind bytes is told by the next read, without any event") {
  Pair pair;
  pair.connect();
  pair.client.gather([&] {
    pair.client.write("bye");
    pair.client.close_notify();
  });
  CHECK(pair.run_to_end());
  CHECK(pair.probe.received == "bye");
  CHECK(pair.probe.end == IoStatus::closed);
}

TEST_CASE("a stream that ends says close_notify") {
  Pair pair;
  pair.connect();
  pair.probe.stream.reset();
  CHECK(pair.client.ends());
  CHECK((SSL_get_shutdown(pair.client.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

TEST_CASE("a client that leaves, or talks nonsense, in the handshake is a failure") {
  Pair leaving;
  leaving.probe.stream->start_tls();
  leaving.client.write("\x16\x03\x01");
  leaving.client.close();
  CHECK(leaving.run_to_end());
  CHECK(leaving.probe.end == IoStatus::failed);

  Pair nonsense;
  nonsense.probe.stream->start_tls();
  nonsense.client.write("GET / HTTP/1.1\r\n\r\n");
  CHECK(nonsense.run_to_end());
  CHECK(nonsense.probe.end == IoStatus::failed);
  CHECK(nonsense.probe.stream->error() == "TLS: http request");
}

TEST_CASE("a key update in the middle goes unnoticed") {
  Pair pair;
  pair.connect();
  echo(pair.probe);
  std::string answer;
  pair.play([&] {
    for (int i = 0; i < 3; ++i) {
      pair.client.write("hello");
      SSL_key_update(pair.client.ssl(), SSL_KEY_UPDATE_REQUESTED);
      pair.client.write("world");
      answer += pair.client.read(10);
    }
  });
  CHECK(answer == "helloworldhelloworldhelloworld");
}

TEST_CASE("a handshake that has more to write than the socket takes goes on when there is room") {
  std::string many_names = "DNS:a.example";
  for (int i = 0; i < 2000; ++i) many_names += ",DNS:host-" + std::to_string(i) + ".example";
  const Identity large = pki().authority.issue({"large", many_names});
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  const int small = 1;
  ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  Reactor reactor;
  Probe probe(std::make_unique<SocketStream>(reactor, FileDescriptor(ends[0]),
                                             ClientTlsContext::load(tls_settings(large))));
  probe.stream->start_tls();
  Peer client{FileDescriptor(ends[1])};
  Script script([&] {
    REQUIRE(client.connect_tls(client_context().get()));
    client.write("through");
  });
  CHECK(run_until(reactor, [&] { return probe.received == "through"; }));
  script.finish();
  CHECK(probe.stream->peer() == "unix");
}

TEST_CASE(
    "the channel binding is the hash of our certificate, by its signature's hash but at least SHA-256") {
  const std::pair<const char*, const EVP_MD*> cases[] = {
      {"SHA256", EVP_sha256()}, {"SHA384", EVP_sha384()}, {"SHA512", EVP_sha512()}};
  for (const auto& [digest, expected] : cases) {
    const Identity identity = pki().authority.issue({"localhost", "DNS:localhost", false, digest});
    Pair pair(ClientTlsContext::load(tls_settings(identity)));
    pair.connect();
    CHECK(pair.probe.stream->channel_binding() == digest_of(identity, expected));
  }
}

TEST_CASE("a verified client certificate gives its common name") {
  Settings settings = tls_settings();
  settings.client_tls_sslmode = ClientTls::verify_full;
  settings.client_tls_ca_file = pki().authority.roots_file();
  const auto context = ClientTlsContext::load(settings);
  const std::pair<std::string, std::string> cases[] = {{"alice", "alice"},
                                                       {std::string("alice\0.evil", 11), ""}};
  for (const auto& [name, expected] : cases) {
    Pair pair(context);
    const Context with_certificate = client_context();
    use_identity(with_certificate.get(), pki().authority.issue({name, {}}));
    pair.connect(with_certificate);
    pair.client.write("x");
    CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "x"; }));
    CHECK(pair.probe.stream->peer_common_name() == expected);
  }
}

TEST_CASE("where client certificates are verified, none and one of a stranger are refused") {
  Settings settings = tls_settings();
  settings.client_tls_sslmode = ClientTls::verify_ca;
  settings.client_tls_ca_file = pki().authority.roots_file();
  const Authority strangers(pki().folder, "strangers");
  const Identity stranger = strangers.issue({"alice", {}});
  for (const Identity* identity : {static_cast<const Identity*>(nullptr), &stranger}) {
    Pair pair(ClientTlsContext::load(settings));
    pair.probe.stream->start_tls();
    const Context context = client_context();
    if (identity != nullptr) use_identity(context.get(), *identity);
    Script script([&] {
      pair.client.connect_tls(context.get());
      pair.client.read_to_end();
    });
    CHECK(pair.run_to_end());
    CHECK(pair.probe.end == IoStatus::failed);
    pair.probe.stream.reset();
    script.finish();
  }
}

TEST_CASE("without verification there is no common name") {
  Pair pair;
  pair.connect();
  CHECK(pair.probe.stream->peer_common_name().empty());
}

TEST_CASE("certificates that can't be loaded are refused by setting and file, and the old ones serve on") {
  const auto old = ClientTlsContext::load(tls_settings());
  const auto refusal = [](const Settings& settings) -> std::string {
    try {
      ClientTlsContext::load(settings);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "accepted";
  };
  Settings broken = tls_settings();
  broken.client_tls_cert_file = pki().folder.write("broken.crt", "-----BEGIN CERTIFICATE-----\nbroken\n");
  CHECK(refusal(broken).starts_with("client_tls_cert_file \"" + broken.client_tls_cert_file + "\": "));
  Settings missing = tls_settings();
  missing.client_tls_key_file = pki().folder.file("missing.key");
  CHECK(refusal(missing) ==
        "client_tls_key_file \"" + missing.client_tls_key_file + "\": No such file or directory");
  Settings mismatch = tls_settings();
  mismatch.client_tls_key_file = pki().authority.issue({"other", {}}).key_file;
  CHECK(refusal(mismatch).find("key values mismatch") != std::string::npos);
  Settings rootless = tls_settings();
  rootless.client_tls_sslmode = ClientTls::verify_full;
  CHECK(refusal(rootless).find("client_tls_ca_file") != std::string::npos);

  Pair pair(old);
  pair.connect();
  CHECK(pair.probe.stream->is_tls());
}

TEST_CASE("an idle TLS stream moves to another reactor and is served there") {
  Reactor other;
  Pair pair;
  pair.connect();
  pair.probe.read_size = 2;
  auto& stream = static_cast<SocketStream&>(*pair.probe.stream);
  pair.client.write("here");
  CHECK(run_until(pair.reactor, [&] { return pair.probe.received == "he"; }));
  stream.detach();
  pair.reactor.run_once(1ms);
  CHECK(pair.probe.received == "he");
  stream.attach(other);
  stream.listen(&pair.probe, Interest::read);
  CHECK(run_until(other, [&] { return pair.probe.received == "here"; }));
  pair.client.write("there");
  CHECK(run_until(other, [&] { return pair.probe.received == "herethere"; }));
}

}  // namespace ballast::test
