#include "tests/sim/speaker.hpp"

#include <numeric>
#include <utility>

#include "protocol/writer.hpp"

namespace ballast::sim {

namespace {
constexpr std::array<std::string_view, 6> settings{"application_name", "TimeZone", "DateStyle",
                                                   "IntervalStyle",    "timezone", "Application_Name"};
constexpr std::array<std::string_view, 5> names{"", "one", "it''s", "a\\b", "two words"};
constexpr std::array<std::string_view, 5> zones{"UTC", "Europe/Berlin", "asia/tokyo", "America/Lima",
                                                "Nowhere/Land"};
constexpr std::array<std::string_view, 4> styles{"iso", "ISO, DMY", "german", "ISO, MDY"};
}  // namespace

std::string Speaker::next(const Situation& situation) {
  out_.clear();
  first_token_.clear();
  has_dropped_statements_ = false;
  speak(choose(situation), situation);
  return std::exchange(out_, {});
}

std::string Speaker::token() {
  std::string token = client_ + "-" + std::to_string(++tokens_);
  if (first_token_.empty()) first_token_ = token;
  return token;
}

Topic Speaker::choose(const Situation& situation) {
  if (situation.is_copying_in) return Topic::copy_in;
  if (is_batch_open_) return Topic::flush;
  if (situation.is_settled && situation.status != TransactionStatus::idle && dice_.percent(35)) {
    return Topic::transaction;
  }
  int left = dice_.between(1, std::accumulate(weights_.begin(), weights_.end(), 0));
  for (std::size_t i = 0; i < topic_count; ++i) {
    left -= weights_[i];
    if (left <= 0) return static_cast<Topic>(i);
  }
  return Topic::simple;
}

void Speaker::speak(Topic topic, const Situation& situation) {
  switch (topic) {
    case Topic::simple:
      return query(command());
    case Topic::script:
      return speak_script();
    case Topic::transaction:
      return speak_transaction(situation);
    case Topic::setting:
      return query(setting());
    case Topic::unnamed:
      return speak_unnamed();
    case Topic::named:
      return speak_named();
    case Topic::pipeline:
      return speak_pipeline();
    case Topic::flush:
      return speak_flush();
    case Topic::copy_in:
      return situation.is_copying_in ? speak_copy_data(copy_token_) : speak_copy_in(situation);
    case Topic::copy_in_extended:
      return speak_copy_in_extended(situation);
    case Topic::copy_out:
      return query("COPY OUT " + std::to_string(dice_.between(0, 20)) + " 50 '" + token() + "'");
    case Topic::function:
      return speak_function();
    case Topic::bulk:
      return speak_bulk();
    case Topic::sleep:
      return query("SLEEP " + std::to_string(dice_.between(1, 300)) + " '" + token() + "'");
    case Topic::housekeeping:
      return speak_housekeeping();
  }
}

// Messages ----------------------------------------------------------------------------------------

void Speaker::query(std::string_view sql) { MessageWriter(out_, FrontendType::query).cstring(sql); }

void Speaker::parse(std::string_view name, std::string_view sql) {
  MessageWriter(out_, FrontendType::parse).cstring(name).cstring(sql).int16(0);
}

void Speaker::bind(std::string_view portal, std::string_view statement, Argument argument) {
  MessageWriter message(out_, FrontendType::bind);
  message.cstring(portal).cstring(statement).int16(0);
  if (argument == Argument::none) {
    message.int16(0);
  } else {
    std::string value = token();
    if (argument == Argument::bulk)
      value += "-" + std::string(dice_.between(std::size_t{1000}, std::size_t{100000}), 'B');
    message.int16(1).int32(static_cast<std::int32_t>(value.size())).bytes(value);
  }
  message.int16(0);
}

void Speaker::describe(char kind, std::string_view name) {
  MessageWriter(out_, FrontendType::describe).byte(kind).cstring(name);
}

void Speaker::execute(std::string_view portal, int rows_max) {
  MessageWriter(out_, FrontendType::execute).cstring(portal).int32(rows_max);
}

void Speaker::close(char kind, std::string_view name) {
  MessageWriter(out_, FrontendType::close).byte(kind).cstring(name);
}

void Speaker::simple_message(FrontendType type) { MessageWriter(out_, type); }

// Simple queries ----------------------------------------------------------------------------------

std::string Speaker::command() {
  const int choice = dice_.between(0, 99);
  if (choice < 55) return "SELECT '" + token() + "'";
  if (choice < 70) return "ROWS " + std::to_string(dice_.between(0, 9)) + " 30 '" + token() + "'";
  if (choice < 80) return "FAIL";
  if (choice < 88) return "NOTICE 'hear " + token() + "'";
  if (choice < 92) return "";
  if (choice < 95) return "SELEC wrong";
  return "SLEEP " + std::to_string(dice_.between(0, 5)) + " '" + token() + "'";
}

std::string Speaker::setting() {
  const std::string_view name = dice_.pick(settings);
  std::string_view value = dice_.pick(names);
  if (name == "TimeZone" || name == "timezone") value = dice_.pick(zones);
  if (name == "DateStyle") value = dice_.pick(styles);
  const std::string_view scope = dice_.percent(25) ? "SET LOCAL " : "SET ";
  return std::string(scope) + std::string(name) + " = '" + std::string(value) + "'";
}

void Speaker::speak_script() {
  std::string sql;
  for (int left = dice_.between(2, 5); left > 0; --left) {
    const int choice = dice_.between(0, 99);
    if (choice < 60) {
      sql += command();
    } else if (choice < 75) {
      sql += setting();
    } else {
      sql += choice < 85 ? "BEGIN" : choice < 95 ? "COMMIT" : "ROLLBACK";
    }
    sql += "; ";
  }
  query(sql);
}

void Speaker::speak_transaction(const Situation& situation) {
  std::string sql = "BEGIN";
  const bool is_open = situation.is_settled && situation.status != TransactionStatus::idle;
  if (is_open || dice_.percent(30)) sql = dice_.percent(60) ? "COMMIT" : "ROLLBACK";
  if (dice_.percent(70)) return query(sql);
  parse("", sql);
  bind("", "", Argument::none);
  execute("", 0);
  sync();
}

void Speaker::speak_function() {
  const std::string argument = token();
  MessageWriter(out_, FrontendType::function_call)
      .int32(1)
      .int16(0)
      .int16(1)
      .int32(static_cast<std::int32_t>(argument.size()))
      .bytes(argument)
      .int16(0);
}

void Speaker::speak_bulk() {
  const int choice = dice_.between(0, 3);
  if (choice == 0) {
    const int rows_max = dice_.percent(4) ? 2000 : 200;
    query("ROWS " + std::to_string(dice_.between(10, rows_max)) + " " +
          std::to_string(dice_.between(10, 2000)) + " '" + token() + "'");
  } else if (choice == 1) {
    query("SELECT '" + token() + "-" +
          std::string(dice_.between(std::size_t{1000}, std::size_t{100000}), 'Q') + "'");
  } else if (choice == 2) {
    query("COPY OUT " + std::to_string(dice_.between(10, 300)) + " 500 '" + token() + "'");
  } else {
    parse("", "SELECT $1");
    bind("", "", Argument::bulk);
    execute("", 0);
    sync();
  }
}

// What resets settings goes back to the server's start, not the client's: only for clients that have none.
void Speaker::speak_housekeeping() {
  const int choice = dice_.between(0, 2);
  if (choice == 0) return query("DDL");
  has_dropped_statements_ = true;
  query(choice == 1 || startup_ == Startup::with_parameters ? "DEALLOCATE ALL" : "DISCARD ALL");
}

}  // namespace ballast::sim
