// Connection: what the compute and the control interface do to a client's connection; and the set of all of
// them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/neon/rules/error_table.hpp"

namespace ballast::neon {

// eof: close_notify and FIN. reset: RST. blackhole: nothing is sent, and what comes is not even acknowledged.
enum class Ending { eof, reset, blackhole };

class Connection {
 public:
  virtual void sever(Ending ending) = 0;
  virtual bool is_pooled() const = 0;
  virtual bool is_in_session() const = 0;  // it has had its first ReadyForQuery
  // Sends this error to a session: at once where the error ends it, else in the place of the next statement's
  // answer.
  virtual void disturb(const ErrorRow& row) = 0;

 protected:
  ~Connection() = default;
};

class ConnectionSet {
 public:
  void add(Connection* connection) { connections_.push_back(connection); }
  void remove(Connection* connection) { std::erase(connections_, connection); }
  const std::vector<Connection*>& all() const { return connections_; }
  // In the order of their arrival.
  void sever_all(Ending ending) {
    for (Connection* connection : std::vector(connections_)) connection->sever(ending);
  }

 private:
  std::vector<Connection*> connections_;
};

}  // namespace ballast::neon
