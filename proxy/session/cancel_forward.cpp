#include "proxy/session/cancel_forward.hpp"

#include <utility>

#include "protocol/startup.hpp"

#include "proxy/io/inbox.hpp"

namespace ballast {

CancelForward::CancelForward(World& world, const UpstreamTarget& target, ServerConnection& server,
                             TimePoint deadline, std::function<void(CancelForward&)> done)
    : deadline_(deadline), done_(std::move(done)), hold_(server) {
  const auto on_done = [this](ConnectResult result) { on_connected(std::move(result)); };
  connecting_ = server.stream().route() != nullptr
                    ? world.connector.connect_again(target, *server.stream().route(), deadline, on_done)
                    : world.connector.connect(target, deadline, on_done);
}

void CancelForward::on_connected(ConnectResult result) {
  connecting_.reset();
  if (!result.stream || hold_.server() == nullptr) return finish();
  stream_ = std::move(result.stream);
  stream_->listen(this, Interest::read);
  send_request();
}

void CancelForward::tick() {
  if (stream_ && !sent_) send_request();
}

void CancelForward::send_request() {
  ServerConnection* const server = hold_.server();
  if (server == nullptr || server->pipeline().at_rest()) return finish();  // what it was meant for is over
  if (server->is_busy_with_own()) return;  // it would hit our own query, not the client's
  write_cancel_request(outlet_.buffer(), server->process_id(), server->cancel_secret());
  sent_ = true;
  on_writable();
}

void CancelForward::on_writable() {
  outlet_.flush(*stream_);
  if (outlet_.broken()) return finish();
  stream_->listen(this, outlet_.congested() ? Interest::read_write : Interest::read);
}

// The server answers nothing; it closes when the signal has been sent.
void CancelForward::on_readable() {
  Inbox ignored;
  if (ignored.read(*stream_).status == IoStatus::would_block) return;
  finish();
}

void CancelForward::give_up() {
  if (sent_ && hold_.server() != nullptr) hold_.server()->retire();
  finish();
}

void CancelForward::finish() {
  if (stream_) stream_->listen(nullptr, Interest::none);
  connecting_.reset();
  if (const auto done = std::exchange(done_, nullptr)) done(*this);
}

}  // namespace ballast
