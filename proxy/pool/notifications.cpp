#include "proxy/pool/notifications.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <limits>
#include <utility>

#include "protocol/message.hpp"

#include "proxy/base/log.hpp"
#include "proxy/pool/pool_set.hpp"

namespace ballast {

namespace {

PoolKey listening(PoolKey key) {
  key.listening = true;
  return key;
}

std::string random_name(Random& random) {
  std::array<char, 8> bytes{};
  random.fill(bytes);
  std::string name = "ballast_mark_";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    name += "0123456789abcdef"[value >> 4];
    name += "0123456789abcdef"[value & 15];
  }
  return name;
}

Channels difference(const Channels& from, const Channels& less) {
  Channels rest;
  std::set_difference(from.begin(), from.end(), less.begin(), less.end(), std::inserter(rest, rest.end()));
  return rest;
}

std::uint64_t next_key() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Notifications::Notifications(PoolSet& pools, const PoolKey& key, std::string encoding)
    : pools_(pools),
      encoding_(std::move(encoding)),
      mark_channel_(random_name(pools.world().random)),
      pool_(pools, listening(key)) {
  configure();
}

Notifications::~Notifications() = default;

void Notifications::configure() {
  const PoolKey& key = pool_.key();
  PoolSettings settings = pools_.settings().pool_settings(key.database, key.user);
  settings.pool_mode = PoolMode::transaction;
  settings.min_pool_size = settings.reserve_pool_size = 0;
  settings.pool_size = std::numeric_limits<int>::max();  // one for each worker and encoding
  pool_.configure(std::move(settings));
}

// Subscriptions
// ------------------------------------------------------------------------------------------------------

Notifications::Key Notifications::subscribe(Subscriber& subscriber, Channels channels) {
  const Key key = next_key();
  add(key, channels);
  const bool is_told = is_registered(channels);
  entries_.emplace(key, Entry{&subscriber, std::move(channels), is_told});
  if (server_ != nullptr) {
    listen();
  } else if (!is_waiting() && pools_.world().loop.now() >= retry_at_) {
    connect();
  }
  return key;
}

void Notifications::change(Key key, Channels channels) {
  Entry& entry = entries_.at(key);
  add(key, difference(channels, entry.channels));
  remove(key, difference(entry.channels, channels));
  entry.channels = std::move(channels);
  entry.is_told = is_registered(entry.channels);
  if (server_ != nullptr) listen();
}

void Notifications::unsubscribe(Key key) {
  const auto entry = entries_.find(key);
  remove(key, entry->second.channels);
  entries_.erase(entry);
  if (entries_.empty()) deserted_at_ = pools_.world().loop.now();
}

void Notifications::add(Key key, const Channels& channels) {
  for (const std::string& name : channels) {
    Channel& channel = channels_[name];
    channel.keys.push_back(key);
    if (!channel.is_registered && !asked_.contains(name)) wanted_.insert(name);
  }
}

// Channels that nobody listens to any more stay for a tick: who comes back to one finds it.
void Notifications::remove(Key key, const Channels& channels) {
  for (const std::string& name : channels) std::erase(channels_.at(name).keys, key);
}

bool Notifications::is_registered(const Channels& channels) const {
  return is_ready_ && std::all_of(channels.begin(), channels.end(), [this](const std::string& name) {
           return channels_.at(name).is_registered;
         });
}

bool Notifications::is_listening_for(Key key) const { return entries_.at(key).is_told; }

// The connection
// --------------------------------------------------------------------------------------------------------

void Notifications::connect() {
  retry_at_ = pools_.world().loop.now() + pools_.settings().server_login_retry;
  if (ServerConnection* const server = pool_.checkout(*this)) on_granted(*server);
}

void Notifications::on_granted(ServerConnection& server) {
  server_ = &server;
  server.lease_to(*this);
  if (!encoding_.empty()) {
    server.take_parameters(pool_.parameter_sets().intern({{"client_encoding", encoding_}}));
  }
  wanted_ = {mark_channel_};
  for (const auto& [name, channel] : channels_) wanted_.insert(name);
  listen();
}

// What is not possible now is tried again by the next tick.
void Notifications::on_refused(const PgError&) {}

void Notifications::listen() {
  if (is_asking_ || wanted_.empty()) return;
  is_asking_ = true;
  asked_ = std::exchange(wanted_, {});
  server_->listen(asked_, {});
  server_->flush();
}

void Notifications::on_listened() {
  is_asking_ = false;
  is_ready_ = true;
  for (const std::string& name : asked_) {
    if (const auto found = channels_.find(name); found != channels_.end()) found->second.is_registered = true;
  }
  asked_.clear();
  tell_ready();
  if (server_ != nullptr) listen();
}

void Notifications::tell_ready() {
  std::vector<Key> ready;
  for (auto& [key, entry] : entries_) {
    if (!entry.is_told && is_registered(entry.channels)) ready.push_back(key);
  }
  for (const Key key : ready) {
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) continue;
    entry->second.is_told = true;
    entry->second.subscriber->on_listening();
  }
}

void Notifications::on_server_lost(const PgError& why) {
  log::warning("notifications " + pool_.key().user + "@" + pool_.key().database,
               "the listening connection is lost: " + why.message);
  server_ = nullptr;
  retry_at_ = pools_.world().loop.now() + pools_.settings().server_login_retry;  // others may be lost as well
  is_asking_ = is_ready_ = false;
  wanted_.clear();
  asked_.clear();
  std::erase_if(channels_, [](const auto& channel) { return channel.second.keys.empty(); });
  for (auto& [name, channel] : channels_) channel.is_registered = false;
  std::vector<Key> all;
  for (auto& [key, entry] : entries_) {
    entry.is_told = false;
    entry.missing_since = TimePoint::max();
    all.push_back(key);
  }
  ++pools_.counters().listening_connections_lost;
  for (const Key key : all) {
    if (const auto entry = entries_.find(key); entry != entries_.end()) entry->second.subscriber->on_deaf();
  }
}

void Notifications::on_parameters_refused(const PgError& why) {
  ServerConnection& server = *server_;
  on_server_lost(why);
  server.retire();
  pool_.checkin(server);
}

void Notifications::obey(const Gates& gates) {
  if (gates.is_paused(pool_.key().database)) let_go("the database is paused");
  pool_.obey(gates);
}

void Notifications::reconnect() {
  pool_.reconnect();
  let_go("it is to be replaced");
  retry_at_ = {};
}

void Notifications::let_go(std::string why) {
  if (server_ == nullptr) return;
  on_parameters_refused({Severity::fatal, std::string(sqlstate::admin_shutdown), std::move(why), {}, {}});
}

void Notifications::close() {
  leave_queue();
  if (ServerConnection* const server = std::exchange(server_, nullptr)) {
    is_asking_ = is_ready_ = false;
    wanted_.clear();
    asked_.clear();
    channels_.clear();
    server->retire();
    pool_.checkin(*server);
  }
  channels_.clear();
}

void Notifications::tick(TimePoint now) {
  pool_.tick(now);
  if (entries_.empty()) {
    const Milliseconds linger = pools_.settings().server_idle_timeout;
    if (server_ == nullptr || (linger.count() > 0 && now - deserted_at_ >= linger)) close();
    return;
  }
  // Who listens to a server that sleeps misses nothing, and is not to wake it.
  const Upstream& upstream = pools_.broker().upstream();
  const bool is_there = upstream.state() == Upstream::State::awake || upstream.may_be_filled();
  const bool may_connect = now >= retry_at_ && is_there;
  if (server_ == nullptr && !is_waiting() && may_connect) connect();
  if (server_ != nullptr && misses_marks(now)) {
    ServerConnection& server = *server_;
    on_server_lost({Severity::fatal,
                    std::string(sqlstate::connection_failure),
                    "it does not tell what others hear",
                    {},
                    {}});
    pool_.discard(server);
  }
  if (server_ == nullptr || is_asking_) return;
  Channels ended;
  for (const auto& [name, channel] : channels_) {
    if (channel.keys.empty()) ended.insert(name);
  }
  if (ended.empty()) return;
  for (const std::string& name : ended) channels_.erase(name);
  is_asking_ = true;
  server_->listen({}, ended);
  server_->flush();
}

// What is heard
// ---------------------------------------------------------------------------------------------------------

Lessee::Heard Notifications::on_notification(std::string_view message) {
  const auto notification = read_notification(message.substr(header_size));
  if (!notification) return Heard::go_on;
  if (notification->channel != mark_channel_) {
    dispatch(*notification, message);
    return Heard::go_on;
  }
  const auto mark = read_mark(notification->payload);
  if (!mark) return Heard::go_on;
  const auto entry = entries_.find(mark->subscriber);
  if (entry == entries_.end()) return Heard::go_on;
  entry->second.missing_since = TimePoint::max();
  touched_.push_back(mark->subscriber);
  entry->second.subscriber->on_shared_mark(mark->number);
  return Heard::go_on;
}

// From the last to the first: who leaves from within its call moves only those that have been told.
void Notifications::dispatch(const Notification& notification, std::string_view message) {
  const auto channel = channels_.find(std::string(notification.channel));
  if (channel == channels_.end()) return;
  const std::vector<Key>& keys = channel->second.keys;
  for (std::size_t i = keys.size(); i-- > 0;) {
    touched_.push_back(keys[i]);
    entries_.at(keys[i]).subscriber->on_shared_notification(message);
  }
}

void Notifications::on_answers_end() {
  std::vector<Key> touched = std::exchange(touched_, {});
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const Key key : touched) {
    if (const auto entry = entries_.find(key); entry != entries_.end())
      entry->second.subscriber->on_notifications_end();
  }
}

void Notifications::miss_mark(Key key) { entries_.at(key).missing_since = pools_.world().loop.now(); }

bool Notifications::misses_marks(TimePoint now) const {
  const Milliseconds limit = pools_.settings().server_connect_timeout;
  if (limit.count() == 0) return false;
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const TimePoint since = entry.second.missing_since;
    return since != TimePoint::max() && now - since >= limit;
  });
}

}  // namespace ballast
