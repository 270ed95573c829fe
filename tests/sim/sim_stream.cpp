#include "tests/sim/sim_stream.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

namespace ballast::sim {

namespace {
constexpr int pieces_max = 6;  // of one write
}

// Channel: one direction of a connection.
class Channel {
 public:
  std::size_t held() const { return bytes_.size() - read_; }
  std::size_t arrived(TimePoint now) const;
  bool has_end_arrived(TimePoint now) const { return now >= ends_at_ || is_reset(now); }
  bool is_reset(TimePoint now) const { return now >= resets_at_; }
  bool is_refusing(TimePoint now) const { return now < refuses_until_; }

  void send(std::string_view bytes, SimLoop& loop, Dice& dice, const LinkTraits& traits);
  std::size_t take(std::span<char> into, TimePoint now);
  void refuse_until(TimePoint when) { refuses_until_ = when; }
  void end(TimePoint at) { ends_at_ = std::max(at, last_arrival_); }
  void reset(TimePoint at) { resets_at_ = std::min(resets_at_, std::max(at, last_arrival_)); }
  // Bytes that have not arrived by `now` get lost, all from some point on.
  void lose_some(TimePoint now, Dice& dice);

 private:
  struct Piece {
    TimePoint arrives;
    std::size_t size;
  };
  std::string bytes_;  // from read_ on: arrived or on their way
  std::size_t read_ = 0;
  mutable std::size_t arrived_ = 0;
  mutable std::deque<Piece> pieces_;  // on their way
  TimePoint last_arrival_{};
  TimePoint refuses_until_{};
  TimePoint ends_at_ = TimePoint::max();
  TimePoint resets_at_ = TimePoint::max();
};

std::size_t Channel::arrived(TimePoint now) const {
  while (!pieces_.empty() && pieces_.front().arrives <= now) {
    arrived_ += pieces_.front().size;
    pieces_.pop_front();
  }
  return arrived_;
}

void Channel::send(std::string_view bytes, SimLoop& loop, Dice& dice, const LinkTraits& traits) {
  bytes_.append(bytes);
  for (int count = 1; !bytes.empty(); ++count) {
    const bool is_cut = count < pieces_max && dice.percent(traits.cut_percent);
    const std::size_t size =
        is_cut ? dice.between(std::size_t{1}, std::min(bytes.size(), traits.cut_max)) : bytes.size();
    last_arrival_ = std::max(last_arrival_, loop.now() + dice.between(traits.delay_min, traits.delay_max));
    pieces_.push_back({last_arrival_, size});
    loop.wake_at(last_arrival_);
    bytes.remove_prefix(size);
  }
}

std::size_t Channel::take(std::span<char> into, TimePoint now) {
  const std::size_t size = std::min(into.size(), arrived(now));
  std::memcpy(into.data(), bytes_.data() + read_, size);
  read_ += size;
  arrived_ -= size;
  if (read_ == bytes_.size() || read_ > 256 * 1024) {
    bytes_.erase(0, read_);
    read_ = 0;
  }
  return size;
}

void Channel::lose_some(TimePoint now, Dice& dice) {
  const std::size_t safe = arrived(now);
  std::size_t keep = dice.between(std::size_t{0}, held() - safe);
  bytes_.resize(read_ + safe + keep);
  for (Piece& piece : pieces_) {
    piece.size = std::min(piece.size, keep);
    keep -= piece.size;
  }
}

class Link {
 public:
  Link(SimLoop& its_loop, Dice its_dice, const LinkTraits& its_traits, std::string its_peer)
      : loop(its_loop), dice(its_dice), traits(its_traits), peer(std::move(its_peer)) {}
  TimePoint later() { return loop.now() + dice.between(traits.delay_min, traits.delay_max); }

  SimLoop& loop;
  Dice dice;
  LinkTraits traits;
  std::string peer;
  std::array<Channel, 2> towards;  // the end of that side
  std::array<bool, 2> is_open{true, true};
};

SimStream::Pair SimStream::connect(SimLoop& loop, Dice& dice, const LinkTraits& traits, std::string peer) {
  const auto link = std::make_shared<Link>(loop, dice.child(), traits, std::move(peer));
  return {std::make_unique<SimStream>(link, 0), std::make_unique<SimStream>(link, 1)};
}

SimStream::SimStream(std::shared_ptr<Link> link, int side) : link_(std::move(link)), side_(side) {
  link_->loop.add(*this);
}

SimStream::~SimStream() {
  const heap::Scope scope(heap::Owner::simulation);
  Link& link = *link_;
  const auto side = static_cast<std::size_t>(side_);
  Channel& out = link.towards[1 - side];
  link.is_open[side] = false;
  if (is_reset_on_close_) out.lose_some(link.loop.now(), link.dice);
  const TimePoint at = link.later();
  const bool is_reset = is_reset_on_close_ || link.towards[side].held() > 0;
  is_reset ? out.reset(at) : out.end(at);
  link.loop.wake_at(at);
  link.loop.remove(*this);
}

IoResult SimStream::read(std::span<char> into) {
  const heap::Scope scope(heap::Owner::simulation);
  assert(!into.empty());
  Link& link = *link_;
  Channel& in = link.towards[static_cast<std::size_t>(side_)];
  const TimePoint now = link.loop.now();
  if (in.arrived(now) > 0) {
    if (link.dice.percent(link.traits.short_percent)) {
      into = into.first(link.dice.between(std::size_t{1}, std::min(into.size(), in.arrived(now))));
    }
    return {IoStatus::ok, in.take(into, now)};
  }
  if (!in.has_end_arrived(now)) return {IoStatus::would_block};
  return {in.is_reset(now) ? IoStatus::failed : IoStatus::closed};
}

IoResult SimStream::write(std::string_view bytes) {
  const heap::Scope scope(heap::Owner::simulation);
  Link& link = *link_;
  const auto side = static_cast<std::size_t>(side_);
  const TimePoint now = link.loop.now();
  Channel& in = link.towards[side];
  if (in.is_reset(now)) return {IoStatus::failed};
  if (!link.is_open[1 - side]) {
    // Nobody is there any more, which this end learns by a reset.
    const TimePoint at = link.later();
    in.reset(at);
    link.loop.wake_at(at);
    return {IoStatus::ok, bytes.size()};
  }
  Channel& out = link.towards[1 - side];
  const std::size_t room = link.traits.buffer_size - std::min(link.traits.buffer_size, out.held());
  if (room == 0 || out.is_refusing(now)) return {IoStatus::would_block};
  std::size_t size = std::min(room, bytes.size());
  if (link.dice.percent(link.traits.short_percent)) size = link.dice.between(std::size_t{1}, size);
  out.send(bytes.substr(0, size), link.loop, link.dice, link.traits);
  if (link.dice.percent(link.traits.stall_percent)) {
    const TimePoint until = now + link.dice.between(Duration(1), link.traits.stall_max);
    out.refuse_until(until);
    link.loop.wake_at(until);
  }
  return {IoStatus::ok, size};
}

void SimStream::listen(StreamListener* listener, Interest interest) {
  listener_ = listener;
  interest_ = interest;
}

void SimStream::detach() {
  const heap::Scope scope(heap::Owner::simulation);
  listen(nullptr, Interest::none);
  link_->loop.remove(*this);
}

void SimStream::attach(Loop&) {
  const heap::Scope scope(heap::Owner::simulation);
  link_->loop.add(*this);
}

std::string SimStream::peer() const { return route_ ? route_->text : link_->peer; }

bool SimStream::is_other_end_alive() const { return link_->is_open[static_cast<std::size_t>(1 - side_)]; }

bool SimStream::is_readable() const {
  const Channel& in = link_->towards[static_cast<std::size_t>(side_)];
  const TimePoint now = link_->loop.now();
  return in.arrived(now) > 0 || in.has_end_arrived(now);
}

bool SimStream::is_writable() const {
  const auto side = static_cast<std::size_t>(side_);
  const Channel& out = link_->towards[1 - side];
  if (!link_->is_open[1 - side]) return true;
  return out.held() < link_->traits.buffer_size && !out.is_refusing(link_->loop.now());
}

bool SimStream::is_ready() const {
  return (wants(Interest::read) && is_readable()) || (wants(Interest::write) && is_writable());
}

void SimStream::call() {
  const heap::Scope scope(owner_);
  SimLoop& loop = link_->loop;
  const bool is_spurious = link_->dice.percent(link_->traits.spurious_percent);
  if (wants(Interest::read) && (is_spurious || is_readable())) {
    listener_->on_readable();
    if (!loop.is_calling(*this)) return;
  }
  if (wants(Interest::write) && is_writable()) listener_->on_writable();
}

}  // namespace ballast::sim
