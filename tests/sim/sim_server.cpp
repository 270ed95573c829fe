#include "tests/sim/sim_server.hpp"

#include <array>
#include <utility>

#include "protocol/error_message.hpp"
#include "protocol/writer.hpp"

namespace ballast::sim {

SimServer::SimServer(Database& database, std::unique_ptr<SimStream> stream, std::int32_t process_id)
    : database_(database),
      stream_(std::move(stream)),
      process_id_(process_id),
      alive_(std::make_shared<bool>(true)) {
  SimRandom random(database_.dice().child());
  secret_.resize(4);
  random.fill(secret_);
  ClientLoginPolicy policy;
  policy.method = database_.dice().percent(database_.traits().scram_percent) ? LoginMethod::scram_sha_256
                                                                             : LoginMethod::trust;
  policy.mock_key = "mock";
  login_ = std::make_unique<ClientLogin>(std::move(policy), database_,
                                         [random](std::span<char> out) mutable { random.fill(out); });
  stream_->listen(this, Interest::read);
}

SimServer::~SimServer() { *alive_ = false; }

// The pooler's side
// --------------------------------------------------------------------------------------------------

void SimServer::on_readable() {
  std::array<char, 8192> room;
  const IoResult result = stream_->read(room);
  if (result.status == IoStatus::would_block) return;
  if (result.status != IoStatus::ok) return close();
  in_.append(room.data(), result.bytes);
  if (login_) return advance_login();
  const Duration think_max = database_.traits().think_max;
  if (think_max.count() == 0 || database_.dice().percent(50)) return work();
  is_thinking_ = true;
  wait();
  database_.loop().after(database_.dice().between(Duration(0), think_max), [this, alive = alive_] {
    if (!*alive || is_closed_) return;
    is_thinking_ = false;
    work();
  });
}

void SimServer::on_writable() {
  write_out();
  if (!is_closed_) work();
}

// What the socket is to tell of.
void SimServer::wait() {
  const bool is_stuck = !out_.empty();
  const bool is_busy = is_stuck || is_thinking_ || is_closing_ || (backend_ && backend_->is_sleeping());
  stream_->listen(this, static_cast<Interest>((is_busy ? 0 : 1) | (is_stuck ? 2 : 0)));
}

void SimServer::write_out() {
  while (!out_.empty()) {
    const IoResult result = stream_->write(out_);
    if (result.status == IoStatus::would_block) break;
    if (result.status != IoStatus::ok) return close();
    out_.erase(0, result.bytes);
  }
  if (out_.empty() && is_closing_) return close();
  wait();
}

void SimServer::flush() {
  out_ += std::exchange(buffer_, {});
  write_out();
}

void SimServer::send(std::string_view messages) {
  while (!messages.empty()) {
    const std::string_view message = messages.substr(0, read_header(messages.data()).total());
    database_.journal().note(name(), "> " + readable(message));
    const int copies = database_.copies_of(message.front());
    if (copies != 1) database_.journal().note(name(), "fault: sent " + std::to_string(copies) + " times");
    for (int i = 0; i < copies; ++i) buffer_.append(message);
    messages.remove_prefix(message.size());
  }
}

void SimServer::close() {
  if (std::exchange(is_closed_, true)) return;
  stream_->listen(nullptr, Interest::none);
  database_.journal().note(name(), "closed");
  database_.ended(*this);
}

// Login -------------------------------------------------------------------------------------------

void SimServer::advance_login() {
  std::size_t consumed = 0;
  const ClientLogin::Step step = login_->receive(in_, consumed, out_);
  in_.erase(0, consumed);
  switch (step) {
    case ClientLogin::Step::need_more:
      return write_out();
    case ClientLogin::Step::authenticated:
      return begin_session();
    case ClientLogin::Step::cancel: {
      // The signal is sent before the connection is closed.
      is_closing_ = true;
      const CancelRequest request = login_->cancel_request();
      wait();
      database_.loop().after(database_.dice().between(Duration(0), Duration(std::chrono::milliseconds(20))),
                             [this, request, alive = alive_] {
                               if (!*alive || is_closed_) return;
                               database_.cancel(request.process_id, request.secret);
                               close();
                             });
      return;
    }
    case ClientLogin::Step::start_tls:
    case ClientLogin::Step::failed:
    case ClientLogin::Step::closed:
      break;
  }
  database_.journal().fail(name(), "the pooler's login failed: " + login_->error().message);
  close();
}

void SimServer::begin_session() {
  key_ = {login_->startup().database, login_->startup().user};
  StartupParameters parameters = login_->startup().parameters;
  login_.reset();
  switch (database_.decide_login()) {
    case Database::LoginFate::welcome:
      break;
    case Database::LoginFate::refused_for_now:
      return fail_login(fatal("53300", "sorry, too many clients already"));
    case Database::LoginFate::refused_for_good:
      return fail_login(fatal("XX000", std::string(Database::refusal)));
  }
  Backend backend(database_.traits().max_connections);
  if (const PgError error = backend.start(parameters); !error.message.empty()) return fail_login(error);
  database_.journal().note(name(), "login of " + key_.user + "@" + key_.database);
  backend.report_parameters(out_);
  MessageWriter(out_, BackendType::backend_key_data).int32(process_id_).bytes(secret_);
  MessageWriter(out_, BackendType::ready_for_query).byte('I');
  backend_ = std::move(backend);
  write_out();
  if (!is_closed_) work();  // there may be requests already
}

void SimServer::fail_login(const PgError& error) {
  database_.journal().note(name(), "login refused: " + error.message);
  write_error(out_, error);
  is_closing_ = true;
  write_out();
}

// Work --------------------------------------------------------------------------------------------

void SimServer::take_messages() {
  std::string_view in = in_;
  while (in.size() >= header_size) {
    const Header header = read_header(in.data());
    if (!valid(header)) return database_.journal().fail(name(), "the pooler sent an invalid length");
    if (in.size() < header.total()) break;
    database_.journal().note(name(), "< " + readable(in.substr(0, header.total())));
    backend_->receive(header.type, in.substr(header_size, header.body_size()));
    in.remove_prefix(header.total());
  }
  in_.erase(0, in_.size() - in.size());
}

void SimServer::work() {
  if (!backend_ || is_thinking_ || is_closing_) return write_out();
  take_messages();
  while (out_.empty() && !is_closed_) {
    std::string answers;
    const Backend::Step step = backend_->step(answers);
    watch();
    send(answers);
    if (backend_->take_flush() || buffer_.size() > Backend::output_buffer_size) flush();
    if (is_closed_) return;
    if (step == Backend::Step::waiting) break;
    if (step == Backend::Step::sleeping) return sleep();
    if (step == Backend::Step::ended) {
      is_closing_ = true;
      return flush();
    }
  }
  if (!is_closed_) write_out();
}

void SimServer::sleep() {
  wait();
  if (std::exchange(is_alarm_set_, true)) return;
  ++sleep_;
  database_.loop().after(std::chrono::milliseconds(backend_->sleep_ms()),
                         [this, number = sleep_, alive = alive_] {
                           if (!*alive || is_closed_ || number != sleep_ || !is_alarm_set_) return;
                           is_alarm_set_ = false;
                           std::string answers;
                           backend_->wake(answers);
                           send(answers);
                           work();
                         });
}

void SimServer::cancel() {
  if (!backend_ || is_closed_ || is_closing_) return;
  database_.journal().note(name(), "cancel signal");
  std::string answers;
  is_alarm_set_ = false;
  backend_->cancel(answers);
  send(answers);
  work();
}

// A transaction belongs to one client, and a server to those of its database and user.
void SimServer::watch() {
  for (const std::string& token : backend_->take_tokens()) {
    const std::string client = token.substr(0, token.find('-'));
    if (client.empty()) continue;
    database_.saw(token.substr(0, token.find('-', client.size() + 1)));
    if (!client.ends_with("." + key_.database + "." + key_.user)) {
      database_.journal().fail(name(),
                               "of " + key_.user + "@" + key_.database + " has been given to " + token);
    }
    if (!owner_.empty() && owner_ != client) {
      database_.journal().fail(name(), token + " works in the transaction of " + owner_);
    }
    owner_ = client;
  }
  if (!backend_->is_in_transaction()) owner_.clear();
}

void SimServer::die() {
  Dice& dice = database_.dice();
  const int manner = dice.between(0, 3);
  database_.journal().note(name(), "killed, manner " + std::to_string(manner));
  if (manner == 0) stream_->reset_on_close();
  if (manner <= 1) return close();
  out_ += std::exchange(buffer_, {});
  write_error(out_, fatal("57P01", "terminating connection due to administrator command"));
  is_closing_ = true;
  write_out();
}

}  // namespace ballast::sim
