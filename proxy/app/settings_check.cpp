#include "proxy/app/settings_check.hpp"

#include <stdexcept>

#include "proxy/app/state_file.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/schedule.hpp"
#include "proxy/base/settings_table.hpp"
#include "proxy/base/text_file.hpp"
#include "proxy/base/user_file.hpp"

namespace ballast {
namespace {

std::string unreadable_file(const Settings& settings) {
  for (const Setting& setting : settings_table()) {
    if (setting.type.kind != SettingKind::file) continue;
    const std::string path = value_of(setting, settings).text;
    if (path.empty()) continue;
    try {
      read_text_file(path);
    } catch (const TextFileError& failure) {
      return std::string(setting.name) + " = \"" + printable(path) + "\": " + failure.what();
    }
  }
  return "";
}

std::string tls_conflict(const Settings& settings) {
  const bool serves_tls = settings.client_tls_sslmode != ClientTls::disable;
  const bool verifies = settings.client_tls_sslmode >= ClientTls::verify_ca;
  if (serves_tls && settings.client_tls_cert_file.empty()) {
    return "client_tls_sslmode needs a certificate: set client_tls_cert_file and client_tls_key_file";
  }
  if (serves_tls && settings.client_tls_key_file.empty()) {
    return "client_tls_cert_file needs its key: set client_tls_key_file";
  }
  if (verifies && settings.client_tls_ca_file.empty()) {
    return "client_tls_sslmode = verify-ca or verify-full needs roots: set client_tls_ca_file";
  }
  if (settings.auth_type == AuthType::cert && !verifies) {
    return "auth_type = cert needs client certificates: set client_tls_sslmode = verify-full";
  }
  if (settings.auth_type == AuthType::plain && !serves_tls) {
    return "auth_type = plain sends passwords in clear: set client_tls_sslmode = require, or another "
           "auth_type";
  }
  return "";
}

std::string login_conflict(const Settings& settings) {
  if (!settings.auth_file.empty()) {
    try {
      read_user_file(settings.auth_file);
    } catch (const UserFileError& failure) {
      return failure.what();
    }
    return "";
  }
  const bool by_password = settings.auth_type != AuthType::trust && settings.auth_type != AuthType::cert;
  const bool serves = !settings.upstream.hosts.empty();
  if (serves && by_password && settings.upstream.password.empty()) {
    return "no client could log in: the database's URL has no password and auth_file isn't set; set one of "
           "them, "
           "or auth_type = trust";
  }
  return "";
}

std::string pool_conflict(const PoolSettings& pool, const std::string& where) {
  if (pool.min_pool_size <= pool.pool_size) return "";
  return where + "min_pool_size = " + std::to_string(pool.min_pool_size) + " is above the pool's size " +
         std::to_string(pool.pool_size) + ": lower it, or raise " +
         (where.empty() ? "default_pool_size" : where + "pool_size");
}

std::string pools_conflict(const Settings& settings) {
  std::string conflict;
  // The global values only, whatever the sections say.
  Settings global;
  global.default_pool_size = settings.default_pool_size;
  global.min_pool_size = settings.min_pool_size;
  conflict = pool_conflict(global.pool_settings("", ""), "");
  for (const auto& [name, overrides] : settings.databases) {
    if (!conflict.empty()) return conflict;
    conflict = pool_conflict(settings.pool_settings(name, ""), "databases." + printable(name) + ".");
  }
  for (const auto& [name, overrides] : settings.users) {
    if (!conflict.empty()) return conflict;
    conflict = pool_conflict(settings.pool_settings("", name), "users." + printable(name) + ".");
  }
  return conflict;
}

std::string keepalive_conflict(const Settings& settings) {
  const std::string& schedule = settings.keepalive_schedule;
  if (settings.keepalive == KeepaliveMode::schedule && schedule.empty()) {
    return "keepalive = schedule needs its hours: set keepalive_schedule";
  }
  try {
    Schedule::parse(schedule);
  } catch (const std::invalid_argument& problem) {
    return "keepalive_schedule = \"" + printable(schedule) + "\": " + problem.what();
  }
  return "";
}

std::string http_conflict(const Settings& settings) {
  if (settings.http_port == 0 || settings.http_port >= 1024) return "";
  return "http_port = " + std::to_string(settings.http_port) + ": use one from 1024 to 65535, or 0 for none";
}

std::string unusable_folder(const Settings& settings) {
  if (settings.state_dir.empty()) return "";
  const std::string why = why_not_a_state_folder(settings.state_dir);
  return why.empty() ? "" : "state_dir = \"" + printable(settings.state_dir) + "\": " + why;
}

}  // namespace

std::string first_conflict(const Settings& settings) {
  if (settings.listen_addr.empty() && settings.unix_socket_dir.empty()) {
    return "nothing to listen on: set listen_addr or unix_socket_dir";
  }
  for (const auto check : {unreadable_file, unusable_folder, tls_conflict, login_conflict, pools_conflict,
                           keepalive_conflict, http_conflict}) {
    if (std::string conflict = check(settings); !conflict.empty()) return conflict;
  }
  return "";
}

}  // namespace ballast
