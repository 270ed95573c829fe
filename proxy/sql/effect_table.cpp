#include "proxy/sql/effect_table.hpp"

#include <utility>

#include "proxy/sql/glance.hpp"

namespace ballast {
namespace {

// From here on a text is found sooner than it is read.
constexpr std::size_t kept_size_min = 256;

std::size_t cost(std::string_view text, const StatementEffect& effect) {
  constexpr std::size_t node = 64;  // the map's own, and the allocator's
  std::size_t bytes = text.size() + sizeof(std::string) + sizeof(StatementEffect) + node;
  for (const auto* names : {&effect.functions, &effect.custom_settings, &effect.resets, &effect.executes}) {
    for (const std::string& name : *names) bytes += sizeof(name) + name.size();
  }
  for (const ChannelChange& change : effect.channels) bytes += sizeof(change) + change.channel.size();
  return bytes;
}

}  // namespace

const StatementEffect& EffectTable::of(std::string_view text) {
  if (is_plain_at_a_glance(text)) return plain_effect;
  if (text.size() < kept_size_min) return read(text);
  if (const StatementEffect* const found = kept(text)) return *found;
  const StatementEffect& effect = read(text);
  return has_been_seen(text) ? keep(text, effect) : effect;
}

const StatementEffect& EffectTable::read(std::string_view text) {
  read_effect(text, last_);
  return last_.is_plain() && last_.is_single && !last_.is_empty ? plain_effect : last_;
}

const StatementEffect* EffectTable::kept(std::string_view text) {
  auto found = young_.effects.find(text);
  if (found == young_.effects.end()) {
    const auto aged = old_.effects.find(text);
    if (aged == old_.effects.end()) return nullptr;
    const std::size_t bytes = cost(text, aged->second);
    old_.bytes -= bytes;
    auto node = old_.effects.extract(aged);
    make_room(bytes);
    young_.bytes += bytes;
    found = young_.effects.insert(std::move(node)).position;
  }
  return found->second == plain_effect ? &plain_effect : &found->second;
}

const StatementEffect& EffectTable::keep(std::string_view text, const StatementEffect& effect) {
  const std::size_t bytes = cost(text, effect);
  if (bytes > bytes_max_ / 2) return effect;
  make_room(bytes);
  young_.bytes += bytes;
  young_.effects.emplace(text, effect);
  return effect;
}

void EffectTable::make_room(std::size_t bytes) {
  if (young_.bytes + bytes <= bytes_max_ / 2) return;
  old_ = std::exchange(young_, {});
}

bool EffectTable::has_been_seen(std::string_view text) {
  const std::size_t hash = Hash()(text);
  return std::exchange(seen_[hash % seen_.size()], hash) == hash;
}

}  // namespace ballast
