// Steered: an Administration without workers, which does each command at once, and what it makes of the
// process around it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proxy/app/administration.hpp"

namespace ballast {

struct Steered final : Process {
  static Options options() {
    Options options;
    options.settings.upstream_url = "postgresql://ann:pencil@db/app";
    options.settings.upstream.user = "ann";
    options.settings.upstream.password = "pencil";
    options.settings.upstream.dbname = "app";
    options.settings.upstream.hosts.push_back({"db", "", 5432});
    options.settings.databases["shop"];
    return options;
  }

  void hold_doors() override { did.push_back("hold"); }
  void open_doors() override { did.push_back("open"); }
  void leaving() override { did.push_back("leaving"); }
  bool is_needed() const override { return false; }
  void leave() override { did.push_back("leave"); }
  void reloading() override { did.push_back("reloading"); }
  void reloaded(const LiveSettings::Change& change) override {
    did.push_back(change.configuration ? "changed" : "unchanged");
  }

  // The outcome of a command, after all that follows from it; nothing: it waits.
  template <typename Command>
  std::optional<std::string> outcome(Command command) {
    std::optional<std::string> told;
    command([&told](const PgError& error) { told = error.message; });
    control.restart();
    control.poll();
    return told;
  }
  std::optional<std::string> pause(const std::string& database = {}) {
    return outcome([&](auto done) { administration.pause(database, done); });
  }
  std::optional<std::string> resume(const std::string& database = {}) {
    return outcome([&](auto done) { administration.resume(database, done); });
  }

  boost::asio::io_context control;
  Household household;
  Environment environment;
  LiveSettings settings{options(), 0, nullptr, environment};
  std::vector<std::string> did;
  Administration administration{control, household, settings, *this};
};

}  // namespace ballast
