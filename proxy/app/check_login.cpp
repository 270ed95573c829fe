#include "proxy/app/check_login.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <poll.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "proxy/app/upstream_url.hpp"

namespace ballast {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int direct_negotiation_version = 170000;
constexpr int system_roots_version = 160000;

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// When the connection entered each of libpq's states. With several addresses, the last one's times count.
class LoginTimes {
 public:
  void see(ConnStatusType status, Clock::time_point now) {
    if (status == status_) return;
    if (status_ == CONNECTION_SSL_STARTUP) login_.tls_ms = milliseconds(now - tls_begun_);
    if (status == CONNECTION_SSL_STARTUP) tls_begun_ = now;
    if (status == CONNECTION_AWAITING_RESPONSE) startup_sent_ = now;
    status_ = status;
  }
  // libpq is about to wait for the server to say something.
  void wait(Clock::time_point now) {
    if (status_ == CONNECTION_AWAITING_RESPONSE) silent_since_ = now;
  }
  void finish(Clock::time_point now) {
    login_.login_ms = milliseconds(now - startup_sent_);
    login_.silence_ms = milliseconds(now - silent_since_);
  }
  Login& login() { return login_; }

 private:
  ConnStatusType status_ = CONNECTION_BAD;
  Clock::time_point tls_begun_;
  Clock::time_point startup_sent_;
  Clock::time_point silent_since_;
  Login login_;
};

// False: the deadline has come.
bool wait_for(PGconn* connection, PostgresPollingStatusType wanted, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd socket{PQsocket(connection), static_cast<short>(wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT),
                0};
  return left > 0 && ::poll(&socket, 1, static_cast<int>(std::min<long>(left, 1'000'000))) > 0;
}

ConnectError timed_out() {
  ConnectError failure;
  failure.error.message = "timed out: no answer within server_connect_timeout";
  return failure;
}

void add(LibpqParameters& parameters, std::string_view name, const std::string& value) {
  if (!value.empty()) parameters.emplace_back(name, value);
}

void add_hosts(LibpqParameters& parameters, const UpstreamTarget& target) {
  std::array<std::string, 3> lists;
  bool has_addresses = false;
  for (const UpstreamHost& host : target.hosts) {
    const bool is_first = &host == &target.hosts.front();
    has_addresses = has_addresses || !host.hostaddr.empty();
    const std::array parts{host.host, host.hostaddr, std::to_string(host.port)};
    for (std::size_t i = 0; i < lists.size(); ++i) lists[i] += (is_first ? "" : ",") + parts[i];
  }
  parameters.emplace_back("host", lists[0]);
  if (has_addresses) parameters.emplace_back("hostaddr", lists[1]);
  parameters.emplace_back("port", lists[2]);
}

}  // namespace

void ConnectionFree::operator()(pg_conn* connection) const { PQfinish(connection); }

int libpq_version() { return PQlibVersion(); }

std::string system_roots_file(const std::string& ssl_cert_file) {
  if (!ssl_cert_file.empty()) return ssl_cert_file;
  for (const char* file :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
    if (::access(file, R_OK) == 0) return file;
  }
  return {};
}

LibpqParameters libpq_parameters(const UpstreamTarget& target, int version, const std::string& system_roots) {
  constexpr std::array<std::string_view, 3> bindings{"disable", "prefer", "require"};
  const bool needs_file = target.sslrootcert == "system" && version < system_roots_version;
  LibpqParameters parameters;
  add_hosts(parameters, target);
  add(parameters, "dbname", target.dbname);
  add(parameters, "user", target.user);
  add(parameters, "password", target.password);
  add(parameters, "options", target.options);
  add(parameters, "client_encoding", target.client_encoding);
  add(parameters, "application_name", "ballast check");
  add(parameters, "sslmode", std::string(sslmode_name(target.sslmode)));
  add(parameters, "sslrootcert", needs_file ? system_roots : target.sslrootcert);
  add(parameters, "sslcrl", target.sslcrl);
  add(parameters, "sslcert", target.sslcert);
  add(parameters, "sslkey", target.sslkey);
  add(parameters, "sslpassword", target.sslpassword);
  add(parameters, "sslsni", target.sslsni ? "1" : "0");
  add(parameters, "ssl_min_protocol_version", target.ssl_min_protocol_version);
  add(parameters, "ssl_max_protocol_version", target.ssl_max_protocol_version);
  add(parameters, "channel_binding", std::string(bindings[static_cast<std::size_t>(target.channel_binding)]));
  add(parameters, "gssencmode", "disable");
  if (target.sslnegotiation == SslNegotiation::direct && version >= direct_negotiation_version) {
    add(parameters, "sslnegotiation", "direct");
  }
  return parameters;
}

Login log_in(const LibpqParameters& parameters, std::chrono::milliseconds timeout) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  const auto deadline = Clock::now() + timeout;
  Connection connection(PQconnectStartParams(names.data(), values.data(), 0));
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  LoginTimes times;
  // "PQconnectPoll" of the manual, 34.1: as if it had last said that it wants to write.
  auto wanted = PQstatus(connection.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
    if (wanted == PGRES_POLLING_READING) times.wait(Clock::now());
    if (!wait_for(connection.get(), wanted, deadline)) {
      times.login().failure = timed_out();
      return std::move(times.login());
    }
    wanted = PQconnectPoll(connection.get());
    times.see(PQstatus(connection.get()), Clock::now());
  }
  times.finish(Clock::now());
  if (wanted == PGRES_POLLING_OK) {
    times.login().connection = std::move(connection);
  } else {
    times.login().failure = parse_connect_error(PQerrorMessage(connection.get()));
  }
  return std::move(times.login());
}

std::vector<std::string> ask(const Connection& connection, const std::string& query) {
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), query.c_str()),
                                                              &PQclear);
  std::vector<std::string> row;
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK || PQntuples(result.get()) == 0) return row;
  for (int i = 0; i < PQnfields(result.get()); ++i) row.emplace_back(PQgetvalue(result.get(), 0, i));
  return row;
}

std::string tls_attribute(const Connection& connection, const char* name) {
  const char* value = PQsslInUse(connection.get()) ? PQsslAttribute(connection.get(), name) : nullptr;
  return value == nullptr ? "" : value;
}

void* tls_of(const Connection& connection) { return PQgetssl(connection.get()); }

}  // namespace ballast
