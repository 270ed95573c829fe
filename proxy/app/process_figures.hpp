// What the kernel knows of this process (proc(5)). Any thread.
#pragma once

namespace ballast {

struct ProcessFigures {
  double resident_bytes = 0;
  double open_fds = 0;
  double cpu_s = 0;
  double start_time_s = 0;  // since the epoch
};

// Zero for what can't be read.
ProcessFigures process_figures();

}  // namespace ballast
