// Roles: what the control plane knows of passwords: the SCRAM secrets of the real server's roles, kept for a
// while as Neon's proxy does. Those given on the command line come first.
//
// One thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "protocol/scram_secret.hpp"

#include "tests/neon/backend.hpp"
#include "tests/neon/rules/knobs.hpp"
#include "tests/neon/timekeeper.hpp"

namespace ballast::neon {

class Roles {
 public:
  Roles(Database database, const Timekeeper& time, const Knobs& knobs, Dice& dice);

  void add(const std::string& name, ScramSecret secret) { given_.insert_or_assign(name, std::move(secret)); }
  // Reads all of them, for the time when the server is stopped and can't be asked.
  Task<void> learn();
  // Nothing: there is no such role, or it has no SCRAM password.
  Task<std::optional<ScramSecret>> find(std::string name);

 private:
  struct Cached {
    std::optional<ScramSecret> secret;
    Seconds until;
  };
  Database database_;
  const Timekeeper& time_;
  const Knobs& knobs_;
  Dice& dice_;
  std::map<std::string, ScramSecret> given_;
  std::map<std::string, Cached> cache_;
};

}  // namespace ballast::neon
