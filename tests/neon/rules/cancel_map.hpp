// CancelMap: the cancel keys that the front gives out, which are random, and the compute's own ones behind
// them.
//
// Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace ballast::neon {

struct CancelKey {
  std::int32_t process_id = 0;
  std::string secret;
  bool operator<(const CancelKey& other) const {
    return std::tie(process_id, secret) < std::tie(other.process_id, other.secret);
  }
};

class CancelMap {
 public:
  void add(const CancelKey& given, CancelKey own) { keys_.insert_or_assign(given, std::move(own)); }
  void remove(const CancelKey& given) { keys_.erase(given); }
  std::optional<CancelKey> find(const CancelKey& given) const {
    const auto found = keys_.find(given);
    return found == keys_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const { return keys_.size(); }

 private:
  std::map<CancelKey, CancelKey> keys_;
};

}  // namespace ballast::neon
