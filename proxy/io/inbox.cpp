#include "proxy/io/inbox.hpp"

#include <algorithm>
#include <utility>

#include "proxy/io/buffers.hpp"

namespace ballast {

Inbox::Got Inbox::read(Stream& stream) {
  if (!kept_.empty()) return read_behind_kept(stream);
  const std::span<char> room = buffers::scratch();
  const IoResult result = stream.read(room);
  return {result.status, {room.data(), result.bytes}, result.bytes == room.size(), result.bytes};
}

// A message is being assembled: kept_ grows with it, by at most one scratch's worth at a time.
Inbox::Got Inbox::read_behind_kept(Stream& stream) {
  const std::span<char> room = buffers::scratch();
  const IoResult result = stream.read(room);
  if (result.status == IoStatus::ok) kept_.append(room.data(), result.bytes);
  return {result.status, kept_, result.bytes == room.size(), result.bytes};
}

void Inbox::keep(std::string_view rest) {
  const bool is_end_of_kept = rest.data() >= kept_.data() && rest.data() <= kept_.data() + kept_.size();
  if (is_end_of_kept) {
    kept_.erase(0, kept_.size() - rest.size());
  } else {
    kept_.assign(rest);
  }
  if (kept_.empty() && kept_.capacity() > std::string().capacity()) kept_ = std::string();
}

}  // namespace ballast
