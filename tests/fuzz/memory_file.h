// A file in memory whose contents a fuzz target changes.
#ifndef GRAFT_TESTS_FUZZ_MEMORY_FILE_H_
#define GRAFT_TESTS_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace graft::testing {

class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", 0)) { ABSL_CHECK_GE(descriptor_, 0); }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", descriptor_); }
  void Write(std::string_view bytes) const {
    const auto size = static_cast<ssize_t>(bytes.size());
    ABSL_CHECK_EQ(::ftruncate(descriptor_, size), 0);
    ABSL_CHECK_EQ(::pwrite(descriptor_, bytes.data(), bytes.size(), 0), size);
  }
  // The file with these bytes.
  InputFile Open(std::string_view bytes) const {
    Write(bytes);
    auto file = InputFile::Open(path());
    ABSL_CHECK_OK(file);
    return *std::move(file);
  }

 private:
  int descriptor_;
};

}  // namespace graft::testing

#endif  // GRAFT_TESTS_FUZZ_MEMORY_FILE_H_
