// Inbox: the reading half of a connection. A read yields all bytes that are not consumed yet, as one view:
// what was kept of earlier reads, then what is new. Between messages nothing is kept and no memory held.
//
//   const auto got = inbox.read(stream);
//   consumed = ... got.bytes ...;
//   inbox.keep(got.bytes.substr(consumed));
//
// The view is valid until keep(), or the next read on this thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/io/stream.hpp"

namespace ballast {

class Inbox {
 public:
  struct Got {
    IoStatus status;
    std::string_view bytes;
    bool more = false;      // the stream had at least as much as there was room for
    std::size_t fresh = 0;  // of the bytes: those that this read has brought
  };

  Got read(Stream& stream);
  // `rest` is the unconsumed end of the last view, or of kept().
  void keep(std::string_view rest);
  std::string_view kept() const { return kept_; }

 private:
  Got read_behind_kept(Stream& stream);

  std::string kept_;
};

}  // namespace ballast
