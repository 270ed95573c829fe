// Dice: where all chance of a run comes from. The same seed throws the same numbers on every machine.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proxy/io/world.hpp"

namespace ballast::sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // Both ends included.
  template <std::integral Int>
  Int between(Int low, Int high) {
    const auto span = static_cast<std::uint64_t>(high - low) + 1;
    return static_cast<Int>(low + static_cast<Int>(next() % span));
  }
  Duration between(Duration low, Duration high) { return Duration(between(low.count(), high.count())); }
  bool percent(int chance) { return between(0, 99) < chance; }
  template <class Container>
  const auto& pick(const Container& choices) {
    return choices[between(std::size_t{0}, std::size(choices) - 1)];
  }
  // Dice of their own for one part of the run: what others throw does not change its throws.
  Dice child() { return Dice(next()); }

 private:
  std::uint64_t state_;
};

class SimRandom final : public Random {
 public:
  explicit SimRandom(Dice dice) : dice_(dice) {}
  void fill(std::span<char> out) override {
    for (char& byte : out) byte = static_cast<char>(dice_.next());
  }

 private:
  Dice dice_;
};

}  // namespace ballast::sim
