#include "tests/sim/heap.hpp"

#include <cstdlib>
#include <new>
#include <utility>

namespace ballast::sim::heap {

namespace {

// In front of each block; as long as the strictest alignment of ordinary types.
struct alignas(std::max_align_t) Tag {
  std::size_t size;
  Owner owner;
};

Owner present = Owner::simulation;
std::size_t held = 0;

void* take(std::size_t size) {
  auto* const tag = static_cast<Tag*>(std::malloc(sizeof(Tag) + size));
  if (tag == nullptr) throw std::bad_alloc();
  *tag = {size, present};
  if (present == Owner::pooler) held += size;
  return tag + 1;
}

void give_back(void* block) {
  if (block == nullptr) return;
  Tag* const tag = static_cast<Tag*>(block) - 1;
  if (tag->owner == Owner::pooler) held -= tag->size;
  std::free(tag);
}

}  // namespace

std::size_t held_by_pooler() { return held; }

Scope::Scope(Owner owner) : outer_(std::exchange(present, owner)) {}

Scope::~Scope() { present = outer_; }

}  // namespace ballast::sim::heap

void* operator new(std::size_t size) { return ballast::sim::heap::take(size); }
void* operator new[](std::size_t size) { return ballast::sim::heap::take(size); }
void operator delete(void* block) noexcept { ballast::sim::heap::give_back(block); }
void operator delete[](void* block) noexcept { ballast::sim::heap::give_back(block); }
void operator delete(void* block, std::size_t) noexcept { ballast::sim::heap::give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { ballast::sim::heap::give_back(block); }
