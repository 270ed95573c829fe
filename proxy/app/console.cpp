#include "proxy/app/console.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "proxy/app/console_role.hpp"
#include "proxy/app/console_tables.hpp"
#include "proxy/app/survey.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/client_session.hpp"
#include "proxy/sql/lexer.hpp"

namespace ballast {

namespace {

using Kind = ConsoleCommand::Kind;

ConsoleAnswer refusal(std::string_view sqlstate, std::string message) {
  ConsoleAnswer answer;
  answer.error = {Severity::error, std::string(sqlstate), std::move(message), {}, {}};
  return answer;
}

ConsoleAnswer help() {
  ConsoleAnswer answer;
  answer.notice = {
      Severity::notice, std::string(sqlstate::successful_completion), "Console usage", help_of_console(), {}};
  return answer;
}

// In PgBouncer's words.
ConsoleAnswer not_for_console(const ConsoleCommand& command) {
  std::string verb = command.kind == Kind::wait_close ? "wait in" : tag_of(command);
  for (char& c : verb) c = to_lower(c);
  return refusal(sqlstate::protocol_violation, "cannot " + verb + " admin db: " + command.argument);
}

Shutdown shutdown_of(std::string_view argument) {
  if (argument.empty()) return Shutdown::now;
  return argument.size() > 9 && (argument[9] == 's' || argument[9] == 'S') ? Shutdown::wait_for_servers
                                                                           : Shutdown::wait_for_clients;
}

}  // namespace

Console::Console(boost::asio::io_context& control, Household& household, LiveSettings& settings,
                 Administration& administration, Doors doors)
    : control_(control),
      household_(household),
      settings_(settings),
      administration_(administration),
      doors_(std::move(doors)),
      history_(Clock::now()) {}

void Console::ask(ConsoleRequest request, Done done) {
  boost::asio::post(control_,
                    [this, request = std::move(request), done = std::move(done)] { answer(request, done); });
}

void Console::answer(const ConsoleRequest& request, const Done& done) {
  const auto role = console_role(settings_.settings(), request.user);
  const bool may = role && (*role == ConsoleRole::admin || !needs_admin(request.command));
  if (!may) return done(refusal("42501", "admin access needed"));
  if (request.command.kind == Kind::show) return show(request, done);
  if (is_console_name(request.command.argument)) return done(not_for_console(request.command));
  command(request, done);
}

void Console::show(const ConsoleRequest& request, const Done& done) {
  const Show show = request.command.show;
  if (show == Show::help) return done(help());
  const auto tell = [this, show, names = request.names, done](ConsoleFigures figures) {
    fill_in(figures);
    ConsoleAnswer answer;
    answer.table = table_of(show, names, figures);
    done(std::move(answer));
  };
  if (depth_of(show) == Depth::none) return tell({});
  take_survey(control_, household_, depth_of(show), tell);
}

void Console::fill_in(ConsoleFigures& figures) const {
  Broker& broker = household_.broker;
  figures.options = &settings_.options();
  figures.past = history_.past();
  figures.gates = administration_.gates();
  figures.doors = doors_();
  figures.upstream = broker.upstream().state();
  figures.slots = broker.slots();
  figures.keepalive = broker.keepalive().figures();
  figures.client_bytes = sizeof(ClientSession);
  figures.server_bytes = sizeof(ServerConnection);
  figures.pool_bytes = sizeof(Pool);
}

void Console::command(const ConsoleRequest& request, const Done& done) {
  const auto finished = [done](const PgError& error) {
    ConsoleAnswer answer;
    answer.error = error;
    done(std::move(answer));
  };
  const ConsoleCommand& command = request.command;
  const std::string& argument = command.argument;
  switch (command.kind) {
    case Kind::disable:
      return administration_.disable(argument, finished);
    case Kind::enable:
      return administration_.enable(argument, finished);
    case Kind::kill:
      return administration_.kill(argument, finished);
    case Kind::kill_client:
      return administration_.kill_client(command.client, finished);
    case Kind::pause:
      return administration_.pause(argument, finished, request.patience);
    case Kind::reconnect:
      return administration_.reconnect(argument, finished);
    case Kind::reload:
      return administration_.reload(finished);
    case Kind::resume:
      return administration_.resume(argument, finished);
    case Kind::set:
      return administration_.set(argument, command.value, finished);
    case Kind::shutdown:
      return administration_.shutdown(shutdown_of(argument), finished);
    case Kind::suspend:
      return administration_.suspend(finished, request.patience);
    case Kind::wait_close:
      return administration_.wait_close(argument, finished, request.patience);
    case Kind::show:
    case Kind::show_parameter:
    case Kind::set_parameter:
    case Kind::transaction:
      break;
  }
  done(refusal(sqlstate::internal_error, "not a command"));
}

void Console::remember() {
  take_survey(control_, household_, Depth::pools,
              [this](const ConsoleFigures& figures) { history_.note(figures); });
  timer_.expires_after(PoolHistory::step);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) remember();
  });
}

}  // namespace ballast
