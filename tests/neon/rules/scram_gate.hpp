// ScramGate: the front's side of SASL, which Neon's proxy does all by itself, before it looks for the
// compute.
//
//   gate.offer(out)                   the list of mechanisms
//   step = gate.receive(body, out)    the body of each 'p' message
//     go_on     write `out`
//     done      the password is right: final() is SASLFinal, to be sent when the compute is ready
//     refused   error_row() says why
//
// Pure; not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/scram.hpp"

namespace ballast::neon {

class ScramGate {
 public:
  enum class Step { go_on, done, refused };

  // `known`: false for a role that is not there: the steps are the same, no password is right.
  // `channel_binding`: empty: -PLUS is not offered.
  ScramGate(ScramSecret secret, bool is_known, std::string channel_binding, std::string nonce);

  void offer(std::string& out) const;
  Step receive(std::string_view body, std::string& out);

  const std::string& final() const { return final_; }
  int error_row() const { return error_row_; }

 private:
  bool begin(std::string_view body, std::string_view& message);
  Step refuse(const PgError& error);
  Step refuse(int row);

  ScramSecret secret_;
  bool is_known_;  // is there such a role?
  std::string channel_binding_;
  std::string nonce_;
  std::optional<ScramServer> scram_;
  std::string final_;
  int error_row_ = 0;
};

}  // namespace ballast::neon
