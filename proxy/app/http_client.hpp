// HttpClient: one GET, of the Ballast that runs with the same settings or one like it. Blocks; for commands
// that end.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ballast {

struct HttpQuestion {
  std::string address;  // what it listens on
  std::uint16_t port = 0;
  std::string path;
  std::string token;                        // empty: none
  std::chrono::milliseconds timeout{3000};  // for everything
};

struct HttpReply {
  int status = 0;  // 0: see error
  std::string body;
  std::string error;  // one line
};

constexpr std::size_t http_body_max = std::size_t{16} << 20;  // a longer one is an error

HttpReply http_get(const HttpQuestion& question);

// Where something that listens on `listen_address` is reached from here: 0.0.0.0 and :: are no addresses to
// connect to.
std::string own_address(std::string_view listen_address);

// The status in the first line of an HTTP answer; 0: there is none.
int http_status(std::string_view first_line);

}  // namespace ballast
