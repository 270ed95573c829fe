#include "tests/neon/rules/knobs.hpp"

#include <doctest/doctest.h>

namespace ballast::neon {
namespace {

TEST_CASE("knobs are set by their names") {
  Knobs knobs;
  CHECK(set_knob(knobs, "suspend_timeout_s", "1.5").empty());
  CHECK(set_knob(knobs, "suspend_mode", "blackhole").empty());
  CHECK(set_knob(knobs, "with_V", "true").empty());
  CHECK(set_knob(knobs, "wake_ms", "100..200").empty());
  CHECK(set_knob(knobs, "severity", "FATAL").empty());
  CHECK(knobs.suspend_timeout_s == 1.5);
  CHECK(knobs.suspend_mode == SuspendMode::blackhole);
  CHECK(knobs.with_V);
  CHECK(knobs.wake_ms.high == 200);
  CHECK(knobs.severity == "FATAL");
}

TEST_CASE("a wrong name or value changes nothing") {
  Knobs knobs;
  CHECK(set_knob(knobs, "no_such", "1") == "there is no knob \"no_such\"");
  CHECK(set_knob(knobs, "rtt_ms", "-1") == "\"-1\" is no value for rtt_ms");
  CHECK_FALSE(set_knob(knobs, "suspend_mode", "softly").empty());
  CHECK_FALSE(set_knob(knobs, "with_V", "yes").empty());
  CHECK(list_knobs(knobs) == list_knobs(Knobs()));
}

TEST_CASE("what is listed can be set again") {
  Knobs knobs;
  for (const auto& [name, value] : list_knobs(Knobs())) CHECK(set_knob(knobs, name, value) == "");
  CHECK(list_knobs(knobs) == list_knobs(Knobs()));
}

}  // namespace
}  // namespace ballast::neon
