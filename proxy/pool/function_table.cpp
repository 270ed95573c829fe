#include "proxy/pool/function_table.hpp"

#include <algorithm>

namespace ballast {

bool FunctionTable::needs_audit(const FunctionNames& called, std::uint64_t schema_epoch,
                                FunctionNames& asked) {
  if (schema_epoch != schema_epoch_) {
    functions_.clear();
    schema_epoch_ = schema_epoch;
  }
  bool needs_one = false;
  for (const std::string& name : called) {
    const auto known = functions_.find(name);
    if (known != functions_.end() && known->second.is_trusted()) {
      if (++known->second.calls < calls_per_sample) continue;
      known->second.calls = 0;
    }
    needs_one = true;
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) asked.push_back(name);
  }
  return needs_one;
}

void FunctionTable::found_clean(const FunctionNames& asked) {
  for (const std::string& name : asked) {
    auto known = functions_.find(name);
    if (known == functions_.end() && make_room()) known = functions_.emplace(name, Function{}).first;
    if (known != functions_.end() && !known->second.is_trusted()) ++known->second.clean_audits;
  }
}

FunctionNames FunctionTable::found_dirty(const FunctionNames& asked) {
  const auto is_trusted = [this](const std::string& name) {
    const auto known = functions_.find(name);
    return known != functions_.end() && known->second.is_trusted();
  };
  FunctionNames late;
  if (!std::all_of(asked.begin(), asked.end(), is_trusted)) {
    for (const std::string& name : asked) {
      const auto known = functions_.find(name);
      if (known != functions_.end() && !known->second.is_trusted()) known->second.clean_audits = 0;
    }
    return late;
  }
  for (const std::string& name : asked) {
    Function& function = functions_.find(name)->second;
    if (!function.has_failed_late) late.push_back(name);
    function = {.has_failed_late = true};
  }
  return late;
}

// Functions that are called often will be back among those that are not trusted yet.
bool FunctionTable::make_room() {
  if (functions_.size() < names_max) return true;
  std::erase_if(functions_, [](const auto& entry) { return !entry.second.is_trusted(); });
  return functions_.size() < names_max;
}

}  // namespace ballast
