// System calls that fail, in the program that is tested: a test program that has failing_calls.cc
// among its sources calls the functions there in place of those of the C library.
#ifndef GRAFT_TESTS_SUPPORT_FAILING_CALLS_H_
#define GRAFT_TESTS_SUPPORT_FAILING_CALLS_H_

#include <cerrno>

namespace graft::testing {

// To be put together with |.
inline constexpr unsigned kOpenCall = 1, kFstatCall = 2, kPreadCall = 4, kWriteCall = 8,
                          kFsyncCall = 16, kRenameCall = 32;

// While it lives, the call number `number` (from 0) among those of this thread that `calls` names
// fails. There is one at a time.
class FailingCall {
 public:
  // In place of an error, for pread: the end of the file.
  static constexpr int kEndOfFile = 0;

  FailingCall(unsigned calls, int number, int error = EIO);
  ~FailingCall();
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;

  // The call was made.
  bool reached() const;
};

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_FAILING_CALLS_H_
