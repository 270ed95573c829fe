// UpstreamTarget: where the database is and how to reach it, as libpq's connection parameters say.
// Made by app/upstream_url from a URL or keyword string. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ballast {

enum class SslMode { disable, allow, prefer, require, verify_ca, verify_full };
enum class SslNegotiation { postgres, direct };
enum class ChannelBinding { disable, prefer, require };

struct UpstreamHost {
  std::string host;      // name, address, or a folder of unix sockets (begins with '/' or '@')
  std::string hostaddr;  // numeric address to use instead of looking `host` up; empty: look up
  std::uint16_t port = 5432;
  bool operator==(const UpstreamHost&) const = default;
};

struct UpstreamTarget {
  std::vector<UpstreamHost> hosts;  // tried in this order
  std::string dbname;
  std::string user;
  std::string password;
  std::string options;           // sent as is in the startup packet
  std::string application_name;  // used where the client gave none
  std::string client_encoding;   // likewise

  SslMode sslmode = SslMode::prefer;
  SslNegotiation sslnegotiation = SslNegotiation::postgres;
  std::string
      sslrootcert;  // file; "system": the system's roots; empty: libpq's default file where there is one
  std::string sslcrl;
  std::string sslcert;
  std::string sslkey;
  std::string sslpassword;
  bool sslsni = true;
  std::string ssl_min_protocol_version = "TLSv1.2";
  std::string ssl_max_protocol_version;
  ChannelBinding channel_binding = ChannelBinding::prefer;

  bool is_neon = false;                     // by the name of a host
  std::chrono::seconds connect_timeout{0};  // 0: server_connect_timeout alone decides
  bool keepalives = true;
  std::chrono::seconds keepalives_idle{0};      // 0: the system's
  std::chrono::seconds keepalives_interval{0};  // 0: the system's
  int keepalives_count = 0;                     // 0: the system's
  std::chrono::milliseconds tcp_user_timeout{0};

  bool operator==(const UpstreamTarget&) const = default;
};

}  // namespace ballast
