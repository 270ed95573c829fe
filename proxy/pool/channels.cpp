#include "proxy/pool/channels.hpp"

#include <charconv>

#include "protocol/reader.hpp"

namespace ballast {

namespace {

constexpr std::string_view without_waits = "SET LOCAL synchronous_commit TO off;SET LOCAL lock_timeout TO 0;";

std::string command(std::string_view verb, std::string_view channel) {
  std::string text(verb);
  text += " \"";
  for (const char c : channel) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\";";
}

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<Notification> read_notification(std::string_view body) {
  Reader reader(body);
  Notification notification;
  notification.process_id = reader.int32();
  notification.channel = reader.cstring();
  notification.payload = reader.cstring();
  if (!reader.finished()) return std::nullopt;
  return notification;
}

std::optional<Mark> read_mark(std::string_view payload) {
  const std::size_t dot = payload.find('.');
  Mark mark;
  if (dot == std::string_view::npos || !read_number(payload.substr(0, dot), mark.subscriber) ||
      !read_number(payload.substr(dot + 1), mark.number)) {
    return std::nullopt;
  }
  return mark;
}

std::string listen_to(const Channels& channels) {
  std::string text;
  for (const std::string& channel : channels) text += command("LISTEN", channel);
  return text;
}

std::string unlisten(const Channels& channels) {
  std::string text;
  for (const std::string& channel : channels) text += unlisten(channel);
  return text;
}

std::string unlisten(std::string_view channel) { return command("UNLISTEN", channel); }

std::string set_mark(std::string_view mark_channel, Mark mark) {
  return listen_and_set_mark({}, mark_channel, mark);
}

// Who listens to the channel of marks hears its own, in front of its ReadyForQuery.
std::string listen_and_set_mark(const Channels& channels, std::string_view mark_channel, Mark mark) {
  std::string text(without_waits);
  text += listen_to(channels) + command("LISTEN", mark_channel) + command("NOTIFY", mark_channel);
  text.pop_back();
  return text + ",'" + std::to_string(mark.subscriber) + '.' + std::to_string(mark.number) + '\'';
}

}  // namespace ballast
