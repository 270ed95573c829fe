// SimConnector: the way to the database; long at times, or closed.
#pragma once

#include "proxy/io/world.hpp"

#include "tests/sim/database.hpp"

namespace ballast::sim {

struct ConnectTraits {
  Duration delay_max{};
  int fail_percent = 0;
  int hang_percent = 0;  // nothing comes back until the deadline
};

class SimConnector final : public Connector {
 public:
  SimConnector(SimLoop& loop, Dice dice, Journal& journal, Database& database, const ConnectTraits& traits)
      : loop_(loop), dice_(dice), journal_(journal), database_(database), traits_(traits) {}

  std::unique_ptr<Connecting> connect(const UpstreamTarget& target, TimePoint deadline, Done done) override;
  std::unique_ptr<Connecting> connect_again(const UpstreamTarget& target, const Route& route,
                                            TimePoint deadline, Done done) override;
  // From now on every connection succeeds.
  void calm_down() { traits_.fail_percent = traits_.hang_percent = 0; }

 private:
  SimLoop& loop_;
  Dice dice_;
  Journal& journal_;
  Database& database_;
  ConnectTraits traits_;
};

}  // namespace ballast::sim
