// LoginMemory: what servers have told at login and of startup parameters, so that clients can log in while
// the database sleeps, and after a restart. For each database and user the values that a bare server reports,
// and those that it reports under the startup parameters of clients.
//
// Shared by all workers, thread-safe. It may be out of date where something was changed past Ballast; the
// next server that connects puts that right.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/pool/parameter_set.hpp"
#include "proxy/pool/pool_key.hpp"

namespace ballast {

class LoginMemory {
 public:
  // `values`: startup parameters; none: a bare server.
  void remember(const PoolKey& key, const ReportedParameters& values, const ReportedParameters& reported);
  std::optional<ReportedParameters> find(const PoolKey& key, const ReportedParameters& values) const;

  // For a file. What read() can't make sense of is left out; false: it is no such text at all.
  std::string write() const;
  bool read(std::string_view bytes);
  // Grows with each change.
  std::uint64_t version() const;

 private:
  using Logins = std::map<ReportedParameters, ReportedParameters>;

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Logins> pools_;  // by database and user
  std::uint64_t version_ = 0;
};

}  // namespace ballast
