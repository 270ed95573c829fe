// ConnectTimes: how long connections took to come about, those to servers phase by phase. Written by one
// worker; any thread may read.
#pragma once

#include "proxy/base/histogram.hpp"

namespace ballast {

struct ConnectTimes {
  Histogram connect;       // DNS and TCP, with all addresses that were tried
  Histogram tls;           // SSLRequest and handshake
  Histogram login;         // StartupMessage to ReadyForQuery
  Histogram wake;          // from the first connect to a database that sleeps until one has succeeded
  Histogram client_login;  // of a client: from accept to ReadyForQuery
};

}  // namespace ballast
