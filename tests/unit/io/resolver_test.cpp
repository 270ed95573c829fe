#include "proxy/io/resolver.hpp"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/io/peer.hpp"

namespace ballast::test {
namespace {

Resolver::Answer failure(std::string text) {
  Resolver::Answer answer;
  answer.error = std::move(text);
  return answer;
}

}  // namespace

TEST_CASE("a name is looked up outside the loop, and the answer comes in a later turn") {
  Reactor reactor;
  Resolver resolver;
  std::optional<Resolver::Answer> answer;
  const auto question = resolver.ask(reactor, "localhost", 5432, [&](const auto& found) { answer = found; });
  CHECK(!answer);
  CHECK(run_until(reactor, [&] { return answer.has_value(); }));
  REQUIRE(!answer->addresses.empty());
  const std::string text = text_of(answer->addresses.front());
  CHECK((text == "127.0.0.1:5432" || text == "[::1]:5432"));
}

TEST_CASE("answers come to the reactor that asked, in the order of the questions") {
  Reactor one;
  Reactor two;
  Resolver resolver([](const std::string& host, std::uint16_t) { return failure("no " + host); });
  std::string to_one;
  std::string to_two;
  const auto a = resolver.ask(one, "a", 1, [&](const auto& found) { to_one += found.error; });
  const auto b = resolver.ask(two, "b", 1, [&](const auto& found) { to_two += found.error; });
  const auto c = resolver.ask(one, "c", 1, [&](const auto& found) { to_one += found.error; });
  CHECK(run_until(one, [&] { return to_one == "no ano c"; }));
  CHECK(to_two.empty());
  CHECK(run_until(two, [&] { return to_two == "no b"; }));
}

TEST_CASE(
    "a question that is taken back has no answer, whether it waits, is being asked, or was just answered") {
  Reactor reactor;
  std::promise<void> asked;
  std::promise<void> may_answer;
  Resolver resolver([&](const std::string& host, std::uint16_t) {
    if (host == "slow") {
      asked.set_value();
      may_answer.get_future().wait();
    }
    return failure(host);
  });
  std::string answers;
  const auto note = [&](const auto& found) { answers += found.error; };
  auto slow = resolver.ask(reactor, "slow", 1, note);
  auto waiting = resolver.ask(reactor, "waiting", 1, note);
  auto answered =
      resolver.ask(reactor, "answered", 1, [&](const auto&) { FAIL("taken back in the same turn"); });
  const auto last = resolver.ask(reactor, "last", 1, note);
  asked.get_future().wait();
  slow.reset();
  waiting.reset();
  may_answer.set_value();
  // The last question's answer is made after all others, so by then those are on their way.
  answered.reset();
  CHECK(run_until(reactor, [&] { return !answers.empty(); }));
  CHECK(answers == "last");
}

TEST_CASE("an answer that is on its way is dropped when its question is taken back") {
  Reactor reactor;
  std::promise<void> second_is_asked;
  Resolver resolver([&](const std::string& host, std::uint16_t) {
    if (host == "second") second_is_asked.set_value();
    return failure(host);
  });
  std::string answers;
  auto first = resolver.ask(reactor, "first", 1, [&](const auto& found) { answers += found.error; });
  const auto second = resolver.ask(reactor, "second", 1, [&](const auto& found) { answers += found.error; });
  second_is_asked.get_future().wait();  // so the first answer was posted
  first.reset();
  CHECK(run_until(reactor, [&] { return !answers.empty(); }));
  CHECK(answers == "second");
}

TEST_CASE("too many questions at once are answered with a failure at once") {
  Reactor reactor;
  std::promise<void> may_answer;
  auto wait = may_answer.get_future().share();
  Resolver resolver([wait](const std::string&, std::uint16_t) {
    wait.wait();
    return failure("slow");
  });
  std::vector<std::unique_ptr<Resolver::Question>> questions;
  int refused = 0;
  for (int i = 0; i < 1100; ++i) {
    questions.push_back(
        resolver.ask(reactor, "x", 1, [&](const auto& found) { refused += found.error != "slow"; }));
  }
  CHECK(run_until(reactor, [&] { return refused >= 99; }));
  questions.clear();
  may_answer.set_value();
}

TEST_CASE("a resolver ends while its thread is still asking") {
  Reactor reactor;
  std::promise<void> asked;
  std::promise<void> may_answer;
  auto wait = may_answer.get_future().share();
  auto resolver = std::make_unique<Resolver>([&asked, wait](const std::string&, std::uint16_t) {
    asked.set_value();
    wait.wait();
    return Resolver::Answer{};
  });
  auto question = resolver->ask(reactor, "slow", 1, [](const auto&) { FAIL("nobody is there any more"); });
  asked.get_future().wait();
  resolver.reset();
  question.reset();
  may_answer.set_value();
  reactor.run_once(Duration::zero());
}

}  // namespace ballast::test
