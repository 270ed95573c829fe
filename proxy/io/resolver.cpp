#include "proxy/io/resolver.hpp"

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <netdb.h>

#include "proxy/io/reactor.hpp"

namespace ballast {

namespace {
// More questions than this at once mean that the name server hangs; then a quick failure is the better
// answer.
constexpr std::size_t max_waiting = 1000;
}  // namespace

struct Resolver::Job {
  std::string host;
  std::uint16_t port;
  Done done;         // of the reactor's thread
  Reactor* reactor;  // null once taken back; guarded by the desk's mutex
};

struct Resolver::Desk {
  Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Job>> waiting;
  bool has_thread = false;
  bool is_closed = false;
};

class Resolver::Pending final : public Resolver::Question {
 public:
  Pending(std::shared_ptr<Desk> desk, std::shared_ptr<Job> job)
      : desk_(std::move(desk)), job_(std::move(job)) {}
  ~Pending() override {
    const std::lock_guard lock(desk_->mutex);
    job_->reactor = nullptr;
    std::erase(desk_->waiting, job_);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

 private:
  std::shared_ptr<Desk> desk_;
  std::shared_ptr<Job> job_;  // shared with the thread and with the answer on its way back
};

Resolver::Answer Resolver::system_lookup(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) return {{}, result == EAI_SYSTEM ? error_text(errno) : ::gai_strerror(result)};
  Answer answer;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    answer.addresses.push_back(
        SocketAddress::from_raw({reinterpret_cast<const char*>(info->ai_addr), info->ai_addrlen}));
  }
  ::freeaddrinfo(found);
  return answer;
}

Resolver::Resolver(Lookup lookup) : desk_(std::make_shared<Desk>()) { desk_->lookup = std::move(lookup); }

Resolver::~Resolver() {
  const std::lock_guard lock(desk_->mutex);
  desk_->is_closed = true;
  desk_->waiting.clear();
  desk_->changed.notify_one();
}

std::unique_ptr<Resolver::Question> Resolver::ask(Reactor& reactor, std::string host, std::uint16_t port,
                                                  Done done) {
  auto job = std::make_shared<Job>(Job{std::move(host), port, std::move(done), &reactor});
  auto question = std::make_unique<Pending>(desk_, job);
  const std::lock_guard lock(desk_->mutex);
  if (desk_->waiting.size() >= max_waiting) {
    answer(job, {{}, "too many look-ups are waiting"});
    return question;
  }
  desk_->waiting.push_back(std::move(job));
  if (!std::exchange(desk_->has_thread, true)) std::thread(work, desk_).detach();
  desk_->changed.notify_one();
  return question;
}

// With the desk's mutex held, so that the reactor can't end meanwhile.
void Resolver::answer(const std::shared_ptr<Job>& job, Answer answer) {
  if (job->reactor == nullptr) return;
  job->reactor->post([job, answer = std::move(answer)] {
    if (job->reactor != nullptr) job->done(answer);
  });
}

void Resolver::work(const std::shared_ptr<Desk>& desk) {
  std::unique_lock lock(desk->mutex);
  while (true) {
    desk->changed.wait(lock, [&] { return desk->is_closed || !desk->waiting.empty(); });
    if (desk->is_closed) return;
    const std::shared_ptr<Job> job = std::move(desk->waiting.front());
    desk->waiting.pop_front();
    lock.unlock();
    Answer found = desk->lookup(job->host, job->port);
    lock.lock();
    answer(job, std::move(found));
  }
}

}  // namespace ballast
