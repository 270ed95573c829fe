#include "tests/sim/sim_client.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "tests/sim/theatre.hpp"

namespace ballast::sim {

namespace {

using std::chrono::milliseconds;

// A wait is noticed at a tick, and answered over the network.
constexpr milliseconds grace{400};

std::string token_prefix(int number, const ClientManners& manners) {
  return "c" + std::to_string(number) + "." + manners.database + "." + manners.user;
}

}  // namespace

SimClient::SimClient(Theatre& theatre, int number, const ClientManners& manners, Dice dice)
    : theatre_(theatre),
      manners_(manners),
      dice_(dice.child()),
      name_("client " + std::to_string(number)),
      speaker_(dice.child(), token_prefix(number, manners), manners.weights,
               manners.parameters.empty() ? Speaker::Startup::plain : Speaker::Startup::with_parameters),
      groups_left_(manners.groups),
      alive_(std::make_shared<bool>(true)) {
  theatre_.loop().after(manners.arrives, [this] { arrive(); });
}

SimClient::~SimClient() { *alive_ = false; }

void SimClient::fail(std::string_view what) {
  theatre_.journal().fail(name_, what);
  state_ = State::done;
}

// Login -------------------------------------------------------------------------------------------

void SimClient::arrive() {
  stream_ = theatre_.connect(name_);
  state_ = State::login;
  ServerLoginRequest request;
  request.user = manners_.user;
  request.password = Database::password;
  request.parameters = {{"user", manners_.user}, {"database", manners_.database}};
  request.parameters.insert(request.parameters.end(), manners_.parameters.begin(), manners_.parameters.end());
  login_.emplace(std::move(request), nullptr,
                 [this](std::span<char> out) { SimRandom(dice_.child()).fill(out); });
  login_->start(out_);
  login_refusal_ = oracle_.start(manners_.parameters);
  write_out();
  if (manners_.vanishes.count() == 0) return;
  theatre_.loop().after(manners_.vanishes, [this] {
    if (state_ == State::done) return;
    if (dice_.percent(50)) stream_->reset_on_close();
    leave();
  });
}

void SimClient::advance_login() {
  std::size_t consumed = 0;
  const ServerLogin::Step step = login_->receive(in_, consumed, out_);
  in_.erase(0, consumed);
  switch (step) {
    case ServerLogin::Step::need_more:
      return write_out();
    case ServerLogin::Step::ready:
      return logged_in();
    case ServerLogin::Step::failed:
      return login_failed();
  }
}

void SimClient::logged_in() {
  if (!login_refusal_.message.empty())
    return fail("logged in, where PostgreSQL says: " + login_refusal_.message);
  check_login_report();
  if (state_ == State::done) return;
  theatre_.journal().note(name_, "logged in");
  state_ = State::talking;
  act();
}

// The pooler reports the same settings as a server of the client's own, in whatever order.
void SimClient::check_login_report() {
  std::multiset<std::pair<std::string, std::string>> owed;
  const std::string report = oracle_.login_report();
  for (std::string_view rest = report; !rest.empty(); rest.remove_prefix(read_header(rest.data()).total())) {
    Reader reader(rest.substr(header_size));
    const std::string name(reader.cstring());
    owed.emplace(name, std::string(reader.cstring()));
  }
  for (const auto& parameter : login_->parameters()) {
    const auto found = owed.find(parameter);
    if (found == owed.end())
      return fail("was told that " + parameter.first + " is '" + parameter.second + "'");
    owed.erase(found);
  }
  if (!owed.empty()) fail("was not told of " + owed.begin()->first + " = '" + owed.begin()->second + "'");
}

void SimClient::login_failed() {
  const PgError& error = login_->error();
  theatre_.journal().note(name_, "login failed: " + error.message);
  if (login_->from_server() && error.severity == Severity::fatal) {
    // Of several wrong parameters either may be told.
    const bool is_of_a_parameter = error.sqlstate == "42704" || error.sqlstate == "22023";
    if (is_of_a_parameter && !login_refusal_.message.empty()) return leave();
    if (may_be_told(error)) return leave();
  }
  fail("login failed: " + error.sqlstate + " " + error.message);
}

// Talking -----------------------------------------------------------------------------------------

void SimClient::act_later() {
  if (state_ != State::talking || std::exchange(is_acting_later_, true)) return;
  theatre_.loop().after(dice_.between(Duration(1), manners_.pause_max), [this, alive = alive_] {
    if (!*alive) return;
    is_acting_later_ = false;
    act();
  });
}

void SimClient::act() {
  if (state_ != State::talking || was_told_the_end_ || !out_.empty()) return;
  const bool is_settled = !oracle_.owes();
  if (is_settled) groups_ahead_ = 0;
  if (groups_left_ == 0) {
    if (is_settled) leave();
    return;
  }
  if (groups_ahead_ >= manners_.groups_ahead_max) return;
  speak();
  if (manners_.groups_ahead_max > 1) act_later();
}

void SimClient::speak() {
  --groups_left_;
  ++groups_ahead_;
  Situation situation;
  situation.is_settled = groups_ahead_ == 1;
  situation.status = oracle_.status();
  situation.is_copying_in = situation.is_settled && oracle_.is_copying_in();
  situation.waits_for_answers = manners_.groups_ahead_max == 1;
  const std::string said = speaker_.next(situation);
  for (std::string_view rest = said; !rest.empty();) {
    const Header header = read_header(rest.data());
    theatre_.journal().note(name_, "> " + readable(rest.substr(0, header.total())));
    oracle_.sent(header.type, rest.substr(header_size, header.body_size()));
    rest.remove_prefix(header.total());
  }
  // Much takes its time on a slow line, which is no waiting.
  awaited_token_ = said.size() < 4096 ? speaker_.first_token() : std::string();
  if (speaker_.has_dropped_statements()) groups_ahead_ = manners_.groups_ahead_max;
  out_ += said;
  if (dice_.percent(manners_.cancel_percent)) {
    theatre_.loop().after(dice_.between(Duration(1), Duration(milliseconds(100))), [this, alive = alive_] {
      if (*alive) ask_for_cancel();
    });
  }
  write_out();
}

void SimClient::ask_for_cancel() {
  if (state_ != State::talking) return;
  theatre_.journal().note(name_, "asks for a cancel");
  const bool has_key = dice_.percent(90);
  if (has_key) ++cancels_;
  theatre_.cancel(login_->process_id(), has_key ? login_->cancel_secret() : "guess");
}

void SimClient::leave() {
  if (state_ == State::talking && manners_.is_polite && out_.empty()) {
    std::string goodbye;
    MessageWriter(goodbye, FrontendType::terminate);
    stream_->write(goodbye);
  }
  theatre_.journal().note(name_, "leaves");
  state_ = State::done;
  stream_.reset();
}

// Checks ------------------------------------------------------------------------------------------

void SimClient::check() {
  if (state_ != State::talking || awaited_token_.empty() || !out_.empty() || was_told_the_end_) return;
  const Duration limit = theatre_.settings().query_wait_timeout + grace;
  if (theatre_.loop().now() - std::max(all_sent_at_, heard_at_) < limit) return;
  if (groups_ahead_ > 1 || !oracle_.owes() || theatre_.database().has_seen(awaited_token_)) return;
  fail("has waited beyond query_wait_timeout for " + awaited_token_);
}

std::string SimClient::predicament() {
  return name_ + ": " + std::to_string(out_.size()) + " bytes to send, expects " +
         readable(oracle_.expected());
}

}  // namespace ballast::sim
