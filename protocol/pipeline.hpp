// Pipeline: what one server still owes us. The order in which requests went to the server is the order in
// which their answers come back; from that, each answer is known to be the client's (forward) or ours (drop).
//
//   pipeline.add(request)              for every message sent that has an answer
//   verdict = pipeline.receive(type)   for every message received, ReadyForQuery by receive_ready()
//
// On any answer that does not fit, the verdict is `violation`: close the server, never guess.
// Pure state, no I/O, one thread. PostgreSQL manual, "Message Flow"; the rules for errors and COPY are those
// of PostgresMain() and CopyGetData() in PostgreSQL 15.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/message.hpp"

namespace ballast {

enum class RequestKind : std::uint8_t {
  query,          // any answers, ended by ReadyForQuery
  function_call,  // likewise
  sync,           // ReadyForQuery
  parse,
  bind,
  describe,  // of a statement: ParameterDescription first; of both: RowDescription or NoData last
  execute,
  close,
  copy_end,  // CopyDone or CopyFail: ends a COPY, is ignored elsewhere
};

enum class Answer : std::uint8_t { forward, drop };

struct Request {
  RequestKind kind;
  Answer answer = Answer::forward;
  bool by_client = false;       // a client's own Parse or Close: it learns how it ended
  bool is_unnamed = false;      // of the unnamed statement
  bool has_failed = false;      // as told to the observer: it is the one that failed, the others were skipped
  std::uint8_t purpose = 0;     // of one of our own, by a number of whoever sent it; 0: the client's
  std::uint32_t name = 0;       // which of a client's names was meant, by a number of the client's; 0: none
  std::uint64_t statement = 0;  // of a Parse, Close or Query: which it is about; 0: nobody needs to know
};

// Told how each request with a statement ended: a Query when its ReadyForQuery has come. Called from add()
// and receive().
class PipelineObserver {
 public:
  virtual void on_answered(const Request& request) = 0;
  virtual void on_discarded(const Request& request) = 0;  // failed, or skipped behind an error

 protected:
  ~PipelineObserver() = default;
};

class Pipeline {
 public:
  enum class Verdict {
    forward,    // the client's
    drop,       // ours
    ours,       // an ErrorResponse to a request of our own, with a purpose
    async,      // NoticeResponse, ParameterStatus, NotificationResponse: belongs to no request
    violation,  // the server has lost its way
  };

  explicit Pipeline(PipelineObserver& observer) : observer_(observer) {}

  void add(const Request& request);
  Verdict receive(BackendType type);
  Verdict receive_ready(TransactionStatus status);

  // No more answers will come: all that is owed counts as skipped.
  void abandon();

  // What the next answer belongs to; null: nothing is owed.
  const Request* next() const { return queue_empty() ? nullptr : &queue_[head_]; }
  // Everything asked has been answered and the server waits for a command: it may change owners.
  bool at_rest() const { return queue_empty() && !batch_is_open_ && !skipping_ && !copying_in_; }
  bool queue_empty() const { return head_ == queue_.size(); }
  std::size_t outstanding() const { return queue_.size() - head_; }
  // The server throws everything away up to the next Sync, which has not been sent yet.
  bool skipping() const { return skipping_; }
  // The server takes CopyData.
  bool copying_in() const { return copying_in_; }
  // A CopyDone, CopyFail or CopyData can matter to the server.
  bool expects_copy() const { return copying_in_ || !queue_empty(); }
  // Whether the answer at hand goes to the client; true when nothing is owed.
  bool forwarding() const { return queue_empty() || queue_[head_].answer == Answer::forward; }
  // A DataRow would be the client's and would change nothing here.
  bool forwards_rows() const {
    return !queue_empty() && queue_[head_].answer == Answer::forward &&
           (queue_[head_].kind == RequestKind::query || queue_[head_].kind == RequestKind::execute);
  }
  // It is no longer certain how many ReadyForQuery will come: use the connection up, but don't reuse it.
  bool doubtful() const { return doubtful_; }
  // As of the last ReadyForQuery.
  TransactionStatus status() const { return status_; }
  // Counts the Syncs and Queries sent. Requests with the same number share the fate of an error.
  std::uint64_t group() const { return group_; }

 private:
  const Request& head() const { return queue_[head_]; }
  void pop();
  void answered();
  Verdict fail();
  Verdict begin_copy_in();
  Verdict end_with(RequestKind kind);
  void drop_stray_copy_ends();

  PipelineObserver& observer_;
  std::vector<Request> queue_;  // from head_ on: what is owed, oldest first
  std::size_t head_ = 0;
  std::uint64_t group_ = 1;
  int swallowed_syncs_ = 0;  // Syncs that a COPY ate; they count if the COPY fails before it reads them
  bool skipping_ = false;
  bool copying_in_ = false;
  bool batch_is_open_ = false;  // extended messages have been sent, and no Sync behind them
  bool doubtful_ = false;
  TransactionStatus status_ = TransactionStatus::idle;
};

}  // namespace ballast
