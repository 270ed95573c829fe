// ErrorCounters: the errors that clients were told, by class of SQLSTATE (the first two characters, manual
// appendix A) and by who made them. Written by one worker; any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "proxy/base/counters.hpp"

namespace ballast {

class ErrorCounters {
 public:
  enum class Source { server, ballast };
  // Of PostgreSQL 18; what is none of them counts as the last, "other".
  static constexpr std::array<std::string_view, 44> classes{
      "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21",   "22",
      "23", "24", "25", "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D",   "3F",
      "40", "42", "44", "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX", "other"};

  void note(Source source, std::string_view sqlstate);
  std::uint64_t value(Source source, std::size_t index) const { return of(source)[index].value(); }

 private:
  using Counts = std::array<Counter, classes.size()>;
  const Counts& of(Source source) const { return source == Source::server ? servers_ : ours_; }
  Counts servers_;
  Counts ours_;
};

}  // namespace ballast
