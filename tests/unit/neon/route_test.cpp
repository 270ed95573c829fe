#include "tests/neon/rules/route.hpp"

#include <doctest/doctest.h>

#include "tests/neon/rules/error_table.hpp"

namespace ballast::neon {
namespace {

Route route(std::string_view server_name, std::string_view options = {}) {
  return find_route(server_name, "sim.localtest", options);
}

TEST_CASE("the first label of the server name is the endpoint") {
  CHECK(route("ep-a-1.sim.localtest").endpoint == "ep-a-1");
  CHECK(route("ep-a-1.c-2.sim.localtest").endpoint.empty());
  CHECK(route("ep-a-1.elsewhere").endpoint.empty());
  CHECK(route("localhost").endpoint.empty());
}

TEST_CASE("an option names the endpoint where the server name does not") {
  CHECK(route("", "endpoint=ep-a-1").endpoint == "ep-a-1");
  CHECK(route("", "-c jit=off project=ep-a-1").endpoint == "ep-a-1");
  CHECK(route("", "endpoint=ep-a-1 endpoint=ep-b-2").endpoint.empty());
  CHECK(route("").endpoint.empty());
  CHECK(route("").error_row == 0);
}

TEST_CASE("server name and option must say the same, -pooler included") {
  CHECK(route("ep-a-1.sim.localtest", "endpoint=ep-a-1").error_row == 0);
  CHECK(route("ep-a-1-pooler.sim.localtest", "endpoint=ep-a-1").error_row == row::two_endpoints);
}

TEST_CASE("an endpoint has letters, digits and hyphens") {
  CHECK(route("", "endpoint=ep_a").error_row == row::bad_endpoint);
}

TEST_CASE("the password may carry the endpoint") {
  CHECK(read_password_hack("endpoint=ep-a-1;se$cret") ==
        std::pair<std::string, std::string>("ep-a-1", "se$cret"));
  CHECK(read_password_hack("project=ep-a-1$secret") ==
        std::pair<std::string, std::string>("ep-a-1", "secret"));
  CHECK_FALSE(read_password_hack("secret"));
  CHECK_FALSE(read_password_hack("endpoint=ep-a-1"));
}

TEST_CASE("a pooled endpoint is the same one with a suffix") {
  CHECK(is_pooled("ep-a-1-pooler"));
  CHECK_FALSE(is_pooled("ep-a-1"));
  CHECK(without_pooler("ep-a-1-pooler") == "ep-a-1");
  CHECK(without_pooler("ep-a-1") == "ep-a-1");
}

TEST_CASE("the compute sees few of the startup parameters") {
  StartupMessage startup;
  startup.user = "ann";
  startup.database = "shop";
  startup.parameters = {{"application_name", "a"},
                        {"statement_timeout", "5"},
                        {"client_encoding", "LATIN1"},
                        {"options", "endpoint=ep-a-1 -c jit=off neon_lsn:0/1"}};
  const StartupParameters few{{"user", "ann"},
                              {"database", "shop"},
                              {"application_name", "a"},
                              {"options", "-c jit=off"},
                              {"client_encoding", "UTF8"}};
  CHECK(compute_parameters(startup, Whitelist::applies) == few);
  const StartupParameters all = compute_parameters(startup, Whitelist::lifted);
  CHECK(all.size() == few.size() + 1);
  CHECK(asks_for_all_parameters("-c jit=off neon_proxy_params_compat:true"));
  CHECK_FALSE(asks_for_all_parameters("-c jit=off"));
}

TEST_CASE("a pooler refuses settings that it does not track") {
  CHECK(find_refused_option("-c search_path=a") == "search_path");
  CHECK(find_refused_option("endpoint=ep-a-1 --statement_timeout=5") == "statement_timeout");
  CHECK(find_refused_option("-c TimeZone=UTC -cdatestyle=ISO endpoint=ep-a-1").empty());
}

}  // namespace
}  // namespace ballast::neon
