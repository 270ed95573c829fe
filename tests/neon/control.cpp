#include "tests/neon/control.hpp"

#include <array>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include "tests/neon/report.hpp"

namespace ballast::neon {
namespace {

namespace json = boost::json;
namespace http = boost::beast::http;

constexpr int row_disabled = 25;
constexpr int row_compute_quota = 26;
constexpr int row_transfer_quota = 27;
// How long Neon's proxy tries by itself before it says these (proxy/src/proxy/retry.rs).
constexpr std::array<std::pair<int, double>, 2> own_retries_ms{{{31, 4400}, {34, 15000}}};

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_double()) return format_quantity(value.get_double());
  return json::serialize(value);
}

double number(const json::object& arguments, const char* name, double otherwise) {
  const json::value* value = arguments.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : otherwise;
}

std::string text(const json::object& arguments, const char* name) {
  const json::value* value = arguments.if_contains(name);
  return value == nullptr ? std::string() : text_of(*value);
}

}  // namespace

Control::Control(World& world, Listener& listener)
    : world_(world),
      listener_(listener),
      acceptor_(world.executor, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  asio::co_spawn(world_.executor, accept(), on_its_own);
}

Task<void> Control::accept() {
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(with_error);
    if (error) co_await pause(Milliseconds(10));
    if (!error) asio::co_spawn(world_.executor, serve(std::move(socket)), on_its_own);
  }
}

Task<void> Control::serve(asio::ip::tcp::socket socket) {
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    const auto [read_error, read] = co_await http::async_read(socket, buffer, request, with_error);
    if (read_error) co_return;
    Answer said =
        co_await answer(std::string(request.method_string()), std::string(request.target()), request.body());
    http::response<http::string_body> response(static_cast<http::status>(said.status), request.version());
    response.set(http::field::content_type, "application/json");
    response.keep_alive(request.keep_alive());
    response.body() = std::move(said.body);
    response.prepare_payload();
    const auto [error, written] = co_await http::async_write(socket, response, with_error);
    if (error || !response.keep_alive()) co_return;
  }
}

Task<Control::Answer> Control::answer(std::string method, std::string path, std::string body) {
  if (method == "GET" && path == "/timeline") co_return Answer{200, json::serialize(report_timeline(world_))};
  std::string wrong;
  if (method == "POST") {
    ErrorCode error;
    const json::value arguments = json::parse(body.empty() ? "{}" : body, error);
    if (error || !arguments.is_object())
      wrong = "the body is no JSON object";
    else
      wrong = co_await act(path, arguments.get_object());
  } else if (path != "/state") {
    wrong = "there is no GET " + path;
  }
  if (wrong.empty()) co_return Answer{200, json::serialize(report_state(world_))};
  co_return Answer{400, json::serialize(json::object{{"error", wrong}})};
}

Task<std::string> Control::act(std::string path, json::object arguments) {
  std::string wrong = act_at_once(path, arguments);
  if (!wrong.empty()) co_return wrong;
  co_return co_await change_compute(path);
}

// What has to wait for the compute. A path that is not here has been dealt with.
Task<std::string> Control::change_compute(std::string path) {
  Compute& compute = world_.compute;
  if (path == "/suspend" || path == "/disable" || path == "/quota") co_await compute.suspend();
  if (path == "/start") co_await compute.start();
  if (path == "/restart") co_await compute.restart();
  if (path == "/crash") co_await compute.crash();
  co_return std::string();
}

std::string Control::act_at_once(const std::string& path, const json::object& arguments) {
  if (path == "/suspend" || path == "/start" || path == "/restart" || path == "/crash") return {};
  if (path == "/set") return set(arguments);
  if (path == "/inject") return inject(arguments);
  if (path == "/clock") return set_clock(arguments);
  if (path == "/disable") return set_condition(row_disabled);
  if (path == "/condition") return set_condition(static_cast<int>(number(arguments, "row", 0)));
  if (path == "/quota")
    return set_condition(text(arguments, "kind") == "transfer" ? row_transfer_quota : row_compute_quota);
  if (path == "/enable") {
    world_.faults.clear_condition();
  } else if (path == "/clear") {
    world_.faults.clear();
  } else if (path == "/kill") {
    world_.connections.sever_all(text(arguments, "how") == "eof" ? Ending::eof : Ending::reset);
  } else if (path == "/mark") {
    world_.counters.marks.emplace_back(text(arguments, "label"), world_.time.now());
  } else {
    return "there is no POST " + path;
  }
  return {};
}

std::string Control::set(const json::object& arguments) {
  Knobs changed = world_.knobs;
  for (const auto& [name, value] : arguments)
    if (std::string wrong = set_knob(changed, name, text_of(value)); !wrong.empty()) return wrong;
  world_.knobs = changed;
  listener_.apply();
  return {};
}

std::string Control::inject(const json::object& arguments) {
  Injection injection;
  injection.row = find_row(static_cast<int>(number(arguments, "row", 0)));
  if (injection.row == nullptr) return "there is no such row";
  const std::string stage = text(arguments, "stage");
  const auto parsed = stage.empty() ? injection.row->stage : parse_stage(stage);
  if (!parsed) return "a stage is auth, wake or session";
  injection.stage = *parsed;
  double after = 0;
  for (const auto& [row, time] : own_retries_ms)
    if (row == injection.row->number) after = time * world_.knobs.time_scale;
  injection.after = Milliseconds(number(arguments, "after_ms", after));
  const double count = number(arguments, "count", 1);
  if (count >= 0) injection.count = static_cast<std::uint64_t>(count);
  if (injection.stage == Stage::session) return disturb_sessions(injection);
  if (injection.count != 0) world_.faults.inject(injection);
  return {};
}

// Sessions that are there, the oldest first; what is left over waits for the next ones.
std::string Control::disturb_sessions(Injection injection) {
  for (Connection* connection : std::vector(world_.connections.all())) {
    if (injection.count == 0) return {};
    if (!connection->is_in_session()) continue;
    connection->disturb(*injection.row);
    if (injection.count) --*injection.count;
  }
  if (injection.count != 0) world_.faults.inject(injection);
  return {};
}

std::string Control::set_condition(int row) {
  const ErrorRow* found = find_row(row);
  if (found == nullptr || found->stage == Stage::session) return "there is no such condition";
  world_.faults.set_condition(found);
  return {};
}

std::string Control::set_clock(const json::object& arguments) {
  const double advance = number(arguments, "advance_s", 0);
  const double scale = number(arguments, "scale", world_.time.scale());
  if (advance < 0 || scale <= 0) return "time goes forward";
  world_.time.set_scale(scale);
  world_.time.advance(Seconds(advance));
  return {};
}

}  // namespace ballast::neon
