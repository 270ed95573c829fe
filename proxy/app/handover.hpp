// Handover: how a process that serves is replaced without a refused connection (--replace). The two meet at a
// unix socket in the abstract name space whose name follows from the addresses to listen on, and that only
// processes of the same user are heard on. One message each:
//
//   new: take over       old: sockets, and the listening sockets themselves (SCM_RIGHTS)
//   new: serving         old: leaving         from here on the old one accepts nobody, and drains
//   new: cancel N ID KEY old: cancelled N     a cancel request for a client of the old one
//
// Until "serving" both could accept, and the old one does: if the new one does not start, nothing has
// happened.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/generic/seq_packet_protocol.hpp>

#include "protocol/startup.hpp"

#include "proxy/base/settings.hpp"

namespace ballast::handover {

using Protocol = boost::asio::generic::seq_packet_protocol;

inline constexpr std::string_view take_over = "take over";
inline constexpr std::string_view sockets = "sockets";
inline constexpr std::string_view serving = "serving";
inline constexpr std::string_view leaving = "leaving";

// Where the two meet. Nothing: with listen_port 0 nobody could know where that is.
std::optional<Protocol::endpoint> meeting_point(const Settings& settings);
// Is the process at the other end one of our own user's?
bool is_ours(Protocol::socket& socket);

struct Cancel {
  std::uint64_t number = 0;
  CancelRequest request;
};
std::string text_of(const Cancel& cancel);
std::string text_of_cancelled(std::uint64_t number);
std::optional<Cancel> read_cancel(std::string_view text);
std::optional<std::uint64_t> read_cancelled(std::string_view text);

}  // namespace ballast::handover
