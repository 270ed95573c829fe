#include "proxy/base/settings.hpp"

#include <doctest/doctest.h>

using namespace ballast;

TEST_CASE("a pool without overrides has the global settings and the database's own name") {
  Settings settings;
  settings.default_pool_size = 7;
  settings.max_db_connections = 30;
  settings.max_user_connections = 40;
  const PoolSettings pool = settings.pool_settings("app", "alice");
  CHECK(pool.pool_mode == PoolMode::transaction);
  CHECK(pool.pool_size == 7);
  CHECK(pool.max_db_connections == 30);
  CHECK(pool.max_user_connections == 40);
  CHECK(pool.dbname == "app");
}

TEST_CASE("a user's value wins over its database's, that over the global one") {
  Settings settings;
  settings.databases["app"].pool_mode = PoolMode::session;
  settings.databases["app"].pool_size = 3;
  settings.databases["app"].min_pool_size = 1;
  settings.users["alice"].pool_mode = PoolMode::statement;
  settings.users["alice"].reserve_pool_size = 2;
  const PoolSettings pool = settings.pool_settings("app", "alice");
  CHECK(pool.pool_mode == PoolMode::statement);
  CHECK(pool.pool_size == 3);
  CHECK(pool.min_pool_size == 1);
  CHECK(pool.reserve_pool_size == 2);
  CHECK(settings.pool_settings("app", "bob").pool_mode == PoolMode::session);
  CHECK(settings.pool_settings("other", "bob").pool_mode == PoolMode::transaction);
}

TEST_CASE("a database limits its connections, a user its own") {
  Settings settings;
  settings.databases["app"].max_connections = 5;
  settings.databases["app"].dbname = "neondb";
  settings.users["alice"].max_connections = 6;
  const PoolSettings pool = settings.pool_settings("app", "alice");
  CHECK(pool.max_db_connections == 5);
  CHECK(pool.max_user_connections == 6);
  CHECK(pool.dbname == "neondb");
  CHECK(settings.pool_settings("other", "bob").max_db_connections == 0);
}
