#include "proxy/io/buffers.hpp"

#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace ballast::buffers {
namespace {

constexpr std::size_t initial_capacity = 2048;
constexpr std::size_t spares_max = 64;

thread_local std::unique_ptr<char[]> scratch_memory;
thread_local std::vector<std::string> spares;

}  // namespace

std::span<char> scratch() {
  if (!scratch_memory) scratch_memory = std::make_unique_for_overwrite<char[]>(scratch_size);
  return {scratch_memory.get(), scratch_size};
}

std::string borrow() {
  std::string buffer;
  if (spares.empty()) {
    buffer.reserve(initial_capacity);
  } else {
    buffer = std::move(spares.back());
    spares.pop_back();
  }
  return buffer;
}

void give_back(std::string&& buffer) {
  std::string taken = std::move(buffer);
  buffer = std::string();
  if (taken.capacity() < initial_capacity || taken.capacity() > scratch_size || spares.size() == spares_max) {
    return;
  }
  taken.clear();
  spares.push_back(std::move(taken));
}

std::size_t spare_bytes() {
  return std::accumulate(spares.begin(), spares.end(), std::size_t{0},
                         [](std::size_t sum, const std::string& spare) { return sum + spare.capacity(); });
}

}  // namespace ballast::buffers
