// The fast lanes against the general way.
#include "tokenizers/pipeline_encoder.h"

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/random_texts.h"
#include "tokenizers/lanes/segment_lane.h"
#include "tokenizers/load_tokenizer.h"
#include "tokenizers/models/bpe.h"

namespace graft {
namespace {

void ExpectSame(const Pipeline& pipeline, absl::Span<const std::string> texts) {
  const std::unique_ptr<TextEncoder> lane = MakeTextEncoder(pipeline);
  PipelineEncoder general(pipeline, nullptr);
  for (const std::string& text : texts) {
    Encoding expected, found;
    general.AppendEncoding(text, 0, std::nullopt, expected);
    lane->AppendEncoding(text, 0, std::nullopt, found);
    ASSERT_EQ(found.ids, expected.ids) << Quoted(text, 400);
    ASSERT_EQ(found.word_ids, expected.word_ids) << Quoted(text, 400);
    ASSERT_EQ(found.offsets, expected.offsets) << Quoted(text, 400);
    IdWriter lane_ids, general_ids;
    lane->AppendIds(text, lane_ids);
    general.AppendIds(text, general_ids);
    ASSERT_EQ(std::move(lane_ids).Take(), expected.ids) << Quoted(text, 400);
    ASSERT_EQ(std::move(general_ids).Take(), expected.ids) << Quoted(text, 400);
  }
}

class BertLaneTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BertLaneTest, GivesWhatTheGeneralWayGives) {
  auto parts = LoadTokenizerJson(std::string(GRAFT_SOURCE_DIR) + "/tests/golden/tokenizers/" +
                                 GetParam() + "/tokenizer.json");
  ASSERT_THAT(parts, testing::IsOk());
  const Pipeline pipeline(*std::move(parts));
  ASSERT_NE(FindBertNormalizer(pipeline.parts), nullptr) << "no fast lane is chosen";
  const std::vector<std::string> texts = testing::RandomTexts(11, 2000);
  ExpectSame(pipeline, texts);
  // Longer than any window, and most chunks seen before in other capitals and punctuation.
  ExpectSame(pipeline, {{absl::StrJoin(texts, " "), absl::StrJoin(texts, ". ")}});
  static constexpr const char* kWords[] = {"the", "The", "THE", "cat", "Unaffable", "a", "runNing"};
  static constexpr const char* kEnds[] = {" ", ". ", ", ", "! ", ".. ", "\t", "' ", "] ", " - "};
  std::mt19937 random(5);
  std::string plain;
  for (int i = 0; i < 5000; ++i) {
    plain += kWords[random() % std::size(kWords)];
    plain += kEnds[random() % std::size(kEnds)];
  }
  ExpectSame(pipeline, {{plain, plain.substr(1), "x" + plain}});
}

INSTANTIATE_TEST_SUITE_P(Bert, BertLaneTest,
                         ::testing::Values("uncased", "cased", "accents", "raw", "added"),
                         [](const auto& info) { return std::string(info.param); });

using Json = nlohmann::json;

// A pipeline of the components of a tokenizer.json.
Pipeline MakePipeline(const Json& json) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.Write("tokenizer.json", json.dump());
  auto parts = LoadTokenizerJson(path);
  EXPECT_THAT(parts, testing::IsOk());
  return Pipeline(*std::move(parts));
}

// Texts with what the lanes look at more often than RandomTexts has it.
std::vector<std::string> LaneTexts() {
  static constexpr const char* kParts[] = {
      "a",      "b",      "ab",     " ",       "  ",     "'",      "''",     "``",
      "`",      "don't",  "12",     "A\u0301", "\t",     "\n",     "\r\n",   "<tok>",
      "<Norm>", "\u00A0", "\u2581", "\u0301",  "\u200D", "\uFB01", "\u0600", "\u4E2D",
      "!",      "...",    "<",      "\u0130",  "\u3000", "\xFF"};
  std::mt19937 random(3);
  std::vector<std::string> texts = testing::RandomTexts(12, 1000);
  for (int i = 0; i < 4000; ++i) {
    const size_t kinds = i % 3 == 0 ? std::size(kParts) : 10 + random() % 10;
    std::string text;
    for (size_t j = random() % 12; j > 0; --j) text += kParts[random() % kinds];
    texts.push_back(std::move(text));
  }
  return texts;
}

Json AddedTokens(int32_t first) {
  const auto token = [](int32_t id, const char* content, bool normalized, bool lstrip) {
    return Json{
        {"id", id},        {"content", content},       {"single_word", false},  {"lstrip", lstrip},
        {"rstrip", false}, {"normalized", normalized}, {"special", !normalized}};
  };
  return {token(first, "<tok>", false, true), token(first + 1, "<Norm>", true, false)};
}

// Whether a space is put in front, and whether words that are tokens are not merged.
class ByteLevelLaneTest : public ::testing::TestWithParam<std::pair<bool, bool>> {};

TEST_P(ByteLevelLaneTest, GivesWhatTheGeneralWayGives) {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    std::string token;
    AppendUtf8(ByteLevelChar(static_cast<uint8_t>(byte)), token);
    vocab[token] = byte;
  }
  int32_t next = 256;
  Json merges = Json::array();
  for (const auto& [left, right] : {std::pair{"a", "b"},
                                    {"\u0120", "a"},
                                    {"\u0120", "ab"},
                                    {"d", "o"},
                                    {"'", "t"},
                                    {"l", "l"},
                                    {"e", "ll"},
                                    {"h", "ell"},
                                    {"1", "2"}}) {
    merges.push_back({left, right});
    vocab[std::string(left) + right] = next++;
  }
  // Tokens that no merge makes: words of their own, and parts of longer words.
  for (const char* whole : {"don", "abz", "\u0120hellohellohello", "hellohellohellohello"}) {
    vocab[whole] = next++;
  }
  const auto& [add_prefix_space, ignore_merges] = GetParam();
  const Pipeline pipeline = MakePipeline({{"added_tokens", AddedTokens(next)},
                                          {"normalizer", nullptr},
                                          {"pre_tokenizer",
                                           {{"type", "ByteLevel"},
                                            {"add_prefix_space", add_prefix_space},
                                            {"trim_offsets", true},
                                            {"use_regex", true}}},
                                          {"model",
                                           {{"type", "BPE"},
                                            {"vocab", vocab},
                                            {"merges", merges},
                                            {"ignore_merges", ignore_merges}}}});
  ASSERT_NE(MakeSegmentLane(pipeline), nullptr);
  std::vector<std::string> texts = LaneTexts();
  // Long words, and texts of many windows with few places to cut them at.
  for (const char* word : {"hello", "abz", "don", "zab", "\u4E2D", "a1"}) {
    std::string row, lines, tabs;
    for (int i = 0; i < 2000; ++i) {
      row += word;
      absl::StrAppend(&lines, word, i % 7 == 0 ? "zzzz" : "", "\n");
      absl::StrAppend(&tabs, word, "\t", i);
      if (i < 12) texts.push_back(absl::StrCat(row, "z ", row, " abz", row, "'t", row));
    }
    texts.insert(texts.end(), {row, lines, tabs});
  }
  ExpectSame(pipeline, texts);
}

INSTANTIATE_TEST_SUITE_P(Settings, ByteLevelLaneTest,
                         ::testing::Values(std::pair(false, false), std::pair(true, false),
                                           std::pair(false, true), std::pair(true, true)));

struct UnigramSetting {
  const char* name;
  Json normalizers;
  bool splits;
  const char* prepend;
};

void PrintTo(const UnigramSetting& setting, std::ostream* out) { *out << setting.name; }

class UnigramLaneTest : public ::testing::TestWithParam<UnigramSetting> {};

TEST_P(UnigramLaneTest, GivesWhatTheGeneralWayGives) {
  std::mt19937 random(7);
  Json vocab = Json::array({Json::array({"<unk>", 0.0})});
  for (const char* piece :
       {"\u2581", "a", "b",       "ab", "\u2581a", "\u2581ab",    "\u2581do", "n",
        "'",      "t", "n't",     "1",  "2",       "12",          "\"",       ".",
        "..",     "!", "\u2581!", "fi", "\u4E2D",  "\u2581hello", "o",        "d"}) {
    vocab.push_back(Json::array({piece, -0.25 * static_cast<double>(1 + random() % 40)}));
  }
  const int32_t size = static_cast<int32_t>(vocab.size());
  Json pre_tokenizer = {{"type", "Metaspace"},
                        {"replacement", "\u2581"},
                        {"prepend_scheme", GetParam().prepend},
                        {"split", true}};
  if (GetParam().splits) {
    pre_tokenizer = {{"type", "Sequence"},
                     {"pretokenizers", {{{"type", "WhitespaceSplit"}}, pre_tokenizer}}};
  }
  const Pipeline pipeline =
      MakePipeline({{"added_tokens", AddedTokens(size)},
                    {"normalizer", {{"type", "Sequence"}, {"normalizers", GetParam().normalizers}}},
                    {"pre_tokenizer", pre_tokenizer},
                    {"model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}}}});
  ASSERT_NE(MakeSegmentLane(pipeline), nullptr);
  ExpectSame(pipeline, LaneTexts());
}

Json ReplaceText(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}
Json Collapse(const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", to}};
}
Json Strip(bool left, bool right) {
  return {{"type", "Strip"}, {"strip_left", left}, {"strip_right", right}};
}
Json Step(const char* type) { return {{"type", type}}; }

INSTANTIATE_TEST_SUITE_P(
    Settings, UnigramLaneTest,
    ::testing::Values(
        UnigramSetting{"plain", Json::array({Collapse(" ")}), false, "always"},
        UnigramSetting{"first", Json::array({Step("Nmt"), Step("NFKC"), Collapse("\u2581")}), false,
                       "first"},
        UnigramSetting{"split", Json::array({Step("NFKC")}), true, "always"},
        UnigramSetting{"albert",
                       Json::array({ReplaceText("``", "\""), ReplaceText("''", "\""), Step("NFKD"),
                                    Step("StripAccents"), Step("Lowercase"), Collapse(" ")}),
                       true, "always"},
        UnigramSetting{"strip_last", Json::array({Step("Nmt"), Strip(false, true), Collapse(" ")}),
                       false, "always"},
        UnigramSetting{"strip_both", Json::array({Step("NFKC"), Strip(true, true), Collapse(" ")}),
                       false, "always"},
        UnigramSetting{"strip_first", Json::array({Strip(true, true), Step("Nmt"), Collapse(" ")}),
                       false, "always"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace graft
