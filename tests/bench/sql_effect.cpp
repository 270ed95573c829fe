// What it costs to learn a text's effect: ns for one, and MB/s. Each line a kind of text; "kept" are long
// ones that came before, all others are read anew.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "proxy/sql/effect_table.hpp"

using namespace ballast;

namespace {

constexpr std::chrono::milliseconds span(200);  // of a measurement

template <typename Look>
void measure(const char* name, std::string_view text, Look look) {
  using Clock = std::chrono::steady_clock;
  std::size_t rounds = 0;
  std::size_t plain = 0;
  const auto start = Clock::now();
  std::chrono::duration<double, std::nano> elapsed{};
  for (std::size_t batch = 1; elapsed < span; batch *= 2) {
    for (std::size_t i = 0; i < batch; ++i) plain += look(text).is_plain() ? 1U : 0U;
    rounds += batch;
    elapsed = Clock::now() - start;
  }
  const double nanoseconds = elapsed.count() / static_cast<double>(rounds);
  std::printf("%-28s %8zu bytes %10.0f ns %8.0f MB/s  %s\n", name, text.size(), nanoseconds,
              static_cast<double>(text.size()) / nanoseconds * 1000, plain > 0 ? "plain" : "not plain");
}

std::string repeated(std::string_view start, std::string_view piece, std::size_t size) {
  std::string text(start);
  while (text.size() < size) text += piece;
  return text;
}

}  // namespace

int main() {
  EffectTable table(16 << 20);
  const auto cached = [&](std::string_view text) -> const StatementEffect& { return table.of(text); };
  StatementEffect effect;
  const auto anew = [&](std::string_view text) -> const StatementEffect& {
    read_effect(text, effect);
    return effect;
  };
  measure("point select", "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;", cached);
  measure("select with literals", "SELECT a FROM users WHERE name = 'bob' AND id IN (1, 2, 3)", cached);
  measure("insert", "INSERT INTO pgbench_history (tid, bid) VALUES (1, 2, CURRENT_TIMESTAMP);", cached);
  measure("begin", "BEGIN", cached);
  measure("set", "SET statement_timeout = '5s'", cached);
  const std::string rows =
      repeated("INSERT INTO t (a, b, c) VALUES ", "(12345, 'some text', now()), ", 100'000);
  const std::string long_string = repeated("INSERT INTO t VALUES ('", "some text and more; ", 100'000) + "')";
  const std::string query =
      repeated("SELECT a FROM t WHERE ", "t.column_1 = $1 AND lower(t.name) = $2 OR ", 2'000);
  measure("many rows", rows, anew);
  measure("a long string", long_string, anew);
  measure("a long query", query, anew);
  measure("a long query, kept", query, cached);
  measure("many rows, kept", rows, cached);
}
