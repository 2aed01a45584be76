// SIGINT and SIGTERM as a request that long work asks for between its steps.
#ifndef GRAFT_TOOLS_STOP_SIGNAL_H_
#define GRAFT_TOOLS_STOP_SIGNAL_H_

#include <csignal>

namespace graft::tools {

// From its construction to its destruction the first SIGINT or SIGTERM is only noted; a second one
// ends the program as always. A signal that was ignored before stays ignored. One at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  bool requested() const;
  // 130 after SIGINT, 143 after SIGTERM, 0 when none came.
  int exit_status() const;

 private:
  struct sigaction interrupt_before_, terminate_before_;
};

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_STOP_SIGNAL_H_
