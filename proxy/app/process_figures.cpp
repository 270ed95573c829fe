#include "proxy/app/process_figures.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace ballast {

namespace {

// The field of /proc/self/stat with that number, counted as in proc(5). Behind the name, which may hold
// anything.
double stat_field(int number) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(line.substr(name_end + 2));
  std::string field;
  for (int i = 3; i <= number; ++i) rest >> field;
  return rest ? std::stod(field) : 0;
}

double boot_time_s() {
  std::ifstream file("/proc/stat");
  for (std::string key; file >> key;) {
    double value = 0;
    if (key == "btime" && file >> value) return value;
  }
  return 0;
}

double to_s(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// The kernel counts every interrupt of every processor for the one line of /proc/stat that this needs.
double start_time_s() {
  constexpr int start_time_field = 22;
  static const double time =
      boot_time_s() + stat_field(start_time_field) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return time;
}

}  // namespace

ProcessFigures process_figures() {
  constexpr int rss_field = 24;
  ProcessFigures figures;
  figures.resident_bytes = stat_field(rss_field) * static_cast<double>(sysconf(_SC_PAGESIZE));
  figures.start_time_s = start_time_s();
  std::error_code error;
  const std::filesystem::directory_iterator fds("/proc/self/fd", error);
  if (!error) figures.open_fds = static_cast<double>(std::distance(begin(fds), end(fds)));
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) figures.cpu_s = to_s(usage.ru_utime) + to_s(usage.ru_stime);
  return figures;
}

}  // namespace ballast
