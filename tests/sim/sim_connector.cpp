#include "tests/sim/sim_connector.hpp"

#include <utility>

#include "proxy/base/upstream_target.hpp"

namespace ballast::sim {

namespace {

class SimConnecting final : public Connecting {
 public:
  ~SimConnecting() override { *wanted = false; }
  std::shared_ptr<bool> wanted = std::make_shared<bool>(true);  // shared with the event that is to come
};

}  // namespace

std::unique_ptr<Connecting> SimConnector::connect(const UpstreamTarget& target, TimePoint deadline,
                                                  Done done) {
  const heap::Scope scope(heap::Owner::simulation);
  auto connecting = std::make_unique<SimConnecting>();
  const int fate = dice_.between(0, 99);
  TimePoint when = loop_.now() + dice_.between(Duration(1), traits_.delay_max);
  std::string error;
  if (fate < traits_.hang_percent) when = deadline;
  if (when >= deadline) error = "connect to 10.0.0.2:5432: timed out";
  if (fate >= traits_.hang_percent && fate < traits_.hang_percent + traits_.fail_percent) {
    error = "connect to 10.0.0.2:5432: Connection refused";
  }
  const bool is_tls = target.sslmode >= SslMode::require;
  loop_.at(std::min(when, deadline),
           [this, done = std::move(done), error, is_tls, wanted = connecting->wanted] {
             if (!*wanted) return;
             journal_.note("connector", error.empty() ? "connected" : error);
             std::unique_ptr<SimStream> stream = error.empty() ? database_.connect() : nullptr;
             if (stream && is_tls) stream->pass_for_tls();
             ConnectResult result{std::move(stream), error};
             const heap::Scope poolers_scope(heap::Owner::pooler);
             done(std::move(result));
           });
  return connecting;
}

std::unique_ptr<Connecting> SimConnector::connect_again(const UpstreamTarget& target, const Route&,
                                                        TimePoint deadline, Done done) {
  return connect(target, deadline, std::move(done));
}

}  // namespace ballast::sim
