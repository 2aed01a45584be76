// The checked variants of the C library would be other functions under these names.
#undef _FORTIFY_SOURCE

#include "tests/support/failing_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <optional>

namespace graft::testing {
namespace {

struct Fault {
  unsigned calls = 0;
  int left = 0;  // calls before the one that fails; below 0 behind it
  int error = 0;
};

// Constant initialisation: the first calls come before main.
constinit thread_local Fault fault;

// The error of a call of this kind that is to fail.
std::optional<int> NextError(unsigned call) {
  if ((fault.calls & call) == 0 || fault.left < 0 || fault.left-- > 0) return std::nullopt;
  return fault.error;
}

// What the call gives: its error, or what `real` gives.
template <typename Result, typename Real>
Result Call(unsigned call, const Real& real) {
  const std::optional<int> error = NextError(call);
  if (!error) return static_cast<Result>(real());
  if (*error == FailingCall::kEndOfFile) return 0;
  errno = *error;
  return -1;
}

}  // namespace

FailingCall::FailingCall(unsigned calls, int number, int error) { fault = {calls, number, error}; }
FailingCall::~FailingCall() { fault = {}; }
bool FailingCall::reached() const { return fault.left < 0; }

}  // namespace graft::testing

// The calls themselves go to the system, since a sanitizer has functions of its own between these
// and the C library.
namespace calls = graft::testing;

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return calls::Call<int>(calls::kOpenCall,
                          [&] { return ::syscall(SYS_openat, AT_FDCWD, path, flags, mode); });
}

int fstat(int file, struct stat* info) noexcept {
  return calls::Call<int>(calls::kFstatCall,
                          [&] { return ::fstatat(file, "", info, AT_EMPTY_PATH); });
}

ssize_t pread(int file, void* bytes, size_t count, off_t offset) {
  return calls::Call<ssize_t>(calls::kPreadCall,
                              [&] { return ::syscall(SYS_pread64, file, bytes, count, offset); });
}

ssize_t write(int file, const void* bytes, size_t count) {
  return calls::Call<ssize_t>(calls::kWriteCall,
                              [&] { return ::syscall(SYS_write, file, bytes, count); });
}

int fsync(int file) {
  return calls::Call<int>(calls::kFsyncCall, [&] { return ::syscall(SYS_fsync, file); });
}

int rename(const char* from, const char* to) noexcept {
  return calls::Call<int>(calls::kRenameCall,
                          [&] { return ::renameat(AT_FDCWD, from, AT_FDCWD, to); });
}

}  // extern "C"
