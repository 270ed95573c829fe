#include "proxy/app/check_remedy.hpp"

#include <doctest/doctest.h>

using namespace ballast;

namespace {

const std::string at = "connection to server at \"h\" (::1), port 5432 failed: ";

std::string remedy_for(std::string_view libpq_message) {
  return remedy_of(parse_connect_error(libpq_message));
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the server's own words are taken out of libpq's") {
  const ConnectError failure = parse_connect_error(
      "connection to server at \"h\" (127.0.0.1), port 5432 failed: FATAL:  28P01: password authentication "
      "failed for "
      "user \"app\"\nLOCATION:  auth_failed, auth.c:326\n");
  CHECK(failure.by == FailedBy::server);
  CHECK(failure.error.sqlstate == "28P01");
  CHECK(failure.error.message == "password authentication failed for user \"app\"");
}

TEST_CASE("an error without a SQLSTATE keeps its whole text") {
  const ConnectError failure =
      parse_connect_error("connection to server at \"h\" failed: ERROR:  no: such thing\n");
  CHECK(failure.by == FailedBy::server);
  CHECK(failure.error.message == "no: such thing");
  CHECK(failure.error.sqlstate == "");
}

TEST_CASE("what the network and TLS have come to is nobody's word") {
  const ConnectError failure = parse_connect_error(
      "connection to server at \"h\", port 1 failed: SSL error: certificate verify failed\n");
  CHECK(failure.by == FailedBy::way);
  CHECK(failure.error.message == "SSL error: certificate verify failed");
  CHECK(parse_connect_error("").error.message == "");
  CHECK(parse_connect_error("fe_sendauth: no password supplied\n").error.message ==
        "fe_sendauth: no password supplied");
}

TEST_CASE("the server may speak of something that failed, too") {
  const ConnectError failure =
      parse_connect_error(at + "ERROR:  XX000: Control plane request failed: endpoint is disabled\n");
  CHECK(failure.by == FailedBy::server);
  CHECK(failure.error.message == "Control plane request failed: endpoint is disabled");
}

TEST_CASE("of several attempts the last one counts") {
  CHECK(parse_connect_error(
            "connection to server at \"a\", port 1 failed: Connection refused\n\tIs it?\n"
            "connection to server at \"b\", port 1 failed: FATAL:  3D000: database \"d\" does not exist\n")
            .error.message == "database \"d\" does not exist");
}

TEST_CASE("a remedy fits what went wrong") {
  CHECK(contains(remedy_for(at + "FATAL:  3D000: database \"x y\" does not exist\n"), "another name"));
  CHECK(contains(remedy_for(at + "FATAL:  28000: role \"x\" does not exist\n"), "no such user"));
  CHECK(contains(remedy_for(at + "server certificate for \"a\" does not match host name \"b\"\n"),
                 "issued for"));
  CHECK(contains(remedy_for(at + "root certificate file \"/r\" does not exist\n"), "sslrootcert"));
  CHECK(contains(remedy_for(at + "server does not support SSL, but SSL was required\n"), "no TLS"));
  CHECK(contains(remedy_for(at + "ERROR:  XX000: Your project has exceeded the data transfer quota.\n"),
                 "quota"));
  CHECK(contains(remedy_for(at + "FATAL:  28000: no pg_hba.conf entry for host \"1\"\n"), "pg_hba.conf"));
}

TEST_CASE("what is not known has the remedy of its kind") {
  CHECK(contains(remedy_for(at + "FATAL:  57P03: the database system is starting up\n"), "try again"));
  CHECK(contains(remedy_for(at + "FATAL:  53300: too many connections for role \"a\"\n"),
                 "too many try at once"));
  CHECK(contains(remedy_for(at + "FATAL:  28000: something new\n"), "does not want this user"));
  CHECK(contains(remedy_for(at + "something new of the network\n"), "try again"));
}
