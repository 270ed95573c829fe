// Listening: what a session knows of its client's LISTENs, from the first one on until there is none.
#pragma once

#include "proxy/pool/notifications.hpp"
#include "proxy/session/hearing.hpp"

namespace ballast {

struct Listening {
  Channels channels;                // as of the last audit
  Notifications* shared = nullptr;  // where it has subscribed; null: it keeps its server
  Notifications::Key key = 0;       // there
  Hearing hearing;
};

}  // namespace ballast
