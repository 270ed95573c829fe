#include "proxy/base/log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <stdexcept>

#include <poll.h>
#include <unistd.h>

#include <climits>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>

#include "proxy/base/printable.hpp"

namespace ballast::log {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

// Of a message that makes a line longer than PIPE_BUF: what fits there however many of its bytes are escaped.
constexpr std::size_t longest_message = 600;

std::string utc(spdlog::log_clock::time_point time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, since_epoch.count() % 1000);
}

std::string_view name_of(spdlog::level::level_enum level) {
  return level_names.at(static_cast<std::size_t>(level) - SPDLOG_LEVEL_DEBUG);
}

// The logger's name carries `who`. Both are escaped here, so that no text can forge a line.
class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& event, spdlog::memory_buf_t& out) override {
    const std::string_view who(event.logger_name.data(), event.logger_name.size());
    const std::string_view message(event.payload.data(), event.payload.size());
    const std::string time = utc(event.time);
    const std::string_view level = name_of(event.level);
    if (format_ == LogFormat::json) {
      fmt::format_to(fmt::appender(out), "{{\"time\":\"{}\",\"level\":\"{}\",\"who\":{},\"message\":{}}}\n",
                     time, level, json_string(who), json_string(message));
    } else {
      fmt::format_to(fmt::appender(out), "{} {} {} {}\n", time, level, printable(who), printable(message));
    }
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  const LogFormat format_;
};

std::atomic<std::uint64_t> lost{0};
std::uint64_t told = 0;  // of those; under the outlet's lock, and kept when the sink is exchanged

// A pipe that poll(2) calls writable takes PIPE_BUF bytes at once (pipe(7)); a socket or a terminal takes
// more.
bool takes_a_line(int fd) {
  pollfd asked{fd, POLLOUT, 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0;
}

class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& event) override {
    if (!tell_what_was_lost() || !write(event)) lost.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override {}

 private:
  bool tell_what_was_lost() {
    const std::uint64_t untold = lost - told;
    if (untold == 0) return true;
    const std::string text = "lines that standard error did not take: " + std::to_string(untold);
    if (!write({"log", spdlog::level::warn, text})) return false;
    told += untold;
    return true;
  }
  bool write(spdlog::details::log_msg event) {
    if (!takes_a_line(STDERR_FILENO)) return false;
    spdlog::memory_buf_t line;
    formatter_->format(event, line);
    if (line.size() > PIPE_BUF) {
      event.payload = {event.payload.data(), std::min(event.payload.size(), longest_message)};
      line.clear();
      formatter_->format(event, line);
    }
    return ::write(STDERR_FILENO, line.data(), line.size()) >= 0;
  }
};

std::shared_ptr<spdlog::sinks::sink> open_sink(LogFormat format, const std::string& file) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (file.empty()) {
    sink = std::make_shared<StandardError>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  }
  sink->set_formatter(std::make_unique<LineFormatter>(format));
  return sink;
}

// Lines go through `outlet`, which lives as long as the process: its sink is exchanged under its own lock, so
// a reload may happen while workers log.
struct Log {
  std::atomic<Level> lowest{Level::info};
  spdlog::sinks::dist_sink_mt outlet{{open_sink(LogFormat::text, "")}};
};

Log& the_log() {
  static Log log;
  return log;
}

Level level_named(std::string_view name) {
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (level_names[i] == name) return static_cast<Level>(i);
  }
  throw std::runtime_error("log_level = \"" + printable(name) + "\": use debug, info, warning or error");
}

}  // namespace

void configure(const std::string& level, LogFormat format, const std::string& file) {
  const Level lowest = level_named(level);
  try {
    the_log().outlet.set_sinks({open_sink(format, file)});
  } catch (const spdlog::spdlog_ex& failure) {
    throw std::runtime_error("log_file = \"" + printable(file) + "\": " + printable(failure.what()));
  }
  the_log().lowest = lowest;
}

void write(Level level, std::string_view who, std::string_view message) {
  if (!enabled(level)) return;
  const auto spdlog_level =
      static_cast<spdlog::level::level_enum>(static_cast<int>(level) + SPDLOG_LEVEL_DEBUG);
  try {
    the_log().outlet.log(
        spdlog::details::log_msg({who.data(), who.size()}, spdlog_level, {message.data(), message.size()}));
    the_log().outlet.flush();
  } catch (const spdlog::spdlog_ex&) {
    // A full disk must not stop the queries.
  }
}

std::uint64_t lost_lines() { return lost.load(std::memory_order_relaxed); }

bool enabled(Level level) { return level >= the_log().lowest.load(std::memory_order_relaxed); }

}  // namespace ballast::log
