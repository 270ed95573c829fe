#include "proxy/base/error_counters.hpp"

#include <algorithm>

namespace ballast {

void ErrorCounters::note(Source source, std::string_view sqlstate) {
  const auto* const other = classes.end() - 1;
  const auto* const found = std::find(classes.begin(), other, sqlstate.substr(0, 2));
  Counts& counts = source == Source::server ? servers_ : ours_;
  ++counts[static_cast<std::size_t>(found - classes.begin())];
}

}  // namespace ballast
