#include "tests/neon/rules/knobs.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace ballast::neon {
namespace {

using Member = std::variant<double Knobs::*, bool Knobs::*, Spread Knobs::*, std::string Knobs::*,
                            SuspendMode Knobs::*, StoppingPolicy Knobs::*, Refuse Knobs::*>;

struct Entry {
  std::string_view name;
  Member member;
};

#define KNOB(name) \
  Entry { #name, &Knobs::name }
constexpr std::array entries{
    KNOB(suspend_timeout_s),
    KNOB(suspend_mode),
    KNOB(stop_ms),
    KNOB(stopping_policy),
    KNOB(stopping_refuse_p),
    KNOB(wake_ms),
    KNOB(pool_miss_p),
    KNOB(pool_miss_ms),
    KNOB(long_idle_s),
    KNOB(long_idle_factor),
    KNOB(monitor_poll_ms),
    KNOB(cplane_poll_ms),
    KNOB(count_statistics),
    KNOB(blackhole_hold_s),
    KNOB(access_cache_s),
    KNOB(cplane_ms),
    KNOB(error_cache_s),
    KNOB(node_cache_s),
    KNOB(stale_connect_ms),
    KNOB(time_scale),
    KNOB(attempts_per_s),
    KNOB(attempts_burst),
    KNOB(wakes_per_s),
    KNOB(wakes_burst),
    KNOB(permits),
    KNOB(permit_wait_ms),
    KNOB(connect_ms),
    KNOB(handshake_timeout_s),
    KNOB(scram_timeout_s),
    KNOB(alpn_strict),
    KNOB(params_compat),
    KNOB(severity),
    KNOB(with_V),
    KNOB(cancel_lost_probability),
    KNOB(cancel_register_delay_ms),
    KNOB(nlb_idle_s),
    KNOB(proxy_max_age_s),
    KNOB(rtt_ms),
    KNOB(jitter_ms),
    KNOB(loss_stall_p),
    KNOB(loss_stall_ms),
    KNOB(bandwidth),
    KNOB(refuse),
    KNOB(cu),
    KNOB(usd_per_cu_hour),
};
#undef KNOB

// The words for an enumeration's values, in their order.
constexpr std::array<std::string_view, 3> words_of(SuspendMode) {
  return {"direct_57P01", "eof", "blackhole"};
}
constexpr std::array<std::string_view, 2> words_of(StoppingPolicy) { return {"refuse", "hold"}; }
constexpr std::array<std::string_view, 3> words_of(Refuse) { return {"off", "reset", "drop"}; }

bool assign(double& knob, std::string_view value) {
  const auto quantity = parse_quantity(value);
  if (quantity) knob = *quantity;
  return quantity.has_value();
}
bool assign(bool& knob, std::string_view value) {
  if (value != "true" && value != "false") return false;
  knob = value == "true";
  return true;
}
bool assign(Spread& knob, std::string_view value) {
  const auto spread = parse_spread(value);
  if (spread) knob = *spread;
  return spread.has_value();
}
bool assign(std::string& knob, std::string_view value) {
  knob = value;
  return true;
}
template <typename Enum>
bool assign(Enum& knob, std::string_view value) {
  const auto words = words_of(knob);
  const auto found = std::find(words.begin(), words.end(), value);
  if (found != words.end()) knob = static_cast<Enum>(found - words.begin());
  return found != words.end();
}

std::string format(double value) { return format_quantity(value); }
std::string format(bool value) { return value ? "true" : "false"; }
std::string format(const Spread& value) { return format_spread(value); }
std::string format(const std::string& value) { return value; }
template <typename Enum>
std::string format(const Enum& value) {
  return std::string(words_of(value)[static_cast<std::size_t>(value)]);
}

}  // namespace

std::string set_knob(Knobs& knobs, std::string_view name, std::string_view value) {
  const auto entry =
      std::find_if(entries.begin(), entries.end(), [name](const Entry& each) { return each.name == name; });
  if (entry == entries.end()) return "there is no knob \"" + std::string(name) + "\"";
  const auto set = [&](auto member) { return assign(knobs.*member, value); };
  if (std::visit(set, entry->member)) return {};
  return "\"" + std::string(value) + "\" is no value for " + std::string(name);
}

std::vector<std::pair<std::string, std::string>> list_knobs(const Knobs& knobs) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Entry& entry : entries) {
    const auto show = [&](auto member) { return format(knobs.*member); };
    all.emplace_back(entry.name, std::visit(show, entry.member));
  }
  return all;
}

}  // namespace ballast::neon
