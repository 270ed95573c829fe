// TopScreen: TopFigures as lines of text, no wider and no more than there is room for. Pure.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "proxy/app/top_figures.hpp"

namespace ballast {

struct Room {
  std::size_t columns = std::numeric_limits<std::size_t>::max();
  std::size_t rows = std::numeric_limits<std::size_t>::max();
};

// `place` is where the figures come from.
std::string top_text(const TopFigures& figures, std::string_view place, Room room);

}  // namespace ballast
