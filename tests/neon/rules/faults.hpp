// Faults: which error the next login or session gets although all is well: injected ones, the conditions of
// the account (disabled, out of quota, ...), and the front's cache of what the control plane said last.
//
// Pure; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/neon/rules/clock.hpp"
#include "tests/neon/rules/error_table.hpp"

namespace ballast::neon {

struct Injection {
  const ErrorRow* row = nullptr;
  Stage stage = Stage::auth;
  std::optional<std::uint64_t> count;  // for so many; empty: until cleared
  Milliseconds after{0};
};

struct Fault {
  const ErrorRow* row;
  Milliseconds after;
};

class Faults {
 public:
  void inject(Injection injection);
  void clear() { injections_.clear(); }

  // While `row` is a condition, every login fails with it, at the row's own stage. One condition at a time.
  void set_condition(const ErrorRow* row) { condition_ = row; }
  void clear_condition() { condition_ = nullptr; }

  // The error for a login that has come to this stage, if any. What the control plane says is remembered
  // until `now + cache_for`, and told in the meantime whatever has changed.
  std::optional<Fault> take_for_login(Stage stage, Seconds now, Seconds cache_for);
  std::optional<Fault> take_for_session();

 private:
  std::optional<Fault> take(Stage stage);

  struct Cached {
    const ErrorRow* row;
    Seconds until;
  };
  std::vector<Injection> injections_;
  const ErrorRow* condition_ = nullptr;
  std::map<Stage, Cached> cache_;
};

}  // namespace ballast::neon
