// Speaker: what a client says. Composes one group of messages after the other, by chance, within the client's
// habits. It need not know what will come of them: that is the oracle's part.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "protocol/message.hpp"

#include "tests/sim/dice.hpp"

namespace ballast::sim {

enum class Topic {
  simple,       // one command in a Query
  script,       // several
  transaction,  // BEGIN, COMMIT, ROLLBACK
  setting,      // SET, SET LOCAL
  unnamed,      // extended protocol, the unnamed statement
  named,        // Parse, Bind, Describe, Execute, Close with names that live on
  pipeline,     // several of those in one go
  flush,        // without Sync for a while
  copy_in,
  copy_in_extended,
  copy_out,
  function,
  bulk,  // large results, large messages
  sleep,
  housekeeping,  // DEALLOCATE ALL, DISCARD ALL, DDL
};
inline constexpr std::size_t topic_count = 15;

// What the client knows when it speaks.
struct Situation {
  bool is_settled = false;  // everything has been answered
  TransactionStatus status = TransactionStatus::idle;
  bool is_copying_in = false;
  bool waits_for_answers = true;  // the client says the next thing when the last one has been answered
};

class Speaker {
 public:
  using Weights = std::array<int, topic_count>;
  enum class Startup { plain, with_parameters };

  Speaker(Dice dice, std::string client, const Weights& weights, Startup startup)
      : dice_(dice), client_(std::move(client)), weights_(weights), startup_(startup) {}

  // Messages, whole and in order.
  std::string next(const Situation& situation);
  // What follows may mean something else until this has been answered: a client that knows what it does
  // waits.
  bool has_dropped_statements() const { return has_dropped_statements_; }
  // The first token of what was said last: by it the database knows whether that has arrived.
  const std::string& first_token() const { return first_token_; }

 private:
  std::string token();
  std::string command();
  std::string setting();
  Topic choose(const Situation& situation);
  void speak(Topic topic, const Situation& situation);

  void query(std::string_view sql);
  void parse(std::string_view name, std::string_view sql);
  enum class Argument { none, token, bulk };
  void bind(std::string_view portal, std::string_view statement, Argument argument);
  void describe(char kind, std::string_view name);
  void execute(std::string_view portal, int rows_max);
  void close(char kind, std::string_view name);
  void simple_message(FrontendType type);
  void sync() { simple_message(FrontendType::sync); }
  void flush() { simple_message(FrontendType::flush); }

  void speak_transaction(const Situation& situation);
  void speak_script();
  void speak_unnamed();
  void speak_named();
  void speak_pipeline();
  void speak_flush();
  void speak_copy_in(const Situation& situation);
  void speak_copy_data(const std::string& token);
  void speak_copy_in_extended(const Situation& situation);
  void speak_function();
  void speak_bulk();
  void speak_housekeeping();
  std::string statement_text();
  std::string statement_name();
  std::string portal_name();

  Dice dice_;
  std::string client_;  // "c3.d1.u1": the beginning of all its tokens
  Weights weights_;
  Startup startup_;
  std::string out_;
  std::string first_token_;
  std::string copy_token_;  // of the COPY that waits for its data
  int tokens_ = 0;
  bool has_dropped_statements_ = false;
  bool is_batch_open_ = false;  // extended messages without a Sync have been sent
};

}  // namespace ballast::sim
