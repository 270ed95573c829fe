// Control: what tests tell the simulator while it runs, over HTTP on loopback; requests and answers are JSON.
//
//   GET  /state      everything that is counted      GET /timeline    the connections' logins
//   POST /set        {"knob": value, ...}
//   POST /suspend    now; /start, /restart too. Answered when it is done
//   POST /crash      all connections get RST         POST /kill       {"how": "reset" | "eof"}: connections
//   only POST /inject     {"row": 26, "count": 1, "stage": "auth" | "wake" | "session", "after_ms": 0}; count
//   -1: until /clear POST /clear      forgets what was injected POST /condition  {"row": 24}: all logins,
//   until /enable POST /disable    that of a disabled endpoint, and suspends; /enable ends any condition POST
//   /quota      {"kind": "compute" | "transfer"}: likewise POST /clock      {"advance_s": 3600} or {"scale":
//   100} POST /mark       {"label": "..."}
//
// Every POST that is understood is answered with the state. One thread.
#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/json/value.hpp>

#include "tests/neon/listener.hpp"
#include "tests/neon/world.hpp"

namespace ballast::neon {

class Control {
 public:
  // Listens on a port of 127.0.0.1 that the system chooses.
  Control(World& world, Listener& listener);

  int port() const { return acceptor_.local_endpoint().port(); }

 private:
  struct Answer {
    int status;
    std::string body;
  };

  Task<void> accept();
  Task<void> serve(asio::ip::tcp::socket socket);
  Task<Answer> answer(std::string method, std::string path, std::string body);
  // What is wrong; empty: done.
  Task<std::string> act(std::string path, boost::json::object arguments);
  Task<std::string> change_compute(std::string path);
  std::string act_at_once(const std::string& path, const boost::json::object& arguments);
  std::string set(const boost::json::object& arguments);
  std::string inject(const boost::json::object& arguments);
  std::string disturb_sessions(Injection injection);
  std::string set_condition(int row);
  std::string set_clock(const boost::json::object& arguments);

  World& world_;
  Listener& listener_;
  asio::ip::tcp::acceptor acceptor_;
};

}  // namespace ballast::neon
