#include "proxy/io/outlet.hpp"

#include <utility>

#include "proxy/io/buffers.hpp"

namespace ballast {

namespace {
// Below this a copy into the buffer is cheaper than a write of its own.
constexpr std::size_t worth_a_write = 4096;
}  // namespace

std::string& Outlet::buffer() {
  if (held_.capacity() <= std::string().capacity()) held_ = buffers::borrow();
  return held_;
}

bool Outlet::gathers(std::size_t size) const { return size < worth_a_write || stuck_; }

void Outlet::send(Stream& stream, std::string_view bytes) {
  if (broken_) return;
  if (!gathers(bytes.size())) {
    flush(stream);
    if (!stuck_ && !broken_) bytes.remove_prefix(write(stream, bytes));
  }
  if (!bytes.empty() && !broken_) append(bytes);
}

void Outlet::flush(Stream& stream) {
  if (held_.empty()) return;
  stuck_ = false;
  if (!broken_) sent_ += write(stream, std::string_view(held_).substr(sent_));
  if (broken_ || sent_ == held_.size()) {
    sent_ = 0;
    buffers::give_back(std::move(held_));
  }
}

std::size_t Outlet::write(Stream& stream, std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const IoResult result = stream.write(bytes.substr(taken));
    if (result.status == IoStatus::would_block) {
      stuck_ = true;
      break;
    }
    if (result.status != IoStatus::ok) {
      broken_ = true;
      break;
    }
    taken += result.bytes;
  }
  return taken;
}

}  // namespace ballast
