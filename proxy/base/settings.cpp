#include "proxy/base/settings.hpp"

namespace ballast {
namespace {

void apply(const PoolOverrides& overrides, PoolSettings& settings) {
  settings.pool_mode = overrides.pool_mode.value_or(settings.pool_mode);
  settings.session_fidelity = overrides.session_fidelity.value_or(settings.session_fidelity);
  settings.pool_size = overrides.pool_size.value_or(settings.pool_size);
  settings.min_pool_size = overrides.min_pool_size.value_or(settings.min_pool_size);
  settings.reserve_pool_size = overrides.reserve_pool_size.value_or(settings.reserve_pool_size);
}

}  // namespace

PoolSettings Settings::pool_settings(const std::string& database, const std::string& user) const {
  PoolSettings settings{
      .pool_mode = pool_mode,
      .session_fidelity = session_fidelity,
      .pool_size = default_pool_size,
      .min_pool_size = min_pool_size,
      .reserve_pool_size = reserve_pool_size,
      .max_db_connections = max_db_connections,
      .max_user_connections = max_user_connections,
      .dbname = database,
  };
  if (const auto found = databases.find(database); found != databases.end()) {
    apply(found->second, settings);
    settings.max_db_connections = found->second.max_connections.value_or(max_db_connections);
    settings.dbname = found->second.dbname.value_or(database);
  }
  if (const auto found = users.find(user); found != users.end()) {
    apply(found->second, settings);
    settings.max_user_connections = found->second.max_connections.value_or(max_user_connections);
  }
  return settings;
}

}  // namespace ballast
