// Patience: does who has given a command still wait for its outcome? One side ends it, the other looks from
// time to time. Any thread; copies are the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace ballast {

class Patience {
 public:
  enum class End : std::uint8_t {
    none,
    canceled,  // and would like to be told so
    left,      // nobody is there to be told
  };

  // The first end counts.
  void end(End how) const {
    End none = End::none;
    end_->compare_exchange_strong(none, how);
  }
  End ended() const { return *end_; }

 private:
  std::shared_ptr<std::atomic<End>> end_ = std::make_shared<std::atomic<End>>(End::none);  // both sides'
};

}  // namespace ballast
