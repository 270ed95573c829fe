// Spread: a quantity that differs from time to time, such as how long a wake takes.
//
//   "350"                 always 350
//   "300..1500"           anything between, all equally likely
//   "lognormal:350:1200"  median 350, one in a hundred above 1200
//
// Plain data and pure functions.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace ballast::neon {

using Dice = std::mt19937_64;

struct Spread {
  enum class Shape { fixed, even, lognormal };
  Shape shape = Shape::fixed;
  double low = 0;   // or the median
  double high = 0;  // or the 99th percentile

  double sample(Dice& dice) const;
};

std::optional<double> parse_quantity(std::string_view text);  // not negative
std::optional<Spread> parse_spread(std::string_view text);
std::string format_quantity(double value);
std::string format_spread(const Spread& spread);

}  // namespace ballast::neon
