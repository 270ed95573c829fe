// Hearing: which of the notifications that come to a client by two connections are to be told, so that it
// hears each once and all in the server's order.
//
//   number = turn()                  a mark goes out; the two connections take turns at it
//   passed(source, number)           a connection has come to the mark
//   judge(source)                    what is to be done with a notification from there; `later` from the
//                                    server: it has to wait, with all that is behind it
//   hold(message), take_held()       what comes too early, or while the client is busy
//
// By turns the client is told by its own server while it has one, and by the shared connection otherwise:
// turn 0 is the server's, turn 1 the shared connection's, and so on. Mark n ends turn n - 1 on both. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/pool/channels.hpp"

namespace ballast {

class Hearing {
 public:
  enum class Source : std::uint8_t { server, shared };
  enum class Verdict : std::uint8_t { now, later, never };
  using Turn = std::uint64_t;

  // The number of the mark that is to be set for it.
  Turn turn();
  // Whose turn it is once the last mark has been passed.
  Source source() const { return source_of(last_); }
  void passed(Source source, Turn turn);
  Verdict judge(Source source) const;

  // The shared connection is lost, until listens_again(): nothing is waited for that it may have had to say.
  void deafen();
  // True: something may have been missed since the last call.
  bool listens_again();
  // The server is lost while the client has nothing on it but what it listens to.
  void lose_server();
  // Another shared connection, which has heard of nothing so far. While it is the server's turn.
  void change_shared();

  void hold(std::string_view message);
  bool has_due() const { return !held_.empty() && held_for_ <= present_; }
  std::string take_held();
  // Of the notifications held those of other channels are not the client's any more.
  void keep_only(const Channels& channels);
  std::size_t held_bytes() const { return held_.size(); }

 private:
  static Source source_of(Turn turn) { return turn % 2 == 0 ? Source::server : Source::shared; }
  Turn& at(Source source) { return at_[static_cast<std::size_t>(source)]; }
  Turn at(Source source) const { return at_[static_cast<std::size_t>(source)]; }
  void advance();

  Turn last_ = 0;             // as of the last mark set
  Turn present_ = 0;          // the first one that is not over
  std::array<Turn, 2> at_{};  // of each source: the last mark that it has passed
  std::string held_;          // messages
  Turn held_for_ = 0;         // the turn that they belong to
  bool is_deaf_ = false;      // is there no shared connection?
  bool has_missed_ = false;
};

}  // namespace ballast
