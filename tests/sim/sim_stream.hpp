// SimStream: one end of a simulated connection. Bytes travel in pieces and after delays of chance, buffers
// are bounded, a write is taken short or refused for a while, a connection ends in order or by a reset.
//
//   auto [here, there] = SimStream::connect(network, traits, "10.0.0.1:1");
//
// Destroying an end closes it; if it leaves bytes unread, that is a reset, as the kernel does it.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/io/stream.hpp"

#include "tests/sim/dice.hpp"
#include "tests/sim/heap.hpp"
#include "tests/sim/sim_loop.hpp"

namespace ballast::sim {

struct LinkTraits {
  Duration delay_min{};
  Duration delay_max{};
  std::size_t buffer_size = 64 * 1024;  // of one direction: in flight, and arrived but not read
  int cut_percent = 0;                  // chance that a piece of what is written travels on its own
  std::size_t cut_max = 64;             // size of such a piece
  int short_percent = 0;                // chance that a write, or a read, takes less than it could
  int stall_percent = 0;                // chance that after a write the next ones are refused for a while
  Duration stall_max{};
  int spurious_percent = 0;  // chance of a call for readiness where there is nothing
};

class Link;

class SimStream final : public Stream, public Source {
 public:
  // Whose end it is: the pooler's listener is called in the pooler's scope (see heap.hpp).
  void belongs_to(heap::Owner owner) { owner_ = owner; }

  struct Pair {
    std::unique_ptr<SimStream> near;
    std::unique_ptr<SimStream> far;
  };
  static Pair connect(SimLoop& loop, Dice& dice, const LinkTraits& traits, std::string peer);

  SimStream(std::shared_ptr<Link> link, int side);
  ~SimStream() override;

  IoResult read(std::span<char> into) override;
  IoResult write(std::string_view bytes) override;
  void listen(StreamListener* listener, Interest interest) override;
  std::string error() const override { return "Connection reset by peer"; }
  std::string peer() const override;
  bool is_tls() const override { return is_tls_; }
  std::string channel_binding() const override { return {}; }
  std::string peer_common_name() const override { return {}; }
  void detach() override;
  void attach(Loop& loop) override;
  const Route* route() const override { return route_.get(); }

  void set_route(Route route) { route_ = std::make_unique<Route>(std::move(route)); }
  // Nothing is encrypted, but who asks is told so.
  void pass_for_tls() { is_tls_ = true; }
  // The end of this stream will be a reset, and some of what is on its way is lost.
  void reset_on_close() { is_reset_on_close_ = true; }
  bool is_other_end_alive() const;

  bool is_ready() const override;
  void call() override;

 private:
  bool is_readable() const;
  bool is_writable() const;
  bool wants(Interest interest) const {
    return listener_ != nullptr && (static_cast<int>(interest_) & static_cast<int>(interest)) != 0;
  }

  std::shared_ptr<Link> link_;  // both ends have it; the last to go may be either
  int side_;
  StreamListener* listener_ = nullptr;
  Interest interest_ = Interest::none;
  bool is_reset_on_close_ = false;
  bool is_tls_ = false;
  heap::Owner owner_ = heap::Owner::simulation;
  std::unique_ptr<Route> route_;
};

}  // namespace ballast::sim
