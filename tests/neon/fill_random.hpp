// Unpredictable bytes from the kernel, for nonces and cancel keys. Any thread.
#pragma once

#include <cstdlib>
#include <span>

#include <sys/random.h>

namespace ballast::neon {

inline void fill_random(std::span<char> out) {
  if (getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) std::abort();
}

}  // namespace ballast::neon
