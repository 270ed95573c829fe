#include "proxy/app/handover.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>

#include <sys/un.h>
#include <unistd.h>

#include "proxy/io/descriptor_passing.hpp"

namespace ballast::handover {

namespace {

// FNV-1a: the same in every version of the program.
std::uint64_t digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

constexpr std::string_view hex_digits = "0123456789abcdef";

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += hex_digits[static_cast<unsigned char>(c) >> 4];
    text += hex_digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::optional<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = hex_digits.find(text[i]);
    const auto low = hex_digits.find(text[i + 1]);
    if (high == hex_digits.npos || low == hex_digits.npos) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number found{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return found;
}

// The text up to the next blank, which is taken away.
std::string_view next_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

}  // namespace

std::optional<Protocol::endpoint> meeting_point(const Settings& settings) {
  if (settings.listen_port == 0) return std::nullopt;
  std::uint64_t hash = digest(settings.listen_addr + '\n' + settings.unix_socket_dir);
  std::string name =
      "ballast-" + std::to_string(::geteuid()) + "-" + std::to_string(settings.listen_port) + "-";
  for (int i = 0; i < 16; ++i, hash >>= 4) name += hex_digits[hash & 15];
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  return Protocol::endpoint(&address, offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

bool is_ours(Protocol::socket& socket) {
  const auto peer = peer_process(socket.native_handle());
  return peer && peer->user == ::geteuid();
}

std::string text_of(const Cancel& cancel) {
  return "cancel " + std::to_string(cancel.number) + " " + std::to_string(cancel.request.process_id) + " " +
         hex(cancel.request.secret);
}

std::string text_of_cancelled(std::uint64_t number) { return "cancelled " + std::to_string(number); }

std::optional<Cancel> read_cancel(std::string_view text) {
  if (next_word(text) != "cancel") return std::nullopt;
  const auto its_number = number<std::uint64_t>(next_word(text));
  const auto process_id = number<std::int32_t>(next_word(text));
  const auto secret = unhex(text);
  if (!its_number || !process_id || !secret) return std::nullopt;
  return Cancel{*its_number, {*process_id, *secret}};
}

std::optional<std::uint64_t> read_cancelled(std::string_view text) {
  if (next_word(text) != "cancelled") return std::nullopt;
  return number<std::uint64_t>(text);
}

}  // namespace ballast::handover
