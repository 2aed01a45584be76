// A folder of its own for one test, removed with what is in it.
#ifndef GRAFT_TESTS_SUPPORT_TEMPORARY_FOLDER_H_
#define GRAFT_TESTS_SUPPORT_TEMPORARY_FOLDER_H_

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace graft::testing {

class TemporaryFolder {
 public:
  explicit TemporaryFolder(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string pattern = (parent / "graft-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "cannot create " << pattern;
    path_ = pattern;
  }
  // A parent in memory where there is one, for tests that write thousands of files: there fsync
  // costs nothing.
  static std::filesystem::path Memory() {
    return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Writes a file of this folder and gives its path.
  std::string Write(std::string_view name, std::string_view contents) const {
    const std::string path = *this / name;
    std::ofstream file(path, std::ios::binary);
    file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    file.close();
    EXPECT_TRUE(file.good()) << path;
    return path;
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    std::ostringstream contents;
    contents << file.rdbuf();
    return contents.str();
  }

 private:
  std::string path_;
};

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_TEMPORARY_FOLDER_H_
