#include "proxy/pool/keepalive_spending.hpp"

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::chrono;

const KeepaliveSpending some{2026y / November, milliseconds(1'234'567), 308'641'750};

}  // namespace

TEST_CASE("what was written is read back to the last digit") {
  CHECK(parse_keepalive_spending(to_text(some)) == some);
  const KeepaliveSpending odd{2027y / January, milliseconds(1), 9'007'199'254'740'993};
  CHECK(parse_keepalive_spending(to_text(odd)) == odd);
  CHECK(parse_keepalive_spending(to_text(KeepaliveSpending())) == KeepaliveSpending());
}

TEST_CASE("a text that was cut short anywhere is none") {
  const std::string text = to_text(some);
  for (std::size_t length = 0; length < text.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_keepalive_spending(text.substr(0, length)));
  }
}

TEST_CASE("a text that was changed is none, if it makes no sense any more") {
  const auto with = [](std::string year, std::string month, std::string ms, std::string cu,
                       std::string more = "") {
    return "ballast keepalive 1\nyear " + year + "\nmonth " + month + "\nawake_ms " + ms +
           "\ncu_microseconds " + cu + "\nend\n" + more;
  };
  CHECK(parse_keepalive_spending(with("2026", "11", "5", "125")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "13", "5", "125")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "0", "5", "125")));
  CHECK_FALSE(parse_keepalive_spending(with("1969", "1", "5", "125")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "-5", "125")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "5", "-1")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "5", "nan")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "5", "1.5")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "5x", "1")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "99999999999999999999", "1")));
  CHECK_FALSE(parse_keepalive_spending(with("2026", "11", "5", "125", "x")));
  CHECK_FALSE(parse_keepalive_spending("ballast keepalive 2\n"));
}

TEST_CASE("compute hours are compute microseconds by 3,600,000,000") {
  CHECK(KeepaliveSpending{{}, {}, 5'400'000'000}.cu_hours() == doctest::Approx(1.5));
}

}  // namespace ballast
