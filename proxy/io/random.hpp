// SystemRandom: unpredictable bytes from the kernel. Any thread.
#pragma once

#include <span>

#include "proxy/io/world.hpp"

namespace ballast {

class SystemRandom final : public Random {
 public:
  void fill(std::span<char> out) override;
};

}  // namespace ballast
