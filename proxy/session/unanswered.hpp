// Unanswered: what a client has asked of the server that it has got, until the first byte of an answer leaves
// for the client. If that server is lost before, another may be asked instead (client_resend.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/io/world.hpp"

namespace ballast {

// A transaction block that no server knows of yet: what the client has been told of it.
enum class Block : std::uint8_t { none, begun, failed };

struct Unanswered {
  bool is_open = false;
  bool has_begun = false;       // an answer's beginning is gathered in the outlet,
  std::size_t answer_from = 0;  // from here on
  Block block = Block::none;    // as it was before the server was asked
  std::uint8_t resends = 0;     // of this very request, so far; servers that ended together count once:
  TimePoint lost_at;            // those that are older may have ended with the one that was lost then
  std::size_t from = 0;         // where it begins in the bytes that are walked through
  std::string begin;            // of the block
  std::string sent;             // the client's messages, as they came
  std::string last_words;       // the ErrorResponse of a server that is being shut down
  TimePoint since;              // its server was asked
  TimePoint first_since;        // the first of those that were asked

  void close() {
    is_open = has_begun = false;
    resends = 0;
    lost_at = {};
    begin.clear();
    last_words.clear();
    if (sent.capacity() > 256) sent = {};
  }
};

}  // namespace ballast
