#include "proxy/app/check_login.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace ballast;

namespace {

std::string value_of(const LibpqParameters& parameters, std::string_view name) {
  const auto found = std::ranges::find_if(parameters, [&](const auto& each) { return each.first == name; });
  return found == parameters.end() ? "(none)" : found->second;
}

}  // namespace

TEST_CASE("libpq is told of each host with its address and port") {
  UpstreamTarget target;
  target.hosts = {{"a", "127.0.0.1", 1}, {"b", "", 2}};
  target.user = "u";
  const LibpqParameters parameters = libpq_parameters(target, 150000, "");
  CHECK(value_of(parameters, "host") == "a,b");
  CHECK(value_of(parameters, "hostaddr") == "127.0.0.1,");
  CHECK(value_of(parameters, "port") == "1,2");
  CHECK(value_of(parameters, "user") == "u");
  CHECK(value_of(parameters, "password") == "(none)");
}

TEST_CASE("an old libpq is told nothing that it does not know") {
  UpstreamTarget target;
  target.hosts = {{"a", "", 5432}};
  target.sslrootcert = "system";
  target.sslmode = SslMode::verify_full;
  target.sslnegotiation = SslNegotiation::direct;
  const LibpqParameters old = libpq_parameters(target, 150018, "/roots.pem");
  CHECK(value_of(old, "sslrootcert") == "/roots.pem");
  CHECK(value_of(old, "sslnegotiation") == "(none)");
  const LibpqParameters young = libpq_parameters(target, 170000, "/roots.pem");
  CHECK(value_of(young, "sslrootcert") == "system");
  CHECK(value_of(young, "sslnegotiation") == "direct");
}

TEST_CASE("a login that nobody answers has failed, with the reason") {
  UpstreamTarget target;
  target.hosts = {{"", "127.0.0.1", 1}};
  const Login login = log_in(libpq_parameters(target, libpq_version(), ""), std::chrono::seconds(30));
  CHECK(login.connection == nullptr);
  REQUIRE(login.failure);
  CHECK(login.failure->error.message == "Connection refused");
}
