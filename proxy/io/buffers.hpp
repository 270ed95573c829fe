// Buffers: memory that a connection borrows while it has bytes in hand, so that an idle one holds none.
// Every thread has its own; nothing here is shared.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ballast::buffers {

// Where all reads of a thread land first. Valid until the thread's next read.
inline constexpr std::size_t scratch_size = 64 * 1024;
std::span<char> scratch();

// An empty string with capacity, and its way back. A string that grew beyond scratch_size is freed instead.
std::string borrow();
void give_back(std::string&& buffer);
// What this thread keeps for the next who borrow.
std::size_t spare_bytes();

}  // namespace ballast::buffers
