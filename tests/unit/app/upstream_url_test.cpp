#include "proxy/app/upstream_url.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

namespace {

// A home without a password file.
const Environment nowhere{{"HOME", "/nonexistent"}};

UpstreamTarget target_of(const std::string& text) { return parse_upstream_url(text, nowhere); }

std::string problem(const std::string& text, const Environment& environment = nowhere) {
  try {
    parse_upstream_url(text, environment);
  } catch (const UpstreamUrlError& failure) {
    return failure.what();
  }
  return "";
}

const std::string neon = "postgresql://app:hunter2@ep-a-pooler.c-4.eu.aws.neon.tech/neondb";

}  // namespace

TEST_CASE("a plain URL has libpq's defaults") {
  const UpstreamTarget target = target_of("postgresql://app:hunter2@db.example/data");
  CHECK(target.hosts.size() == 1);
  CHECK(target.hosts[0].host == "db.example");
  CHECK(target.hosts[0].port == 5432);
  CHECK(target.user == "app");
  CHECK(target.password == "hunter2");
  CHECK(target.dbname == "data");
  CHECK(target.sslmode == SslMode::prefer);
  CHECK(target.sslnegotiation == SslNegotiation::postgres);
  CHECK(target.channel_binding == ChannelBinding::prefer);
  CHECK(target.sslrootcert == "");
  CHECK(target.sslsni);
  CHECK(target.ssl_min_protocol_version == "TLSv1.2");
  CHECK(target.keepalives);
  CHECK(target.connect_timeout.count() == 0);
}

TEST_CASE("everything that can be said arrives") {
  const UpstreamTarget target = target_of(
      "host=a,b port=1,2 user=u password=p dbname=d options='-c x=1' application_name=n client_encoding=UTF8 "
      "sslmode=verify-ca sslnegotiation=direct sslrootcert=/r sslcrl=/l sslcert=/c sslkey=/k sslpassword=s "
      "sslsni=0 "
      "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.3 channel_binding=require "
      "connect_timeout=5 "
      "keepalives=0 keepalives_idle=6 keepalives_interval=7 keepalives_count=8 tcp_user_timeout=9");
  CHECK(target.hosts.size() == 2);
  CHECK(target.hosts[1].port == 2);
  CHECK(target.options == "-c x=1");
  CHECK(target.application_name == "n");
  CHECK(target.client_encoding == "UTF8");
  CHECK(target.sslmode == SslMode::verify_ca);
  CHECK(target.sslnegotiation == SslNegotiation::direct);
  CHECK(target.sslrootcert == "/r");
  CHECK(target.sslcrl == "/l");
  CHECK(target.sslcert == "/c");
  CHECK(target.sslkey == "/k");
  CHECK(target.sslpassword == "s");
  CHECK_FALSE(target.sslsni);
  CHECK(target.ssl_min_protocol_version == "TLSv1.3");
  CHECK(target.ssl_max_protocol_version == "TLSv1.3");
  CHECK(target.channel_binding == ChannelBinding::require);
  CHECK(target.connect_timeout == std::chrono::seconds(5));
  CHECK_FALSE(target.keepalives);
  CHECK(target.keepalives_idle == std::chrono::seconds(6));
  CHECK(target.keepalives_interval == std::chrono::seconds(7));
  CHECK(target.keepalives_count == 8);
  CHECK(target.tcp_user_timeout == std::chrono::milliseconds(9));
}

TEST_CASE("a missing user is the system's, a missing database the user's") {
  CHECK(target_of("postgresql://db.example").user == system_user());
  CHECK(target_of("postgresql://db.example").dbname == system_user());
  CHECK(target_of("postgresql://app@db.example").dbname == "app");
}

TEST_CASE("small rules of libpq hold") {
  CHECK(target_of("host=h connect_timeout=1").connect_timeout == std::chrono::seconds(2));
  CHECK(target_of("host=h connect_timeout=-1").connect_timeout == std::chrono::seconds(0));
  CHECK(target_of("host=h fallback_application_name=f").application_name == "f");
  CHECK(target_of("host=h fallback_application_name=f application_name=a").application_name == "a");
  CHECK(target_of("host=h client_encoding=auto").client_encoding == "");
  CHECK(target_of("host=h sslcertmode=disable sslcert=/c sslkey=/k").sslcert == "");
  CHECK(target_of("postgresql://h/d?ssl=true").sslmode == SslMode::require);
  CHECK(target_of("host=h sslmode=disable").sslmode == SslMode::disable);
  CHECK(target_of("host=h sslmode=allow").sslmode == SslMode::allow);
}

TEST_CASE("Neon's hosts are verified with the system's roots unless the URL says otherwise") {
  const UpstreamTarget target = target_of(neon);
  CHECK(target.sslmode == SslMode::verify_full);
  CHECK(target.sslrootcert == "system");
  CHECK(target_of(neon + "?sslmode=require").sslmode == SslMode::require);
  CHECK(target_of(neon + "?sslmode=require").sslrootcert == "");
  CHECK(target_of(neon + "?sslmode=verify-full").sslrootcert == "system");
  CHECK(target_of(neon + "?sslrootcert=/r").sslmode == SslMode::verify_full);
  CHECK(target_of(neon + "?sslrootcert=/r").sslrootcert == "/r");
  CHECK(target_of(neon + "?sslnegotiation=direct").sslnegotiation == SslNegotiation::direct);
  CHECK(target.sslnegotiation == SslNegotiation::direct);
  CHECK(target_of(neon + "?sslnegotiation=postgres").sslnegotiation == SslNegotiation::postgres);
  CHECK(target_of(neon + "?sslmode=prefer").sslnegotiation == SslNegotiation::postgres);
  CHECK(target_of("host=h sslmode=require").sslnegotiation == SslNegotiation::postgres);
  CHECK(target_of(neon + "?sslsni=0").sslsni);
  CHECK(parse_upstream_url(neon, {{"PGSSLMODE", "require"}}).sslmode == SslMode::require);
}

TEST_CASE(
    "a connection to Neon that has fallen silent is found out within a minute unless the URL says "
    "otherwise") {
  const UpstreamTarget target = target_of(neon);
  CHECK(target.keepalives);
  CHECK(target.keepalives_idle == std::chrono::seconds(30));
  CHECK(target.keepalives_interval == std::chrono::seconds(10));
  CHECK(target.keepalives_count == 3);
  CHECK(target.tcp_user_timeout == std::chrono::seconds(30));
  const UpstreamTarget own = target_of(neon + "?keepalives_idle=0&tcp_user_timeout=9&keepalives=0");
  CHECK_FALSE(own.keepalives);
  CHECK(own.keepalives_idle == std::chrono::seconds(0));
  CHECK(own.tcp_user_timeout == std::chrono::milliseconds(9));
  CHECK(target_of("host=h").tcp_user_timeout == std::chrono::seconds(0));
}

TEST_CASE("sslrootcert=system and direct TLS need enough of sslmode") {
  CHECK(target_of("host=h sslrootcert=system").sslmode == SslMode::verify_full);
  CHECK(problem("host=h sslrootcert=system sslmode=require") ==
        "has sslrootcert=\"system\"; it needs sslmode=verify-full");
  CHECK(problem("host=h sslnegotiation=direct") ==
        "has sslnegotiation=\"direct\"; it needs sslmode=require, verify-ca or verify-full");
  CHECK(problem("host=h sslnegotiation=direct sslmode=require") == "");
}

TEST_CASE("what Ballast can't do is refused by name") {
  const std::vector<std::pair<std::string, std::string>> refused{
      {"target_session_attrs=read-write", "only any is supported"},
      {"load_balance_hosts=random", "hosts are tried in their order"},
      {"gssencmode=require", "GSSAPI isn't supported"},
      {"gssdelegation=1", "GSSAPI isn't supported"},
      {"require_auth=scram-sha-256", "not supported: remove it, or use channel_binding=require"},
      {"sslcertmode=require", "use allow or disable"},
      {"requirepeer=postgres", "not supported"},
      {"sslcrldir=/d", "use sslcrl"},
      {"sslkeylogfile=/f", "not supported"},
      {"replication=database", "clients ask for replication themselves"},
      {"min_protocol_version=3.2", "use 3.0 or remove it"},
      {"max_protocol_version=4", "use 3.0, 3.2 or latest"},
      {"sslmode=verify", "use one of disable, allow, prefer, require, verify-ca, verify-full"},
      {"sslmode=''", "use one of disable"},
      {"sslnegotiation=plain", "use one of postgres, direct"},
      {"channel_binding=maybe", "use one of disable, prefer, require"},
      {"ssl_min_protocol_version=SSLv3", "use one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"},
      {"ssl_max_protocol_version=TLSv1.1", "it is below ssl_min_protocol_version"},
      {"connect_timeout=soon", "use a whole number"},
      {"keepalives_idle=1s", "use a whole number"},
      {"tcp_user_timeout=99999999999", "use a whole number"},
  };
  for (const auto& example : refused) {
    const std::string& parameter = example.first;
    CAPTURE(parameter);
    const std::string message = problem("host=h password=hunter2 " + parameter);
    CHECK(message.starts_with("has " + parameter.substr(0, parameter.find('=')) + "=\""));
    CHECK(message.find(example.second) != std::string::npos);
    CHECK(message.find("hunter2") == std::string::npos);
  }
  CHECK(problem("host=h scram_client_key=hunter2") ==
        "has scram_client_key, which isn't supported; remove it");
  CHECK(problem("host=h oauth_client_secret=hunter2") ==
        "has oauth_client_secret, which isn't supported; remove it");
}

TEST_CASE("what changes nothing is accepted") {
  for (const char* parameter :
       {"target_session_attrs=any", "load_balance_hosts=disable", "gssencmode=prefer", "gssencmode=disable",
        "gssdelegation=0", "sslcertmode=allow", "replication=false", "min_protocol_version=3.0",
        "max_protocol_version=latest", "sslcompression=0", "krbsrvname=postgres", "require_auth=''"}) {
    CAPTURE(parameter);
    CHECK(problem("host=h " + std::string(parameter)) == "");
  }
}

TEST_CASE("the password is the URL's, the environment's, the password file's") {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("pgpass", "h:5432:d:u:filed\n*:5433:*:*:other\nlocalhost:*:*:*:local\n");
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  const Environment named{{"PGPASSFILE", file}};
  const auto password = [&](const std::string& text, const Environment& environment) {
    return parse_upstream_url(text, environment).password;
  };
  CHECK(password("postgresql://u:own@h/d", named) == "own");
  CHECK(password("postgresql://u@h/d", {{"PGPASSFILE", file}, {"PGPASSWORD", "env"}}) == "env");
  CHECK(password("postgresql://u@h/d", named) == "filed");
  CHECK(password("postgresql://u@h:5433/d", named) == "other");
  CHECK(password("postgresql://u@x/d", named) == "");
  CHECK(password("host=/var/run/postgresql user=u", named) == "local");
  CHECK(password("host=h user=u dbname=d passfile=" + file, nowhere) == "filed");
  CHECK(problem("host=h,i port=5432,5433 user=u dbname=d", named) ==
        "has hosts with different passwords in the password file; serve one of them");
}

TEST_CASE("~/.pgpass is read, and refused while others can read it") {
  using std::filesystem::perms;
  const TemporaryFolder folder;
  const std::string file = folder.write(".pgpass", "*:*:*:*:homed\n");
  const Environment home{{"HOME", folder.path("")}};
  std::filesystem::permissions(file, perms::owner_read);
  CHECK(parse_upstream_url("host=h", home).password == "homed");
  std::filesystem::permissions(file, perms::owner_read | perms::group_read);
  CHECK(problem("host=h", home).starts_with("has no password, and the password file \""));
  CHECK(problem("host=h password=p", home) == "");
}

TEST_CASE("a target is shown without its secrets") {
  CHECK(
      shown_url(target_of(neon)) ==
      "postgresql://app@ep-a-pooler.c-4.eu.aws.neon.tech:5432/neondb?sslmode=verify-full&sslrootcert=system");
  CHECK(shown_url(target_of("postgresql://a%40b:hunter2@[::1]:1,h:2/d%2Fe?sslpassword=hunter2")) ==
        "postgresql://a%40b@[::1]:1,h:2/d%2Fe?sslmode=prefer");
  CHECK(shown_url(target_of("host=/tmp user=u dbname=d password=hunter2")) ==
        "postgresql://u@%2Ftmp:5432/d?sslmode=prefer");
  CHECK(shown_url(target_of("hostaddr=10.0.0.1 user=u dbname=d")) ==
        "postgresql://u@10.0.0.1:5432/d?sslmode=prefer");
}

TEST_CASE("a URL cut at any byte is read or refused, and its error quotes no piece of the password") {
  for (const std::string& text :
       {neon + "?sslmode=require&channel_binding=require&options=a%3Db",
        std::string("host=h user=app password='hunter2' sslmode=require"),
        std::string("postgresql://app:hunter2/x@h/d"), std::string("postgresql://app:hunter2@x@h/d"),
        std::string("postgresql://app:hunter2#?%@h/d"),
        std::string("host=h password=hunter2 hunter2=hunter2")}) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const std::string message = problem(text.substr(0, cut));
      CAPTURE(message);
      CHECK(message.find("hun") == std::string::npos);
      CHECK(message.find('\n') == std::string::npos);
    }
  }
}
