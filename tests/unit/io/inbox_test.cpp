#include "proxy/io/inbox.hpp"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "proxy/io/buffers.hpp"

#include "tests/support/fake_world.hpp"

namespace ballast {
namespace {

struct Setup {
  test::FakeWorld world;
  std::unique_ptr<Stream> stream;
  test::FarEnd far = world.stream(stream);
  Inbox inbox;
};

}  // namespace

TEST_CASE("a read gives all that is there, and keeps nothing of what is consumed") {
  Setup setup;
  setup.far.send("hello");
  const Inbox::Got got = setup.inbox.read(*setup.stream);
  CHECK(got.status == IoStatus::ok);
  CHECK(got.bytes == "hello");
  CHECK_FALSE(got.more);
  setup.inbox.keep(got.bytes.substr(5));
  CHECK(setup.inbox.kept().empty());
}

TEST_CASE("what is not consumed comes again, in front of what is new, at every cut") {
  const std::string text = "a message in pieces";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t used = 0; used <= first; ++used) {
      Setup setup;
      setup.far.send(text.substr(0, first));
      Inbox::Got got = setup.inbox.read(*setup.stream);
      setup.inbox.keep(got.bytes.substr(used));
      CHECK(setup.inbox.kept() == text.substr(used, first - used));
      setup.far.send(text.substr(first));
      got = setup.inbox.read(*setup.stream);
      CHECK(got.bytes == text.substr(used));
      setup.inbox.keep({});
      CHECK(setup.inbox.kept().empty());
    }
  }
}

TEST_CASE("the end of what is kept may be kept again, piece by piece") {
  Setup setup;
  setup.far.send("one two three");
  setup.inbox.keep(setup.inbox.read(*setup.stream).bytes);
  for (const std::string rest : {"two three", "three", ""}) {
    setup.inbox.keep(setup.inbox.kept().substr(setup.inbox.kept().size() - rest.size()));
    CHECK(setup.inbox.kept() == rest);
  }
}

TEST_CASE("a read that finds nothing still gives what is kept") {
  Setup setup;
  setup.far.send("kept");
  setup.inbox.keep(setup.inbox.read(*setup.stream).bytes);
  const Inbox::Got blocked = setup.inbox.read(*setup.stream);
  CHECK(blocked.status == IoStatus::would_block);
  CHECK(blocked.bytes == "kept");
  setup.far.close();
  CHECK(setup.inbox.read(*setup.stream).status == IoStatus::closed);
  setup.far.fail("reset");
  CHECK(setup.inbox.read(*setup.stream).status == IoStatus::failed);
  CHECK(setup.inbox.kept() == "kept");
}

TEST_CASE("bytes of exactly the buffer's size say that there may be more [5.8-125]") {
  Setup setup;
  setup.far.send(std::string(buffers::scratch_size, 'x'));
  CHECK(setup.inbox.read(*setup.stream).more);
  CHECK(setup.inbox.read(*setup.stream).status == IoStatus::would_block);
  setup.far.send(std::string(buffers::scratch_size - 1, 'x'));
  CHECK_FALSE(setup.inbox.read(*setup.stream).more);
}

TEST_CASE("a message of many buffers is assembled from its pieces") {
  Setup setup;
  std::string sent;
  for (int i = 0; i < 40'000; ++i) sent += std::to_string(i);
  setup.far.send(sent);
  Inbox::Got got{IoStatus::ok, {}};
  while (got.bytes.size() < sent.size()) {
    got = setup.inbox.read(*setup.stream);
    REQUIRE(got.status == IoStatus::ok);
    setup.inbox.keep(got.bytes);
    got.bytes = setup.inbox.kept();
  }
  CHECK(got.bytes == sent);
}

}  // namespace ballast
