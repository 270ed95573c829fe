// SQL's EXECUTE of a statement that the client has prepared by the protocol: to the client both are one
// namespace. Servers have it under a name that all clients share; so for a request that executes it, it is
// lent the client's own.
#include <algorithm>
#include <utility>

#include "protocol/writer.hpp"

#include "proxy/session/client_session.hpp"
#include "proxy/session/session_context.hpp"

namespace ballast {

// Of the names that `effect` executes, those that are the client's and not lent yet.
std::vector<std::string> ClientSession::names_to_lend(const StatementEffect& effect) const {
  std::vector<std::string> names;
  if (!statements_ || !is_kept_apart() || !shares_statements()) return names;
  for (const std::string& name : effect.executes) {
    const bool is_lent = std::find(lent_.begin(), lent_.end(), name) != lent_.end();
    if (!is_lent && statements_->find(name) != nullptr) names.push_back(name);
  }
  return names;
}

// In front of a Query. False: not before outstanding answers have come. Nothing is lent within an extended
// batch without its Sync, which one of our own would end, nor to a text that may be a COPY too.
bool ClientSession::lend_for_query(Cut& cut, const StatementEffect& effect) {
  std::vector<std::string> names = names_to_lend(effect);
  if (names.empty() || !effect.is_single) return true;
  const bool is_between = server_->pipeline().at_rest() || server_->is_busy_with_own_only();
  if (!is_between) return server_->pipeline().queue_empty();
  forward_run(cut);
  for (std::string& name : names) {
    server_->lend_name(name, statements_->find(name)->statement->definition());
    lent_.push_back(std::move(name));
  }
  return true;
}

// In front of a Bind or Describe, in its batch: should it fail, so does the batch.
void ClientSession::lend_in_batch(Cut& cut, const StatementEffect& effect) {
  std::vector<std::string> names = names_to_lend(effect);
  if (names.empty()) return;
  forward_run(cut);
  for (std::string& name : names) {
    send_parse(name, statements_->find(name)->statement->definition());
    server_->expect({.kind = RequestKind::parse, .answer = Answer::drop});
    lent_.push_back(std::move(name));
  }
}

// Behind the Query or the Sync.
void ClientSession::take_names_back() {
  for (const std::string& name : std::exchange(lent_, {})) server_->take_name_back(name);
}

}  // namespace ballast
