#include "tests/fault/traced_call.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace graft {
namespace {

// Where the arguments stand.
enum class Form {
  kDescriptor,    // (fd, ...)
  kWrite,         // (fd, buffer, count)
  kWriteVector,   // (fd, iov, count)
  kCopyOut,       // (in, offset, out, ...)
  kOpen,          // (path, flags)
  kOpenAt,        // (folder, path, flags)
  kCreate,        // (path)
  kPath,          // (path)
  kPathAt,        // (folder, path, flags)
  kPathAtNoFlag,  // (folder, path)
  kPaths,         // (path, path)
  kPathsAt,       // (folder, path, folder, path, flags)
  kLinkAt,        // (text, folder, path)
  kClose,         // (fd), only of what was opened for writing
};

struct CallForm {
  int number;
  const char* name;
  Form form;
};

constexpr CallForm kCalls[] = {
    {SYS_write, "write", Form::kWrite},
    {SYS_pwrite64, "pwrite64", Form::kWrite},
    {SYS_writev, "writev", Form::kWriteVector},
    {SYS_pwritev, "pwritev", Form::kWriteVector},
    {SYS_pwritev2, "pwritev2", Form::kWriteVector},
    {SYS_sendfile, "sendfile", Form::kDescriptor},
    {SYS_copy_file_range, "copy_file_range", Form::kCopyOut},
    {SYS_ftruncate, "ftruncate", Form::kDescriptor},
    {SYS_fallocate, "fallocate", Form::kDescriptor},
    {SYS_fsync, "fsync", Form::kDescriptor},
    {SYS_fdatasync, "fdatasync", Form::kDescriptor},
    {SYS_fchmod, "fchmod", Form::kDescriptor},
    {SYS_close, "close", Form::kClose},
    {SYS_open, "open", Form::kOpen},
    {SYS_openat, "openat", Form::kOpenAt},
    {SYS_creat, "creat", Form::kCreate},
    {SYS_truncate, "truncate", Form::kPath},
    {SYS_chmod, "chmod", Form::kPath},
    {SYS_fchmodat, "fchmodat", Form::kPathAtNoFlag},
    {SYS_mkdir, "mkdir", Form::kPath},
    {SYS_mkdirat, "mkdirat", Form::kPathAtNoFlag},
    {SYS_rmdir, "rmdir", Form::kPath},
    {SYS_unlink, "unlink", Form::kPath},
    {SYS_unlinkat, "unlinkat", Form::kPathAt},
    {SYS_rename, "rename", Form::kPaths},
    {SYS_renameat, "renameat", Form::kPathsAt},
    {SYS_renameat2, "renameat2", Form::kPathsAt},
    {SYS_link, "link", Form::kPaths},
    {SYS_linkat, "linkat", Form::kPathsAt},
    {SYS_symlink, "symlink", Form::kPaths},
    {SYS_symlinkat, "symlinkat", Form::kLinkAt},
};

std::string ProcPath(pid_t tid, const std::string& rest) {
  return "/proc/" + std::to_string(tid) + "/" + rest;
}

std::string LinkTarget(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof(target));
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

std::string DescriptorPath(pid_t tid, uint64_t descriptor) {
  return LinkTarget(ProcPath(tid, "fd/" + std::to_string(static_cast<int>(descriptor))));
}

bool OpenForWriting(pid_t tid, uint64_t descriptor) {
  std::ifstream info(ProcPath(tid, "fdinfo/" + std::to_string(static_cast<int>(descriptor))));
  std::string key, value;
  while (info >> key >> value) {
    if (key == "flags:") return (std::strtoul(value.c_str(), nullptr, 8) & O_ACCMODE) != O_RDONLY;
  }
  return false;
}

bool ReadMemory(pid_t tid, uint64_t address, void* out, size_t size) {
  const iovec local = {out, size};
  const iovec remote = {reinterpret_cast<void*>(address), size};
  return ::process_vm_readv(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

std::string ReadText(pid_t tid, uint64_t address) {
  std::string text;
  char c = 0;
  while (text.size() < PATH_MAX && ReadMemory(tid, address + text.size(), &c, 1) && c != '\0') {
    text.push_back(c);
  }
  return text;
}

// As the traced thread means it: relative to its working folder or to an open folder.
std::string AbsolutePath(pid_t tid, int folder, uint64_t address) {
  const std::filesystem::path path = ReadText(tid, address);
  if (path.is_absolute()) return path.lexically_normal().string();
  const std::string base =
      folder == AT_FDCWD ? LinkTarget(ProcPath(tid, "cwd")) : DescriptorPath(tid, folder);
  return (base / path).lexically_normal().string();
}

std::vector<iovec> ReadVector(pid_t tid, const user_regs_struct& registers) {
  std::vector<iovec> pieces(std::min<uint64_t>(registers.rdx, IOV_MAX));
  if (!ReadMemory(tid, registers.rsi, pieces.data(), pieces.size() * sizeof(iovec))) return {};
  return pieces;
}

bool Stores(uint64_t open_flags) {
  return (open_flags & O_ACCMODE) != O_RDONLY || (open_flags & (O_CREAT | O_TRUNC)) != 0;
}

}  // namespace

const std::vector<int>& DurableCallNumbers() {
  static const std::vector<int> numbers = [] {
    std::vector<int> list;
    for (const CallForm& call : kCalls) list.push_back(call.number);
    return list;
  }();
  return numbers;
}

bool ReadCall(pid_t tid, const user_regs_struct& registers, TracedCall& call) {
  const auto known = std::find_if(std::begin(kCalls), std::end(kCalls), [&](const CallForm& form) {
    return static_cast<uint64_t>(form.number) == registers.orig_rax;
  });
  if (known == std::end(kCalls)) return false;
  const uint64_t a = registers.rdi, b = registers.rsi, c = registers.rdx;
  call.name = known->name;
  switch (known->form) {
    case Form::kWrite:
      call.bytes = c;
      call.writes = true;
      break;
    case Form::kWriteVector:
      for (const iovec& piece : ReadVector(tid, registers)) call.bytes += piece.iov_len;
      call.writes = true;
      break;
    case Form::kClose:
      if (!OpenForWriting(tid, a)) return false;
      break;
    case Form::kCopyOut:
      call.path = DescriptorPath(tid, c);
      return true;
    case Form::kOpen:
      call.flags = b;
      call.path = AbsolutePath(tid, AT_FDCWD, a);
      return Stores(call.flags);
    case Form::kOpenAt:
      call.flags = c;
      call.path = AbsolutePath(tid, static_cast<int>(a), b);
      return Stores(call.flags);
    case Form::kCreate:
      call.flags = O_WRONLY | O_CREAT | O_TRUNC;
      [[fallthrough]];
    case Form::kPath:
      call.path = AbsolutePath(tid, AT_FDCWD, a);
      return true;
    case Form::kPathAt:
      call.flags = c;
      [[fallthrough]];
    case Form::kPathAtNoFlag:
      call.path = AbsolutePath(tid, static_cast<int>(a), b);
      return true;
    case Form::kPaths:
      call.path = AbsolutePath(tid, AT_FDCWD, a);
      call.second_path = AbsolutePath(tid, AT_FDCWD, b);
      return true;
    case Form::kPathsAt:
      call.path = AbsolutePath(tid, static_cast<int>(a), b);
      call.second_path = AbsolutePath(tid, static_cast<int>(c), registers.r10);
      if (call.name == "renameat2") call.flags = registers.r8;
      return true;
    case Form::kLinkAt:
      call.path = AbsolutePath(tid, static_cast<int>(b), c);
      return true;
    case Form::kDescriptor:
      break;
  }
  call.path = DescriptorPath(tid, a);
  return true;
}

void HalveWrite(pid_t tid, user_regs_struct& registers) {
  if (registers.orig_rax == SYS_write || registers.orig_rax == SYS_pwrite64) {
    registers.rdx = std::max<uint64_t>(registers.rdx / 2, 1);
    return;
  }
  for (const iovec& piece : ReadVector(tid, registers)) {
    if (piece.iov_len == 0) continue;
    // pwritev2 at offset -1 writes where the file stands, as writev does.
    const bool here = registers.orig_rax == SYS_writev || static_cast<int64_t>(registers.r10) == -1;
    registers.orig_rax = here ? SYS_write : SYS_pwrite64;
    registers.rsi = reinterpret_cast<uint64_t>(piece.iov_base);
    registers.rdx = std::max<uint64_t>(piece.iov_len / 2, 1);
    return;
  }
}

}  // namespace graft
