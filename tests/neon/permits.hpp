// Permits: so many connects to the compute may go on at a time; the next one waits a little, and gives up.
//
//   permit = await permits.take();   null: given up. Returned when it is destroyed.
//
// One thread.
#pragma once

#include <memory>

#include "tests/neon/coroutine.hpp"
#include "tests/neon/rules/knobs.hpp"

namespace ballast::neon {

class Permits {
 public:
  using Permit = std::shared_ptr<void>;

  Permits(Executor executor, const Knobs& knobs) : knobs_(knobs), returned_(executor), executor_(executor) {}

  Task<Permit> take() {
    {
      bool is_over = false;
      const Deadline deadline(executor_, Milliseconds(knobs_.permit_wait_ms), [this, &is_over] {
        is_over = true;
        returned_.ring();
      });
      while (in_use_ >= knobs_.permits && !is_over) co_await returned_.wait();
    }
    if (in_use_ >= knobs_.permits) co_return nullptr;
    in_use_ += 1;
    Permit permit(this, [this](void*) {
      in_use_ -= 1;
      returned_.ring();
    });
    co_return permit;
  }

 private:
  const Knobs& knobs_;
  double in_use_ = 0;
  Bell returned_;
  Executor executor_;
};

}  // namespace ballast::neon
