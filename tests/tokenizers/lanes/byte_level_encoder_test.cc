#include "tokenizers/lanes/byte_level_encoder.h"

#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tokenizers/models/models_support.h"
#include "tokenizers/lanes/byte_level_chunks.h"

namespace graft {
namespace {

using ::testing::ElementsAre;

// A token for each byte, and some merges.
Bpe MakeModel() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.emplace_back();
    AppendUtf8(ByteLevelChar(static_cast<uint8_t>(byte)), tokens.back());
  }
  const auto at = [&](char byte) { return tokens[static_cast<uint8_t>(byte)]; };
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {at(' '), at('a')},       {at('a'), at('b')},       {at(' ') + at('a'), at('b')},
      {at('\xC3'), at('\xA9')}, {at('\xE4'), at('\xB8')}, {at('b'), at('b')},
      {at('1'), at('1')}};
  MergeTable merges(pairs.size());
  const auto id = [&](const std::string& token) {
    return static_cast<int32_t>(std::find(tokens.begin(), tokens.end(), token) - tokens.begin());
  };
  for (const auto& [left, right] : pairs) {
    tokens.push_back(left + right);
    EXPECT_TRUE(merges.Add(id(left), id(right), static_cast<int32_t>(tokens.size() - 1)));
  }
  return Bpe(testing::MakeVocabulary(tokens), std::move(merges), {});
}

std::vector<int32_t> IdsOf(ByteLevelEncoder& encoder, std::string_view text) {
  IdWriter writer;
  encoder.AppendIds(text, writer);
  return std::move(writer).Take();
}

Encoding EncodingOf(ByteLevelEncoder& encoder, std::string_view text) {
  Encoding encoding;
  {
    TokenWriter writer(0, std::nullopt, 0, encoding);
    encoder.AppendTokens(text, 0, writer);
  }
  return encoding;
}

std::vector<std::string> SurfacesOf(const Encoding& encoding, const std::string& text) {
  std::vector<std::string> surfaces;
  for (const Span span : encoding.offsets) {
    surfaces.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return surfaces;
}

TEST(ByteLevelEncoderTest, GivesTokensInsideACharacterItsSpan) {
  const Bpe model = MakeModel();
  ByteLevelEncoder encoder(model, false);
  const std::string text = "ab \xE4\xB8\xAD\xC3\xA9";
  const Encoding encoding = EncodingOf(encoder, text);
  EXPECT_THAT(SurfacesOf(encoding, text),
              ElementsAre("ab", " ", "\xE4\xB8\xAD", "\xE4\xB8\xAD", "\xC3\xA9"));
  EXPECT_THAT(encoding.word_ids, ElementsAre(0, 1, 1, 1, 1));
}

TEST(ByteLevelEncoderTest, AddsASpaceInFront) {
  const Bpe model = MakeModel();
  ByteLevelEncoder encoder(model, true);
  EXPECT_EQ(IdsOf(encoder, "ab"), IdsOf(encoder, " ab"));
  EXPECT_THAT(EncodingOf(encoder, "ab").offsets, ElementsAre(Span{0, 2}));
  EXPECT_THAT(EncodingOf(encoder, " ab").offsets, ElementsAre(Span{0, 3}));
  // A token of the added space alone stands where the first character does.
  EXPECT_THAT(EncodingOf(encoder, "\xC3\xA9").offsets, ElementsAre(Span{0, 2}, Span{0, 2}));
  EXPECT_THAT(IdsOf(encoder, ""), ElementsAre());
}

TEST(ByteLevelEncoderTest, ReadsIllFormedPartsAsReplacementCharacters) {
  const Bpe model = MakeModel();
  for (const bool space : {false, true}) {
    ByteLevelEncoder encoder(model, space);
    const std::string text = "ab\xE4\xB8 \xFF\xC3\xA9";
    EXPECT_EQ(IdsOf(encoder, text), IdsOf(encoder, ReplaceInvalidUtf8(text)));
    const Encoding encoding = EncodingOf(encoder, text);
    EXPECT_EQ(encoding.ids, IdsOf(encoder, text));
    EXPECT_THAT(SurfacesOf(encoding, text), ElementsAre("ab", "\xE4\xB8", "\xE4\xB8", "\xE4\xB8",
                                                        " ", "\xFF", "\xFF", "\xFF", "\xC3\xA9"));
  }
}

// The definition: chunk by chunk, from the model.
Encoding EncodePlainly(const Bpe& model, const std::string& text) {
  Encoding encoding;
  int32_t word = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = ByteLevelChunkEnd(text, at);
    std::vector<ModelToken> tokens;
    model.MergeBytes(std::string_view(text).substr(at, end - at), tokens);
    for (const ModelToken& token : tokens) {
      size_t first = at + token.span.begin, last = at + token.span.end;
      while ((static_cast<uint8_t>(text[first]) & 0xC0) == 0x80) --first;
      while (last < text.size() && (static_cast<uint8_t>(text[last]) & 0xC0) == 0x80) ++last;
      encoding.ids.push_back(token.id);
      encoding.word_ids.push_back(word);
      encoding.offsets.push_back({static_cast<uint32_t>(first), static_cast<uint32_t>(last)});
    }
    ++word;
    at = end;
  }
  return encoding;
}

TEST(ByteLevelEncoderTest, CachesAndWindowsChangeNothing) {
  const Bpe model = MakeModel();
  ByteLevelEncoder encoder(model, false);
  std::mt19937 random(2);
  const std::vector<std::string> parts = {"ab",          "b",        " a",           "a",
                                          "1",           " ",        "\n",           "'s",
                                          "!",           "\xC3\xA9", "\xE4\xB8\xAD", "\xE3\x80\x82",
                                          "\xE3\x80\x80"};
  for (int i = 0; i < 600; ++i) {
    std::string text;
    // Every sixth text is longer than a window, some without a place to cut it.
    const size_t length = i % 6 == 0 ? 3000 + random() % 20'000 : random() % 300;
    const size_t kinds = 1 + random() % parts.size(), shift = random() % parts.size();
    while (text.size() < length) text += parts[(random() % kinds + shift) % parts.size()];
    const Encoding expected = EncodePlainly(model, text);
    ASSERT_EQ(IdsOf(encoder, text), expected.ids) << Quoted(text, 400);
    const Encoding encoding = EncodingOf(encoder, text);
    ASSERT_EQ(encoding.ids, expected.ids);
    ASSERT_EQ(encoding.word_ids, expected.word_ids) << Quoted(text, 400);
    ASSERT_EQ(encoding.offsets, expected.offsets) << Quoted(text, 400);
  }
}

}  // namespace
}  // namespace graft
