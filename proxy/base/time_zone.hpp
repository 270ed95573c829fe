// TimeZone: what the clocks of a place are ahead of UTC, at any time. From the system's time zone files
// (tzdata), in the format of RFC 8536 from its version 2 on.
//
// Not by glibc's own: its zone is one for the whole process, set by an environment variable. A value that
// never changes; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/posix_zone.hpp"

namespace ballast {

struct TimeZoneError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class TimeZone {
 public:
  // By its name of IANA's ("Europe/Berlin"). UTC needs no file.
  static TimeZone named(std::string_view name, const std::string& folder = "/usr/share/zoneinfo");
  // From what such a file holds.
  static TimeZone parse(std::string_view file);

  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;

 private:
  struct Period {
    std::int64_t since;  // seconds of UTC, since 1970
    std::int32_t offset;
  };

  std::chrono::seconds before_{0};  // the first period
  std::vector<Period> periods_;     // ascending
  std::optional<PosixZone> after_;  // since the last one began; nothing: it goes on
};

}  // namespace ballast
