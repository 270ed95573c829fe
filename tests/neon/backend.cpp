#include "tests/neon/backend.hpp"

#include <array>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include "protocol/error_message.hpp"
#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/server_login.hpp"
#include "protocol/writer.hpp"

#include "tests/neon/fill_random.hpp"

namespace ballast::neon {
namespace {

std::vector<std::string> read_row(std::string_view body) {
  Reader reader(body);
  std::vector<std::string> row;
  const int columns = reader.int16();
  for (int column = 0; column < columns && reader.ok(); ++column) {
    const std::int32_t size = reader.int32();
    row.emplace_back(size < 0 ? std::string_view() : reader.bytes(static_cast<std::size_t>(size)));
  }
  return row;
}

// Takes whole messages off the front of `in`. True: ReadyForQuery came.
bool take_answers(std::string& in, Rows& rows, bool& has_failed) {
  while (in.size() >= header_size) {
    const Header header = read_header(in.data());
    if (!valid(header) || in.size() < header.total()) return false;
    const std::string_view body = std::string_view(in).substr(header_size, header.body_size());
    const auto type = static_cast<BackendType>(header.type);
    if (type == BackendType::data_row) rows.push_back(read_row(body));
    if (type == BackendType::error_response) has_failed = true;
    in.erase(0, header.total());
    if (type == BackendType::ready_for_query) return true;
  }
  return false;
}

}  // namespace

Task<std::optional<PgError>> Backend::login(std::string socket_path, StartupParameters parameters) {
  const asio::local::stream_protocol::endpoint address(socket_path);
  const auto [refused] = co_await socket_.async_connect(address, with_error);
  if (refused) co_return fatal(sqlstate::cannot_connect, refused.message());

  ServerLoginRequest request;
  request.parameters = std::move(parameters);
  ServerLogin login(std::move(request), nullptr, fill_random);
  std::string in;
  std::string out;
  login.start(out);
  auto step = ServerLogin::Step::need_more;
  while (step == ServerLogin::Step::need_more) {
    co_await asio::async_write(socket_, asio::buffer(out), with_error);
    out.clear();
    std::array<char, 4096> buffer;
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(buffer), with_error);
    if (error) co_return fatal(sqlstate::connection_failure, "connection closed");
    in.append(buffer.data(), size);
    std::size_t consumed = 0;
    step = login.receive(in, consumed, out);
    in.erase(0, consumed);
  }
  if (step == ServerLogin::Step::failed) co_return login.error();
  parameters_ = login.parameters();
  cancel_key_ = CancelKey{login.process_id(), login.cancel_secret()};
  co_return std::nullopt;
}

Task<std::optional<Rows>> Backend::query(std::string sql) {
  std::string out;
  MessageWriter(out, FrontendType::query).cstring(sql);
  co_await asio::async_write(socket_, asio::buffer(out), with_error);
  Rows rows;
  bool has_failed = false;
  std::string in;
  while (!take_answers(in, rows, has_failed)) {
    std::array<char, 4096> buffer;
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(buffer), with_error);
    if (error) co_return std::nullopt;
    in.append(buffer.data(), size);
  }
  if (has_failed) co_return std::nullopt;
  co_return rows;
}

Task<std::optional<Rows>> ask(Database database, std::string sql) {
  Backend backend(co_await asio::this_coro::executor);
  StartupParameters parameters;
  parameters.emplace_back("user", database.superuser);
  parameters.emplace_back("database", "postgres");
  parameters.emplace_back("application_name", "neonsim");
  const auto error = co_await backend.login(database.socket_path, parameters);
  if (error) co_return std::nullopt;
  co_return co_await backend.query(std::move(sql));
}

Task<void> cancel(std::string socket_path, CancelKey key) {
  Backend::Socket socket(co_await asio::this_coro::executor);
  const asio::local::stream_protocol::endpoint address(socket_path);
  const auto [refused] = co_await socket.async_connect(address, with_error);
  if (refused) co_return;
  std::string out;
  write_cancel_request(out, key.process_id, key.secret);
  co_await asio::async_write(socket, asio::buffer(out), with_error);
  std::array<char, 1> end;
  co_await socket.async_read_some(asio::buffer(end), with_error);  // the server closes when it is done
}

std::string quote_literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted.push_back(c);
    quoted.push_back(c);
  }
  return quoted + "'";
}

}  // namespace ballast::neon
