// sim: runs the pooler's real pools and sessions on a simulated network and clock, seed by seed.
//
//   sim [--seeds N] [--first S]   seeds S .. S+N-1; a failing one is printed, and how to replay it;
//                                 stops after five of them, or --failures F
//   sim --seed S                  that one, with everything that happens on standard error
//   sim --fault drop-answer       an answer of a server's is lost, or sent twice, in each run:
//   sim --fault double-answer     succeeds if a seed finds that
//
// Each seed has a process of its own: what one leaves behind can't change another, and a crash is a failure
// like others.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include "proxy/base/log.hpp"

#include "tests/sim/plan.hpp"
#include "tests/sim/theatre.hpp"

namespace ballast::sim {
namespace {

struct Options {
  std::uint64_t first = 1;
  std::uint64_t count = 2000;
  std::uint64_t failures_max = 5;  // stop there
  bool is_replay = false;
  Fault fault = Fault::none;
  std::string fault_name;
};

std::string run_seed(std::uint64_t seed, Fault fault, Verbosity verbosity) {
  Dice dice(seed);
  const Plan plan = make_plan(dice, fault);
  Theatre theatre(plan, dice.child(), verbosity);
  const std::string failure = theatre.run();
  // What fails before the fault has been put in is not found because of it.
  return fault != Fault::none && !theatre.has_injected_fault() ? std::string() : failure;
}

std::string crash_text(int status) {
  if (WIFSIGNALED(status)) return "crashed by signal " + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

// Empty: it passed.
std::string run_apart(std::uint64_t seed, Fault fault) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    const std::string failure = run_seed(seed, fault, Verbosity::silent);
    if (write(ends[1], failure.data(), failure.size()) < 0) _exit(2);
    _exit(0);
  }
  close(ends[1]);
  std::string failure;
  char room[4096];
  for (ssize_t got = 0; (got = read(ends[0], room, sizeof room)) > 0;)
    failure.append(room, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? failure : crash_text(status);
}

int replay(const Options& options) {
  log::configure("debug", LogFormat::text, "");
  const std::string failure = run_seed(options.first, options.fault, Verbosity::every_event);
  std::printf("seed %ju: %s\n", std::uintmax_t{options.first}, failure.empty() ? "passed" : failure.c_str());
  return failure.empty() ? 0 : 1;
}

int hunt_fault(const Options& options) {
  for (std::uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    const std::string failure = run_apart(seed, options.fault);
    if (failure.empty()) continue;
    std::printf("fault %s found by seed %ju, number %ju: %s\n", options.fault_name.c_str(),
                std::uintmax_t{seed}, std::uintmax_t{seed - options.first + 1}, failure.c_str());
    return 0;
  }
  std::printf("fault %s not found within %ju seeds\n", options.fault_name.c_str(),
              std::uintmax_t{options.count});
  return 1;
}

int run_all(const Options& options) {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = options.first;
       seed < options.first + options.count && failed < options.failures_max; ++seed) {
    const std::string failure = run_apart(seed, Fault::none);
    if (failure.empty()) {
      ++passed;
      continue;
    }
    ++failed;
    std::printf("seed %ju failed: %s\n  replay: sim --seed %ju\n", std::uintmax_t{seed}, failure.c_str(),
                std::uintmax_t{seed});
    std::fflush(stdout);
  }
  std::printf("sim: %ju seeds passed, %ju failed\n", std::uintmax_t{passed}, std::uintmax_t{failed});
  return failed == 0 ? 0 : 1;
}

bool read_options(int count, char** words, Options& options) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    const std::string value = words[i + 1];
    if (name == "--fault") {
      options.fault_name = value;
      options.fault = value == "drop-answer" ? Fault::drop_answer : Fault::double_answer;
      if (value != "drop-answer" && value != "double-answer") return false;
      continue;
    }
    const std::uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "--seeds") {
      options.count = number;
    } else if (name == "--failures") {
      options.failures_max = number;
    } else if (name == "--first" || name == "--seed") {
      options.first = number;
      options.is_replay = name == "--seed";
    } else {
      return false;
    }
  }
  return count % 2 == 1;
}

int main_of(int count, char** words) {
  Options options;
  if (!read_options(count, words, options)) {
    std::fprintf(
        stderr,
        "usage: sim [--seeds N] [--first S] [--failures F] [--seed S] [--fault drop-answer|double-answer]\n");
    return 2;
  }
  log::configure("error", LogFormat::text, "");
  if (options.is_replay) return replay(options);
  return options.fault == Fault::none ? run_all(options) : hunt_fault(options);
}

}  // namespace
}  // namespace ballast::sim

int main(int count, char** words) { return ballast::sim::main_of(count, words); }
