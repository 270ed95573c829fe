#include "proxy/app/options.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "proxy/app/layers.hpp"
#include "proxy/base/settings_table.hpp"

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

const std::string url = "postgresql://app:hunter2@db.example/app";

std::string variable_name(std::string_view setting) {
  std::string name = "BALLAST_" + std::string(setting);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

std::string option_name(std::string_view setting) {
  std::string name = "--" + std::string(setting);
  std::ranges::replace(name, '_', '-');
  return name;
}

// Three values of a setting that differ from each other, are valid and go with the base settings below.
std::vector<std::string> valid_values(const Setting& setting, const TemporaryFolder& folder) {
  if (setting.name == "keepalive_schedule") return {"1:00-2:00", "Mon 1:00-2:00", "1:00-2:00 Europe/Berlin"};
  if (setting.name == "http_port") return {"1024", "0", "65535"};
  if (setting.name == "http_token_file")
    return {folder.write("one", "1"), folder.write("two", "2\n"), folder.write("three", "3")};
  if (setting.name == "state_dir") return {folder.path(""), folder.path("."), folder.path("./.")};
  switch (setting.type.kind) {
    case SettingKind::number:
      if (setting.type.max == 1) return {"0", "1", "0"};
      return {"2", "3", "4"};
    case SettingKind::duration:
      return {"1500ms", "2min", "3h"};
    case SettingKind::decimal:
      return {"1", "2.5", "3.125"};
    case SettingKind::bytes:
      return {"2kB", "3MB", "1025"};
    case SettingKind::octal:
      return {"0700", "0770", "0600"};
    case SettingKind::word: {
      const auto words = setting.type.words;
      return {std::string(words[0]), std::string(words[1]), std::string(words[words.size() - 1])};
    }
    case SettingKind::file:
      return {folder.write("one", "\"a\" \"b\"\n"), folder.write("two", "; c\n"), folder.write("three", "")};
    default:
      return {"one", "two", "a=b [c] {d} \"e\" 'f' %20 --g"};
  }
}

bool is_upstream(const Setting& setting) { return setting.name.starts_with("upstream_url"); }

// With these, any one value of another setting is no conflict.
Arguments base_arguments(const TemporaryFolder& folder, std::string_view except) {
  const std::string pem = folder.write("pem", "");
  const std::vector<std::pair<std::string, std::string>> base{{"client_tls_cert_file", pem},
                                                              {"client_tls_key_file", pem},
                                                              {"client_tls_ca_file", pem},
                                                              {"client_tls_sslmode", "verify-full"},
                                                              {"default_pool_size", "10"}};
  Arguments arguments{"config"};
  for (const auto& [name, value] : base) {
    if (name != except) arguments.insert(arguments.end(), {option_name(name), value});
  }
  return arguments;
}

std::string toml_line(const Setting& setting, const std::string& value) {
  return std::string(setting.name) + " = '''" + value + "'''\n";
}

std::string text_of(const Options& options, const Setting& setting) {
  return setting_text(setting.type, value_of(setting, options.settings));
}

std::string canonical(const Setting& setting, const std::string& value) {
  return setting_text(setting.type, parse_setting(setting.type, value));
}

}  // namespace

TEST_CASE("with nothing but the database's URL, every setting has its default") {
  const Options options = load({}, {{"NEON_DATABASE_URL", url}});
  CHECK(options.command == Command::serve);
  CHECK(options.config_file.empty());
  for (const Setting& setting : settings_table()) {
    if (is_upstream(setting)) continue;
    CHECK(value_of(setting, options.settings) == value_of(setting, Settings()));
    CHECK(source_of(options, setting.name) == "default");
  }
  CHECK(options.settings.upstream.user == "app");
  CHECK(options.settings.upstream.password == "hunter2");
}

TEST_CASE(
    "every setting: the command line wins over the environment, that over the file, that over the default") {
  for (const Setting& setting : settings_table()) {
    if (is_upstream(setting)) continue;
    CAPTURE(setting.name);
    const TemporaryFolder folder;
    const std::vector<std::string> values = valid_values(setting, folder);
    const std::string file = folder.write("ballast.toml", toml_line(setting, values[0]));
    Arguments arguments = base_arguments(folder, setting.name);
    Environment environment;

    arguments.insert(arguments.end(), {"--config", file});
    Options options = load(arguments, environment);
    CHECK(text_of(options, setting) == canonical(setting, values[0]));
    CHECK(source_of(options, setting.name) == file + ":1");

    environment[variable_name(setting.name)] = values[1];
    options = load(arguments, environment);
    CHECK(text_of(options, setting) == canonical(setting, values[1]));
    CHECK(source_of(options, setting.name) == variable_name(setting.name));

    arguments.insert(arguments.end(), {option_name(setting.name), values[2]});
    options = load(arguments, environment);
    CHECK(text_of(options, setting) == canonical(setting, values[2]));
    CHECK(source_of(options, setting.name) == option_name(setting.name));
  }
}

TEST_CASE(
    "every setting: a wrong value is one line with its name, value, source and range, from each source") {
  const TemporaryFolder folder;
  for (const Setting& setting : settings_table()) {
    const SettingType& type = setting.type;
    if (holds_text(type.kind)) continue;
    std::vector<std::string> wrong{"many", "-1", ""};
    if (type.kind != SettingKind::word) wrong.push_back(setting_text(type, {type.max + 1, ""}));
    if (type.min > 0) wrong.push_back(setting_text(type, {type.min - 1, ""}));
    for (const std::string& value : wrong) {
      CAPTURE(setting.name);
      CAPTURE(value);
      const std::string file = folder.write("ballast.toml", "\n" + toml_line(setting, value));
      const auto expected = [&](const std::string& source) {
        return std::string(setting.name) + " = \"" + value + "\" (from " + source + "): ";
      };
      const std::string from_file = load_error({"config", "--config", file});
      CHECK(from_file.starts_with(expected(file + ":2")));
      CHECK(from_file.ends_with("; use " + setting_range(type)));
      CHECK(load_error({"config", option_name(setting.name) + "=" + value})
                .starts_with(expected(option_name(setting.name))));
      const std::string from_environment = load_error({"config"}, {{variable_name(setting.name), value}});
      if (value.empty()) {
        CHECK(from_environment == "");  // an empty variable isn't set
      } else {
        CHECK(from_environment.starts_with(expected(variable_name(setting.name))));
      }
    }
  }
}

TEST_CASE("every setting: a value of the wrong type in the file is refused") {
  const TemporaryFolder folder;
  for (const Setting& setting : settings_table()) {
    for (const std::string value : {"true", "[1]", "{a = 1}", "07:32:00"}) {
      CAPTURE(setting.name);
      const std::string file = folder.write("ballast.toml", std::string(setting.name) + " = " + value + "\n");
      const std::string error = load_error({"config", "--config", file});
      CHECK(error.starts_with(std::string(setting.name) + " (from " + file +
                              ":1): the value has the wrong type; "));
    }
  }
}

TEST_CASE("numbers in the file need no quotes, text does") {
  const TemporaryFolder folder;
  const auto from = [&](const std::string& text) {
    return load({"config", "--config", folder.write("ballast.toml", text)}).settings;
  };
  CHECK(from("listen_port = 7000").listen_port == 7000);
  CHECK(from("query_timeout = 0.5").query_timeout == Milliseconds(500));
  CHECK(from("query_timeout = 3").query_timeout == Milliseconds(3000));
  CHECK(from("max_packet_size = 4_096").max_packet_size == 4096);
  CHECK(from("unix_socket_mode = 0o640").unix_socket_mode == 0640);
  CHECK(from("unix_socket_mode = \"0640\"").unix_socket_mode == 0640);
  const std::string decimal = folder.write("ballast.toml", "unix_socket_mode = 640");
  CHECK(
      load_error({"config", "--config", decimal}).ends_with("write unix_socket_mode = \"...\", with quotes"));
  const std::string number = folder.write("ballast.toml", "log_file = 1");
  CHECK(load_error({"config", "--config", number}).ends_with("write log_file = \"...\", with quotes"));
  const std::string fraction = folder.write("ballast.toml", "workers = 1.5");
  CHECK(load_error({"config", "--config", fraction}).find("not a whole number; use 1 to 256") !=
        std::string::npos);
  const std::string infinite = folder.write("ballast.toml", "query_timeout = inf");
  CHECK(load_error({"config", "--config", infinite}).find("not a duration") != std::string::npos);
}

TEST_CASE("an unknown name is refused with the nearest known one, in each source's spelling") {
  const TemporaryFolder folder;
  const std::string file = folder.write("ballast.toml", "# c\nlistn_port = 1\n");
  CHECK(load_error({"--config", file}) ==
        "listn_port (from " + file + ":2): unknown setting; did you mean listen_port?");
  CHECK(load_error({"--listn-port", "1"}) == "\"--listn-port\": unknown option; did you mean --listen-port?");
  CHECK(load_error({"--listn_port=1"}) == "\"--listn-port\": unknown option; did you mean --listen-port?");
  CHECK(load_error({}, {{"BALLAST_LISTN_PORT", "1"}}) ==
        "BALLAST_LISTN_PORT (from the environment): unknown setting; did you mean BALLAST_LISTEN_PORT?");
  CHECK(load_error({"--zzzzzzzz", "1"}) ==
        "\"--zzzzzzzz\": unknown option; `ballast --help` lists all settings");
  CHECK(load_error({"conifg"}).starts_with("\"conifg\": unknown command or option; use serve, check, "));
}

TEST_CASE("variables that Kubernetes sets for a service named ballast are no settings") {
  const Environment environment{{"BALLAST_SERVICE_HOST", "10.0.0.1"},
                                {"BALLAST_SERVICE_PORT", "6432"},
                                {"BALLAST_SERVICE_PORT_PG", "6432"},
                                {"BALLAST_PORT", "tcp://10.0.0.1:6432"},
                                {"BALLAST_PORT_6432_TCP", "tcp://10.0.0.1:6432"},
                                {"BALLAST_PORT_6432_TCP_ADDR", "10.0.0.1"},
                                {"BALLAST_POOL_SERVICE_HOST", "10.0.0.2"}};
  CHECK(load_error({"config"}, environment) == "");
}

TEST_CASE("databases and users have sections of their own") {
  const TemporaryFolder folder;
  const std::string file = folder.write("ballast.toml",
                                        "[databases.app]\n"
                                        "pool_mode = \"session\"\n"
                                        "pool_size = 5\n"
                                        "min_pool_size = 1\n"
                                        "reserve_pool_size = 2\n"
                                        "max_db_connections = 9\n"
                                        "dbname = \"neondb\"\n"
                                        "[users.\"al ice\"]\n"
                                        "pool_size = 3\n"
                                        "max_user_connections = 4\n");
  const Options options = load({"config", "--config", file});
  const PoolSettings app = options.settings.pool_settings("app", "bob");
  CHECK(app.pool_mode == PoolMode::session);
  CHECK(app.pool_size == 5);
  CHECK(app.min_pool_size == 1);
  CHECK(app.reserve_pool_size == 2);
  CHECK(app.max_db_connections == 9);
  CHECK(app.dbname == "neondb");
  const PoolSettings alice = options.settings.pool_settings("app", "al ice");
  CHECK(alice.pool_size == 3);
  CHECK(alice.max_user_connections == 4);
  CHECK(source_of(options, "databases.app.pool_size") == file + ":3");
  CHECK(source_of(options, "users.al ice.pool_size") == file + ":9");
}

TEST_CASE("sections are checked as settings are") {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text) {
    const std::string file = folder.write("ballast.toml", text);
    std::string line = load_error({"config", "--config", file});
    const auto at = line.find(file);
    return at == std::string::npos ? line : line.replace(at, file.size(), "FILE");
  };
  CHECK(error("[databases.app]\npool_size = 0\n") ==
        "databases.app.pool_size = \"0\" (from FILE:2): too small; use 1 to 1000000");
  CHECK(error("[databases.app]\npool_mode = \"x\"\n") ==
        "databases.app.pool_mode = \"x\" (from FILE:2): not known; use session, transaction or statement");
  CHECK(error("[databases.app]\npool_siz = 1\n") ==
        "databases.app.pool_siz (from FILE:2): unknown setting; did you mean pool_size?");
  CHECK(error("[users.app]\ndbname = \"x\"\n") ==
        "users.app.dbname (from FILE:2): unknown setting; `ballast --help` lists all settings");
  CHECK(error("[users]\napp = 1\n") == "users (from FILE:2): not a section; write [users.NAME]");
  CHECK(error("databases = 1\n") == "databases (from FILE:1): not a section; write [databases.NAME]");
  CHECK(error("[databases.\"a\\nb\"]\npool_size = 0\n").starts_with("databases.a\\nb.pool_size = \"0\""));
  CHECK(error("[pools]\nx = 1\n").starts_with("pools (from FILE:1): unknown setting"));
}

TEST_CASE("the file is --config, else BALLAST_CONFIG; one that is named must be there") {
  const TemporaryFolder folder;
  const std::string one = folder.write("one.toml", "workers = 2");
  const std::string two = folder.write("two.toml", "workers = 3");
  CHECK(load({"config", "--config", one}, {{"BALLAST_CONFIG", two}}).settings.workers == 2);
  CHECK(load({"config"}, {{"BALLAST_CONFIG", two}}).settings.workers == 3);
  CHECK(load({"config"}, {{"BALLAST_CONFIG", two}}).config_file == two);
  const std::string none = folder.path("none.toml");
  const std::string expected = "configuration file \"" + none + "\": No such file or directory";
  CHECK(load_error({"config", "--config", none}) == expected);
  CHECK(load_error({"config"}, {{"BALLAST_CONFIG", none}}) == expected);
}

TEST_CASE("ballast.toml in the working folder is read unless a file is named") {
  const TemporaryFolder folder;
  folder.write("ballast.toml", "workers = 2");
  const std::string other = folder.write("other.toml", "");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  const Options found = load({"config"});
  const Options named = load({"config", "--config", other});
  std::filesystem::current_path(before);
  CHECK(found.settings.workers == 2);
  CHECK(source_of(found, "workers") == "ballast.toml:1");
  CHECK(named.settings.workers == 1);
}

TEST_CASE("a file that isn't TOML is one line with its place, and quotes no secret") {
  const TemporaryFolder folder;
  for (const std::string wrong :
       {"workers = ", "upstream_url = postgresql://u:hunter2@h/d\n", "= 1", "[databases",
        "workers = 1\nworkers = 2\n", "upstream_url = \"postgresql://u:hunter2@h/d\n",
        "upstream_url = 'a'\nupstream_url = 'hunter2'\n"}) {
    const std::string file = folder.write("ballast.toml", wrong);
    const std::string error = load_error({"config", "--config", file});
    CAPTURE(error);
    CHECK(error.starts_with(file + ":"));
    CHECK(error.find(": not TOML: ") != std::string::npos);
    CHECK(error.find('\n') == std::string::npos);
    CHECK(error.find("hunt") == std::string::npos);
  }
}

TEST_CASE("a file cut at any byte is read or refused with one line that quotes no secret") {
  const TemporaryFolder folder;
  const std::string text =
      "upstream_url = \"postgresql://u:hunter2@h/d\"\nworkers = 2\n[databases.app]\npool_size = 5\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string file = folder.write("ballast.toml", text.substr(0, cut));
    const std::string error = load_error({"config", "--config", file});
    CHECK(error.find('\n') == std::string::npos);
    CHECK(error.find("hun") == std::string::npos);
  }
}

TEST_CASE("commands and their options") {
  const Environment environment{{"DATABASE_URL", url}};
  CHECK(load({"serve"}, environment).command == Command::serve);
  CHECK(load({"config"}).command == Command::show_config);
  CHECK(load({"config", "--markdown"}).command == Command::show_markdown);
  CHECK(load({"--help"}).command == Command::show_help);
  CHECK(load({"-h"}).command == Command::show_help);
  CHECK(load({"config", "--help"}).command == Command::show_help);
  CHECK(load({"--version"}).command == Command::show_version);
  CHECK(load({"--workers", "2", "config"}).settings.workers == 2);
  CHECK(load({"config", "--workers=2"}).settings.workers == 2);
  CHECK(load({"config", "--workers", "2", "--workers", "3"}).settings.workers == 3);
  CHECK(load_error({"config", "--workers"}) == "--workers: needs a value");
  CHECK(load_error({"serve", "config"}) == "an argument too many; see `ballast serve --help`");
}

TEST_CASE("help, version and the Markdown table need no valid settings") {
  const Environment wrong{{"BALLAST_WORKERS", "many"}};
  CHECK(load({"--help"}, wrong).command == Command::show_help);
  CHECK(load({"config", "--markdown"}, wrong).command == Command::show_markdown);
}

TEST_CASE("the URL is the command line's, Ballast's own variable's, Neon's, any, the file's") {
  const TemporaryFolder folder;
  const auto named = [](const std::string& host) { return "postgresql://u:p@" + host + "/d"; };
  const std::string mounted = folder.write("url", named("mounted") + "\n");
  const std::string file_of_file = folder.write("f.toml", "upstream_url_file = '" + mounted + "'");
  const std::string file = folder.write("ballast.toml", "upstream_url = '" + named("file") + "'");
  struct Step {
    std::string host;
    std::string source;
    Arguments arguments;
    Environment environment;
  };
  const Environment any{{"DATABASE_URL", named("any")}};
  const Environment neon{{"DATABASE_URL", named("any")}, {"NEON_DATABASE_URL", named("neon")}};
  Environment own = neon;
  own["BALLAST_UPSTREAM_URL"] = named("own");
  Environment own_file = neon;
  own_file["BALLAST_UPSTREAM_URL_FILE"] = mounted;
  const std::vector<Step> steps{
      {"mounted", file_of_file + ":1", {"--config", file_of_file}, {}},
      {"file", file + ":1", {"--config", file}, {}},
      {"any", "DATABASE_URL", {"--config", file}, any},
      {"neon", "NEON_DATABASE_URL", {"--config", file}, neon},
      {"mounted", "BALLAST_UPSTREAM_URL_FILE", {"--config", file}, own_file},
      {"own", "BALLAST_UPSTREAM_URL", {"--config", file}, own},
      {"mounted", "--upstream-url-file", {"--upstream-url-file", mounted}, own},
      {"line", "--upstream-url", {"--upstream-url", named("line"), "--upstream-url-file", mounted}, own},
  };
  for (const Step& step : steps) {
    CAPTURE(step.source);
    const Options options = load(step.arguments, step.environment);
    CHECK(options.settings.upstream.hosts.at(0).host == step.host);
    const bool in_file = step.host == "mounted";
    CHECK(source_of(options, in_file ? "upstream_url_file" : "upstream_url") == step.source);
    CHECK(source_of(options, in_file ? "upstream_url" : "upstream_url_file") == "default");
  }
}

TEST_CASE("without a URL there is nothing to serve, but settings to show") {
  CHECK(load_error({}) ==
        "no database to serve: set NEON_DATABASE_URL=postgresql://user:password@host/database");
  CHECK(
      load_error({}, {{"NEON_DATABASE_URL", ""}, {"DATABASE_URL", ""}}).starts_with("no database to serve"));
  CHECK(load({"config"}).settings.upstream.hosts.empty());
}

TEST_CASE("an error in the URL names where it came from and not the password") {
  const std::string wrong = "mysql://app:hunter2@h/d";
  const std::string problem =
      ": doesn't begin with postgresql:// or postgres://; another scheme can't be served";
  CHECK(load_error({}, {{"NEON_DATABASE_URL", wrong}}) == "upstream_url (from NEON_DATABASE_URL)" + problem);
  CHECK(load_error({"--upstream-url", wrong}) == "upstream_url (from --upstream-url)" + problem);
  const TemporaryFolder folder;
  const std::string file = folder.write("url", wrong);
  CHECK(load_error({"--upstream-url-file", file}) ==
        "upstream_url_file = \"" + file + "\" (from --upstream-url-file)" + problem);
  const std::string none = folder.path("none");
  CHECK(load_error({"--upstream-url-file", none}) ==
        "upstream_url_file = \"" + none + "\" (from --upstream-url-file): No such file or directory");
}

TEST_CASE("a URL or its pieces as stray arguments are not quoted") {
  for (const Arguments& arguments : {Arguments{"postgres://u:hunter2@h/d"},
                                     {"--upstream-url", "postgres://u:x", "hunter2@h/d"},
                                     {"--upstream-ulr=postgres://u:hunter2@h/d"},
                                     {"--hunter2@h"}}) {
    const std::string error = load_error(arguments);
    CHECK(error != "");
    CHECK(error.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("the environment is read from NAME=value lines") {
  const char* const variables[] = {"A=1", "B=x=y", "C=", "broken", nullptr};
  const Environment environment = environment_of(variables);
  CHECK(environment.size() == 3);
  CHECK(variable(environment, "B") == "x=y");
  CHECK(variable(environment, "C") == "");
  CHECK(variable(environment, "D") == "");
  CHECK(environment_of(nullptr).empty());
}

TEST_CASE("http_token_file holds the token, which can't be empty, nor be set twice") {
  const TemporaryFolder folder;
  const auto with_file = [&](const std::string& text) {
    return Arguments{"--upstream-url", url, "--http-token-file", folder.write("token", text)};
  };
  CHECK(load(with_file("s3cret\n")).settings.http_bearer == "s3cret");
  CHECK(load({"--upstream-url", url, "--http-token", "s3cret"}).settings.http_bearer == "s3cret");
  CHECK(load_error(with_file(" \n")).find("is empty") != std::string::npos);
  Arguments both = with_file("s3cret");
  both.insert(both.end(), {"--http-token", "other"});
  CHECK(load_error(both) == "http_token and http_token_file are both set: set one of them");
}
