#include "proxy/app/config_command.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proxy/base/settings_table.hpp"

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

std::string line_with(const std::string& text, const std::string& beginning) {
  const auto begin = text.find("\n" + beginning);
  if (begin == std::string::npos) return "";
  return text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
}

}  // namespace

TEST_CASE("config shows each setting with where it came from") {
  const Options options = load({"config", "--workers", "2"}, {{"BALLAST_LOG_FILE", "/var/log/\"b\".log"}});
  const std::string text = config_text(options);
  CHECK(line_with(text, "workers = ") == "workers = 2                                     # --workers");
  CHECK(line_with(text, "log_file = ").starts_with(R"(log_file = "/var/log/\"b\".log")"));
  CHECK(line_with(text, "log_file = ").ends_with("# BALLAST_LOG_FILE"));
  CHECK(line_with(text, "query_wait_timeout = ").starts_with("query_wait_timeout = \"2min\" "));
  CHECK(line_with(text, "query_wait_timeout = ").ends_with("# default"));
  CHECK(line_with(text, "# upstream_url") == "# upstream_url: not set");
  for (const Setting& setting : settings_table()) {
    if (setting.name == "upstream_url" || setting.name == "upstream_url_file") continue;
    CHECK(line_with(text, std::string(setting.name) + " = ") != "");
  }
}

TEST_CASE("what config shows reads as a file with the same settings") {
  const TemporaryFolder folder;
  const std::string first =
      folder.write("first.toml",
                   "workers = 3\nserver_reset_query = \"a\\\\\\\"b\\n\\u0001\"\nquery_timeout = 0.5\n"
                   "unix_socket_mode = \"0600\"\n[databases.\"a.\\\"b\"]\npool_mode = \"session\"\n"
                   "max_db_connections = 3\n[users.u]\nmax_user_connections = 4\n");
  const Options options = load({"config", "--config", first});
  const std::string shown = config_text(options);
  const Options again = load({"config", "--config", folder.write("second.toml", shown)});
  for (const Setting& setting : settings_table()) {
    CAPTURE(setting.name);
    CHECK(value_of(setting, again.settings) == value_of(setting, options.settings));
  }
  CHECK(again.settings.databases.at("a.\"b").max_connections == 3);
  CHECK(again.settings.databases.at("a.\"b").pool_mode == PoolMode::session);
  CHECK(again.settings.users.at("u").max_connections == 4);
}

TEST_CASE("config shows no secret") {
  const TemporaryFolder folder;
  const std::string mounted = folder.write("url", "postgresql://app:hunter2@h/d?sslpassword=hunter3");
  for (const Options& options :
       {load({"config"},
             {{"NEON_DATABASE_URL", "postgresql://app:hunter2@ep-a.eu.neon.tech/d?sslpassword=hunter3"}}),
        load({"config"}, {{"DATABASE_URL", "host=h user=app password=hunter2 sslpassword=hunter3"}}),
        load({"config"}, {{"DATABASE_URL", "host=h user=app"}, {"PGPASSWORD", "hunter2"}}),
        load({"config", "--upstream-url-file", mounted})}) {
    const std::string text = config_text(options);
    CHECK(options.settings.upstream.password == "hunter2");
    CHECK(text.find("hunter") == std::string::npos);
    CHECK(text.find("postgresql://app@") != std::string::npos);
  }
}

TEST_CASE("config shows the URL's target and its source") {
  const Options options =
      load({"config"}, {{"NEON_DATABASE_URL", "postgresql://a:b@ep-x.eu.neon.tech/neondb"}});
  CHECK(line_with(config_text(options), "# upstream_url") ==
        "# upstream_url = "
        "\"postgresql://a@ep-x.eu.neon.tech:5432/neondb?sslmode=verify-full&sslrootcert=system\", "
        "password hidden  # NEON_DATABASE_URL");
}

TEST_CASE("the Markdown table names every setting") {
  const std::string markdown = settings_markdown();
  for (const Setting& setting : settings_table()) {
    CHECK(markdown.find("| `" + std::string(setting.name) + "` | ") != std::string::npos);
  }
  CHECK(markdown.find("| `query_wait_timeout` | `2min` | 0 to 24d | reload |") != std::string::npos);
  CHECK(markdown.find("| `workers` | `1` | 1 to 256 | restart |") != std::string::npos);
}
