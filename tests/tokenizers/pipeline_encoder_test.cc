// The fast lanes against the general way.
#include "tokenizers/pipeline_encoder.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/random_texts.h"
#include "tokenizers/load_tokenizer.h"

namespace graft {
namespace {

class FastLaneTest : public ::testing::TestWithParam<const char*> {};

TEST_P(FastLaneTest, GivesWhatTheGeneralWayGives) {
  auto parts = LoadTokenizerJson(std::string(GRAFT_SOURCE_DIR) + "/tests/golden/tokenizers/" +
                                 GetParam() + "/tokenizer.json");
  ASSERT_THAT(parts, testing::IsOk());
  const Pipeline pipeline(*std::move(parts));
  const std::unique_ptr<TextEncoder> lane = MakeTextEncoder(pipeline);
  ASSERT_EQ(dynamic_cast<PipelineEncoder*>(lane.get()), nullptr) << "no fast lane was chosen";
  PipelineEncoder general(pipeline);
  for (const std::string& text : testing::RandomTexts(11, 2000)) {
    Encoding expected, found;
    general.AppendEncoding(text, 0, std::nullopt, expected);
    lane->AppendEncoding(text, 0, std::nullopt, found);
    ASSERT_EQ(found.ids, expected.ids) << text;
    ASSERT_EQ(found.word_ids, expected.word_ids) << text;
    ASSERT_EQ(found.offsets, expected.offsets) << text;
    IdWriter lane_ids(0), general_ids(0);
    lane->AppendIds(text, lane_ids);
    general.AppendIds(text, general_ids);
    ASSERT_EQ(std::move(lane_ids).Take(), expected.ids) << text;
    ASSERT_EQ(std::move(general_ids).Take(), expected.ids) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Bert, FastLaneTest,
                         ::testing::Values("uncased", "cased", "accents", "raw", "added"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace graft
