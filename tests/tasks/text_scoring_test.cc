// Log-probabilities of texts against transformers (tests/golden/scores, made by
// generate_scores.py).
#include "tasks/text_scoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "base/code_path.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using testing::GoldenFolder;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

struct ExpectedScore {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<std::optional<double>> log_probabilities;
};

std::vector<ExpectedScore> ExpectedScores(const std::string& folder,
                                          const std::string& name = "scores.json") {
  const auto document = JsonDocument::Load(JoinPath(folder, name));
  ABSL_CHECK_OK(document.status());
  std::vector<ExpectedScore> rows;
  const auto items = document->root().AsArray();
  for (const JsonValue& item : *items) {
    ExpectedScore& row = rows.emplace_back();
    row.text = *item.GetString("text");
    const auto ids = item.Get("ids")->AsArray(), scores = item.Get("log_probabilities")->AsArray();
    for (const JsonValue& id : *ids) row.ids.push_back(static_cast<int32_t>(*id.AsInt(0, 1 << 20)));
    for (const JsonValue& score : *scores) {
      row.log_probabilities.push_back(
          score.is_null() ? std::nullopt : std::optional<double>(*score.AsDouble(-1e6, 0)));
    }
  }
  return rows;
}

std::vector<std::string_view> Texts(const std::vector<ExpectedScore>& rows) {
  std::vector<std::string_view> texts;
  for (const ExpectedScore& row : rows) texts.push_back(row.text);
  return texts;
}

class GoldenScores : public ::testing::TestWithParam<const char*> {
 protected:
  GoldenScores() : folder_(GoldenFolder(absl::StrCat("scores/", GetParam()))) {}

  const std::string folder_;
};

TEST_P(GoldenScores, EqualTransformers) {
  constexpr double kLimit = 1e-5;
  const auto model = LoadModel(folder_);
  ASSERT_THAT(model, IsOk());
  const std::vector<ExpectedScore> rows = ExpectedScores(folder_);
  for (const CodePath path : SupportedCodePaths()) {
    ForceCodePath(path);
    const auto scores = ScoreTexts(*model, Texts(rows));
    ASSERT_THAT(scores.status(), IsOk());
    for (size_t t = 0; t < rows.size(); ++t) {
      const TextScore& score = (*scores)[t];
      ASSERT_EQ(score.tokens.size(), rows[t].ids.size()) << rows[t].text;
      double sum = 0;
      int64_t scored = 0;
      for (size_t i = 0; i < score.tokens.size(); ++i) {
        const std::optional<double>& expected = rows[t].log_probabilities[i];
        EXPECT_EQ(score.tokens[i].id, rows[t].ids[i]);
        ASSERT_EQ(score.tokens[i].log_probability.has_value(), expected.has_value());
        if (!expected) continue;
        EXPECT_NEAR(*score.tokens[i].log_probability, *expected, kLimit)
            << rows[t].text << " " << i;
        sum += *expected;
        ++scored;
      }
      EXPECT_NEAR(score.sum, sum, kLimit * static_cast<double>(scored + 1));
      EXPECT_EQ(score.scored, scored);
    }
  }
  ForceCodePath(SupportedCodePaths().back());
}

TEST_P(GoldenScores, AreTheSameBitsAloneAndInCompany) {
  const auto model = LoadModel(folder_);
  ASSERT_THAT(model, IsOk());
  const std::vector<ExpectedScore> rows = ExpectedScores(folder_);
  std::vector<std::string_view> texts;
  for (int i = 0; i < 30; ++i) {  // more than one batch
    for (const std::string_view text : Texts(rows)) texts.push_back(text);
  }
  const auto together = ScoreTexts(*model, texts);
  ASSERT_THAT(together.status(), IsOk());
  for (size_t t = 0; t < texts.size(); ++t) {
    const auto alone = ScoreTexts(*model, {texts[t]});
    ASSERT_THAT(alone.status(), IsOk());
    EXPECT_EQ((*alone)[0].sum, (*together)[t].sum) << texts[t];
  }
}

TEST_P(GoldenScores, CutsLongTextsAndSaysHowMuch) {
  const auto model = LoadModel(folder_);
  ASSERT_THAT(model, IsOk());
  std::string text;
  for (int i = 0; i < 100; ++i) text += " the";
  const auto scores = ScoreTexts(*model, {std::string_view(text)});
  ASSERT_THAT(scores.status(), IsOk());
  const bool causal = model->language_head->config().causal;
  EXPECT_EQ((*scores)[0].tokens.size(), 24u);
  EXPECT_EQ((*scores)[0].cut_off, causal ? 100u - 24u : 100u - 22u);
  EXPECT_EQ((*scores)[0].scored, causal ? 23 : 22);
}

INSTANTIATE_TEST_SUITE_P(TextScoring, GoldenScores, ::testing::Values("gpt2", "bert"));

// A copy of the folder of GPT-2 whose tokenizer_config.json says this.
std::string Gpt2With(const TemporaryFolder& folder, const std::string& config) {
  std::filesystem::copy(GoldenFolder("scores/gpt2"), folder / "model");
  folder.Write("model/tokenizer_config.json", config);
  return folder / "model";
}

TEST(TextScoring, TypesFromTheTokenizerCountForGpt2) {
  const std::vector<ExpectedScore> rows =
      ExpectedScores(GoldenFolder("scores/gpt2"), "scores_with_types.json");
  for (const char* member : {R"("model_input_names": ["input_ids", "token_type_ids"])",
                             R"("tokenizer_class": "BertTokenizerFast")"}) {
    const TemporaryFolder folder;
    const auto model =
        LoadModel(Gpt2With(folder, absl::StrCat(R"({"model_max_length": 24, )", member, "}")));
    ASSERT_THAT(model, IsOk());
    const auto scores = ScoreTexts(*model, Texts(rows));
    ASSERT_THAT(scores.status(), IsOk());
    for (size_t t = 0; t < rows.size(); ++t) {
      for (size_t i = 1; i < rows[t].ids.size(); ++i) {
        EXPECT_NEAR(*(*scores)[t].tokens[i].log_probability, *rows[t].log_probabilities[i], 1e-5);
      }
    }
  }
}

TEST(TextScoring, TheTokenizersFilesSayWhichEndIsCutOff) {
  const TemporaryFolder folder;
  const auto model =
      LoadModel(Gpt2With(folder, R"({"model_max_length": 3, "truncation_side": "left"})"));
  ASSERT_THAT(model, IsOk());
  const auto scores = ScoreTexts(*model, {"abcdefg", "efg"});
  ASSERT_THAT(scores.status(), IsOk());
  EXPECT_EQ((*scores)[0].sum, (*scores)[1].sum);
  EXPECT_EQ((*scores)[0].cut_off, 4u);
}

TEST(TextScoring, ATextWithoutTokensIsRefused) {
  const auto model = LoadModel(GoldenFolder("scores/gpt2"));
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(
      ScoreTexts(*model, {"a", ""}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one token, found ''")));
  const auto masked = LoadModel(GoldenFolder("scores/bert"));
  const auto scores = ScoreTexts(*masked, {""});
  ASSERT_THAT(scores.status(), IsOk());
  EXPECT_EQ((*scores)[0].tokens.size(), 2u);
  EXPECT_EQ((*scores)[0].scored, 0);
}

TEST(TextScoring, AnEncoderWithoutALanguageHeadIsRefused) {
  const auto model = LoadModel(GoldenFolder("bert-tiny"));
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(ScoreTexts(*model, {"a"}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("expected a language model, found an encoder with head: text "
                                 "classification, cls pooling with pooler")));
}

TEST(TextScoring, AMaskedModelNeedsAMask) {
  const TemporaryFolder folder;
  std::filesystem::copy(GoldenFolder("scores/bert"), folder / "model");
  folder.Write("model/tokenizer_config.json", R"({"mask_token": "<none>"})");
  const auto model = LoadModel(folder / "model");
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(ScoreTexts(*model, {"a"}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("expected a tokenizer with a mask, found none")));
}

}  // namespace
}  // namespace graft
