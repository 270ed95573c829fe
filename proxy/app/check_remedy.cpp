#include "proxy/app/check_remedy.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "proxy/pool/connect_failure.hpp"

namespace ballast {
namespace {

struct Remedy {
  std::string_view words;  // that the message contains, whatever their case
  std::string_view text;
};

// The first that fits counts. Neon's texts: neondatabase/neon, proxy/src; libpq's: fe-connect.c, fe-auth.c,
// fe-secure-openssl.c; the server's: auth.c, postinit.c.
constexpr std::array remedies{
    Remedy{"no password supplied",
           "the URL has no password: write user:password@, or set PGPASSWORD, or a line in ~/.pgpass"},
    Remedy{"password authentication failed",
           "the user or the password is wrong: copy the URL again, or set a new password; in a URL / ? # @ % "
           "of a "
           "password are percent-encoded"},
    Remedy{"could not translate host name", "the host is unknown: look for typing errors in it"},

    Remedy{"certificate verify failed",
           "no root that is trusted vouches for the certificate: give its root as sslrootcert, or "
           "sslrootcert=system "
           "and install ca-certificates"},
    Remedy{
        "does not match host name",
        "the certificate is another host's: use the name that it was issued for, not an address or an alias"},
    Remedy{
        "root certificate file",
        "there is no such file: give the root as sslrootcert, or sslrootcert=system for those of the system"},
    Remedy{"certificate has expired",
           "the certificate is too old: its owner must renew it; is this machine's clock right?"},
    Remedy{"server does not support ssl",
           "the server has no TLS: is the port PostgreSQL's? sslmode=disable is for networks that you trust"},
    Remedy{"connection is insecure", "the server wants TLS: sslmode=require, or better verify-full"},
    Remedy{"channel data mismatch",
           "somebody between you and the server ends TLS: find out who; without channel_binding=require you "
           "would not "
           "have noticed"},
    Remedy{"scram-plus not used",
           "somebody between you and the server has hidden channel binding: find out who"},
    Remedy{
        "channel binding",
        "the server offers no channel binding: it needs TLS and a SCRAM password; if that can't be, remove "
        "channel_binding=require"},

    Remedy{"vpc endpoint",
           "allow this VPC endpoint in the project's settings at Neon, or connect from one that is"},
    Remedy{"endpoint id is not specified",
           "the server can't tell the endpoint: use its full host name and leave sslsni on"},
    Remedy{"inconsistent project name", "host and options name two endpoints: remove endpoint= from options"},
    Remedy{"project name (", "the host or options name no endpoint: copy the URL again from Neon's console"},
    Remedy{"endpoint cannot be found",
           "the host has an endpoint that is gone or belongs to somebody else: copy the URL again from "
           "Neon's console"},
    Remedy{"endpoint could not be found",
           "the host has an endpoint that is gone or belongs to somebody else: copy the URL again from "
           "Neon's console"},
    Remedy{"endpoint is disabled", "enable the endpoint in Neon's console or by its API"},
    Remedy{"endpoint has been disabled", "enable the endpoint in Neon's console or by its API"},
    Remedy{"active endpoints",
           "too many endpoints of the project are awake: suspend some, or ask Neon for more"},
    Remedy{"quota", "the plan's quota is used up: upgrade it, or wait for the next month"},
    Remedy{"project size limit", "the plan's storage is used up: delete something, or upgrade it"},
    Remedy{"is not allowed to connect to this endpoint",
           "add this machine's address to IP Allow in the project's settings at Neon, of IPv4 and IPv6"},
    Remedy{"from a blocked network",
           "the project's settings at Neon block this network: allow it, or connect from another"},
    Remedy{"no pg_hba.conf entry",
           "the server's pg_hba.conf lets in neither this address, user nor database this way"},

    Remedy{"unsupported startup parameter",
           "Neon's pooler refuses the URL's options: use the direct host, without -pooler, or remove them"},
    Remedy{"unsupported options startup parameter",
           "Neon's pooler refuses the URL's options: use the direct host, without -pooler, or remove them"},
    Remedy{"remaining connection slots",
           "the database has no free place for a connection: end some, or give its compute a larger size"},
    Remedy{"too many clients already",
           "the database has no free place for a connection: end some, or give its compute a larger size"},
    Remedy{"connection refused", "nobody listens there: look at host and port, and whether the server runs"},
    Remedy{"network is unreachable",
           "this machine has no way there: look at its network, and whether it has IPv6"},
    Remedy{"timed out", "no answer came: a firewall may drop it, or the address is nobody's"},
    Remedy{"timeout expired", "no answer came: a firewall may drop it, or the address is nobody's"},
    Remedy{"server closed the connection unexpectedly",
           "the server has hung up without a word: is the port PostgreSQL's? Try again, then look at the "
           "server's log"},
};

bool contains(std::string_view text, std::string_view lower) {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(),
                     [](unsigned char a, char b) { return std::tolower(a) == b; }) != text.end();
}

// `database "x" does not exist`: a name of somebody's choice stands between the words.
bool is_missing(std::string_view message, std::string_view what) {
  return contains(message, std::string(what) + " \"") && contains(message, "\" does not exist");
}

std::string_view remedy_of(ConnectFailure kind) {
  switch (kind) {
    case ConnectFailure::crowded:
      return "too many try at once: try again in a few seconds, with less";
    case ConnectFailure::full:
      return "the database has no free place for a connection: end some, or give its compute a larger size";
    case ConnectFailure::refused:
      return "nobody is let in: look at the project in Neon's console";
    case ConnectFailure::rejected:
      return "the server does not want this user, database or these options: compare the URL with the "
             "console's";
    case ConnectFailure::passing:
      break;
  }
  return "try again: this may pass by itself";
}

std::string_view take_word(std::string_view& text, std::string_view end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(std::min(text.size(), at + end.size()));
  return word;
}

}  // namespace

ConnectError parse_connect_error(std::string_view text) {
  // `connection to server at "h" (127.0.0.1), port 5432 failed: ...`, for each attempt; the server's own
  // words may have a "failed: ", too.
  constexpr std::string_view attempt = "connection to server ";
  constexpr std::string_view verb = " failed: ";
  std::size_t at = text.rfind("\n" + std::string(attempt));
  if (at == text.npos && text.starts_with(attempt)) at = 0;
  if (at != text.npos) {
    text.remove_prefix(at);
    take_word(text, verb);
  }
  ConnectError failure;
  for (const std::string_view severity : {"FATAL:  ", "ERROR:  ", "PANIC:  "}) {
    if (!text.starts_with(severity)) continue;
    text.remove_prefix(severity.size());
    failure.by = FailedBy::server;
    if (text.size() > 7 && text.substr(5, 2) == ": ") failure.error.sqlstate = take_word(text, ": ");
  }
  failure.error.message = text.substr(0, text.find('\n'));
  return failure;
}

std::string remedy_of(const ConnectError& failure) {
  const std::string_view message = failure.error.message;
  if (is_missing(message, "database"))
    return "the database has another name: look behind the last / of the URL";
  if (is_missing(message, "role")) return "there is no such user: look at the user of the URL";
  const auto found =
      std::ranges::find_if(remedies, [&](const Remedy& each) { return contains(message, each.words); });
  if (found != remedies.end()) return std::string(found->text);
  return std::string(remedy_of(kind_of(failure.error, failure.by == FailedBy::server)));
}

}  // namespace ballast
