// Resolver: host names to addresses. getaddrinfo blocks, for many seconds if it likes, so it has a thread of
// its own; the first look-up starts it. One for the process, usable from every thread; answers come back as a
// task of the reactor that asked. Nothing is cached: the system has a cache for names, and knows when they
// expire.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/io/socket.hpp"

namespace ballast {

class Reactor;

class Resolver {
 public:
  struct Answer {
    std::vector<SocketAddress> addresses;  // in the order of RFC 6724; empty: see error
    std::string error;
  };
  using Done = std::function<void(const Answer&)>;
  using Lookup = std::function<Answer(const std::string& host, std::uint16_t port)>;

  // A question that waits for its answer; destroying it takes it back. On the thread of its reactor.
  class Question {
   public:
    virtual ~Question() = default;
  };

  static Answer system_lookup(const std::string& host, std::uint16_t port);

  explicit Resolver(Lookup lookup = system_lookup);
  // Does not wait for a look-up that is under way.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `done` is called in a later turn of the reactor.
  std::unique_ptr<Question> ask(Reactor& reactor, std::string host, std::uint16_t port, Done done);

 private:
  struct Job;
  struct Desk;
  class Pending;

  static void answer(const std::shared_ptr<Job>& job, Answer answer);
  static void work(const std::shared_ptr<Desk>& desk);

  std::shared_ptr<Desk> desk_;  // shared with the thread, which may be inside getaddrinfo when this ends
};

}  // namespace ballast
