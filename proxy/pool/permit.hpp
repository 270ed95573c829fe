// Permit: the right of one server connection to exist, moved into it. Destroying it gives the place back to
// the Broker, so a count can't leak on any path. The broker outlives all its permits.
#pragma once

#include <utility>

#include "proxy/pool/pool_key.hpp"

namespace ballast {

class Broker;

class Permit {
 public:
  Permit() = default;
  Permit(Broker& broker, PoolKey key) : broker_(&broker), key_(std::move(key)) {}
  ~Permit() { give_back(); }
  Permit(Permit&& other) noexcept
      : broker_(std::exchange(other.broker_, nullptr)), key_(std::move(other.key_)) {}
  Permit& operator=(Permit&& other) noexcept {
    give_back();
    broker_ = std::exchange(other.broker_, nullptr);
    key_ = std::move(other.key_);
    return *this;
  }
  explicit operator bool() const { return broker_ != nullptr; }

 private:
  void give_back();

  Broker* broker_ = nullptr;
  PoolKey key_;
};

}  // namespace ballast
