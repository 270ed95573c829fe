// FunctionTable: which functions of a database have proved to leave nothing behind in their session.
//
//   table.needs_audit(called, epoch, asked)         with each statement that calls unknown functions
//   table.found_clean(asked), table.found_dirty()   when the audit has answered
//
// After enough clean audits a function is trusted, and a sample of its calls is asked about. A find makes it
// start over; a change of the schema all of them. Names are those of the texts: what search_path makes of
// them is not known here. One per pool, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ballast {

using FunctionNames = std::vector<std::string>;

class FunctionTable {
 public:
  static constexpr int audits_to_trust = 10;
  static constexpr int calls_per_sample = 64;
  static constexpr std::size_t names_max = 1000;

  // Counts a call of each. Those that an audit is to judge are added to `asked`; true if there are any.
  bool needs_audit(const FunctionNames& called, std::uint64_t schema_epoch, FunctionNames& asked);
  void found_clean(const FunctionNames& asked);
  // Of several it is more likely one that is not trusted yet. Returns those that had been trusted and have
  // not been returned before.
  FunctionNames found_dirty(const FunctionNames& asked);

  std::size_t size() const { return functions_.size(); }

 private:
  struct Function {
    int clean_audits = 0;
    int calls = 0;  // since it is trusted, or since the last sample
    bool has_failed_late = false;

    bool is_trusted() const { return clean_audits >= audits_to_trust; }
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  bool make_room();

  std::unordered_map<std::string, Function, Hash, std::equal_to<>> functions_;
  std::uint64_t schema_epoch_ = 0;  // of the schema that all this is about
};

}  // namespace ballast
