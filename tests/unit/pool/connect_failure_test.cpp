#include "proxy/pool/connect_failure.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {
namespace {

ConnectFailure of(const std::string& text, const std::string& code = "XX000") {
  return kind_of({Severity::error, code, text, {}, {}}, true);
}

}  // namespace

TEST_CASE("Neon's errors of the moment are tried again") {
  for (const std::string text :
       {"Control plane request failed", "endpoint is idle, retry request",
        "timed out while waiting for endpoint to become active", "Couldn't connect to compute node",
        "the database system is starting up", "the database system is shutting down",
        "the database system is not yet accepting connections", "connection closed",
        "error communicating with the server: broken pipe", "unexpected message from server",
        "Internal error", "Authentication timed out",
        "server login has been failing, cached error: connect failed (server_login_retry)"}) {
    CAPTURE(text);
    CHECK(of(text) == ConnectFailure::passing);
  }
}

TEST_CASE("Neon's limits ask for fewer connects") {
  for (const std::string text :
       {"Too many connections to this endpoint. Please try again later.", "Too many connections attempts",
        "Failed to acquire permit to connect to the database. Too many database connection attempts are "
        "currently ongoing.",
        "too many connections for role \"x\"", "too many connections for database \"x\""}) {
    CAPTURE(text);
    CHECK(of(text) == ConnectFailure::crowded);
  }
}

TEST_CASE("where no place is free fewer servers must do") {
  for (const std::string text :
       {"remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "remaining connection slots are reserved for non-replication superuser connections",
        "sorry, too many clients already", "no more connections allowed (max_client_conn)"}) {
    CAPTURE(text);
    CHECK(of(text) == ConnectFailure::full);
  }
}

TEST_CASE("where Neon lets nobody in, nobody need try for a while") {
  for (const std::string text :
       {"Control plane request failed: endpoint cannot be found",
        "Control plane request failed: endpoint is disabled",
        "Control plane request failed: endpoint is temporarily unavailable. Check your quotas and/or contact "
        "our support.",
        "The requested endpoint could not be found, or you don't have access to it. Please check the "
        "provided "
        "ID and try again.",
        "The endpoint has been disabled. Enable it using Neon API and retry.",
        "Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits.",
        "Your project has exceeded the data transfer quota. Upgrade your plan to increase limits.",
        "You have exceeded the limit of concurrently active endpoints",
        "This IP address 1.2.3.4 is not allowed to connect to this endpoint. Please add it to the allowed "
        "list "
        "in the Neon console.",
        "This VPC endpoint id vpce-1 is not allowed to connect to this endpoint.",
        "This connection is trying to access this endpoint from a blocked network.",
        "connection is insecure (try using `sslmode=require`)",
        "Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI "
        "support or pass the endpoint ID"}) {
    CAPTURE(text);
    CHECK(of(text) == ConnectFailure::refused);
  }
}

TEST_CASE("a wrong password, database or parameter is the business of those who use it") {
  CHECK(of("password authentication failed for user 'x'") == ConnectFailure::rejected);
  CHECK(of("database \"x\" does not exist") == ConnectFailure::rejected);
  CHECK(of("unsupported startup parameter: x. Please use unpooled connection") == ConnectFailure::rejected);
  CHECK(of("role \"x\" is not permitted to log in", "28000") == ConnectFailure::rejected);
}

TEST_CASE("PostgreSQL's own codes count where the text says nothing") {
  CHECK(of("no", "57P03") == ConnectFailure::passing);
  CHECK(of("no", "57P01") == ConnectFailure::passing);
  CHECK(of("no", "08006") == ConnectFailure::passing);
  CHECK(of("no", "53300") == ConnectFailure::crowded);
  CHECK(of("no", "28P01") == ConnectFailure::rejected);
}

TEST_CASE("where Neon says XX000 clients are told what PostgreSQL would say") {
  const auto code = [](const std::string& text, const std::string& given = "XX000") {
    const PgError error{Severity::error, given, text, {}, {}};
    return std::string(sqlstate_of(error, kind_of(error, true)));
  };
  CHECK(code("password authentication failed for user 'x'") == "28P01");
  CHECK(code("database \"x\" does not exist") == "3D000");
  CHECK(code("unsupported startup parameter: x. Please use unpooled connection") == "08P01");
  CHECK(code("SCRAM-PLUS not used") == "28000");
  CHECK(code("Your project has exceeded the data transfer quota.") == "53400");
  CHECK(code("The endpoint has been disabled. Enable it using Neon API and retry.") == "08004");
  CHECK(code("sorry, too many clients already") == "53300");
  CHECK(code("Control plane request failed") == "57P03");
  CHECK(code("no", "28P01") == "28P01");
}

TEST_CASE("what the network does passes, a certificate that is wrong does not") {
  const auto network = [](const std::string& text) {
    return kind_of({Severity::fatal, "08001", text, {}, {}}, false);
  };
  CHECK(network("connect to 10.0.0.1:5432: Connection refused") == ConnectFailure::passing);
  CHECK(network("server login timed out (server_connect_timeout)") == ConnectFailure::passing);
  CHECK(network("TLS to 10.0.0.1:5432: certificate verify failed") == ConnectFailure::refused);
}

TEST_CASE("a password that we do not know is the business of its user") {
  const PgError unknown{Severity::fatal, "28P01", "server asks for a password, but none is known", {}, {}};
  CHECK(kind_of(unknown, false) == ConnectFailure::rejected);
}

}  // namespace ballast
