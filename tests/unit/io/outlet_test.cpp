#include "proxy/io/outlet.hpp"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/fake_world.hpp"

namespace ballast {
namespace {

struct Setup {
  test::FakeWorld world;
  std::unique_ptr<Stream> stream;
  test::FarEnd far = world.stream(stream);
  Outlet outlet;
};

}  // namespace

TEST_CASE("small pieces leave in one write with the flush") {
  Setup setup;
  setup.outlet.append("one ");
  setup.outlet.buffer() += "two ";
  setup.outlet.send(*setup.stream, "three");
  CHECK(setup.far.take_writes().empty());
  CHECK(setup.outlet.held_bytes() == 13);
  CHECK_FALSE(setup.outlet.empty());
  setup.outlet.flush(*setup.stream);
  CHECK(setup.far.take_writes() == std::vector<std::string>{"one two three"});
  CHECK(setup.outlet.empty());
  CHECK(setup.outlet.held_bytes() == 0);
}

TEST_CASE("a large piece leaves at once, behind what was gathered") {
  Setup setup;
  const std::string large(100'000, 'x');
  setup.outlet.append("small");
  setup.outlet.send(*setup.stream, large);
  CHECK(setup.far.take_writes() == std::vector<std::string>{"small", large});
  CHECK(setup.outlet.empty());
}

TEST_CASE("a flush of nothing writes nothing") {
  Setup setup;
  setup.outlet.flush(*setup.stream);
  CHECK(setup.far.take_writes().empty());
  CHECK_FALSE(setup.outlet.congested());
}

TEST_CASE("what the stream does not take is held, in order, until it does") {
  for (std::size_t step = 1; step < 8; ++step) {
    CAPTURE(step);
    Setup setup;
    setup.far.limit_room(0);
    setup.outlet.append("abcdefgh");
    setup.outlet.flush(*setup.stream);
    CHECK(setup.outlet.congested());
    std::string taken;
    for (int round = 0; round < 20; ++round) {
      setup.far.limit_room(step);
      setup.outlet.flush(*setup.stream);
      if (round == 0) setup.outlet.append("ij");
      taken += setup.far.take();
    }
    CHECK(taken == "abcdefghij");
    CHECK(setup.far.connection().is_offered_again);
    CHECK(setup.outlet.empty());
    CHECK_FALSE(setup.outlet.congested());
  }
}

TEST_CASE("the part of a large piece that is not taken is held") {
  Setup setup;
  const std::string large = std::string(50'000, 'a') + std::string(50'000, 'b');
  setup.far.limit_room(60'000);
  setup.outlet.send(*setup.stream, large);
  CHECK(setup.outlet.congested());
  CHECK(setup.outlet.held_bytes() == 40'000);
  setup.outlet.send(*setup.stream, large);  // behind it, not beside it
  CHECK(setup.outlet.held_bytes() == 140'000);
  setup.far.limit_room(test::unlimited);
  setup.outlet.flush(*setup.stream);
  CHECK(setup.far.take() == large + large);
  CHECK(setup.far.connection().is_offered_again);
}

TEST_CASE("gathered bytes alone are no congestion: nobody has refused them") {
  Setup setup;
  setup.outlet.append("text");
  CHECK_FALSE(setup.outlet.congested());
}

TEST_CASE("a stream that fails makes the outlet broken; it takes all and sends nothing") {
  Setup setup;
  setup.outlet.append("lost");
  setup.far.fail("connection reset by peer");
  setup.outlet.flush(*setup.stream);
  CHECK(setup.outlet.broken());
  CHECK(setup.outlet.empty());
  setup.outlet.send(*setup.stream, std::string(100'000, 'x'));
  setup.outlet.send(*setup.stream, "small");
  CHECK(setup.outlet.empty());
  CHECK(setup.far.take().empty());

  Setup large;
  large.far.fail("broken pipe");
  large.outlet.send(*large.stream, std::string(100'000, 'x'));
  CHECK(large.outlet.broken());
  CHECK(large.outlet.empty());
}

}  // namespace ballast
