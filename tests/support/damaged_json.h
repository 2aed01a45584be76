// A small JSON file damaged at every place: what reads it must say no by name, or read it.
#ifndef GRAFT_TESTS_SUPPORT_DAMAGED_JSON_H_
#define GRAFT_TESTS_SUPPORT_DAMAGED_JSON_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft::testing {

struct JsonKind {
  std::string name;
  std::string contents;
  std::function<absl::Status(const std::string& path)> read;
};

// A file that is cut off is refused.
inline void CutEverywhere(const JsonKind& kind) {
  SCOPED_TRACE(kind.name);
  const TemporaryFolder folder(TemporaryFolder::Memory());
  ASSERT_THAT(kind.read(folder.Write("file", kind.contents)), IsOk());
  const size_t end = kind.contents.find_last_of("}]");
  for (size_t size = 0; size <= end; ++size) {
    const std::string path = folder.Write("file", kind.contents.substr(0, size));
    const absl::Status status = kind.read(path);
    ASSERT_FALSE(status.ok()) << size << " bytes";
    ASSERT_THAT(std::string(status.message()), ::testing::StartsWith(path)) << size << " bytes";
  }
}

// A changed byte is read or refused: one that no file may hold, and one that changes the structure.
inline void ChangeEveryByte(const JsonKind& kind) {
  SCOPED_TRACE(kind.name);
  const TemporaryFolder folder(TemporaryFolder::Memory());
  size_t refused = 0;
  for (size_t place = 0; place < kind.contents.size(); ++place) {
    for (const char byte : {'\xFF', "\"{9-]"[place % 5]}) {
      std::string damaged = kind.contents;
      damaged[place] = byte;
      const std::string path = folder.Write("file", damaged);
      const absl::Status status = kind.read(path);
      if (status.ok()) continue;
      ++refused;
      ASSERT_THAT(std::string(status.message()), ::testing::StartsWith(path)) << place;
    }
  }
  EXPECT_GE(refused, kind.contents.size()) << "what is no UTF-8 always is";
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_DAMAGED_JSON_H_
