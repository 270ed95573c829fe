#include "proxy/pool/server_connection.hpp"

#include <cassert>
#include <utility>

#include "protocol/writer.hpp"

namespace ballast {

namespace {

// One readable event moves at most this many scratch buffers, so that one large result can't starve the
// others.
constexpr int reads_per_turn = 4;

PgError lost(std::string message) {
  return {Severity::fatal, std::string(sqlstate::connection_failure), std::move(message), {}, {}};
}

}  // namespace

ServerConnection::ServerConnection(Birth birth, Loop& loop, ServerOwner& owner)
    : stream_(std::move(birth.stream)),
      loop_(loop),
      owner_(owner),
      pipeline_(*this),
      statements_(std::move(birth.statements)),
      parameters_(std::move(birth.parameters)),
      reported_(std::move(birth.reported)),
      process_id_(birth.process_id),
      cancel_secret_(std::move(birth.cancel_secret)),
      permit_(std::move(birth.permit)),
      id_(birth.id),
      born_(birth.born),
      pays_off_(birth.pays_off),
      expires_(birth.expires),
      since_(birth.since),
      active_at_(birth.active_at),
      login_(std::move(birth.login)),
      used_(birth.used),
      is_fresh_(birth.is_fresh) {
  if (used_) {
    unnamed_ = unnamed_before_ = {Unnamed::unknown, 0};
    sequences_of_ = several;
  }
  if (is_logging_in()) {
    is_unproved_ = true;
    outlet_.append(birth.unsent);
    expect_own(RequestKind::sync, OwnQuery::login);
  }
  stream_->listen(this, Interest::read);
}

ServerConnection::~ServerConnection() { release_holds(); }

std::string ServerConnection::name() const { return "S-" + std::to_string(id_); }

ServerFigures ServerConnection::figures(const PoolKey& key, Duration check_delay) const {
  ServerFigures figures;
  figures.id = id_;
  figures.key = key;
  figures.is_retired = retired();
  figures.process_id = process_id_;
  figures.statements = statements_.size();
  figures.connected_at = born_;
  figures.since = since_;
  figures.stream = stream_->figures();
  switch (state_) {
    case State::idle: {
      const bool has_rested = check_delay.count() > 0 && loop_.now() - since_ >= check_delay;
      figures.state = has_rested ? ServerFigures::State::rested : ServerFigures::State::idle;
      break;
    }
    case State::leased:
      figures.state = key.listening ? ServerFigures::State::listening : ServerFigures::State::active;
      break;
    case State::settling:
      figures.state = ServerFigures::State::tested;
      break;
    case State::held:
      figures.state = ServerFigures::State::being_canceled;
      break;
  }
  return figures;
}

void ServerConnection::become(State state) {
  state_ = state;
  since_ = loop_.now();
}

void ServerConnection::lease_to(Lessee& lessee) {
  assert(lessee_ == nullptr && (pipeline_.at_rest() || is_probing_ || is_unproved_));
  lessee_ = &lessee;
  used_ = true;
  is_fresh_ = false;
  has_drawn_ = false;
  become(State::leased);
  if (owner_.takes_limits_question()) run_own(limits_query, OwnQuery::limits);
}

void ServerConnection::unlease() {
  if (is_waiting_) retire();  // what it has read is of no use to anybody
  lessee_ = nullptr;
  resume_reading();
}

void ServerConnection::flush() {
  outlet_.flush(*stream_);
  if (outlet_.congested()) stream_->listen(this, paused_ ? Interest::write : Interest::read_write);
}

void ServerConnection::resume_reading() {
  if (!paused_ || broken_ || is_waiting_) return;
  paused_ = false;
  stream_->listen(this, outlet_.congested() ? Interest::read_write : Interest::read);
}

ServerConnection::Birth ServerConnection::move_out() {
  assert(lessee_ == nullptr && is_movable());
  stream_->detach();
  broken_ = true;
  Birth birth;
  birth.stream = std::move(stream_);
  birth.reported = std::move(reported_);
  birth.process_id = process_id_;
  birth.cancel_secret = std::move(cancel_secret_);
  birth.parameters = std::move(parameters_);
  birth.permit = std::move(permit_);
  birth.id = id_;
  birth.born = born_;
  birth.pays_off = pays_off_;
  birth.since = since_;
  birth.expires = expires_;
  birth.active_at = active_at_;
  birth.statements = std::move(statements_);
  birth.used = used_;
  birth.is_fresh = is_fresh_;
  return birth;
}

void ServerConnection::hang_up() {
  login_ = {};
  stream_->listen(nullptr, Interest::none);
  broken_ = true;
}

void ServerConnection::say_goodbye() {
  if (broken_) return;
  MessageWriter(outlet_.buffer(), FrontendType::terminate);
  outlet_.flush(*stream_);
  hang_up();
}

void ServerConnection::on_writable() {
  outlet_.flush(*stream_);
  if (outlet_.broken()) return break_with(lost("server connection lost: " + stream_->error()));
  if (outlet_.congested()) return;
  stream_->listen(this, paused_ ? Interest::none : Interest::read);
  if (lessee_ != nullptr) lessee_->on_server_drained();
}

void ServerConnection::on_readable() {
  for (int reads = 0; reads < reads_per_turn; ++reads) {
    const Inbox::Got got = inbox_.read(*stream_);
    if (got.status == IoStatus::would_block) break;
    if (got.status == IoStatus::closed) {
      return break_with(lost(is_logging_in() ? "the server closed the connection during login"
                                             : "the server closed the connection"));
    }
    if (got.status == IoStatus::failed) {
      return break_with(lost("server connection lost: " + stream_->error()));
    }
    read_on(got.bytes);
    if (broken_) return;
    if (lessee_ != nullptr && (is_waiting_ || lessee_->congested())) {
      paused_ = true;
      stream_->listen(this, outlet_.congested() ? Interest::write : Interest::none);
      break;
    }
    const bool awaits_end = lessee_ != nullptr && !pipeline_.at_rest() && lessee_->holds_beginning();
    if (!got.more && !awaits_end) break;
  }
  if (lessee_ != nullptr) lessee_->on_answers_end();
}

void ServerConnection::break_with(PgError why) {
  if (broken_) return;
  broken_ = true;
  release_holds();
  stream_->listen(nullptr, Interest::none);
  if (is_logging_in()) {
    const bool is_refused = login_.login->from_server();
    login_ = {};  // what it has to tell the key cache must be told before that goes
    owner_.on_login_failed(*this, why, is_refused);
  }
  owed_answers_ = !pipeline_.queue_empty() && !is_busy_with_own_only();
  if (lessee_ != nullptr) pipeline_.abandon();
  if (Lessee* const lessee = std::exchange(lessee_, nullptr)) lessee->on_server_lost(why);
  owner_.on_server_broken(*this, why);
}

}  // namespace ballast
