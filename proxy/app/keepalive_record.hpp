// KeepaliveRecord: what keepalive has spent, in a file of state_dir, so that a restart gives no budget back.
// A damaged file is a warning and counts as nothing spent. resume() first, then save() now and then and at
// the end; it writes only what has changed. One thread.
#pragma once

#include <string>

#include "proxy/app/state_file.hpp"
#include "proxy/pool/keepalive.hpp"

namespace ballast {

class KeepaliveRecord {
 public:
  // `folder` empty: nothing is kept.
  KeepaliveRecord(Keepalive& keepalive, const std::string& folder);

  void resume();
  void save();

 private:
  Keepalive& keepalive_;
  StateFile file_;
  std::string written_;          // what is in the file
  bool has_complained_ = false;  // that it can't be written
};

}  // namespace ballast
