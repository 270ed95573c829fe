#include "tests/neon/postmaster.hpp"

#include <fstream>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

namespace ballast::neon {
namespace {

pid_t spawn(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY,
                                   0);  // ours is for one line of JSON
  pid_t child = -1;
  const int error = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot run " + command.front());
  return child;
}

int reap(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// Waits without blocking the thread.
Task<int> run(std::vector<std::string> command) {
  const pid_t child = spawn(command);
  asio::posix::stream_descriptor process(co_await asio::this_coro::executor,
                                         static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  co_await process.async_wait(asio::posix::stream_descriptor::wait_read, with_error);
  co_return reap(child);
}

std::string account_of(const std::string& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) throw std::runtime_error("no folder " + folder);
  const passwd* owner = getpwuid(status.st_uid);
  return owner == nullptr ? std::string() : owner->pw_name;
}

}  // namespace

Postmaster::Postmaster(std::string data_folder, std::string program_folder)
    : data_folder_(std::move(data_folder)), program_folder_(std::move(program_folder)) {
  if (!is_owned()) return;
  std::ifstream file(data_folder_ + "/postmaster.opts");
  std::string program;
  file >> program;
  std::getline(file, options_);
  if (!file) throw std::runtime_error("no server has been started in " + data_folder_);
}

void Postmaster::leave() {
  if (is_our_child_ && is_running_) reap(spawn(control({"stop", "-m", "fast"})));
}

// pg_ctl refuses to run as root.
std::vector<std::string> Postmaster::control(std::vector<std::string> command) const {
  std::vector<std::string> words;
  if (geteuid() == 0) words = {"runuser", "-u", account_of(data_folder_), "--"};
  words.insert(words.end(), {program_folder_ + "/pg_ctl", "-D", data_folder_, "-w"});
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

Task<void> Postmaster::start() {
  if (!is_owned() || is_running_) co_return;
  std::vector<std::string> command{"start", "-l", data_folder_ + "/restarts.log", "-o", options_};
  const int status = co_await run(control(std::move(command)));
  if (status != 0) throw std::runtime_error("pg_ctl start failed");
  is_running_ = is_our_child_ = true;
}

Task<void> Postmaster::stop() {
  if (!is_owned() || !is_running_) co_return;
  std::vector<std::string> command{"stop", "-m", "fast"};
  co_await run(control(std::move(command)));
  is_running_ = false;
}

}  // namespace ballast::neon
