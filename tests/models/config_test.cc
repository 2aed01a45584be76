// What config.json files say: the known families, what is refused, and by which words.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/families/families.h"
#include "tests/support/damaged_json.h"

namespace graft {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

// The members that every family with BERT's names needs.
std::string Config(const std::string& model_type, const std::string& more = "") {
  return absl::StrCat(R"({"model_type": ")", model_type,
                      R"(", "vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 2,
                      "num_attention_heads": 3, "intermediate_size": 20,
                      "max_position_embeddings": 40)",
                      more.empty() ? "" : ", ", more, "}");
}

absl::Status Refusal(const std::string& json) {
  return ParseArchitecture(json, "config.json").status();
}

TEST(Families, AnUnknownOneIsNamedWithTheListOfTheKnown) {
  const std::string message(Refusal(Config("xlnet")).message());
  EXPECT_THAT(message, HasSubstr("config.json: model_type: expected one of: "));
  EXPECT_THAT(message, HasSubstr("found 'xlnet'"));
  for (const Family& family : Families()) EXPECT_THAT(message, HasSubstr(family.model_type));
}

TEST(Families, AreSortedAndHaveNamesOfTheirOwn) {
  for (size_t i = 1; i < Families().size(); ++i) {
    EXPECT_LT(Families()[i - 1].model_type, Families()[i].model_type);
  }
}

TEST(ConfigReader, KeepsTheFirstThingThatIsWrong) {
  EXPECT_EQ(Refusal(Config("bert", R"("hidden_act": "cosine", "layer_norm_eps": -1)")).message(),
            "config.json: hidden_act: expected one of: gelu, gelu_python, gelu_new, gelu_fast, "
            "gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh, quick_gelu, silu, swish, relu, "
            "tanh, sigmoid, linear; found 'cosine'");
}

TEST(ConfigReader, RefusesWhatContradictsItself) {
  EXPECT_EQ(Refusal(absl::StrReplaceAll(Config("bert"), {{R"("num_attention_heads": 3)",
                                                          R"("num_attention_heads": 5)"}}))
                .message(),
            "config.json: hidden_size: expected a multiple of num_attention_heads (5), found 12");
  EXPECT_EQ(Refusal(Config("roberta", R"("pad_token_id": 39)")).message(),
            "config.json: max_position_embeddings: expected more than pad_token_id + 1 (40), found "
            "40");
  EXPECT_THAT(std::string(Refusal(Config("roberta", R"("pad_token_id": 50)")).message()),
              HasSubstr("config.json: pad_token_id: expected an integer from 0 to 49, found 50"));
}

TEST(ConfigReader, RefusesOptionsThatChangeTheMathematicsByName) {
  for (const auto& [member, key] :
       {std::pair{R"("position_embedding_type": "relative_key")", "position_embedding_type"},
        {R"("is_decoder": true)", "is_decoder"},
        {R"("add_cross_attention": true)", "add_cross_attention"},
        {R"("pruned_heads": {"0": [1]})", "pruned_heads"}}) {
    for (const char* family : {"bert", "roberta", "electra"}) {
      EXPECT_THAT(std::string(Refusal(Config(family, member)).message()),
                  HasSubstr(absl::StrCat("config.json: ", key, ": expected")))
          << family;
    }
  }
}

TEST(ConfigReader, EveryDamageIsReadOrRefusedByName) {
  const std::string golden = absl::StrCat(GRAFT_SOURCE_DIR, "/tests/golden/bert-odd/config.json");
  const testing::JsonKind kind = {
      "config.json", *ReadFile(golden, 100'000),
      [](const std::string& path) { return ReadArchitecture(path).status(); }};
  testing::CutEverywhere(kind);
  testing::ChangeEveryByte(kind);
}

}  // namespace
}  // namespace graft
