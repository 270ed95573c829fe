#include "proxy/session/query_stop.hpp"

#include "proxy/session/session_context.hpp"

namespace ballast {

QueryStop::QueryStop(SessionContext& context, ServerConnection& server, TimePoint deadline)
    : context_(context), hold_(server), deadline_(deadline) {
  ask();
}

bool QueryStop::is_in_vain() const {
  return hold_.server() != nullptr && !hold_.server()->pipeline().at_rest();
}

bool QueryStop::is_over(TimePoint now) const { return !is_asking_ && (!is_in_vain() || now >= deadline_); }

void QueryStop::tick(TimePoint now) {
  if (!is_asking_ && is_in_vain() && now >= next_ && now < deadline_) ask();
}

void QueryStop::ask() {
  is_asking_ = true;
  next_ = context_.world().loop.now() + pause_;
  pause_ *= 2;
  context_.forward_cancel(*hold_.server(), [this] { is_asking_ = false; });
}

}  // namespace ballast
