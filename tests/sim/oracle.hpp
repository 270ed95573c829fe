// Oracle: knows what a client must be answered. It keeps a Backend of the client's own, to which everything
// goes that the client sends, and compares message by message what came through the pooler with what that one
// says.
//
// It does its work as late as it can, one answer at a time: so a cancel, or a refusal by the pooler, can be
// told to it at the very place in the stream where it struck.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "tests/sim/backend.hpp"

namespace ballast::sim {

class Oracle {
 public:
  PgError start(const StartupParameters& parameters) { return backend_.start(parameters); }
  // ParameterStatus as at login, in one string.
  std::string login_report();

  void sent(char type, std::string_view body);
  // Is this the message that must come now? If not, expected() is what must; empty: nothing is owed.
  bool accept(std::string_view message);
  std::string expected();
  // The pooler found no server for the request at hand: it counts as never sent. False: no request can be
  // refused now.
  bool refuse();
  // The request at hand was canceled by a signal. False: nothing that can be canceled runs.
  bool cancel();

  // An answer is still to come. Without a Flush or Sync behind it, it is not owed yet.
  bool owes() const;
  bool is_over() const { return is_over_; }
  TransactionStatus status() const { return backend_.status(); }
  bool is_copying_in() const { return backend_.is_copying_in(); }

 private:
  bool work();
  bool accept_failed_block(std::string_view owed, std::string_view message);
  bool accept_no_portal(std::string_view owed, std::string_view message);
  void ready();

  Backend backend_;
  std::string out_;  // answers that are due
  std::size_t taken_ = 0;
  bool is_refusing_ = false;  // what comes is thrown away, up to a Sync
  bool is_over_ = false;
};

}  // namespace ballast::sim
