#include "proxy/app/reload.hpp"

#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"
#include "tests/unit/app/command_line.hpp"

using namespace ballast;

namespace {

struct Running {
  TemporaryFolder folder;
  std::string file = folder.write("ballast.toml", "workers = 2\ndefault_pool_size = 5\n");
  Arguments arguments{"--config", file, "--upstream-url", "postgresql://u:p@h/d"};
  Options options = load(arguments);

  Reload reload_with(std::string_view text) const {
    folder.write("ballast.toml", text);
    const ArgumentPointers pointers(arguments);
    return reload_options(options, pointers.count(), pointers.data(), {});
  }
};

}  // namespace

TEST_CASE("a reload brings the new values") {
  const Running running;
  const Reload reload = running.reload_with("workers = 2\ndefault_pool_size = 6\n[users.a]\npool_size = 1\n");
  REQUIRE(reload.options);
  CHECK(reload.error == "");
  CHECK(reload.options->settings.default_pool_size == 6);
  CHECK(reload.options->settings.users.at("a").pool_size == 1);
  CHECK(reload.restart_needed.empty());
}

TEST_CASE("a value that a reload removes is the default again") {
  const Running running;
  const Reload reload = running.reload_with("workers = 2\n");
  REQUIRE(reload.options);
  CHECK(reload.options->settings.default_pool_size == 20);
  CHECK(source_of(*reload.options, "default_pool_size") == "default");
}

TEST_CASE("a wrong value keeps everything as it was") {
  const Running running;
  const Reload reload = running.reload_with("default_pool_size = 6\nquery_timeout = \"soon\"\n");
  CHECK_FALSE(reload.options);
  CHECK(reload.error.starts_with("query_timeout = \"soon\" (from " + running.file + ":2): not a duration"));
}

TEST_CASE("what only a restart can change is listed and keeps its value") {
  const Running running;
  const Reload reload = running.reload_with("workers = 3\nlisten_addr = \"*\"\ndefault_pool_size = 7\n");
  REQUIRE(reload.options);
  CHECK(reload.restart_needed == std::vector<std::string>{"listen_addr", "workers"});
  CHECK(reload.options->settings.workers == 2);
  CHECK(reload.options->settings.listen_addr == "localhost");
  CHECK(source_of(*reload.options, "listen_addr") == "default");
  CHECK(reload.options->settings.default_pool_size == 7);
}
