#include "proxy/session/function_calls.hpp"

#include <algorithm>
#include <vector>

namespace ballast {
namespace {

std::vector<std::string> differing(const ReportedParameters& before, const ReportedParameters& after) {
  std::vector<std::string> names;
  for (const auto& [name, value] : before) {
    const auto now = after.find(name);
    if (now == after.end() || now->second != value) names.push_back(name);
  }
  for (const auto& [name, value] : after) {
    if (!before.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace

Verdict judge(const FunctionCalls& calls, const ParameterSetRef& after, Pins pins,
              const ReportedParameters& startup) {
  if (calls.before == after && pins == Pins::same) {
    return calls.were_undone ? Verdict::unclear : Verdict::clean;
  }
  if (calls.have_company) return Verdict::unclear;
  const auto may_be_reworded = [&](const std::string& name) {
    const auto given = startup.find(name);
    const auto was = calls.before->values.find(name);
    return given != startup.end() && was != calls.before->values.end() && was->second == given->second &&
           after->values.contains(name);
  };
  const std::vector<std::string> names = differing(calls.before->values, after->values);
  const bool is_unclear = pins == Pins::same && std::all_of(names.begin(), names.end(), may_be_reworded);
  return is_unclear ? Verdict::unclear : Verdict::dirty;
}

std::string changed_settings(const ParameterSet& before, const ParameterSet& after) {
  std::string list;
  for (const std::string& name : differing(before.values, after.values)) {
    if (!list.empty()) list += ", ";
    list += name;
  }
  return list;
}

}  // namespace ballast
