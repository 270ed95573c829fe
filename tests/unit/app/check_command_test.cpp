#include "proxy/app/check_command.hpp"

#include <doctest/doctest.h>

#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

PeerCertificate certificate() { return {"*.h", "A Root", "2030-01-02", 400, 2, true}; }

}  // namespace

TEST_CASE("only Neon's pooler is a finding, with the direct host as its remedy") {
  UpstreamTarget target;
  target.hosts = {{"ep-a-1.eu.neon.tech", "", 5432}};
  CHECK_FALSE(pooler_finding(target));
  target.hosts.push_back({"ep-a-1-pooler.eu.neon.tech", "", 5432});
  REQUIRE(pooler_finding(target));
  CHECK(pooler_finding(target)->verdict == CheckVerdict::warn);
  CHECK(contains(pooler_finding(target)->remedy, "ep-a-1.eu.neon.tech"));
}

TEST_CASE("a certificate is worth what was verified of it, and for how long") {
  CHECK(certificate_finding(certificate(), SslMode::verify_full).verdict == CheckVerdict::ok);
  CHECK(contains(certificate_finding(certificate(), SslMode::verify_ca).found, "verified, but not its name"));
  PeerCertificate unknown = certificate();
  unknown.is_trusted = false;
  CHECK(certificate_finding(unknown, SslMode::require).verdict == CheckVerdict::warn);
  PeerCertificate old = certificate();
  old.days_left = 3;
  CHECK(contains(certificate_finding(old, SslMode::verify_full).remedy, "in 3 days"));
}

TEST_CASE("a wake is a silence that the next login does not have") {
  CHECK(wake_finding(1430, 30).time_ms == 1400);
  CHECK(contains(wake_finding(1430, 30).found, "asleep"));
  CHECK(wake_finding(130, 0).time_ms == 130);
  CHECK_FALSE(wake_finding(80, 5).time_ms);     // a database nearby, a little late
  CHECK_FALSE(wake_finding(500, 300).time_ms);  // a database far away
}

TEST_CASE("the round trip is the median of what was measured") {
  CHECK(round_trip_finding({9, 1, 2}).time_ms == 2);
  CHECK(round_trip_finding({}).verdict == CheckVerdict::fail);
}

TEST_CASE("a pool that may ask for more servers than there is room for is warned of") {
  Settings settings;
  CHECK(limits_finding({104, 7}, settings).verdict == CheckVerdict::ok);
  CHECK(contains(limits_finding({104, 7}, settings).found, "room for 93 servers, a pool may have 20"));
  settings.default_pool_size = 94;
  CHECK(contains(limits_finding({104, 7}, settings).remedy, "server_budget keeps it to 93"));
  settings.server_budget = Switch::off;
  CHECK(contains(limits_finding({104, 7}, settings).remedy, "logins will be refused"));
}

TEST_CASE("the URL of check goes before all others, and is not printed if it can't be read") {
  const Environment environment{{"NEON_DATABASE_URL", "postgresql://a:b@first/d"}};
  const Options options = load({"check", "postgresql://c:d@second/d", "--json"}, environment);
  CHECK(options.command == Command::check);
  CHECK(options.settings.upstream.hosts.front().host == "second");
  CHECK(options.command_options.contains("--json"));
  CHECK(load({"check"}, environment).settings.upstream.hosts.front().host == "first");
  CHECK(load({"check", "host=third user=a"}, environment).settings.upstream.hosts.front().host == "third");
  const std::string error = load_error({"check", "postgresql://c:hunter2@host:port/d"});
  CHECK(contains(error, "the command line"));
  CHECK_FALSE(contains(error, "hunter2"));
  CHECK(load_error({"check", "postgresql://a@b/c", "another"}) != "");
}
