#include "tests/neon/front.hpp"

#include <array>
#include <utility>

#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

#include "tests/neon/fill_random.hpp"
#include "tests/neon/rules/route.hpp"

namespace ballast::neon {
namespace {

Milliseconds seconds(double count) { return Seconds(count); }

}  // namespace

Front::Front(ClientStream& client, World& world, Timeline& timeline)
    : client_(client), world_(world), timeline_(timeline) {}

Task<bool> Front::login() {
  {
    const Deadline deadline(world_.executor, seconds(world_.knobs.handshake_timeout_s),
                            [this] { client_.cancel(); });
    if (!co_await greet()) co_return false;
  }
  timeline_.startup = age();
  bool is_in_time = true;
  std::exception_ptr lost;
  try {
    const Deadline deadline(world_.executor, seconds(world_.knobs.scram_timeout_s), [this, &is_in_time] {
      is_in_time = false;
      client_.cancel();
    });
    if (!co_await authenticate()) co_return false;
  } catch (const boost::system::system_error&) {
    lost = std::current_exception();
  }
  if (!is_in_time) co_return co_await fail(row::login_timeout);
  if (lost) std::rethrow_exception(lost);
  timeline_.auth = age();
  co_return co_await reach_compute();
}

Milliseconds Front::age() const { return RealTime::clock::now() - accepted_; }

// A client's flight and ours that answers it. The connection's own handshake can't be made slow on loopback:
// it is paid with the first flight.
Task<void> Front::round_trip() { co_await pause(Milliseconds(world_.knobs.rtt_ms)); }

// Authentication

Task<bool> Front::authenticate() {
  std::string password;
  if (!co_await find_endpoint(password)) co_return false;
  const Knobs& knobs = world_.knobs;
  if (!world_.attempts.take(world_.time.now(), knobs.attempts_per_s, knobs.attempts_burst))
    co_return co_await fail(row::too_many_attempts);
  if (co_await fail_on_fault(Stage::auth)) co_return false;
  if (!password.empty()) co_return co_await check_password(password);
  co_return co_await run_scram();
}

// By the name in SNI, an option, or in front of the password, which then comes with it in the clear.
Task<bool> Front::find_endpoint(std::string& password) {
  const Route route = find_route(client_.server_name(), world_.options.domain, parameter("options"));
  values_["sni"] = route.sni;
  values_["option"] = route.option;
  values_["endpoint"] = endpoint_ = route.endpoint;
  if (route.error_row != 0) co_return co_await fail(route.error_row);
  if (endpoint_.empty()) {
    MessageWriter(pending_, BackendType::authentication)
        .int32(static_cast<std::int32_t>(AuthenticationCode::cleartext_password));
    co_await round_trip();
    co_await flush();
    const std::string message = co_await client_.read_message();
    Reader body(std::string_view(message).substr(header_size));
    const auto found = read_password_hack(body.cstring());
    if (!body.finished()) co_return co_await fail(row::no_terminator);
    if (!found) co_return co_await fail(row::no_endpoint);
    endpoint_ = found->first;
    password = found->second;
  }
  is_pooled_ = neon::is_pooled(endpoint_);
  co_return true;
}

// Of somebody who is not there it is made up, and opens nothing.
Task<ScramSecret> Front::find_secret() {
  std::optional<ScramSecret> secret;
  if (without_pooler(endpoint_) == world_.options.endpoint)
    secret = co_await world_.roles.find(startup_.user);
  is_known_ = secret.has_value();
  if (!is_known_) co_return mock_scram_secret(world_.mock_key, startup_.user, 1);
  co_return *secret;
}

Task<bool> Front::check_password(std::string password) {
  const ScramSecret secret = co_await find_secret();
  if (is_known_ && scram_secret_matches(secret, password)) co_return true;
  co_return co_await fail(row::wrong_password);
}

Task<bool> Front::run_scram() {
  ScramSecret secret = co_await find_secret();
  ScramGate gate(std::move(secret), is_known_, client_.channel_binding(), make_scram_nonce(fill_random));
  gate.offer(pending_);
  auto step = ScramGate::Step::go_on;
  // Who begins before it is asked does so in the flight of its startup packet.
  bool is_same_flight = client_.has_more();
  while (step == ScramGate::Step::go_on) {
    if (!is_same_flight) co_await round_trip();
    is_same_flight = false;
    co_await flush();
    const std::string message = co_await client_.read_message();
    if (message.front() != static_cast<char>(FrontendType::password))
      co_return co_await fail(row::sasl_violation);
    step = gate.receive(std::string_view(message).substr(header_size), pending_);
  }
  if (step == ScramGate::Step::refused) co_return co_await fail(gate.error_row());
  pending_ += gate.final();
  co_return true;
}

// The compute

Task<bool> Front::reach_compute() {
  MessageWriter(pending_, BackendType::authentication)
      .int32(static_cast<std::int32_t>(AuthenticationCode::ok));
  if (co_await fail_on_fault(Stage::wake)) co_return false;
  int error = co_await enter_compute();
  if (error == row::not_yet || error == row::lost_at_login)
    error = co_await enter_compute();  // Neon tries once more
  if (error != 0) co_return co_await fail(error);
  co_await round_trip();
  write_greeting(pending_);
  is_followed_ = client_.has_more();
  co_await flush();
  timeline_.ready = age();
  ++world_.counters.logins;
  co_return true;
}

// 0, or the row of the error.
Task<int> Front::enter_compute() {
  const Knobs& knobs = world_.knobs;
  compute_error_.clear();
  const bool needs_wake = world_.compute.endpoint().state() != State::active;
  if (needs_wake && !world_.wake_calls.take(world_.time.now(), knobs.wakes_per_s, knobs.wakes_burst))
    co_return row::too_many_wakes;
  const Milliseconds asked = age();
  const auto readiness = co_await world_.compute.ready();
  const std::uint64_t life = world_.compute.endpoint().wakes();
  timeline_.held += age() - asked;
  if (readiness == Compute::Readiness::refused) co_return row::control_plane;
  const std::string options = parameter("options");
  values_["parameter"] = is_pooled_ ? find_refused_option(options) : std::string();
  if (!values_["parameter"].empty()) co_return row::bad_option;

  const Permits::Permit permit = co_await world_.permits.take();
  if (!permit) co_return row::no_permit;
  co_await pause(Milliseconds(knobs.connect_ms.sample(world_.dice)));
  const bool is_open = knobs.params_compat || asks_for_all_parameters(options);
  const StartupParameters parameters =
      compute_parameters(startup_, is_open ? Whitelist::lifted : Whitelist::applies);
  backend_ = std::make_unique<Backend>(world_.executor);
  const auto error = co_await backend_->login(world_.options.database.socket_path, parameters);
  const Endpoint& endpoint = world_.compute.endpoint();
  if (endpoint.state() != State::active || endpoint.wakes() != life) co_return row::lost_at_login;
  co_return error ? row_of(*error) : 0;
}

// The text stays, SQLSTATE and severity are lost.
int Front::row_of(const PgError& error) {
  if (error.sqlstate == sqlstate::cannot_connect) return row::unreachable;
  if (error.sqlstate == sqlstate::connection_failure || error.sqlstate == sqlstate::admin_shutdown)
    return row::lost_at_login;
  compute_error_ = error.message;
  if (error.sqlstate == sqlstate::invalid_catalog_name) return row::no_database;
  if (error.sqlstate == sqlstate::too_many_connections) return row::no_slots;
  if (error.sqlstate == sqlstate::cannot_connect_now) return row::not_yet;
  return row::lost_at_login;
}

void Front::write_greeting(std::string& out) {
  for (const auto& [name, value] : backend_->parameters())
    MessageWriter(out, BackendType::parameter_status).cstring(name).cstring(value);
  std::array<char, 8> key;
  fill_random(key);
  Reader reader(std::string_view(key.data(), key.size()));
  given_key_.process_id = reader.int32();
  given_key_.secret = reader.rest();
  MessageWriter(out, BackendType::backend_key_data).int32(given_key_.process_id).bytes(given_key_.secret);
  MessageWriter(out, BackendType::ready_for_query).byte(static_cast<char>(TransactionStatus::idle));
}

// Errors

Task<void> Front::flush() {
  std::string bytes = std::exchange(pending_, std::string());
  co_await client_.write(std::move(bytes));
}

Task<bool> Front::fail_on_fault(Stage stage) {
  const auto fault =
      world_.faults.take_for_login(stage, world_.time.now(), Seconds(world_.knobs.error_cache_s));
  if (!fault) co_return false;
  co_await pause(fault->after);
  co_await refuse(*fault->row, error_text(*fault->row, values_));
  co_return true;
}

// Always false: the login has ended.
Task<bool> Front::fail(int number) {
  const ErrorRow& row = *find_row(number);
  std::string text = compute_error_.empty() ? error_text(row, values_) : compute_error_;
  co_await refuse(row, std::move(text));
  co_return false;
}

Task<void> Front::refuse(const ErrorRow& row, std::string text) {
  count_error(world_, row);
  if (text.empty()) co_return;
  co_await round_trip();
  write_login_error(pending_, world_.knobs.severity, world_.knobs.with_V, text);
  co_await flush();
}

std::string Front::parameter(std::string_view name) const {
  for (const auto& [each, value] : startup_.parameters)
    if (each == name) return value;
  return {};
}

}  // namespace ballast::neon
