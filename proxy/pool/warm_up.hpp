// WarmUp: makes sure that a server of the URL's user is connected, as a client of the pool that goes at once.
// Who asks meanwhile gets the same outcome. One thread.
#pragma once

#include <functional>
#include <vector>

#include "protocol/pg_error.hpp"

#include "proxy/pool/waiter.hpp"

namespace ballast {

class PoolSet;

class WarmUp final : private Waiter {
 public:
  // No message: there is one.
  using Done = std::function<void(const PgError&)>;

  explicit WarmUp(PoolSet& pools) : pools_(pools) {}

  void ask(Done done);

 private:
  void on_granted(ServerConnection& server) override;
  void on_refused(const PgError& why) override;
  void tell(const PgError& error);

  PoolSet& pools_;
  std::vector<Done> asking_;
};

}  // namespace ballast
