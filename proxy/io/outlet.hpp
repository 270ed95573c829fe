// Outlet: the writing half of a connection. Sends at once what the stream takes and holds the rest; while it
// holds any, its owner stops the reading side (congested()) and calls flush() when the stream is writable.
//
// Small pieces are gathered and leave in one write with flush(), which the owner calls once per event; send()
// writes a large piece at once and without copying it. A stream that fails makes the outlet broken: it then
// takes everything and sends nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/io/stream.hpp"

namespace ballast {

class Outlet {
 public:
  // What is gathered for the next flush(); append to it.
  std::string& buffer();
  void append(std::string_view bytes) { buffer().append(bytes); }
  void send(Stream& stream, std::string_view bytes);
  void flush(Stream& stream);
  // What has been gathered since size() was this may be taken back, as long as neither send() of a large
  // piece nor flush() has come between.
  std::size_t size() const { return held_.size(); }
  void shrink_to(std::size_t size) { held_.resize(size); }

  // Does send() only gather a piece of that size?
  bool gathers(std::size_t size) const;

  bool congested() const { return !held_.empty() && stuck_; }
  bool empty() const { return held_.empty(); }
  bool broken() const { return broken_; }
  std::size_t held_bytes() const { return held_.size() - sent_; }

 private:
  std::size_t write(Stream& stream, std::string_view bytes);

  std::string held_;  // from sent_ on: what is still to be written
  std::size_t sent_ = 0;
  bool stuck_ = false;  // did the stream refuse bytes at the last try?
  bool broken_ = false;
};

}  // namespace ballast
