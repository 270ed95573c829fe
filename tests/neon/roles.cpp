#include "tests/neon/roles.hpp"

#include <utility>

namespace ballast::neon {

Roles::Roles(Database database, const Timekeeper& time, const Knobs& knobs, Dice& dice)
    : database_(std::move(database)), time_(time), knobs_(knobs), dice_(dice) {}

Task<void> Roles::learn() {
  const auto rows = co_await ask(database_, "select rolname, rolpassword from pg_authid where rolcanlogin");
  if (!rows) co_return;
  for (const std::vector<std::string>& row : *rows)
    cache_.try_emplace(row[0], Cached{parse_scram_secret(row[1]), time_.now()});
}

Task<std::optional<ScramSecret>> Roles::find(std::string name) {
  if (const auto given = given_.find(name); given != given_.end()) co_return given->second;
  const auto cached = cache_.find(name);
  if (cached != cache_.end() && time_.now() < cached->second.until) co_return cached->second.secret;
  co_await pause(Milliseconds(knobs_.cplane_ms.sample(dice_)));
  const std::string sql =
      "select rolpassword from pg_authid where rolcanlogin and rolname = " + quote_literal(name);
  const auto rows = co_await ask(database_, sql);
  std::optional<ScramSecret> secret;
  if (rows && !rows->empty()) secret = parse_scram_secret(rows->front().front());
  if (!rows && cached != cache_.end()) co_return cached->second.secret;  // a stopped server cannot be asked
  if (rows) cache_.insert_or_assign(name, Cached{secret, time_.now() + Seconds(knobs_.access_cache_s)});
  co_return secret;
}

}  // namespace ballast::neon
