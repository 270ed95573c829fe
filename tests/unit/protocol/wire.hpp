// Bytes for tests of protocol/: messages made and taken apart by hand, and flights that arrive in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/error_message.hpp"
#include "protocol/message.hpp"

namespace ballast::wire {

using namespace std::string_literals;

inline std::string int32(std::int64_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 0xff));
  return bytes;
}
inline std::string untyped(const std::string& body) {
  return int32(static_cast<std::int64_t>(body.size()) + 4) + body;
}
inline std::string message(char type, const std::string& body) { return type + untyped(body); }

inline std::string startup(const std::string& parameters, std::int64_t version = 3 << 16) {
  return untyped(int32(version) + parameters + "\0"s);
}
inline const std::string ssl_request = untyped(int32(80877103));
inline const std::string gssenc_request = untyped(int32(80877104));

struct Message {
  char type;
  std::string body;
};
// Only whole messages are expected in what we write.
inline std::vector<Message> messages(std::string_view bytes) {
  std::vector<Message> all;
  while (bytes.size() >= header_size) {
    const Header header = read_header(bytes.data());
    all.push_back({header.type, std::string(bytes.substr(header_size, header.body_size()))});
    bytes.remove_prefix(std::min(bytes.size(), header.total()));
  }
  return all;
}
inline std::string types(std::string_view bytes) {
  std::string all;
  for (const Message& one : messages(bytes)) all.push_back(one.type);
  return all;
}
inline PgError last_error(std::string_view bytes) { return read_error(messages(bytes).back().body); }

// "Random" bytes that are the same in every run.
inline void fill_counting(std::span<char> out) {
  char next = 1;
  for (char& byte : out) byte = next++;
}

// A connection that hands over what comes in pieces of `piece` bytes, the first of each flight after
// `offset`: so a run over every offset has every flight cut at every byte.
template <class Login>
class Line {
 public:
  using Step = typename Login::Step;
  Line(Login& login, std::size_t offset, std::size_t piece) : login_(login), offset_(offset), piece_(piece) {}

  // Sends one flight; what the login answers is appended to `out`.
  Step send(std::string_view flight, std::string& out) {
    Step step = Step::need_more;
    std::size_t size = std::min(offset_, flight.size());
    while (step == Step::need_more && !(flight.empty() && size == 0)) {
      unread_.append(flight.substr(0, size));
      flight.remove_prefix(size);
      std::size_t consumed = 0;
      step = login_.receive(unread_, consumed, out);
      unread_.erase(0, consumed);
      size = std::min(piece_, flight.size());
    }
    unread_.append(flight);
    return step;
  }
  const std::string& unread() const { return unread_; }  // what the login left for others

 private:
  Login& login_;
  std::size_t offset_;
  std::size_t piece_;
  std::string unread_;
};

// Calls run(offset, piece) for a flight that is whole, cut once at every byte, and cut at all bytes.
template <class Run>
void at_every_cut(std::size_t size, Run run) {
  for (std::size_t offset = 0; offset <= size; ++offset) run(offset, std::size_t{1} << 20);
  run(std::size_t{0}, std::size_t{1});
}

}  // namespace ballast::wire
