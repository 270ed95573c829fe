#include "proxy/base/time_zone.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>

#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{256} << 10;  // the largest of tzdata's has some 4 kB
constexpr std::size_t name_length_max = 64;

[[noreturn]] void damaged(const char* what) { throw TimeZoneError(what); }

// Walks the file; throws at its end.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) damaged("ends too early");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(bytes(1)[0]); }
  std::uint32_t uint32() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::int32_t int32() { return static_cast<std::int32_t>(uint32()); }
  std::int64_t int64() { return static_cast<std::int64_t>(big_endian(8)); }
  std::string_view rest() const { return rest_; }

 private:
  std::uint64_t big_endian(std::size_t count) {
    std::uint64_t value = 0;
    for (const char c : bytes(count)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }

  std::string_view rest_;
};

// RFC 8536, section 3.1.
struct Header {
  char version = 0;
  std::size_t ut_marks = 0;
  std::size_t standard_marks = 0;
  std::size_t leap_seconds = 0;
  std::size_t transitions = 0;
  std::size_t types = 0;
  std::size_t letters = 0;

  std::size_t block_size(std::size_t time_size) const {
    return transitions * (time_size + 1) + types * 6 + letters + leap_seconds * (time_size + 4) +
           standard_marks + ut_marks;
  }
};

Header read_header(Cursor& file) {
  if (file.bytes(4) != "TZif") damaged("not a time zone file");
  Header header;
  header.version = file.bytes(1)[0];
  file.bytes(15);
  for (std::size_t* const count : {&header.ut_marks, &header.standard_marks, &header.leap_seconds,
                                   &header.transitions, &header.types, &header.letters}) {
    *count = file.uint32();
    if (*count > file.rest().size()) damaged("ends too early");
  }
  return header;
}

// Its clocks count leap seconds; ours, and everybody's, do not.
constexpr const char* counts_leap_seconds = "counts leap seconds";

std::string_view footer(std::string_view rest) {
  const bool is_enclosed = rest.size() >= 2 && rest.front() == '\n' && rest.find('\n', 1) != rest.npos;
  if (!is_enclosed) damaged("has no footer");
  return rest.substr(1, rest.find('\n', 1) - 1);
}

void check_name(std::string_view name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  };
  // No dots: it never leads out of its folder.
  const bool is_name = !name.empty() && name.size() <= name_length_max && name.front() != '/' &&
                       std::all_of(name.begin(), name.end(), is_part);
  if (!is_name) throw TimeZoneError("not the name of a time zone, such as Europe/Berlin or UTC");
}

}  // namespace

TimeZone TimeZone::parse(std::string_view bytes) {
  Cursor file(bytes);
  const Header old = read_header(file);
  if (old.version < '2') damaged("is of the format before version 2");
  file.bytes(old.block_size(4));
  const Header header = read_header(file);
  Cursor block(file.bytes(header.block_size(8)));
  if (header.types == 0) damaged("has no types of local time");
  if (header.leap_seconds > 0) damaged(counts_leap_seconds);

  TimeZone zone;
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (std::size_t i = 0; i < header.transitions; ++i) {
    zone.periods_.push_back({block.int64(), 0});
    if (i > 0 && zone.periods_.back().since <= last) damaged("is not in order");
    last = zone.periods_.back().since;
  }
  std::vector<std::uint8_t> type_of;
  for (std::size_t i = 0; i < header.transitions; ++i) type_of.push_back(block.byte());
  std::vector<std::int32_t> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    offsets.push_back(block.int32());
    if (std::abs(std::int64_t{offsets.back()}) > 26 * 3600) damaged("has an offset of more than a day");
    block.bytes(2);  // is it summer time, and what is it called?
  }
  for (std::size_t i = 0; i < header.transitions; ++i) {
    if (type_of[i] >= header.types) damaged("names a type that it does not have");
    zone.periods_[i].offset = offsets[type_of[i]];
  }
  zone.before_ = std::chrono::seconds(offsets[0]);
  const std::string_view rule = footer(file.rest());
  if (!rule.empty() && !(zone.after_ = PosixZone::parse(rule))) damaged("has a footer that is no rule");
  return zone;
}

TimeZone TimeZone::named(std::string_view name, const std::string& folder) {
  if (name == "UTC") return TimeZone();
  check_name(name);
  std::string bytes;
  try {
    bytes = read_text_file(folder + "/" + std::string(name), file_bytes_max);
  } catch (const TextFileError&) {
    throw TimeZoneError("no such time zone in " + folder + " (package tzdata)");
  }
  try {
    return parse(bytes);
  } catch (const TimeZoneError& failure) {
    throw TimeZoneError("its file in " + folder + " " + failure.what());
  }
}

std::chrono::seconds TimeZone::offset_at(std::chrono::sys_seconds time) const {
  const std::int64_t at = time.time_since_epoch().count();
  const auto next = std::upper_bound(periods_.begin(), periods_.end(), at,
                                     [](std::int64_t t, const Period& period) { return t < period.since; });
  if (next == periods_.end() && after_) return after_->offset_at(time);
  if (next == periods_.begin()) return before_;
  return std::chrono::seconds(std::prev(next)->offset);
}

}  // namespace ballast
