// The small JSON files of a model folder, damaged at every place: a Status that names the file.
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/encoder_config.h"
#include "tasks/graft_json.h"
#include "tasks/sentence_modules.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using testing::IsOk;
using ::testing::StartsWith;
using testing::TemporaryFolder;

struct Kind {
  const char* name;
  std::string contents;
  std::function<absl::Status(const std::string& path)> read;
};

std::string Golden(const char* name) {
  constexpr uint64_t kMaxBytes = 100'000;
  return *ReadFile(std::string(GRAFT_SOURCE_DIR) + "/tests/golden/bert-odd/" + name, kMaxBytes);
}

std::vector<Kind> Kinds() {
  const GraftJson settings{.labels = {"bad", "g\"o\\\u00f6d"},
                           .pooling = Pooling::kMean,
                           .pooler = false,
                           .max_length = 128,
                           .training = {{"epochs", "3"}, {"seed", "1"}}};
  return {
      {"graft.json", FormatGraftJson(settings),
       [](const std::string& path) { return ReadGraftJson(path).status(); }},
      {"modules.json", Golden("modules.json"),
       [](const std::string& path) { return ReadSentenceModules(path).status(); }},
      {"1_Pooling/config.json", Golden("1_Pooling/config.json"),
       [](const std::string& path) { return ReadPoolingConfig(path).status(); }},
      {"2_Dense/config.json",
       R"({"in_features": 8, "out_features": 2, "bias": true, )"
       R"("activation_function": "torch.nn.modules.linear.Identity"})",
       [](const std::string& path) { return CheckDenseConfig(path, 8, 2); }},
      {"config.json", Golden("config.json"),
       [](const std::string& path) { return LoadEncoderConfig(path).status(); }},
  };
}

TEST(DamagedJson, EveryFileThatIsCutOffIsRefused) {
  const TemporaryFolder folder;
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    ASSERT_THAT(kind.read(folder.Write("file", kind.contents)), IsOk());
    const size_t end = kind.contents.find_last_of("}]");
    for (size_t size = 0; size <= end; ++size) {
      const std::string path = folder.Write("file", kind.contents.substr(0, size));
      const absl::Status status = kind.read(path);
      ASSERT_FALSE(status.ok()) << size << " bytes";
      ASSERT_THAT(std::string(status.message()), StartsWith(path)) << size << " bytes";
    }
  }
}

TEST(DamagedJson, AChangedByteIsReadOrRefusedByName) {
  const TemporaryFolder folder;
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    size_t refused = 0;
    for (size_t place = 0; place < kind.contents.size(); ++place) {
      // One that no file may hold, and in turn one that changes the structure.
      for (const char byte : {'\xFF', "\"{9-]"[place % 5]}) {
        std::string damaged = kind.contents;
        damaged[place] = byte;
        const std::string path = folder.Write("file", damaged);
        const absl::Status status = kind.read(path);
        if (status.ok()) continue;
        ++refused;
        ASSERT_THAT(std::string(status.message()), StartsWith(path)) << place;
      }
    }
    EXPECT_GE(refused, kind.contents.size()) << "what is no UTF-8 always is";
  }
}

}  // namespace
}  // namespace graft
