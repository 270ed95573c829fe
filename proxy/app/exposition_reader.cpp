#include "proxy/app/exposition_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace ballast {
namespace {

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A quoted value at the front; a backslash takes the next character, n is a line break.
std::optional<std::string> take_quoted(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    const bool is_escape = text[i] == '\\' && i + 1 < text.size();
    if (is_escape) ++i;
    value += is_escape && text[i] == 'n' ? '\n' : text[i];
  }
  return std::nullopt;
}

// From behind the opening brace to behind the closing one.
std::optional<SampleLabels> take_labels(std::string_view& text) {
  SampleLabels labels;
  while (!text.starts_with('}')) {
    const std::size_t equals = text.find('=');
    if (equals == text.npos) return std::nullopt;
    const std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    std::optional<std::string> value = take_quoted(text);
    if (!value) return std::nullopt;
    labels[name] = std::move(*value);
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  text.remove_prefix(1);
  return labels;
}

std::optional<Sample> parse_line(std::string_view line) {
  Sample sample;
  if (line.empty() || line.front() == '#') return std::nullopt;
  const std::size_t end = line.find_first_of("{ ");
  if (end == line.npos) return std::nullopt;
  sample.name = line.substr(0, end);
  line.remove_prefix(end);
  if (line.starts_with('{')) {
    line.remove_prefix(1);
    std::optional<SampleLabels> labels = take_labels(line);
    if (!labels) return std::nullopt;
    sample.labels = std::move(*labels);
  }
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::optional<double> value = number_in(line.substr(0, line.find(' ')));  // a time may follow
  if (!value) return std::nullopt;
  sample.value = *value;
  return sample;
}

bool has_labels(const Sample& sample, const SampleLabels& labels) {
  return std::ranges::all_of(labels, [&sample](const auto& label) {
    const auto found = sample.labels.find(label.first);
    return found != sample.labels.end() && found->second == label.second;
  });
}

}  // namespace

std::vector<Sample> parse_exposition(std::string_view text) {
  std::vector<Sample> samples;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto sample = parse_line(line)) samples.push_back(std::move(*sample));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return samples;
}

double sum_of(const std::vector<Sample>& samples, std::string_view name, const SampleLabels& labels) {
  double sum = 0;
  for (const Sample& sample : samples) {
    if (sample.name == name && has_labels(sample, labels)) sum += sample.value;
  }
  return sum;
}

Buckets buckets_of(const std::vector<Sample>& samples, std::string_view name, const SampleLabels& labels) {
  const std::string bucket = std::string(name) + "_bucket";
  Buckets buckets;
  for (const Sample& sample : samples) {
    const auto bound = sample.labels.find("le");
    if (sample.name != bucket || bound == sample.labels.end() || !has_labels(sample, labels)) continue;
    const std::optional<double> seconds = number_in(bound->second);
    if (seconds) buckets[*seconds] += sample.value;
  }
  return buckets;
}

double quantile(const Buckets& buckets, double part) {
  const double count = buckets.empty() ? 0 : buckets.rbegin()->second;
  if (count <= 0) return -1;
  const double rank = part * count;
  double lower = 0;
  double below = 0;
  for (const auto& [bound, up_to] : buckets) {
    if (up_to < rank || up_to == below) {
      lower = bound;
      below = up_to;
      continue;
    }
    // Above the last bound nothing is known.
    return std::isinf(bound) ? lower : lower + (bound - lower) * (rank - below) / (up_to - below);
  }
  return lower;
}

}  // namespace ballast
