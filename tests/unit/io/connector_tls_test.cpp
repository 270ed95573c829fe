#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/stat.h>

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "proxy/io/connector.hpp"

#include "tests/unit/io/certificates.hpp"
#include "tests/unit/io/connecting.hpp"
#include "tests/unit/io/peer.hpp"
#include "tests/unit/io/probe.hpp"

namespace ballast::test {
namespace {

using namespace std::chrono_literals;

struct Pki {
  TemporaryFolder folder;
  Authority authority{folder, "ca"};
  Authority strangers{folder, "strangers"};
  Identity server = authority.issue({"db.example", "DNS:db.example,IP:127.0.0.1"});
};

const Pki& pki() {
  static const Pki the_pki;
  return the_pki;
}

// What the server saw of a connection.
struct Seen {
  bool is_tls = false;
  bool is_resumed = false;
  std::string server_name;
  int version = 0;
};

class Server {
 public:
  explicit Server(const Identity& identity = pki().server, const std::string& roots_file = {})
      : context(server_context(identity, roots_file)) {}

  // Serves one connection to its end.
  Seen serve() {
    Seen seen;
    Peer peer = listener.accept();
    if (!is_direct) {
      if (peer.read(8) != ssl_request) throw std::runtime_error("not an SSLRequest");
      peer.write("S");
    }
    seen.is_tls = peer.accept_tls(context.get());
    if (!seen.is_tls) return seen;
    const char* name = SSL_get_servername(peer.ssl(), TLSEXT_NAMETYPE_host_name);
    seen.server_name = name != nullptr ? name : "";
    seen.version = SSL_version(peer.ssl());
    seen.is_resumed = SSL_session_reused(peer.ssl()) == 1;
    peer.read_to_end();
    return seen;
  }

  UpstreamTarget target(SslMode mode, const std::string& host = "db.example") const {
    UpstreamTarget target = target_at(host, listener.port(), mode);
    target.sslrootcert = pki().authority.roots_file();
    return target;
  }

  Context context;
  Listener listener;
  bool is_direct = false;
};

struct Talk {
  std::string error;
  Seen seen;
};

// One connection of `connections` to `server`, from the first byte to the last.
Talk talk(Connections& connections, Server& server, const UpstreamTarget& target) {
  Talk talk;
  Script script([&] { talk.seen = server.serve(); });
  talk.error = connections.connect(target);
  connections.connecting.reset();
  connections.result->stream.reset();
  script.finish();
  return talk;
}

Talk talk(Server& server, const UpstreamTarget& target) {
  Connections connections;
  return talk(connections, server, target);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// An ALPN callback that chooses what the client offers first.
void choose_first_protocol(const Context& context) {
  SSL_CTX_set_alpn_select_cb(
      context.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned,
         void*) {
        *size = offered[0];
        *out = offered + 1;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
}

std::string revocation_list_of(const Identity& revoked, const TemporaryFolder& folder,
                               const Authority& authority) {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_issuer_name(revoked.certificate.get()));
  ASN1_TIME* time = ASN1_TIME_new();
  X509_gmtime_adj(time, -3600);
  X509_CRL_set1_lastUpdate(list, time);
  X509_REVOKED* entry = X509_REVOKED_new();
  X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked.certificate.get()));
  X509_REVOKED_set_revocationDate(entry, time);
  X509_CRL_add0_revoked(list, entry);
  X509_gmtime_adj(time, 3600);
  X509_CRL_set1_nextUpdate(list, time);
  ASN1_TIME_free(time);
  authority.sign(list);
  const std::string file = folder.file("revoked.crl");
  std::FILE* out = std::fopen(file.c_str(), "w");
  PEM_write_X509_CRL(out, list);
  std::fclose(out);
  X509_CRL_free(list);
  return file;
}

}  // namespace

TEST_CASE("verify-full accepts the right name and refuses a wrong one, verify-ca does not look at it") {
  Server server;
  CHECK(talk(server, server.target(SslMode::verify_full, "db.example")).error == "");
  const std::string error = talk(server, server.target(SslMode::verify_full, "other.example")).error;
  CHECK(error == "connect to other.example (127.0.0.1:" + std::to_string(server.listener.port()) +
                     "): TLS handshake: certificate verify failed: hostname mismatch");
  CHECK(talk(server, server.target(SslMode::verify_ca, "other.example")).error == "");
}

TEST_CASE("a connect tells what its phases took and when the server's certificate ends, resumed or not") {
  Server server;
  Connections connections;
  const std::time_t now = std::time(nullptr);
  for (int i = 0; i < 2; ++i) {
    CHECK(talk(connections, server, server.target(SslMode::verify_full)).error == "");
    const ConnectFigures& figures = connections.result->figures;
    CHECK(figures.connect_time > Duration{});
    CHECK(figures.tls_time > Duration{});
    CHECK(figures.certificate_expires_s >= now + 23 * 3600);
    CHECK(figures.certificate_expires_s <= now + 25 * 3600);
  }
}

TEST_CASE("verify-full checks an address against the certificate's addresses") {
  Server named;
  CHECK(talk(named, named.target(SslMode::verify_full, "127.0.0.1")).error == "");
  Server other(pki().authority.issue({"127.0.0.1", "DNS:127.0.0.1,IP:127.0.0.9"}));
  CHECK(contains(talk(other, other.target(SslMode::verify_full, "127.0.0.1")).error, "IP address mismatch"));
}

TEST_CASE("a wildcard stands for one whole label") {
  Server server(pki().authority.issue({"*.db.example", "DNS:*.db.example,DNS:w*.db.test"}));
  const auto error_for = [&](const std::string& name) {
    return talk(server, server.target(SslMode::verify_full, name)).error;
  };
  CHECK(error_for("one.db.example") == "");
  CHECK(contains(error_for("db.example"), "hostname mismatch"));
  CHECK(contains(error_for("a.one.db.example"), "hostname mismatch"));
  CHECK(contains(error_for("www.db.test"), "hostname mismatch"));
}

TEST_CASE("verify-full without a host name is refused") {
  Server server;
  UpstreamTarget target = server.target(SslMode::verify_full, "");
  target.hosts.front().hostaddr = "127.0.0.1";
  CHECK(contains(talk(server, target).error, "sslmode=verify-full needs a host name"));
}

TEST_CASE("the name of the chosen host is verified, and after a TLS failure the next host is tried") {
  Server wrong(pki().authority.issue({"wrong.example", "DNS:wrong.example"}));
  Server right;
  UpstreamTarget target = wrong.target(SslMode::verify_full, "first.example");
  target.hosts.push_back({"db.example", {}, right.listener.port()});
  Connections connections;
  Script first([&] { wrong.serve(); });
  const Talk second = talk(connections, right, target);
  first.finish();
  CHECK(second.error == "");
  CHECK(second.seen.server_name == "db.example");
}

TEST_CASE("a certificate of an unknown authority, or an expired one, is refused with the reason") {
  Server unknown(pki().strangers.issue({"db.example", "DNS:db.example"}));
  for (const SslMode mode : {SslMode::require, SslMode::verify_ca, SslMode::verify_full}) {
    CHECK(contains(talk(unknown, unknown.target(mode)).error,
                   "certificate verify failed: unable to get local issuer"));
  }
  Server expired(pki().authority.issue({"db.example", "DNS:db.example", true}));
  CHECK(contains(talk(expired, expired.target(SslMode::verify_ca)).error,
                 "certificate verify failed: certificate has expired"));
}

TEST_CASE("require without roots accepts any certificate, but verify-ca and verify-full do not go without") {
  Server server(pki().strangers.issue({"db.example", {}}));
  UpstreamTarget target = server.target(SslMode::require);
  target.sslrootcert = pki().folder.file("missing.crt");
  CHECK(talk(server, target).error == "");
  for (const SslMode mode : {SslMode::verify_ca, SslMode::verify_full}) {
    target.sslmode = mode;
    CHECK(contains(talk(server, target).error, "sslrootcert \"" + target.sslrootcert + "\": no such file"));
  }
  target.sslrootcert = pki().folder.write("broken.crt", "broken");
  CHECK(contains(talk(server, target).error, "sslrootcert \"" + target.sslrootcert + "\": "));
}

TEST_CASE("the files in ~/.postgresql are used where no others are named") {
  const TemporaryFolder home;
  const Identity client = pki().authority.issue({"alice", {}});
  std::filesystem::create_directory(home.file(".postgresql"));
  std::filesystem::copy(pki().authority.roots_file(), home.file(".postgresql/root.crt"));
  std::filesystem::copy(client.certificate_file, home.file(".postgresql/postgresql.crt"));
  std::filesystem::copy(client.key_file, home.file(".postgresql/postgresql.key"));
  Server server(pki().server, pki().authority.roots_file());
  SSL_CTX_set_max_proto_version(server.context.get(), TLS1_2_VERSION);
  UpstreamTarget target = server.target(SslMode::verify_full);
  target.sslrootcert.clear();
  ::setenv("HOME", home.file("").c_str(), 1);
  CHECK(talk(server, target).seen.is_tls);
  ::setenv("HOME", "", 1);
  CHECK(contains(talk(server, target).error, "name one, or \"system\""));
}

TEST_CASE("the system's roots do not vouch for a stranger") {
  Server server;
  UpstreamTarget target = server.target(SslMode::verify_full);
  target.sslrootcert = "system";
  CHECK(contains(talk(server, target).error, "certificate verify failed"));
}

TEST_CASE("a revoked certificate is refused") {
  const Identity revoked = pki().authority.issue({"db.example", "DNS:db.example"});
  const std::string list = revocation_list_of(revoked, pki().folder, pki().authority);
  Server bad(revoked);
  UpstreamTarget target = bad.target(SslMode::verify_full);
  target.sslcrl = list;
  CHECK(contains(talk(bad, target).error, "certificate revoked"));
  Server good;
  target = good.target(SslMode::verify_full);
  target.sslcrl = list;
  CHECK(talk(good, target).error == "");
}

TEST_CASE(
    "the server is told the name that is wanted, but never an address, and nothing where sslsni is off") {
  Server server;
  UpstreamTarget target = server.target(SslMode::require, "db.example");
  CHECK(talk(server, target).seen.server_name == "db.example");
  target.sslsni = false;
  CHECK(talk(server, target).seen.server_name == "");
  CHECK(talk(server, server.target(SslMode::require, "127.0.0.1")).seen.server_name == "");
}

TEST_CASE("the versions of TLS stay within the target's bounds") {
  Server server;
  UpstreamTarget target = server.target(SslMode::require);
  CHECK(talk(server, target).seen.version == TLS1_3_VERSION);
  target.ssl_max_protocol_version = "TLSv1.2";
  CHECK(talk(server, target).seen.version == TLS1_2_VERSION);
  target.ssl_max_protocol_version = "SSLv3";
  CHECK(contains(talk(server, target).error, "ssl_max_protocol_version \"SSLv3\": unknown version"));
  target.ssl_max_protocol_version.clear();
  target.ssl_min_protocol_version = "TLSv1.3";
  SSL_CTX_set_max_proto_version(server.context.get(), TLS1_2_VERSION);
  CHECK(contains(talk(server, target).error, "protocol version"));
}

TEST_CASE("a server that wants a certificate gets the target's, with its password") {
  const Identity client = pki().authority.issue({"alice", {}});
  Server server(pki().server, pki().authority.roots_file());
  SSL_CTX_set_max_proto_version(server.context.get(),
                                TLS1_2_VERSION);  // in 1.3 the refusal comes after the handshake
  UpstreamTarget target = server.target(SslMode::verify_full);
  CHECK(!talk(server, target).seen.is_tls);

  target.sslcert = client.certificate_file;
  target.sslkey = client.key_file;
  CHECK(talk(server, target).seen.is_tls);

  target.sslkey = pki().folder.file("locked.key");
  std::FILE* out = std::fopen(target.sslkey.c_str(), "w");
  const unsigned char secret[] = "secret";
  PEM_write_PrivateKey(out, client.key.get(), EVP_aes_128_cbc(), secret, 6, nullptr, nullptr);
  std::fclose(out);
  ::chmod(target.sslkey.c_str(), 0600);
  CHECK(contains(talk(server, target).error, "sslkey \"" + target.sslkey + "\": "));
  target.sslpassword = "secret";
  CHECK(talk(server, target).seen.is_tls);

  ::chmod(target.sslkey.c_str(), 0644);
  CHECK(contains(talk(server, target).error, "others can read it"));
}

TEST_CASE("direct TLS begins without a request, and insists on the protocol postgresql") {
  Server server;
  server.is_direct = true;
  UpstreamTarget target = server.target(SslMode::verify_full);
  target.sslnegotiation = SslNegotiation::direct;
  CHECK(contains(talk(server, target).error, "direct TLS without the ALPN protocol"));
  choose_first_protocol(server.context);
  const Talk good = talk(server, target);
  CHECK(good.error == "");
  CHECK(good.seen.is_tls);
}

TEST_CASE("a session is resumed by the next connection to the same host, over TLS 1.3 and 1.2") {
  for (const char* version : {"TLSv1.3", "TLSv1.2"}) {
    CAPTURE(version);
    Server server;
    Connections connections;
    UpstreamTarget target = server.target(SslMode::verify_full);
    target.ssl_max_protocol_version = version;
    const auto serve_once = [&] {
      Seen seen;
      Script script([&] {
        Peer peer = server.listener.accept();
        peer.read(8);
        peer.write("S");
        seen.is_tls = peer.accept_tls(server.context.get());
        seen.is_resumed = SSL_session_reused(peer.ssl()) == 1;
        peer.write("ready");
        peer.read_to_end();
      });
      REQUIRE(connections.connect(target) == "");
      const std::string binding = connections.stream().channel_binding();
      CHECK(binding.size() == 32);
      Probe probe(std::move(connections.result->stream));
      CHECK(run_until(connections.reactor, [&] { return probe.received == "ready"; }));
      probe.stream.reset();
      script.finish();
      return seen.is_resumed;
    };
    CHECK(!serve_once());
    CHECK(serve_once());
    CHECK(serve_once());
    connections.connector.reload_tls();
    CHECK(!serve_once());
    target.hosts.front().host = "127.0.0.1";
    CHECK(!serve_once());
  }
}

TEST_CASE("the channel binding to a server is the hash of the certificate that it showed") {
  const std::pair<const char*, const EVP_MD*> cases[] = {{"SHA1", EVP_sha256()}, {"SHA384", EVP_sha384()}};
  for (const auto& [digest, expected] : cases) {
    const Identity identity = pki().authority.issue({"db.example", {}, false, digest});
    Server server(identity);
    UpstreamTarget target = server.target(SslMode::require);
    target.sslrootcert = pki().folder.file("missing.crt");
    Connections connections;
    Script script([&] { server.serve(); });
    CHECK(connections.connect(target) == "");
    CHECK(connections.stream().channel_binding() == digest_of(identity, expected));
    CHECK(connections.stream().peer_common_name() == "");
    connections.result.reset();
    script.finish();
  }
}

TEST_CASE("the deadline ends a handshake that hangs, and giving up ends it at once") {
  Listener listener;
  const UpstreamTarget target = target_at("127.0.0.1", listener.port(), SslMode::require);
  const auto silent_server = [&] {
    Peer peer = listener.accept();
    peer.read(8);
    peer.write("S");
    peer.read_to_end();
  };
  Connections connections;
  {
    Script script(silent_server);
    CHECK(contains(connections.connect(target, 100ms), "timed out"));
    script.finish();
  }
  Script script(silent_server);
  connections.begin(target);
  for (int i = 0; i < 4; ++i) connections.reactor.run_once(1ms);
  connections.connecting.reset();
  script.finish();
  CHECK(!connections.result);
}

TEST_CASE("connecting again uses TLS where the route does, with the same checks") {
  Server server;
  Connections connections;
  const UpstreamTarget target = server.target(SslMode::verify_full);
  Route route;
  {
    Script script([&] { server.serve(); });
    REQUIRE(connections.connect(target) == "");
    route = *connections.stream().route();
    CHECK(route.tls);
    connections.result.reset();
    script.finish();
  }
  Seen seen;
  Script script([&] { seen = server.serve(); });
  CHECK(connections.connect_again(target, route) == "");
  connections.result.reset();
  script.finish();
  CHECK(seen.is_tls);
  CHECK(seen.server_name == "db.example");
}

}  // namespace ballast::test
