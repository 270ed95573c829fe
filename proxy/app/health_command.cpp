#include "proxy/app/health_command.hpp"

#include <iostream>
#include <string>

#include "proxy/app/http_client.hpp"

namespace ballast {

namespace {

int unhealthy(const std::string& reason) {
  std::cerr << "ballast: " << reason << '\n';
  return 1;
}

}  // namespace

int health(const Settings& settings) {
  if (settings.http_port == 0) return unhealthy("http_port = 0: set it, health is asked over HTTP");
  const HttpReply reply = http_get({settings.http_addr, settings.http_port, "/ready", "", health_timeout});
  if (reply.status == 0) return unhealthy(reply.error);
  if (reply.status != 200) return unhealthy("not ready: status " + std::to_string(reply.status));
  std::cout << "ready\n";
  return 0;
}

}  // namespace ballast
