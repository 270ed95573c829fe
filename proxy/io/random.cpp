#include "proxy/io/random.hpp"

#include <cerrno>
#include <cstdlib>

#include <sys/random.h>

namespace ballast {

void SystemRandom::fill(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();  // there is no safe way to go on with a guessable key
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace ballast
