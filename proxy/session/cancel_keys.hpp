// CancelKeys: which session a CancelRequest means (PostgreSQL manual, "Canceling Requests in Progress").
//
// The process id that a client is given is a number of ours; its low bits name the worker, so that a request
// that comes in on another worker finds its way. One table per worker, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ballast {

// Whom a CancelRequest may mean: a client, also one of the console.
class Cancelable {
 public:
  virtual std::string_view cancel_secret() const = 0;
  // Ends what it waits for; `done` is called when nothing of the cancel is under way any more.
  virtual void cancel(std::function<void()> done) = 0;

 protected:
  ~Cancelable() = default;
};

class CancelKeys {
 public:
  // Up to 256 workers.
  explicit CancelKeys(int worker) : worker_(worker) {}

  // A new process id for the session; it must be forgotten before the session ends.
  std::int32_t issue(Cancelable& session);
  void forget(std::int32_t process_id) { sessions_.erase(process_id); }
  // Null: nobody has that id, or the secret is another.
  Cancelable* find(std::int32_t process_id, std::string_view secret) const;

  int worker() const { return worker_; }
  static int worker_of(std::int32_t process_id) { return process_id & 0xff; }

 private:
  int worker_;
  std::int32_t last_ = 0;
  std::unordered_map<std::int32_t, Cancelable*> sessions_;
};

}  // namespace ballast
