// Heap: how much memory the pooler holds, told from what the simulation itself uses. Every allocation belongs
// to the scope in which it was made; the simulation enters the pooler's scope where it calls the pooler, and
// leaves it where it is called.
//
// One thread. heap.cpp replaces operator new of the program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ballast::sim::heap {

enum class Owner : std::uint32_t { simulation, pooler };

std::size_t held_by_pooler();

class Scope {
 public:
  explicit Scope(Owner owner);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Owner outer_;
};

}  // namespace ballast::sim::heap
