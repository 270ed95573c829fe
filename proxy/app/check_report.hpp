// CheckReport: what `ballast check` has found, as lines for people and as JSON for machines. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ballast {

enum class CheckVerdict { ok, warn, fail };

struct Finding {
  std::string step;  // "dns", "tcp", "tls", ...
  CheckVerdict verdict = CheckVerdict::ok;
  std::optional<double> time_ms;  // nothing: the step takes none
  std::string found;              // what was found, or what went wrong
  std::string remedy;             // what to do about it; empty: nothing
};

using CheckReport = std::vector<Finding>;

// One line, and a second one for the remedy.
std::string finding_text(const Finding& finding);
// {"ok": true, "steps": [{"step": ..., "verdict": ..., "ms": ..., "found": ..., "remedy": ...}, ...]}
std::string findings_json(const CheckReport& findings);

bool has_failed(const CheckReport& findings);

}  // namespace ballast
