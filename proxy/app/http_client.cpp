#include "proxy/app/http_client.hpp"

#include <array>
#include <charconv>
#include <istream>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace ballast {

namespace {

namespace asio = boost::asio;

HttpReply failure(std::string what) { return {0, "", std::move(what)}; }

// Until the other side closes. False: it is longer than it may be.
bool read_body(std::istream& stream, std::string& body) {
  std::array<char, 16384> piece{};
  do {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    body.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
  } while (stream && body.size() <= http_body_max);
  return body.size() <= http_body_max;
}

}  // namespace

HttpReply http_get(const HttpQuestion& question) {
  const std::string address = own_address(question.address);
  const std::string place = address + " port " + std::to_string(question.port);
  asio::ip::tcp::iostream stream;
  stream.expires_after(question.timeout);
  stream.connect(address, std::to_string(question.port));
  if (!stream) return failure("nobody answers at " + place + ": " + stream.error().message());
  // Of version 1.0, so that the body comes in one piece and ends with the connection (RFC 9112, 6.3).
  const bool has_colons = address.find(':') != std::string::npos;
  stream << "GET " << question.path << " HTTP/1.0\r\nHost: " << (has_colons ? "[" + address + "]" : address)
         << ":" << question.port << "\r\n";
  if (!question.token.empty()) stream << "Authorization: Bearer " << question.token << "\r\n";
  stream << "\r\n" << std::flush;
  HttpReply reply;
  std::string line;
  std::getline(stream, line);
  reply.status = http_status(line);
  if (reply.status == 0) return failure("no HTTP from " + place);
  constexpr int header_lines_max = 100;
  for (int i = 0; i < header_lines_max && std::getline(stream, line) && line != "\r"; ++i) {
  }
  if (!read_body(stream, reply.body)) return failure("the answer of " + place + " is too long");
  if (stream.error() != asio::error::eof)
    return failure("no whole answer from " + place + ": " + stream.error().message());
  return reply;
}

std::string own_address(std::string_view listen_address) {
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(std::string(listen_address), error);
  if (error || !address.is_unspecified()) return std::string(listen_address);
  return address.is_v6() ? "::1" : "127.0.0.1";
}

int http_status(std::string_view first_line) {
  constexpr std::string_view version = "HTTP/1.";
  constexpr std::size_t status_at = version.size() + 2;  // behind the minor version and a space (RFC 9112, 4)
  if (!first_line.starts_with(version) || first_line.size() < status_at + 3) return 0;
  unsigned status = 0;  // unsigned: -20 is no status
  const char* const begin = first_line.data() + status_at;
  const auto [end, error] = std::from_chars(begin, begin + 3, status);
  return error == std::errc() && end == begin + 3 ? static_cast<int>(status) : 0;
}

}  // namespace ballast
