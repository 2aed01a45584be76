// What the folders of every family may not be: configs that contradict themselves or their tensors,
// each with the one line that names file, key or tensor, what was expected and what was found.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/backbone.h"
#include "models/checkpoint.h"
#include "models/families/families.h"
#include "nlohmann/json.hpp"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using testing::GoldenFolder;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::StartsWith;
using testing::TemporaryFolder;

// A golden folder (tests/golden/families) and what its config.json calls the sizes.
struct FamilyCase {
  std::string folder;
  std::string heads = "num_attention_heads";
  std::string hidden = "hidden_size";
  std::string layers = "num_hidden_layers";
  std::string intermediate = "intermediate_size";
  std::string activation = "hidden_act";
  std::string positions = "max_position_embeddings";  // empty without a table of them
};

std::vector<FamilyCase> Cases() {
  return {{.folder = "albert-groups", .layers = "num_hidden_groups"},
          {.folder = "bert-relu"},
          {.folder = "camembert"},
          {.folder = "deberta-clamped"},
          {.folder = "deberta-v2-clamped"},
          {.folder = "distilbert",
           .heads = "n_heads",
           .hidden = "dim",
           .layers = "n_layers",
           .intermediate = "hidden_dim",
           .activation = "activation"},
          {.folder = "electra"},
          {.folder = "gpt2",
           .heads = "n_head",
           .hidden = "n_embd",
           .layers = "n_layer",
           .intermediate = "n_inner",
           .activation = "activation_function",
           .positions = "n_positions"},
          {.folder = "gte", .positions = ""},
          {.folder = "gte-native", .positions = ""},
          {.folder = "gte-release", .positions = ""},
          {.folder = "mobilebert", .hidden = "embedding_size"},
          {.folder = "modernbert", .activation = "hidden_activation", .positions = ""},
          {.folder = "mpnet"},
          {.folder = "nomic-bert", .positions = ""},
          {.folder = "nomic-bert-native", .positions = ""},
          {.folder = "nomic-bert-release",
           .heads = "n_head",
           .hidden = "n_embd",
           .layers = "n_layer",
           .intermediate = "n_inner",
           .activation = "activation_function",
           .positions = ""},
          {.folder = "roberta"},
          {.folder = "xlm-roberta"}};
}

class FamilyBadInput : public ::testing::TestWithParam<FamilyCase> {
 protected:
  FamilyBadInput() : config_(nlohmann::json::parse(*ReadFile(Golden() + "/config.json", 100'000))) {
    std::filesystem::create_directory(folder_ / "model");
    std::filesystem::copy(Golden() + "/model.safetensors", folder_ / "model/model.safetensors");
    // One entry a layer, which would be refused before the tensors are looked at.
    config_.erase("layer_types");
  }

  static std::string Golden() { return GoldenFolder("families/" + GetParam().folder); }
  const nlohmann::json& config() const { return config_; }
  int Number(const std::string& key) const { return config_.at(key).get<int>(); }

  // What loading says of the folder with another member in its config.
  absl::Status LoadWith(const std::string& key, const nlohmann::json& value) {
    nlohmann::json changed = config_;
    changed[key] = value;
    folder_.Write("model/config.json", changed.dump());
    return LoadFolder();
  }
  std::string Refusal(const std::string& key, const nlohmann::json& value,
                      absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const absl::Status status = LoadWith(key, value);
    EXPECT_EQ(status.code(), code) << status;
    const std::string message(status.message());
    EXPECT_THAT(message, StartsWith(folder_ / "model/"));
    EXPECT_EQ(message.find('\n'), message.npos) << message;
    EXPECT_LT(message.size(), folder_.path().size() + 1200) << message;
    return message;
  }

 private:
  absl::Status LoadFolder() const {
    ABSL_ASSIGN_OR_RETURN(const FamilyArchitecture read,
                          ReadArchitecture(folder_ / "model/config.json"));
    ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::OpenFolder(folder_ / "model"));
    return LoadTensors(files, BackboneSlots(*read.architecture), read.family->prefix).status();
  }

  const TemporaryFolder folder_;
  nlohmann::json config_;
};

TEST_P(FamilyBadInput, TheFolderItselfIsRead) {
  EXPECT_THAT(LoadWith("model_type", config().at("model_type")), IsOk());
}

TEST_P(FamilyBadInput, HeadsThatDoNotDivideAreRefused) {
  EXPECT_THAT(
      Refusal(GetParam().heads, 5),
      AllOf(HasSubstr("config.json: "),
            HasSubstr(absl::StrCat("expected a multiple of ", GetParam().heads, " (5), found "))));
}

TEST_P(FamilyBadInput, ALayerMoreThanTheTensorsHaveIsNamed) {
  const int layers = Number(GetParam().layers);
  EXPECT_THAT(Refusal(GetParam().layers, layers + 1),
              AllOf(HasSubstr("model.safetensors: the tensors do not fit the configuration: "),
                    HasSubstr(" missing: "), HasSubstr(absl::StrCat(".", layers, "."))));
}

TEST_P(FamilyBadInput, ALayerLessThanTheTensorsHaveIsNamed) {
  const int layers = Number(GetParam().layers);
  EXPECT_THAT(Refusal(GetParam().layers, layers - 1),
              AllOf(HasSubstr("model.safetensors: the tensors do not fit the configuration: "),
                    HasSubstr(" of layers behind the last: "),
                    HasSubstr(absl::StrCat(".", layers - 1, "."))));
}

TEST_P(FamilyBadInput, AnUnknownActivationIsNamedWithTheKnown) {
  EXPECT_THAT(
      Refusal(GetParam().activation, "cosine", absl::StatusCode::kUnimplemented),
      AllOf(HasSubstr(absl::StrCat("config.json: ", GetParam().activation, ": expected one of: ")),
            HasSubstr("found 'cosine'")));
}

TEST_P(FamilyBadInput, HeadsTakenOutAreRefused) {
  EXPECT_THAT(Refusal("pruned_heads", {{"0", {1}}}, absl::StatusCode::kUnimplemented),
              HasSubstr("config.json: pruned_heads: expected no pruned heads, found some"));
}

TEST_P(FamilyBadInput, PositionsBeyondTheTableAreRefused) {
  if (GetParam().positions.empty()) GTEST_SKIP() << "no table of positions";
  const int rows = Number(GetParam().positions);
  EXPECT_THAT(Refusal(GetParam().positions, rows + 1),
              AllOf(HasSubstr("model.safetensors: "), HasSubstr(" of another shape: "),
                    HasSubstr(absl::StrCat("(expected [", rows + 1, ", ")),
                    HasSubstr(absl::StrCat("found [", rows, ", "))));
}

TEST_P(FamilyBadInput, AVocabularyPastTheMatrixIsRefused) {
  // The original release of Nomic BERT rounds up to 8 rows.
  EXPECT_THAT(Refusal("vocab_size", 48),
              AllOf(HasSubstr("model.safetensors: "), HasSubstr("1 of another shape: "),
                    HasSubstr("(expected [48, "), HasSubstr("found [40, ")));
}

TEST_P(FamilyBadInput, AHiddenSizeThatContradictsTheTensorsIsRefused) {
  EXPECT_THAT(
      Refusal(GetParam().hidden, 2 * Number(GetParam().hidden)),
      AllOf(HasSubstr("expected "), HasSubstr("found "),
            AnyOf(HasSubstr("model.safetensors: the tensors do not fit the configuration: "),
                  HasSubstr("config.json: pooler_hidden_size"))));
}

TEST_P(FamilyBadInput, AnIntermediateSizeThatContradictsTheTensorsIsRefused) {
  EXPECT_THAT(Refusal(GetParam().intermediate, Number(GetParam().intermediate) + 8),
              AllOf(HasSubstr("model.safetensors: "), HasSubstr(" of another shape: "),
                    HasSubstr("expected ["), HasSubstr("found [")));
}

TEST_P(FamilyBadInput, AnUnknownArchitectureIsNamedWithTheKnown) {
  const std::string message = Refusal("model_type", "xlnet", absl::StatusCode::kUnimplemented);
  EXPECT_THAT(message, HasSubstr("config.json: model_type: expected one of: albert, "));
  EXPECT_THAT(message, HasSubstr("found 'xlnet'"));
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyBadInput, ::testing::ValuesIn(Cases()),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param.folder, {{"-", "_"}});
                         });

TEST(FamilyBadInputs, EveryFamilyOfTheTableHasACase) {
  std::set<std::string> seen;
  for (const FamilyCase& family : Cases()) {
    const auto read = ReadArchitecture(GoldenFolder("families/" + family.folder) + "/config.json");
    ASSERT_THAT(read, IsOk());
    seen.insert(std::string(read->family->model_type));
  }
  for (const EncoderFamily& family : EncoderFamilies()) {
    EXPECT_TRUE(seen.contains(std::string(family.model_type))) << family.model_type;
  }
}

}  // namespace
}  // namespace graft
