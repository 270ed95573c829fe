#include "proxy/app/console_set.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/error_message.hpp"

#include "proxy/app/console_role.hpp"
#include "proxy/base/log.hpp"

namespace ballast {

namespace {

PgError killed() {
  return fatal(sqlstate::admin_shutdown, "terminating connection due to administrator command");
}

}  // namespace

ConsoleSet::ConsoleSet(Loop& loop, CancelKeys& cancel_keys, Counters& counters, Ask ask)
    : loop_(loop), cancel_keys_(cancel_keys), counters_(counters), ask_(std::move(ask)) {}

ConsoleSet::~ConsoleSet() = default;

ConsoleSession* ConsoleSet::find(std::uint64_t id) const {
  const auto found =
      std::find_if(sessions_.begin(), sessions_.end(), [id](const auto& one) { return one->id() == id; });
  return found == sessions_.end() ? nullptr : found->get();
}

void ConsoleSet::open(ConsoleClient client, const Settings& settings) {
  ConsoleHost& host = *this;
  sessions_.push_back(std::make_unique<ConsoleSession>(std::move(client), host));
  ConsoleSession& session = *sessions_.back();
  const std::string& user = session.startup().user;
  if (!console_role(settings, user)) {
    ++counters_.client_login_failures;
    return session.end(
        fatal(sqlstate::invalid_authorization,
              "user \"" + user + "\" is not allowed on the console (admin_users, stats_users)"));
  }
  if (sessions_.size() > sessions_max) {
    ++counters_.clients_refused_console;
    return session.end(fatal(sqlstate::too_many_connections,
                             "the console has " + std::to_string(sessions_max) + " clients already"));
  }
  if (settings.log_connections != 0)
    log::info(session.name(), "console: login: " + user + " from " + session.stream().peer());
  session.welcome();
}

// Sessions may end during these walks.
void ConsoleSet::tick(TimePoint now, const Settings& settings) {
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size())
      sessions_[i]->tick(now, settings.client_idle_timeout, settings.client_login_timeout);
  }
}

bool ConsoleSet::kill_client(std::uint64_t id) {
  ConsoleSession* const session = find(id);
  if (session != nullptr) session->end(killed());
  return session != nullptr;
}

void ConsoleSet::say_goodbye() {
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) sessions_[i]->end(killed());
  }
}

std::vector<ClientFigures> ConsoleSet::figures() const {
  std::vector<ClientFigures> all;
  for (const auto& session : sessions_) {
    ClientFigures figures;
    figures.id = session->id();
    figures.key = {session->startup().database, session->startup().user};
    figures.state = session->is_busy() ? ClientFigures::State::active : ClientFigures::State::idle;
    for (const auto& [name, value] : session->startup().parameters) {
      if (name == "application_name") figures.application_name = value;
    }
    figures.statements = session->prepared_count();
    figures.connected_at = session->connected_at();
    figures.asked_at = session->asked_at();
    figures.stream = session->stream().figures();
    all.push_back(std::move(figures));
  }
  return all;
}

void ConsoleSet::ask(const ConsoleSession& session, ConsoleRequest request) {
  ask_(std::move(request), [this, id = session.id()](ConsoleAnswer answer) {
    if (ConsoleSession* const there = find(id)) there->answer(std::move(answer));
  });
}

void ConsoleSet::on_console_ended(ConsoleSession& session) {
  const auto at = std::find_if(sessions_.begin(), sessions_.end(),
                               [&session](const auto& one) { return one.get() == &session; });
  loop_.bury(std::move(*at));
  sessions_.erase(at);
}

}  // namespace ballast
