// ExpositionReader: what /metrics says, read back: samples with their labels (Prometheus's text format
// 0.0.4). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ballast {

using SampleLabels = std::map<std::string, std::string, std::less<>>;

struct Sample {
  std::string name;  // with _bucket, _sum, _count where it is a histogram's
  SampleLabels labels;
  double value = 0;
};

// Lines that are no samples are left out.
std::vector<Sample> parse_exposition(std::string_view text);

// The sum of all samples of this name that have these labels among theirs.
double sum_of(const std::vector<Sample>& samples, std::string_view name, const SampleLabels& labels = {});

// A histogram's counts by upper bound in seconds, of all samples as above; each count includes those below.
using Buckets = std::map<double, double>;
Buckets buckets_of(const std::vector<Sample>& samples, std::string_view name,
                   const SampleLabels& labels = {});

// What this part of all (0 to 1) did not exceed, in seconds; in between bounds by proportion. Negative: there
// are none.
double quantile(const Buckets& buckets, double part);

}  // namespace ballast
