// Channels of LISTEN and NOTIFY: what Ballast says to servers about them, and what it hears.
//
// The server puts all notifications of a database into one order, and each of its connections hears them in
// that order. So a mark, a notification of our own that two connections hear, says of everything else whether
// it came before or after: there a client can be moved from one to the other, nothing lost, nothing doubled.
// (PostgreSQL, src/backend/commands/async.c.) Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace ballast {

using Channels = std::set<std::string, std::less<>>;

struct Notification {
  std::int32_t process_id = 0;  // of the server that sent it
  std::string_view channel;
  std::string_view payload;
};
// The body of a NotificationResponse; nothing if it is none.
std::optional<Notification> read_notification(std::string_view body);

struct Mark {
  std::uint64_t subscriber = 0;  // whose
  std::uint64_t number = 0;      // which of its

  bool operator==(const Mark&) const = default;
};
std::optional<Mark> read_mark(std::string_view payload);

// Commands. The last two are a transaction that waits for no disk and no lock_timeout: they ride in front of
// a client's statement, in the state that the client has set.
std::string listen_to(const Channels& channels);
std::string unlisten(const Channels& channels);
std::string unlisten(std::string_view channel);
std::string set_mark(std::string_view mark_channel, Mark mark);
std::string listen_and_set_mark(const Channels& channels, std::string_view mark_channel, Mark mark);

}  // namespace ballast
