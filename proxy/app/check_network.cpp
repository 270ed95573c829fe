#include "proxy/app/check_network.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace ballast {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t addresses_max = 32;

}  // namespace

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

LookUp look_up(const std::string& host) {
  asio::io_context context;
  tcp::resolver resolver(context);
  boost::system::error_code error;
  const auto begin = Clock::now();
  const auto found = resolver.resolve(host, "", error);
  LookUp result;
  result.time_ms = milliseconds_since(begin);
  if (error) result.error = error.message();
  for (const auto& entry : found) {
    const std::string address = entry.endpoint().address().to_string();
    const bool is_new = std::ranges::find(result.addresses, address) == result.addresses.end();
    if (is_new && result.addresses.size() < addresses_max) result.addresses.push_back(address);
  }
  if (result.addresses.empty() && result.error.empty()) result.error = "the name has no address";
  return result;
}

std::vector<TcpAttempt> try_addresses(const std::vector<std::string>& addresses, std::uint16_t port,
                                      std::chrono::milliseconds timeout) {
  asio::io_context context;
  std::vector<TcpAttempt> attempts(addresses.size());
  std::vector<std::unique_ptr<tcp::socket>> sockets;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    TcpAttempt& attempt = attempts[i];
    attempt = {addresses[i], "timed out", 0};
    boost::system::error_code error;
    const auto address = asio::ip::make_address(addresses[i], error);
    if (error) {
      attempt.error = error.message();
      continue;
    }
    sockets.push_back(std::make_unique<tcp::socket>(context));
    sockets.back()->async_connect({address, port},
                                  [&attempt, begin](const boost::system::error_code& failed) {
                                    if (failed == asio::error::operation_aborted) return;
                                    attempt.error = failed ? failed.message() : "";
                                    attempt.time_ms = milliseconds_since(begin);
                                  });
  }
  context.run_for(timeout);
  for (TcpAttempt& attempt : attempts) {
    if (attempt.error == "timed out") attempt.time_ms = milliseconds_since(begin);
  }
  return attempts;
}

}  // namespace ballast
