// DatabaseProbe: asks the database whether it answers, for an operator. One empty query over a server that is
// idle; nothing is connected for it, and nothing is counted or logged, unless it is to wake the database.
// Control thread.
//
// It has an outcome within `limit`, whatever the database does, unless the process ends before.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "proxy/app/worker.hpp"
#include "proxy/pool/upstream.hpp"

namespace ballast {

class DatabaseProbe {
 public:
  enum class Effort { leave_asleep, wake };
  enum class Verdict { answered, silent, not_asked };
  struct Outcome {
    Verdict verdict = Verdict::not_asked;
    std::string reason;  // why it was not asked
    std::chrono::steady_clock::duration took{};
    Upstream::Figures upstream;
  };
  using Done = std::function<void(Outcome)>;
  static constexpr std::chrono::milliseconds limit{1800};  // of the 2 s that an answer may take

  DatabaseProbe(boost::asio::io_context& control, Household& household)
      : control_(control), household_(household) {}

  void ask(Effort effort, Done done);

 private:
  class Run;
  boost::asio::io_context& control_;
  Household& household_;
};

}  // namespace ballast
