#include "proxy/base/settings_table.hpp"

#include <set>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

using namespace ballast;

TEST_CASE("names are unique, in lower case, and each setting says what it means") {
  std::set<std::string_view> names;
  for (const Setting& setting : settings_table()) {
    CAPTURE(setting.name);
    CHECK(names.insert(setting.name).second);
    CHECK(setting.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    CHECK(setting.meaning.ends_with('.'));
    CHECK(setting.meaning.find('|') == std::string_view::npos);  // it becomes a cell of a Markdown table
    CHECK(find_setting(setting.name) == &setting);
  }
  CHECK(find_setting("no_such_setting") == nullptr);
}

TEST_CASE("every default is a value that could have been set") {
  const Settings defaults;
  for (const Setting& setting : settings_table()) {
    CAPTURE(setting.name);
    if (setting.type.kind == SettingKind::secret) continue;
    const SettingValue value = value_of(setting, defaults);
    const std::string text = setting_text(setting.type, value);
    CHECK(parse_setting(setting.type, text) == value);
  }
}

TEST_CASE("every setting takes the ends of its range and nothing beyond") {
  for (const Setting& setting : settings_table()) {
    CAPTURE(setting.name);
    const SettingType& type = setting.type;
    if (holds_text(type.kind) || type.kind == SettingKind::word) continue;
    const auto text = [&](std::int64_t number) { return setting_text(type, {number, ""}); };
    Settings settings;
    for (const std::int64_t number : {type.min, type.max}) {
      assign(setting, settings, parse_setting(type, text(number)));
      CHECK(value_of(setting, settings).number == number);
    }
    CHECK_THROWS_AS(parse_setting(type, text(type.max + 1)), std::invalid_argument);
    CHECK_THROWS_AS(parse_setting(type, "-1"), std::invalid_argument);
    if (type.min > 0) CHECK_THROWS_AS(parse_setting(type, text(type.min - 1)), std::invalid_argument);
    CHECK_THROWS_AS(parse_setting(type, "many"), std::invalid_argument);
  }
}

TEST_CASE("every word of every setting can be set and read back") {
  for (const Setting& setting : settings_table()) {
    CAPTURE(setting.name);
    Settings settings;
    for (const std::string_view word : setting.type.words) {
      assign(setting, settings, parse_setting(setting.type, word));
      CHECK(setting_text(setting.type, value_of(setting, settings)) == word);
    }
  }
}

TEST_CASE("the words mean what they say") {
  Settings settings;
  const auto set = [&](const char* name, const char* word) {
    assign(*find_setting(name), settings, parse_setting(find_setting(name)->type, word));
  };
  set("pool_mode", "session");
  CHECK(settings.pool_mode == PoolMode::session);
  set("pool_mode", "statement");
  CHECK(settings.pool_mode == PoolMode::statement);
  set("auth_type", "cert");
  CHECK(settings.auth_type == AuthType::cert);
  set("auth_type", "trust");
  CHECK(settings.auth_type == AuthType::trust);
  set("auth_type", "scram-sha-256");
  CHECK(settings.auth_type == AuthType::scram_sha_256);
  set("client_tls_sslmode", "verify-full");
  CHECK(settings.client_tls_sslmode == ClientTls::verify_full);
  set("client_tls_sslmode", "require");
  CHECK(settings.client_tls_sslmode == ClientTls::require);
  set("keepalive", "while_clients");
  CHECK(settings.keepalive == KeepaliveMode::while_clients);
  set("keepalive", "schedule");
  CHECK(settings.keepalive == KeepaliveMode::schedule);
  set("keepalive", "always");
  CHECK(settings.keepalive == KeepaliveMode::always);
  set("compute_cu", "0.25");
  CHECK(to_double(settings.compute_cu) == 0.25);
  set("log_format", "json");
  CHECK(settings.log_format == LogFormat::json);
  set("log_level", "debug");
  CHECK(settings.log_level == "debug");
}

TEST_CASE("an override has the type of the setting that it overrides") {
  for (const Override& row : overrides_table()) {
    CAPTURE(row.name);
    if (row.global.empty()) continue;
    const Setting* global = find_setting(row.global);
    REQUIRE(global != nullptr);
    CHECK(row.type.kind == global->type.kind);
    CHECK(row.type.min == global->type.min);
    CHECK(row.type.max == global->type.max);
  }
}

TEST_CASE("databases and users have their own names for their limits") {
  CHECK(find_override(OverrideScope::database, "max_db_connections") != nullptr);
  CHECK(find_override(OverrideScope::user, "max_db_connections") == nullptr);
  CHECK(find_override(OverrideScope::user, "max_user_connections") != nullptr);
  CHECK(find_override(OverrideScope::user, "dbname") == nullptr);
  CHECK(override_names(OverrideScope::database).size() == 7);
  PoolOverrides overrides;
  for (const Override& row : overrides_table()) CHECK_FALSE(value_of(row, overrides));
  const Override& size = *find_override(OverrideScope::database, "pool_size");
  assign(size, overrides, parse_setting(size.type, "3"));
  CHECK(overrides.pool_size == 3);
  CHECK(value_of(size, overrides)->number == 3);
}

TEST_CASE("a mistyped name is near the one that was meant") {
  const auto names = setting_names();
  CHECK(nearest_name("listn_port", names) == "listen_port");
  CHECK(nearest_name("pool_size", names) == "default_pool_size");
  CHECK(nearest_name("port", names) == "listen_port");
  CHECK(nearest_name("querytimeout", names) == "query_timeout");
  CHECK(nearest_name("x", names) == "");
  CHECK(nearest_name("", names) == "");
  CHECK(nearest_name("something_else_altogether", names) == "");
  CHECK(nearest_name(std::string(100'000, 'a'), names) == "");
}
