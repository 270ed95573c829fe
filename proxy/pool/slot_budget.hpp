// SlotBudget: how many servers all pools may have together, as the database has only so many places for
// connections. What it says itself of max_connections, less what it keeps back, less a part for others
// (people, migrations, a second Ballast). And while it has no free place, as many as there are: then one more
// after each pause in which nobody was refused, the pause twice as long after each refusal.
//
// The Broker's, under its lock.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>

#include "proxy/io/world.hpp"
#include "proxy/pool/server_limits.hpp"

namespace ballast {

class SlotBudget {
 public:
  static constexpr int unlimited = std::numeric_limits<int>::max();

  struct Figures {
    ServerLimits limits;               // max_connections is 0: not known
    int for_others = 0;                // of these
    int most = unlimited;              // that we may have now
    int without_refusals = unlimited;  // the same, if nobody had been refused for want of a place
    bool is_shrunk() const { return most < without_refusals; }
  };

  // `seed` of the jitter.
  explicit SlotBudget(std::uint32_t seed = 1) : random_(seed) {}

  // The database is to be asked: it has just begun, or may have begun anew.
  void doubt() {
    asked_at_.reset();
    is_known_ = false;
  }
  // What it has said is not to count.
  void forget() {
    doubt();
    limits_ = {};
  }
  // True: whoever calls asks. Again after a while, if no answer has come.
  bool take_question(TimePoint now);
  // What it has answered. True: that is news.
  bool learn(const ServerLimits& limits);

  // A login was refused for want of a place, while `connected` servers were there and `wanted` in all.
  // True: this is the first.
  bool refused(TimePoint now, int connected, int wanted);
  // Time passes. True: there are no bounds any more but what the database has said.
  bool grow(TimePoint now);

  int most() const { return figures().most; }
  Figures figures() const;

 private:
  void wait(TimePoint now);

  ServerLimits limits_;
  bool is_known_ = false;  // are they of today?
  std::optional<TimePoint> asked_at_;
  int shrunk_to_ = 0;    // 0: no refusal counts any more
  int shrunk_from_ = 0;  // so many would have been there
  Duration pause_{};
  TimePoint grow_at_;
  std::minstd_rand random_;
};

// For the log and for clients: "max_connections 104: 7 reserved, 4 left for others".
std::string to_text(const SlotBudget::Figures& figures);

}  // namespace ballast
