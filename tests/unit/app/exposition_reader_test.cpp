#include "proxy/app/exposition_reader.hpp"

#include <doctest/doctest.h>

using namespace ballast;

TEST_CASE("a sample has a name, labels and a value") {
  const auto samples = parse_exposition(
      "# HELP a_total Text {with=\"braces\"} 1\n# TYPE a_total counter\na_total 3\n"
      "b{x=\"1\",y=\"two \\\"words\\\" \\\\ \\n}\"} 0.5\r\nc{} 1e-3 1700000000\nd{le=\"+Inf\"} +Inf\n");
  REQUIRE(samples.size() == 4);
  CHECK(samples[0].name == "a_total");
  CHECK(samples[0].value == 3);
  CHECK(samples[1].labels.at("x") == "1");
  CHECK(samples[1].labels.at("y") == "two \"words\" \\ \n}");
  CHECK(samples[1].value == 0.5);
  CHECK(samples[2].value == 0.001);
}

TEST_CASE("what is no sample is left out, wherever it is cut") {
  const std::string whole = "a{b=\"c\",d=\"\\\"\"} 12.5";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    for (const Sample& sample : parse_exposition(whole.substr(0, length))) CHECK(sample.name == "a");
  }
  CHECK(parse_exposition("a{b=\"c\" 1\na{b 1\na{b=c} 1\na x\na\n\n").empty());
}

TEST_CASE("sums are of all that have the labels") {
  const auto samples =
      parse_exposition("a{x=\"1\",y=\"1\"} 1\na{x=\"1\",y=\"2\"} 2\na{x=\"2\",y=\"1\"} 4\nb 8\n");
  CHECK(sum_of(samples, "a") == 7);
  CHECK(sum_of(samples, "a", {{"x", "1"}}) == 3);
  CHECK(sum_of(samples, "a", {{"x", "1"}, {"y", "2"}}) == 2);
  CHECK(sum_of(samples, "a", {{"z", "1"}}) == 0);
  CHECK(sum_of(samples, "c") == 0);
}

TEST_CASE("a quantile lies in its bucket by proportion") {
  const auto samples = parse_exposition(
      "t_bucket{le=\"0.001\"} 10\nt_bucket{le=\"0.002\"} 30\nt_bucket{le=\"0.004\"} "
      "30\nt_bucket{le=\"+Inf\"} 40\n");
  const Buckets buckets = buckets_of(samples, "t");
  CHECK(buckets.size() == 4);
  CHECK(quantile(buckets, 0.125) == doctest::Approx(0.0005));
  CHECK(quantile(buckets, 0.25) == doctest::Approx(0.001));
  CHECK(quantile(buckets, 0.5) == doctest::Approx(0.0015));
  CHECK(quantile(buckets, 0.75) == doctest::Approx(0.002));
  CHECK(quantile(buckets, 0.99) == doctest::Approx(0.004));  // nothing is known above
  CHECK(quantile({}, 0.5) < 0);
  CHECK(quantile({{1, 0}, {2, 0}}, 0.5) < 0);
}

TEST_CASE("buckets of several histograms add up") {
  const auto samples =
      parse_exposition("t_bucket{p=\"a\",le=\"1\"} 1\nt_bucket{p=\"b\",le=\"1\"} 2\nt_sum 3\n");
  CHECK(buckets_of(samples, "t").at(1) == 3);
  CHECK(buckets_of(samples, "t", {{"p", "b"}}).at(1) == 2);
}
