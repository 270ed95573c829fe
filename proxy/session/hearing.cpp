#include "proxy/session/hearing.hpp"

#include <utility>

#include "protocol/message.hpp"

namespace ballast {

Hearing::Turn Hearing::turn() {
  ++last_;
  if (is_deaf_) at(Source::shared) = last_;
  return last_;
}

// Marks that come twice or late, from before a loss, are of no interest.
void Hearing::passed(Source source, Turn turn) {
  if (turn != at(source) + 1 || turn > last_) return;
  at(source) = turn;
  advance();
}

void Hearing::advance() {
  while (present_ < last_ && at(source_of(present_)) > present_) ++present_;
}

Hearing::Verdict Hearing::judge(Source source) const {
  const Turn turn = at(source);
  if (source_of(turn) != source) return Verdict::never;
  return turn <= present_ ? Verdict::now : Verdict::later;
}

void Hearing::deafen() {
  if (source() == Source::shared || present_ < last_) has_missed_ = true;
  is_deaf_ = true;
  at(Source::shared) = last_;
  advance();
}

bool Hearing::listens_again() {
  is_deaf_ = false;
  return std::exchange(has_missed_, false);
}

void Hearing::lose_server() {
  if (source() == Source::server) turn();
  at_ = {last_, last_};
  present_ = last_;
  has_missed_ = true;
}

void Hearing::change_shared() {
  at(Source::shared) = last_;
  is_deaf_ = false;
  advance();
}

void Hearing::hold(std::string_view message) {
  held_ += message;
  held_for_ = at(Source::shared);
}

void Hearing::keep_only(const Channels& channels) {
  const std::string held = std::exchange(held_, {});
  for (std::string_view rest = held; !rest.empty();) {
    const Header header = read_header(rest.data());
    const std::string_view message = rest.substr(0, header.total());
    rest.remove_prefix(message.size());
    const bool is_notification = static_cast<BackendType>(header.type) == BackendType::notification_response;
    const auto notification = read_notification(message.substr(header_size));
    if (!is_notification || (notification && channels.contains(notification->channel))) held_ += message;
  }
}

std::string Hearing::take_held() { return std::exchange(held_, {}); }

}  // namespace ballast
