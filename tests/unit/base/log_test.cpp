#include "proxy/base/log.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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

}  // namespace

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
