// The config.json of every golden folder, damaged at every byte and in every member: it is read, or
// refused with its name in front.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/backbone.h"
#include "models/families/families.h"
#include "models/head.h"
#include "nlohmann/json.hpp"
#include "tests/support/damaged_json.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using nlohmann::ordered_json;
using testing::GoldenFolder;
using ::testing::StartsWith;

std::vector<std::string> Names() {
  std::vector<std::string> names = {"bert-odd"};
  for (const auto& entry : std::filesystem::directory_iterator(GoldenFolder("families"))) {
    names.push_back(absl::StrCat("families/", entry.path().filename().string()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Reads a config and makes what only its numbers decide: the layout of encoder and head.
absl::Status Read(const std::string& path) {
  const auto read = ReadArchitecture(path);
  if (!read.ok()) return read.status();
  EXPECT_GT(CountParameters(BackboneSlots(*read->architecture)), 0);
  if (const HeadLayout* head = FindHead(*read)) {
    const int64_t hidden = read->architecture->config().hidden_size;
    EXPECT_GE(CountParameters(HeadSlots(*head, hidden, 2)), 0);  // a tied one may have none
  }
  return absl::OkStatus();
}

class DamagedConfig : public ::testing::TestWithParam<std::string> {
 protected:
  static std::string Contents() {
    return *ReadFile(GoldenFolder(GetParam()) + "/config.json", 100'000);
  }
};

TEST_P(DamagedConfig, IsReadOrRefusedByNameWhereverItIsCutOrChanged) {
  const testing::JsonKind kind = {GetParam(), Contents(), Read};
  testing::CutEverywhere(kind);
  testing::ChangeEveryByte(kind);
}

TEST_P(DamagedConfig, IsReadOrRefusedByNameWhateverAMemberHolds) {
  const testing::TemporaryFolder folder(testing::TemporaryFolder::Memory());
  const ordered_json whole = ordered_json::parse(Contents());
  for (const auto& [key, value] : whole.items()) {
    ordered_json without = whole;
    without.erase(key);
    std::vector<ordered_json> damaged = {without};
    for (const char* other :
         {"null", "true", "false", "-1", "0", "1", "2", "3.5", "1e30", "65536", R"("x")", R"("")",
          "[]", "[null]", R"(["x", "x"])", "{}", R"({"0": {"rope_type": 3}})"}) {
      damaged.push_back(whole);
      damaged.back()[key] = ordered_json::parse(other);
    }
    for (const ordered_json& config : damaged) {
      const std::string path = folder.Write("config.json", config.dump());
      const absl::Status status = Read(path);
      if (status.ok()) continue;
      const std::string message(status.message());
      ASSERT_THAT(message, StartsWith(absl::StrCat(path, ": "))) << config.dump();
      ASSERT_EQ(message.find('\n'), message.npos) << message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, DamagedConfig, ::testing::ValuesIn(Names()), [](const auto& info) {
  return absl::StrReplaceAll(info.param, {{"-", "_"}, {"/", "_"}});
});

}  // namespace
}  // namespace graft
