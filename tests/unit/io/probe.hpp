// Probe: the owner and listener of a stream in a test. It reads all that comes, writes what it is given as
// the stream takes it, and remembers how the stream ended.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/io/stream.hpp"

namespace ballast::test {

class Probe final : public StreamListener {
 public:
  explicit Probe(std::unique_ptr<Stream> from) : stream(std::move(from)) {
    stream->listen(this, Interest::read);
  }

  void on_readable() override {
    ++reads;
    if (before_read) before_read();
    if (stream == nullptr || !is_reading) return;
    const IoResult result = stream->read({room.data(), read_size});
    if (result.status == IoStatus::ok) {
      received.append(room.data(), result.bytes);
    } else if (result.status != IoStatus::would_block) {
      end = result.status;
      stream->listen(this, Interest::none);
    }
    if (after_read) after_read();
  }

  void on_writable() override {
    while (!unsent.empty()) {
      const IoResult result = stream->write(unsent);
      if (result.status == IoStatus::would_block) ++refusals;
      if (result.status != IoStatus::ok) break;
      if (result.bytes < unsent.size()) ++partial_writes;
      unsent.erase(0, result.bytes);
    }
    stream->listen(this, unsent.empty() ? Interest::read : Interest::read_write);
  }

  void send(std::string_view bytes) {
    unsent += bytes;
    on_writable();
  }

  std::unique_ptr<Stream> stream;
  std::string received;
  std::optional<IoStatus> end;
  std::string unsent;
  int reads = 0;           // calls of on_readable
  int refusals = 0;        // writes that would have blocked
  int partial_writes = 0;  // writes that took less than all
  bool is_reading = true;
  std::size_t read_size = 65536;
  std::function<void()> before_read;
  std::function<void()> after_read;
  std::array<char, 65536> room;
};

}  // namespace ballast::test
