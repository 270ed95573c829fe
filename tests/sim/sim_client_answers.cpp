// What comes and goes: the client's side of the socket, and the judgement of each answer.
#include <algorithm>
#include <array>
#include <utility>

#include "protocol/error_message.hpp"

#include "tests/sim/sim_client.hpp"
#include "tests/sim/theatre.hpp"

namespace ballast::sim {

namespace {
constexpr std::string_view canceled_text = "canceling statement due to user request";
}

// Reading and writing -----------------------------------------------------------------------------

void SimClient::wait() {
  if (state_ == State::done) return;
  const bool writes = !out_.empty() && !is_writing_paused_;
  stream_->listen(this, static_cast<Interest>((is_reading_paused_ ? 0 : 1) | (writes ? 2 : 0)));
}

void SimClient::write_out() {
  const bool had_something = !out_.empty();
  while (!out_.empty() && !is_writing_paused_ && state_ != State::done) {
    const IoResult result = stream_->write(std::string_view(out_).substr(0, manners_.write_max));
    if (result.status == IoStatus::would_block) break;
    if (result.status != IoStatus::ok) {
      out_.clear();  // what has come before the end is still to be read
      break;
    }
    out_.erase(0, result.bytes);
    all_sent_at_ = theatre_.loop().now();
    if (manners_.write_max > 100) continue;
    is_writing_paused_ = true;
    theatre_.loop().after(dice_.between(Duration(1), Duration(std::chrono::microseconds(300))),
                          [this, alive = alive_] {
                            if (!*alive) return;
                            is_writing_paused_ = false;
                            write_out();
                          });
  }
  wait();
  if (had_something && out_.empty()) act_later();
}

void SimClient::on_writable() { write_out(); }

void SimClient::on_readable() {
  std::array<char, 65536> room;
  const IoResult result = stream_->read(std::span(room).first(std::min(manners_.read_max, room.size())));
  if (result.status == IoStatus::would_block) return;
  if (result.status != IoStatus::ok) return take_end();
  in_.append(room.data(), result.bytes);
  heard_at_ = theatre_.loop().now();
  if (state_ == State::login) advance_login();
  if (state_ == State::talking) take_messages();
  if (state_ != State::talking) return;
  if (manners_.read_pause_max.count() > 0) {
    is_reading_paused_ = true;
    wait();
    theatre_.loop().after(dice_.between(Duration(1), manners_.read_pause_max), [this, alive = alive_] {
      if (!*alive) return;
      is_reading_paused_ = false;
      wait();
    });
  }
  act_later();
}

void SimClient::take_messages() {
  std::string_view in = in_;
  while (in.size() >= header_size && state_ == State::talking) {
    const Header header = read_header(in.data());
    if (!valid(header)) return fail("got a message of invalid length");
    if (in.size() < header.total()) break;
    take(in.substr(0, header.total()));
    in.remove_prefix(header.total());
  }
  in_.erase(0, in_.size() - in.size());
}

// Answers -----------------------------------------------------------------------------------------

void SimClient::take(std::string_view message) {
  theatre_.journal().note(name_, "< " + readable(message));
  if (was_told_the_end_) return fail("got more behind a FATAL error: " + readable(message));
  if (message.front() == static_cast<char>(BackendType::error_response)) {
    const PgError error = read_error(message.substr(header_size));
    if (take_deviation(error)) return;
    if (error.severity == Severity::fatal) was_told_the_end_ = true;
  }
  if (oracle_.accept(message)) return;
  fail("got " + readable(message) + ", expected " + readable(oracle_.expected()));
}

// What a connection of its own would not have been told. True: it is one of these, and is right.
bool SimClient::take_deviation(const PgError& error) {
  if (error.severity == Severity::fatal) {
    if (!may_be_told(error)) return false;
    was_told_the_end_ = true;
    return true;
  }
  if (error.message == canceled_text) {
    if (cancels_ == 0) return false;
    --cancels_;
    if (error.detail.empty()) return oracle_.refuse();  // it was waiting
    oracle_.cancel();
    return false;  // the oracle says the same now
  }
  const bool has_waited = error.message.starts_with("no server connection within query_wait_timeout");
  const bool is_refused =
      has_waited || error.message == Database::refusal || is_shed(error) || is_told_of_shut_database(error);
  if (!is_refused) return false;
  return oracle_.refuse();
}

bool SimClient::is_told_of_shut_database(const PgError& error) const {
  return error.message == "the database server can't be reached" &&
         theatre_.database().has_been_shut_for(theatre_.settings().server_down_timeout);
}

bool SimClient::is_shed(const PgError& error) const {
  const Settings& settings = theatre_.settings();
  if (error.message.starts_with("the database is overloaded")) return settings.queue_target.count() > 0;
  return error.message.starts_with("too many clients wait") && settings.max_queue > 0;
}

bool SimClient::may_be_told(const PgError& fatal) const {
  const Settings& settings = theatre_.settings();
  const auto says = [&fatal](std::string_view text) { return fatal.message.find(text) != std::string::npos; };
  if (says("nothing had asked for")) return false;
  if (says("due to query_timeout")) return settings.query_timeout.count() > 0;
  if (says("due to idle_transaction_timeout")) return settings.idle_transaction_timeout.count() > 0;
  if (says("due to client_idle_timeout")) return settings.client_idle_timeout.count() > 0;
  if (says("(max_client_conn)")) return state_ == State::login && settings.max_client_conn < 100;
  if (says("no server connection within query_wait_timeout") || is_shed(fatal)) return true;
  if (says(Database::refusal)) return theatre_.database().has_refused_for_good();
  if (fatal.sqlstate == sqlstate::admin_shutdown && theatre_.is_draining()) return true;
  const bool is_loss =
      fatal.sqlstate == sqlstate::admin_shutdown || fatal.sqlstate == sqlstate::connection_failure;
  return is_loss && theatre_.may_lose_server();
}

void SimClient::take_end() {
  theatre_.journal().note(name_, "the pooler closed");
  const bool was_cut_off = !in_.empty() && state_ == State::talking;
  if (was_told_the_end_ && in_.empty()) return leave();
  // Within a message there is no room for an error: its server died, or query_timeout struck.
  if (was_cut_off && (theatre_.settings().query_timeout.count() > 0 || theatre_.may_lose_server()))
    return leave();
  if (!oracle_.owes() && oracle_.is_over()) return leave();
  fail("was left without a word" + std::string(was_cut_off ? ", in the middle of a message" : ""));
}

}  // namespace ballast::sim
