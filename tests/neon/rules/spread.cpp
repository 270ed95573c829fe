#include "tests/neon/rules/spread.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace ballast::neon {
namespace {

constexpr std::string_view lognormal_prefix = "lognormal:";
constexpr double standard_score_of_p99 = 2.3263;  // of the normal distribution

std::optional<Spread> parse_two(std::string_view text, std::string_view separator, Spread::Shape shape) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const auto low = parse_quantity(text.substr(0, at));
  const auto high = parse_quantity(text.substr(at + separator.size()));
  if (!low || !high || *low > *high) return std::nullopt;
  return Spread{shape, *low, *high};
}

}  // namespace

double Spread::sample(Dice& dice) const {
  switch (shape) {
    case Shape::fixed:
      return low;
    case Shape::even:
      return std::uniform_real_distribution<double>(low, high)(dice);
    case Shape::lognormal:
      return std::lognormal_distribution<double>(std::log(low),
                                                 std::log(high / low) / standard_score_of_p99)(dice);
  }
  return low;
}

std::optional<double> parse_quantity(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

std::optional<Spread> parse_spread(std::string_view text) {
  if (text.starts_with(lognormal_prefix)) {
    const auto spread = parse_two(text.substr(lognormal_prefix.size()), ":", Spread::Shape::lognormal);
    return spread && spread->low > 0 ? spread : std::nullopt;
  }
  if (text.find("..") != std::string_view::npos) return parse_two(text, "..", Spread::Shape::even);
  const auto value = parse_quantity(text);
  if (!value) return std::nullopt;
  return Spread{Spread::Shape::fixed, *value, *value};
}

std::string format_quantity(double value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), written.ptr};
}

std::string format_spread(const Spread& spread) {
  switch (spread.shape) {
    case Spread::Shape::fixed:
      return format_quantity(spread.low);
    case Spread::Shape::even:
      return format_quantity(spread.low) + ".." + format_quantity(spread.high);
    case Spread::Shape::lognormal:
      break;
  }
  return std::string(lognormal_prefix) + format_quantity(spread.low) + ":" + format_quantity(spread.high);
}

}  // namespace ballast::neon
