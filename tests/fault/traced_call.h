// The system calls that change what is stored, as the tracer sees them in the traced process.
#ifndef GRAFT_TESTS_FAULT_TRACED_CALL_H_
#define GRAFT_TESTS_FAULT_TRACED_CALL_H_

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <string>
#include <vector>

namespace graft {

// A call at its entry.
struct TracedCall {
  std::string name;
  std::string path;         // of the descriptor or of the first argument; absolute
  std::string second_path;  // of rename, link
  uint64_t bytes = 0;       // that a write wants to write
  uint64_t flags = 0;       // of open, renameat2, unlinkat
  bool writes = false;      // can be cut in the middle
};

// Numbers of all calls that ReadCall understands.
const std::vector<int>& DurableCallNumbers();

// The call that thread `tid` is about to make with these registers. False when it is none that
// changes storage (open for reading, close of what was opened for reading).
bool ReadCall(pid_t tid, const user_regs_struct& registers, TracedCall& call);

// Changes a write at its entry so that it writes half of its first piece, at least one byte.
// writev becomes a write.
void HalveWrite(pid_t tid, user_regs_struct& registers);

}  // namespace graft

#endif  // GRAFT_TESTS_FAULT_TRACED_CALL_H_
