#include "proxy/session/cancel_keys.hpp"

#include "protocol/digest.hpp"

namespace ballast {

std::int32_t CancelKeys::issue(Cancelable& session) {
  constexpr std::int32_t number_max = 0x7fffff;  // 23 bits beside the worker's 8: process ids are positive
  std::int32_t id = 0;
  do {
    last_ = last_ == number_max ? 1 : last_ + 1;
    id = last_ << 8 | worker_;
  } while (!sessions_.emplace(id, &session).second);
  return id;
}

Cancelable* CancelKeys::find(std::int32_t process_id, std::string_view secret) const {
  const auto found = sessions_.find(process_id);
  if (found == sessions_.end()) return nullptr;
  return equal_in_constant_time(found->second->cancel_secret(), secret) ? found->second : nullptr;
}

}  // namespace ballast
