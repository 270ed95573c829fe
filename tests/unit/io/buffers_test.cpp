#include "proxy/io/buffers.hpp"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace ballast {

TEST_CASE("scratch is one place of the promised size for a thread, another for another") {
  CHECK(buffers::scratch().size() == buffers::scratch_size);
  CHECK(buffers::scratch().data() == buffers::scratch().data());
  const char* elsewhere = nullptr;
  std::thread([&elsewhere] { elsewhere = buffers::scratch().data(); }).join();
  CHECK(elsewhere != buffers::scratch().data());
}

TEST_CASE("a borrowed buffer is empty and has capacity, also when it was used before") {
  std::string buffer = buffers::borrow();
  CHECK(buffer.empty());
  CHECK(buffer.capacity() >= 1024);
  buffer = std::string(5000, 'x');
  const char* const memory = buffer.data();
  buffers::give_back(std::move(buffer));
  std::string again = buffers::borrow();
  CHECK(again.empty());
  CHECK(again.data() == memory);
}

TEST_CASE("what is given back holds no memory any more") {
  std::string buffer = buffers::borrow();
  buffer = "text";
  buffers::give_back(std::move(buffer));
  CHECK(buffer.empty());  // NOLINT(bugprone-use-after-move): give_back promises it
  CHECK(buffer.capacity() == std::string().capacity());
}

TEST_CASE("what is kept for the next is counted") {
  std::thread([] {
    CHECK(buffers::spare_bytes() == 0);
    buffers::give_back(std::string(5000, 'x'));
    CHECK(buffers::spare_bytes() >= 5000);
    const std::string taken = buffers::borrow();
    CHECK(buffers::spare_bytes() == 0);
  }).join();
}

TEST_CASE("a buffer that grew huge is freed, not kept [5.8-128]") {
  std::string huge = buffers::borrow();
  huge.assign(10 * buffers::scratch_size, 'x');
  buffers::give_back(std::move(huge));
  for (int i = 0; i < 100; ++i) {
    std::string next = buffers::borrow();
    CHECK(next.capacity() <= buffers::scratch_size);
  }
}

TEST_CASE("only so many spare buffers are kept") {
  std::vector<std::string> many;
  for (int i = 0; i < 500; ++i) many.push_back(buffers::borrow());
  for (std::string& one : many) buffers::give_back(std::move(one));
  for (int i = 0; i < 500; ++i) CHECK(buffers::borrow().empty());
}

}  // namespace ballast
