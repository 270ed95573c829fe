#include "proxy/base/log.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <doctest/doctest.h>

#include "tests/support/temporary_folder.hpp"

using namespace ballast;

namespace {

// The log is the process's: whatever a case does with it ends with the case.
struct LogToFile {
  explicit LogToFile(LogFormat format = LogFormat::text, const std::string& level = "info") {
    log::configure(level, format, folder.path("log"));
  }
  ~LogToFile() { log::configure("info", LogFormat::text, ""); }
  std::string text() const { return folder.read("log"); }

  TemporaryFolder folder;
};

// Each digit becomes 0, so that the time is always the same.
std::string with_zeros(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return std::isdigit(c) != 0; }, '0');
  return text;
}

// Standard error as a pipe whose reader decides when it reads.
class StuckReader {
 public:
  StuckReader() : kept_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    end_ = ends[0];
    ::fcntl(end_, F_SETFL, O_NONBLOCK);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~StuckReader() {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    ::close(end_);
  }
  StuckReader(const StuckReader&) = delete;
  StuckReader& operator=(const StuckReader&) = delete;

  std::string read() {
    std::string text;
    std::array<char, 4096> piece{};
    ssize_t count = 0;
    while ((count = ::read(end_, piece.data(), piece.size())) > 0)
      text.append(piece.data(), static_cast<std::size_t>(count));
    return text;
  }

 private:
  int kept_;
  int end_ = -1;
};

}  // namespace

TEST_CASE("a reader of standard error that is stuck costs lines, and they are counted") {
  constexpr int lines = 3000;
  StuckReader reader;
  const std::uint64_t before = log::lost_lines();
  for (int i = 0; i < lines; ++i) log::info("a", "some words, so that the pipe is full before the end");
  const std::uint64_t lost = log::lost_lines() - before;
  CHECK(lost > 0);
  const std::string first = reader.read();
  CHECK(std::count(first.begin(), first.end(), '\n') == lines - static_cast<int>(lost));
  CHECK(first.ends_with("the end\n"));
  log::configure("info", LogFormat::text, "");  // a reload forgets none of them
  log::info("a", "again");
  log::info("a", "and again");
  const std::string then = reader.read();
  CHECK(then.find("warning log lines that standard error did not take: " + std::to_string(lost) + "\n") !=
        std::string::npos);
  CHECK(then.ends_with("info a and again\n"));
  CHECK(std::count(then.begin(), then.end(), '\n') == 3);
  CHECK(log::lost_lines() == before + lost);
}

TEST_CASE("a line that is too long for a pipe is cut, and stays one line") {
  StuckReader reader;
  log::configure("info", LogFormat::json, "");
  log::info("a", std::string(5000, '\x01'));
  log::configure("info", LogFormat::text, "");
  const std::string text = reader.read();
  CHECK(text.ends_with("\\u0001\"}\n"));
  CHECK(text.size() > 3000);
  CHECK(text.size() <= PIPE_BUF);
}

TEST_CASE("a text line has the time in UTC, the level, who and what") {
  const LogToFile file;
  log::info("C-17", "login: user=app");
  log::warning("listener", "slow");
  CHECK(
      with_zeros(file.text()) ==
      "0000-00-00T00:00:00.000Z info C-00 login: user=app\n0000-00-00T00:00:00.000Z warning listener slow\n");
}

TEST_CASE("a JSON line is one object with four members") {
  const LogToFile file(LogFormat::json);
  log::error("S-3", "lost: \"reset\"\n\xff");
  CHECK(
      with_zeros(file.text()) ==
      R"({"time":"0000-00-00T00:00:00.000Z","level":"error","who":"S-0","message":"lost: \"reset\"\n\ufffd"})"
      "\n");
}

TEST_CASE("no text can forge a line") {
  const LogToFile file;
  log::info("C-1", "user=x\n2026-01-02T03:04:05.678Z error C-2 stolen");
  const std::string text = file.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.find("user=x\\n2026") != std::string::npos);
}

TEST_CASE("lines below the level are left out") {
  const LogToFile file(LogFormat::text, "warning");
  CHECK_FALSE(log::enabled(log::Level::debug));
  CHECK_FALSE(log::enabled(log::Level::info));
  CHECK(log::enabled(log::Level::warning));
  log::debug("a", "one");
  log::info("a", "two");
  log::error("a", "three");
  CHECK(file.text().find("two") == std::string::npos);
  CHECK(file.text().find("three") != std::string::npos);
}

TEST_CASE("configure opens the file again, so a rotated file is left alone") {
  const LogToFile file;
  log::info("a", "old");
  std::filesystem::rename(file.folder.path("log"), file.folder.path("log.1"));
  log::info("a", "still the old file");
  log::configure("info", LogFormat::text, file.folder.path("log"));
  log::info("a", "new");
  CHECK(file.text().ends_with("info a new\n"));
  CHECK(file.folder.read("log.1").ends_with("still the old file\n"));
}

TEST_CASE("a file that can't be opened is an error, and the old log stays") {
  const LogToFile file;
  CHECK_THROWS_AS(log::configure("debug", LogFormat::text, file.folder.path("")), std::runtime_error);
  CHECK_THROWS_AS(log::configure("loud", LogFormat::text, ""), std::runtime_error);
  CHECK_FALSE(log::enabled(log::Level::debug));
  log::info("a", "here");
  CHECK(file.text().ends_with("info a here\n"));
}

TEST_CASE("threads may log while the log is configured again") {
  const LogToFile file;
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([] {
      for (int line = 0; line < 100; ++line) log::info("t", "line");
    });
  }
  for (int i = 0; i < 10; ++i) log::configure("info", LogFormat::text, file.folder.path("log"));
  for (std::thread& writer : writers) writer.join();
  const std::string text = file.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 400);
}
