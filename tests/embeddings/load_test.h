// What the tests of the readers share: files from bytes, and what loading them gives.
#ifndef GRAFT_TESTS_EMBEDDINGS_LOAD_TEST_H_
#define GRAFT_TESTS_EMBEDDINGS_LOAD_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "embeddings/load.h"

namespace graft {

// A file of the test's own folder.
inline std::string TestFile(const std::string& name, std::string_view bytes) {
  const testing::TestInfo* const info = testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) /
                                       (std::string(info->test_suite_name()) + "." + info->name());
  std::filesystem::create_directories(folder);
  const std::string path = folder / name;
  // Not truncated: ext4 writes a file that was emptied and filled again to the disk at once.
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// The bytes of numbers, little-endian.
template <typename T>
std::string Bytes(std::initializer_list<T> numbers) {
  std::string bytes;
  for (const T number : numbers) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  return bytes;
}

inline std::vector<float> RowOf(const WordVectors& vectors, std::string_view word) {
  std::vector<float> row(static_cast<size_t>(vectors.width()));
  EXPECT_TRUE(vectors.Find(word).has_value()) << word;
  if (const auto found = vectors.Find(word)) vectors.Row(*found, absl::MakeSpan(row));
  return row;
}

// The same from a file in memory, for loops over many: no disk is waited for.
inline absl::StatusOr<LoadedVectors> LoadFromMemory(std::string_view bytes,
                                                    const LoadOptions& options = {}) {
  static const int descriptor = ::memfd_create("vectors", 0);
  EXPECT_EQ(::ftruncate(descriptor, 0), 0);
  EXPECT_EQ(::pwrite(descriptor, bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  return LoadWordVectors("/proc/self/fd/" + std::to_string(descriptor), options);
}

// One, two and five threads give the same; here is what they give.
inline absl::StatusOr<LoadedVectors> LoadBytes(std::string_view bytes, LoadOptions options = {},
                                               const std::string& name = "vectors") {
  const std::string path = TestFile(name, bytes);
  absl::StatusOr<LoadedVectors> first = LoadWordVectors(path, options);
  for (const int64_t threads : {2, 5}) {
    options.threads = threads;
    const absl::StatusOr<LoadedVectors> other = LoadWordVectors(path, options);
    EXPECT_EQ(first.status(), other.status());
    if (!first.ok() || !other.ok()) continue;
    EXPECT_EQ(first->vectors.words().parts().bytes, other->vectors.words().parts().bytes);
    EXPECT_EQ(first->report.findings.size(), other->report.findings.size());
    const auto size = static_cast<size_t>(first->vectors.size() * first->vectors.width());
    EXPECT_EQ(std::memcmp(first->vectors.floats(), other->vectors.floats(), 4 * size), 0);
  }
  return first;
}

}  // namespace graft

#endif  // GRAFT_TESTS_EMBEDDINGS_LOAD_TEST_H_
