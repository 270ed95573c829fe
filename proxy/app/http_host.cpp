#include "proxy/app/http_host.hpp"

#include <algorithm>
#include <string>

#include <boost/asio/ip/address.hpp>

#include "proxy/sql/lexer.hpp"

namespace ballast {

namespace {

bool is_address(std::string_view text) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(text), error);
  return !error;
}

}  // namespace

bool is_beyond_dns(std::string_view host) {
  if (host.empty()) return true;
  if (host.front() == '[') {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && is_address(host.substr(1, end - 1));
  }
  std::string name(host.substr(0, host.find(':')));
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  return name == "localhost" || name.ends_with(".localhost") || is_address(name);
}

}  // namespace ballast
