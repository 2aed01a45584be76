// Every family of encoders against the golden values of transformers (tests/golden/families, made
// by generate_families.py): hidden states of all stages, logits, gradients at every freeze depth,
// equal bits alone and in company.
#include "models/families/families.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/code_path.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/support/family_check.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using testing::CheckFamily;
using testing::FamilyDifferences;

std::string Folder(const std::string& name) {
  return absl::StrCat(GRAFT_SOURCE_DIR, "/tests/golden/families/", name);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Folder(""))) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenFamily : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenFamily, GivesWhatTransformersGives) {
  constexpr double kLimit = 1e-5;
  for (const CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    const auto found = CheckFamily(Folder(GetParam()));
    ASSERT_THAT(found, testing::IsOk());
    EXPECT_GT(found->texts, 0);
    EXPECT_GT(found->parameters, 0);
    EXPECT_LE(found->values.hidden, kLimit);
    EXPECT_LE(found->values.pooled, kLimit);
    EXPECT_LE(found->values.logits, kLimit);
    EXPECT_LE(found->gradient, kLimit);
    EXPECT_TRUE(found->equal_bits);
    EXPECT_TRUE(found->frozen_without_gradient);
  }
  ForceCodePath(SupportedCodePaths().back());
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenFamily, ::testing::ValuesIn(Names()),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param, {{"-", "_"}});
                         });

// Copies a golden folder with another prefix at its tensors.
void CopyWithPrefix(const std::string& from, const std::string& to, std::string_view prefix,
                    std::string_view other) {
  std::filesystem::create_directory(to);
  for (const char* name : {"/config.json", "/expected.safetensors"}) {
    std::filesystem::copy(from + name, to + name);
  }
  const auto files = WeightFiles::OpenFolder(from);
  ASSERT_THAT(files, testing::IsOk());
  std::vector<TensorHeader> headers;
  int renamed = 0;
  for (const TensorInfo& tensor : files->tensors()) {
    std::string_view name = tensor.name;
    const bool prefixed = absl::ConsumePrefix(&name, prefix);
    headers.push_back({absl::StrCat(prefixed ? other : "", name), tensor.dtype, tensor.shape});
    renamed += prefixed;
  }
  ASSERT_GT(renamed, 0);
  std::string bytes;
  ASSERT_THAT(WriteSafetensors(to + "/model.safetensors", headers,
                               [&](size_t i) -> absl::StatusOr<absl::Span<const char>> {
                                 bytes.resize(files->tensors()[i].bytes());
                                 ABSL_RETURN_IF_ERROR(
                                     files->ReadBytes(files->tensors()[i], absl::MakeSpan(bytes)));
                                 return bytes;
                               },
                               {}),
              testing::IsOk());
}

TEST(GoldenFamilies, ThePrefixesOfTheOriginalReleasesAreRead) {
  const testing::TemporaryFolder folder;
  for (const auto& [name, prefix, other] :
       {std::tuple{"nomic-bert", "nomic_bert.", "bert."},
        std::tuple{"nomic-bert-language", "nomic_bert.", "bert."},
        std::tuple{"gte", "gte.", "new."}, std::tuple{"gte-native", "gte.", "new."}}) {
    CopyWithPrefix(Folder(name), folder / name, prefix, other);
    const auto found = CheckFamily(folder / name);
    ASSERT_THAT(found, testing::IsOk()) << name;
    EXPECT_LE(found->values.hidden, 1e-5) << name;
    EXPECT_LE(found->gradient, 1e-5) << name;
  }
}

TEST(GoldenFamilies, EveryFamilyOfTheTableHasOne) {
  std::set<std::string> seen = {"bert"};  // bert_test.cc has more of it
  for (const std::string& name : Names()) {
    const auto read = ReadArchitecture(Folder(name) + "/config.json");
    ASSERT_THAT(read, testing::IsOk());
    seen.insert(std::string(read->family->model_type));
  }
  for (const EncoderFamily& family : EncoderFamilies()) {
    EXPECT_TRUE(seen.contains(std::string(family.model_type))) << family.model_type;
  }
}

}  // namespace
}  // namespace graft
