#include "proxy/pool/server_connect.hpp"

#include <utility>

namespace ballast {

namespace {

ChannelBindingPolicy policy_of(ChannelBinding setting) {
  switch (setting) {
    case ChannelBinding::disable:
      return ChannelBindingPolicy::disable;
    case ChannelBinding::prefer:
      return ChannelBindingPolicy::prefer;
    case ChannelBinding::require:
      return ChannelBindingPolicy::require;
  }
  return ChannelBindingPolicy::prefer;
}

bool is_verified(const UpstreamTarget& target) {
  return target.sslmode == SslMode::verify_ca || target.sslmode == SslMode::verify_full;
}

PgError cannot_connect(std::string message) {
  return {Severity::fatal, std::string(sqlstate::cannot_connect), std::move(message), {}, {}};
}

}  // namespace

ServerConnect::ServerConnect(World& world, const UpstreamTarget& target, ServerLoginRequest login,
                             ScramKeyCache* key_cache, TimePoint deadline, Done done, HasMore has_more)
    : world_(world),
      target_(target),
      request_(std::move(login)),
      key_cache_(key_cache),
      deadline_(deadline),
      done_(std::move(done)),
      has_more_(std::move(has_more)) {
  dial();
}

ServerConnect::~ServerConnect() = default;

void ServerConnect::dial() {
  connecting_ = world_.connector.connect(target_, deadline_,
                                         [this](ConnectResult result) { on_connected(std::move(result)); });
}

void ServerConnect::on_connected(ConnectResult result) {
  connecting_.reset();
  if (!result.stream) return fail(cannot_connect(std::move(result.error)));
  stream_ = std::move(result.stream);
  figures_ = result.figures;
  login_began_at_ = world_.loop.now();
  ServerLoginRequest request = request_;
  request.is_tls = stream_->is_tls();
  request.tls_verified = is_verified(target_);
  request.channel_binding = stream_->channel_binding();
  request.channel_binding_policy = policy_of(target_.channel_binding);
  login_ = std::make_unique<ServerLogin>(
      std::move(request), key_cache_, [&world = world_](std::span<char> nonce) { world.random.fill(nonce); });
  login_->start(outlet_.buffer());
  stream_->listen(this, Interest::read);
  on_writable();
}

void ServerConnect::on_writable() {
  outlet_.flush(*stream_);
  if (outlet_.broken()) return fail(cannot_connect("server login: " + stream_->error()));
  stream_->listen(this, outlet_.congested() ? Interest::read_write : Interest::read);
}

void ServerConnect::on_readable() {
  const Inbox::Got got = inbox_.read(*stream_);
  if (got.status == IoStatus::would_block) return;
  if (got.status == IoStatus::closed) {
    return fail(cannot_connect("the server closed the connection during login"));
  }
  if (got.status == IoStatus::failed) return fail(cannot_connect("server login: " + stream_->error()));
  advance(got.bytes);
}

void ServerConnect::advance(std::string_view bytes) {
  std::size_t consumed = 0;
  const ServerLogin::Step step = login_->receive(bytes, consumed, outlet_.buffer());
  inbox_.keep(bytes.substr(consumed));
  switch (step) {
    case ServerLogin::Step::need_more: {
      const bool may_have_more = login_->awaits_verdict() && is_verified(target_) && has_more_;
      if (may_have_more && std::exchange(has_more_, nullptr)()) return hand_over();
      return on_writable();
    }
    case ServerLogin::Step::ready:
      return finish();
    case ServerLogin::Step::failed:
      break;
  }
  if (login_->has_guessed_wrong()) return dial_again();
  if (target_.sslmode == SslMode::allow && !stream_->is_tls() && login_->from_server()) {
    // libpq's "allow": without TLS first, with TLS if the server would not have us.
    target_.sslmode = SslMode::require;
    return dial_again();
  }
  fail(login_->error());
}

void ServerConnect::dial_again() {
  stream_.reset();
  login_.reset();
  inbox_ = {};
  outlet_ = {};
  dial();
}

ServerConnect::Outcome ServerConnect::outcome() {
  stream_->listen(nullptr, Interest::none);
  Outcome outcome{std::move(stream_), {}, 0, {}, std::string(inbox_.kept()), {}};
  outcome.figures = figures_;
  outcome.login_began_at = login_began_at_;
  return outcome;
}

void ServerConnect::hand_over() {
  const Done done = std::exchange(done_, nullptr);
  Outcome early = outcome();
  early.login = std::move(login_);
  early.unsent = std::move(outlet_.buffer());
  done(std::move(early));
}

void ServerConnect::finish() {
  const Done done = std::exchange(done_, nullptr);
  Outcome ready = outcome();
  ready.reported = login_->parameters();
  ready.process_id = login_->process_id();
  ready.cancel_secret = login_->cancel_secret();
  done(std::move(ready));
}

void ServerConnect::fail(PgError error) {
  const bool refused = login_ && login_->from_server();
  login_.reset();  // what it has to say to the key cache must be said before whoever keeps that goes
  if (stream_) stream_->listen(nullptr, Interest::none);
  connecting_.reset();
  if (const Done done = std::exchange(done_, nullptr))
    done({nullptr, {}, 0, {}, {}, std::move(error), refused});
}

void ServerConnect::time_out() {
  fail(cannot_connect(stream_ ? "server login timed out (server_connect_timeout)"
                              : "server connection timed out (server_connect_timeout)"));
}

}  // namespace ballast
