#include "proxy/pool/warm_up.hpp"

#include <utility>

#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {

Pool& pool_of_url(PoolSet& pools) {
  const UpstreamTarget& target = pools.settings().upstream;
  return pools.pool({target.dbname, target.user});
}

}  // namespace

void WarmUp::ask(Done done) {
  asking_.push_back(std::move(done));
  if (is_waiting()) return;
  if (ServerConnection* const server = pool_of_url(pools_).checkout(*this)) on_granted(*server);
}

void WarmUp::on_granted(ServerConnection& server) {
  pool_of_url(pools_).checkin(server);
  tell({});
}

void WarmUp::on_refused(const PgError& why) { tell(why); }

void WarmUp::tell(const PgError& error) {
  for (const Done& done : std::exchange(asking_, {})) done(error);
}

}  // namespace ballast
