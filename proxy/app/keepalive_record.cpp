#include "proxy/app/keepalive_record.hpp"

#include <utility>

#include "proxy/base/log.hpp"
#include "proxy/base/printable.hpp"

namespace ballast {

KeepaliveRecord::KeepaliveRecord(Keepalive& keepalive, const std::string& folder)
    : keepalive_(keepalive), file_(folder, "keepalive"), written_(to_text(keepalive.spending())) {}

void KeepaliveRecord::resume() {
  try {
    const std::optional<std::string> text = file_.read();
    if (!text) return;
    if (const auto spending = parse_keepalive_spending(*text)) {
      keepalive_.resume(*spending);
      written_ = *text;
    } else {
      log::warning("keepalive", printable(file_.path()) + " is damaged: nothing counts as spent this month");
    }
  } catch (const StateFileError& failure) {
    log::warning("keepalive", std::string(failure.what()) + ": nothing counts as spent this month");
  }
}

void KeepaliveRecord::save() {
  if (!file_.is_kept()) return;
  std::string text = to_text(keepalive_.spending());
  if (text == written_) return;
  try {
    file_.write(text);
    written_ = std::move(text);
    has_complained_ = false;
  } catch (const StateFileError& failure) {
    if (std::exchange(has_complained_, true)) return;
    log::warning("keepalive", std::string(failure.what()) + ": a restart will forget what was spent");
  }
}

}  // namespace ballast
