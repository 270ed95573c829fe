#include "proxy/app/conninfo.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <libpq-fe.h>

using namespace ballast;

namespace {

ConnectionParameters read_by_libpq(const std::string& text) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(text.c_str(), nullptr), &PQconninfoFree);
  REQUIRE(options != nullptr);
  ConnectionParameters parameters;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  return parameters;
}

std::string problem(const std::string& text) {
  try {
    parse_conninfo(text);
  } catch (const UpstreamUrlError& failure) {
    return failure.what();
  }
  return "";
}

}  // namespace

TEST_CASE("what libpq knows is read as libpq reads it") {
  const std::vector<std::string> texts{
      "postgresql://",
      "postgres://host",
      "postgresql://user@host:5433/db",
      "postgresql://user:secret@host/db?sslmode=require&channel_binding=require",
      "postgresql://us%65r:p%40ss%2F%3a%25@h%6fst:5432/d%20b?application_name=a%26b",
      "postgresql://user:p?w&x=1@host/db?options=-c%20a%3Db",
      "postgresql://[2001:db8::1]:6543/db",
      "postgresql://[::1],[2001:db8::2]:5433,host:5434/db",
      "postgresql://a:1,b:2,c/db?target_session_attrs=any",
      "postgresql://%2Fvar%2Frun%2Fpostgresql/db",
      "postgresql:///db?host=/tmp&port=5433",
      "postgresql://user:@host",
      "postgresql://user@/db?hostaddr=10.0.0.1",
      "postgresql://host/db?ssl=true",
      "postgresql://host/?user=a&password=b",
      "postgresql://host?dbname=x",
      "host=a port=5433 dbname=d user=u password=p",
      "host = a   user='b c'  password='it\\'s \\\\ x'",
      "host=a password=sp\\ ace\\'s",
      "host='' dbname=''",
      "  host=a\tport=1\n",
      "host=a password='a=b' options='-c x=1 -c y=2'",
      "host='a'port='1'",
      "host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2",
  };
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(parse_conninfo(text) == read_by_libpq(text));
  }
}

TEST_CASE("blanks around the text don't count") {
  CHECK(parse_conninfo(" postgresql://u:p@h/d\r\n") == parse_conninfo("postgresql://u:p@h/d"));
}

TEST_CASE("keywords newer than libpq 15 are read in both forms") {
  const ConnectionParameters url =
      parse_conninfo("postgresql://u@h/d?sslnegotiation=direct&sslmode=require&require_auth=scram%2Dsha-256");
  CHECK(url.at("sslnegotiation") == "direct");
  CHECK(url.at("require_auth") == "scram-sha-256");
  CHECK(url.at("sslmode") == "require");
  CHECK(url.at("host") == "h");
  const ConnectionParameters words =
      parse_conninfo("host=h sslnegotiation = 'di\\rect' load_balance_hosts=disable dbname=d");
  CHECK(words.at("sslnegotiation") == "direct");
  CHECK(words.at("load_balance_hosts") == "disable");
  CHECK(words.at("dbname") == "d");
  for (const char* name : {"sslcertmode", "gssdelegation", "scram_client_key", "min_protocol_version",
                           "max_protocol_version", "oauth_issuer", "sslkeylogfile", "servicefile"}) {
    CHECK(parse_conninfo("host=h " + std::string(name) + "=x").at(name) == "x");
    CHECK(parse_conninfo("postgresql://h/?" + std::string(name) + "=x").at(name) == "x");
  }
}

TEST_CASE("what is wrong is one clear sentence") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is empty; use postgresql://user:password@host/database"},
      {" \n", "is empty; use postgresql://user:password@host/database"},
      {"mysql://u:hunter2@h/d",
       "doesn't begin with postgresql:// or postgres://; another scheme can't be served"},
      {"postgresql+asyncpg://u:hunter2@h/d",
       "doesn't begin with postgresql:// or postgres://; another scheme can't be served"},
      {"jdbc:postgresql://h/d",
       "doesn't begin with postgresql:// or postgres://; another scheme can't be served"},
      {"POSTGRESQL://h/d", "doesn't begin with postgresql:// or postgres://; another scheme can't be served"},
      {"hunter2", "is neither a URL nor keywords; use postgresql://user:password@host/database"},
      {"postgresql://u:%zz@h/d", "has a % without two hex digits; write a % itself as %25"},
      {"postgresql://u:100%@h/d", "has a % without two hex digits; write a % itself as %25"},
      {"postgresql://u:%00@h/d", "has a % without two hex digits; write a % itself as %25"},
      {"postgresql://h/d?sslmode=%4", "has a % without two hex digits; write a % itself as %25"},
      {"postgresql://u:p@[::1/d", "has an IPv6 address that isn't in [brackets]"},
      {"postgresql://u:hun@ter2@h/d",
       "has an @ or / that isn't encoded; in the user, password or database write @ as %40, / as %2F"},
      {"postgresql://u:hun/ter2@h/d",
       "has an @ or / that isn't encoded; in the user, password or database write @ as %40, / as %2F"},
      {"postgresql://h/d?sslmode", "has a parameter without a value; write name=value"},
      {"postgresql://h/d?sslmod=require", "has a parameter that isn't libpq's; did you mean \"sslmode\"?"},
      {"postgresql://h/d?pgbouncer=true", "has the parameter \"pgbouncer\", which isn't libpq's; remove it"},
      {"postgresql://h/d?hunter2=1",
       "has a parameter that isn't libpq's; remove it, or quote what belongs to a value"},
      {"postgresql://h/d?ssl=1",
       "has a parameter that isn't libpq's; remove it, or quote what belongs to a value"},
      {"host=h password=two hunter2", "has a word without =; quote values with blanks: password='two words'"},
      {"host=h password=two hunter2=x",
       "has a parameter that isn't libpq's; remove it, or quote what belongs to a value"},
      {"host=h password='hunter2", "has a value whose quote isn't closed"},
      {std::string("host=h\0x", 8), "holds a zero byte; remove it"},
  };
  for (const auto& example : cases) {
    const std::string& text = example.first;
    CAPTURE(text);
    CHECK(problem(text) == example.second);
  }
}

TEST_CASE("PG* variables fill what the text leaves open, newer ones too") {
  const Environment environment{{"PGHOST", "h"},
                                {"PGPORT", "5433"},
                                {"PGUSER", ""},
                                {"PGPASSWORD", "p"},
                                {"PGSSLNEGOTIATION", "direct"},
                                {"PGSSLMODE", "require"},
                                {"PGSERVICEFILE", "x"},
                                {"PGAPPNAME", "a"}};
  ConnectionParameters parameters = parse_conninfo("postgresql://text/d");
  add_defaults(parameters, environment);
  CHECK(parameters == ConnectionParameters{{"host", "text"},
                                           {"dbname", "d"},
                                           {"port", "5433"},
                                           {"password", "p"},
                                           {"sslnegotiation", "direct"},
                                           {"sslmode", "require"},
                                           {"application_name", "a"}});
}
