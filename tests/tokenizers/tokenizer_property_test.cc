// What holds for every text and every family.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/random_texts.h"
#include "tests/tokenizers/small_families.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using testing::RandomTexts;

// Folders of tests/golden/tokenizers.
constexpr const char* kGolden[] = {"uncased", "cased", "accents", "raw", "added"};

const std::vector<testing::SmallFamily>& Families() {
  static const auto* families = new std::vector(testing::SmallFamilies());
  return *families;
}

// nullptr for a golden folder.
const testing::SmallFamily* FindFamily(std::string_view name) {
  const auto found =
      absl::c_find_if(Families(), [&](const auto& family) { return family.name == name; });
  return found == Families().end() ? nullptr : &*found;
}

std::vector<const char*> AllNames() {
  std::vector<const char*> names(std::begin(kGolden), std::end(kGolden));
  for (const testing::SmallFamily& family : Families()) names.push_back(family.name);
  return names;
}

std::unique_ptr<const Tokenizer> Load(std::string_view name) {
  const testing::TemporaryFolder written;
  std::string folder = absl::StrCat(GRAFT_SOURCE_DIR, "/tests/golden/tokenizers/", name);
  if (const testing::SmallFamily* family = FindFamily(name)) {
    written.Write("tokenizer.json", family->json.dump());
    folder = written.path();
  }
  auto tokenizer = LoadTokenizer(folder);
  EXPECT_THAT(tokenizer, testing::IsOk());
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

bool IsCharStart(std::string_view text, uint32_t at) {
  return at == text.size() || (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80;
}

std::string Trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return std::string(text.substr(begin, text.find_last_not_of(' ') + 1 - begin));
}

class TokenizerPropertyTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenizerPropertyTest, OffsetsAreOrderedAndOfWholeCharacters) {
  const auto tokenizer = Load(GetParam());
  for (const std::string& text : RandomTexts(1, 500)) {
    const Encoding encoding = tokenizer->Encode(text, {.add_special_tokens = false});
    const bool valid = !FindInvalidUtf8(text).has_value();
    uint32_t begin = 0;
    int32_t word = 0;
    for (size_t i = 0; i < encoding.size(); ++i) {
      const Span span = encoding.offsets[i];
      // ByteLevel cuts the spaces off that a token begins with, down to nothing.
      ASSERT_LE(span.begin, span.end);
      ASSERT_LE(span.end, text.size());
      ASSERT_GE(span.begin, begin);
      if (valid) {
        ASSERT_TRUE(IsCharStart(text, span.begin) && IsCharStart(text, span.end));
      }
      ASSERT_GE(encoding.word_ids[i], word);
      begin = span.begin;
      word = encoding.word_ids[i];
    }
  }
}

TEST_P(TokenizerPropertyTest, LettersAreCoveredByTokens) {
  const auto tokenizer = Load(GetParam());
  for (const std::string& text : RandomTexts(2, 500)) {
    const Encoding encoding = tokenizer->Encode(text, {.add_special_tokens = false});
    std::vector<bool> covered(text.size());
    for (const Span span : encoding.offsets) {
      for (uint32_t i = span.begin; i < span.end; ++i) covered[i] = true;
    }
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] >= 'a' && text[i] <= 'z') {
        ASSERT_TRUE(covered[i]) << "byte " << i << " of " << text;
      }
    }
  }
}

// What the bytes of a token stand for, by the family's spelling.
std::string Spelled(testing::Spelling spelling, std::string_view token) {
  std::string text;
  if (spelling == testing::Spelling::kByteLevel) {
    for (size_t byte = 0; !token.empty(); byte = (byte + 1) % 256) {
      if (absl::ConsumePrefix(&token, testing::families_internal::ByteCharacter(byte))) {
        text += static_cast<char>(byte);
      }
    }
    return text;
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (token == testing::ByteName(byte)) return std::string(1, static_cast<char>(byte));
  }
  return absl::StrReplaceAll(token, {{testing::families_internal::kMark, " "}});
}

// Tokens inside one character share its span; together they spell it. Spaces at the ends of a span
// are the tokenizer's to add or to leave out.
TEST_P(TokenizerPropertyTest, TokensSpellWhatTheirSpansHold) {
  const testing::SmallFamily* family = FindFamily(GetParam());
  if (family == nullptr || family->spelling == testing::Spelling::kOther) return;
  const auto tokenizer = Load(GetParam());
  for (const std::string& any : RandomTexts(6, 500)) {
    const std::string text = ReplaceInvalidUtf8(any);
    const Encoding encoding = tokenizer->Encode(text, {.add_special_tokens = false});
    std::vector<bool> covered(text.size());
    for (size_t i = 0; i < encoding.size();) {
      const Span span = encoding.offsets[i];
      std::string spelled;
      for (; i < encoding.size() && encoding.offsets[i] == span; ++i) {
        spelled += Spelled(family->spelling, *tokenizer->IdToToken(encoding.ids[i]));
      }
      const std::string held = text.substr(span.begin, span.end - span.begin);
      // A space that the tokenizer puts before a word has the span of the word's first character.
      if (Trimmed(spelled).empty()) continue;
      ASSERT_EQ(Trimmed(spelled), Trimmed(held)) << text;
      std::fill(covered.begin() + span.begin, covered.begin() + span.end, true);
    }
    for (size_t i = 0; i < text.size(); ++i) {
      ASSERT_TRUE(covered[i] || text[i] == ' ') << "byte " << i << " of " << text;
    }
  }
}

// Tokens [begin, end) of an encoding, without what the tokenizer added.
struct Tokens {
  std::vector<int32_t> ids, word_ids;
  std::vector<Span> offsets;
  bool operator==(const Tokens&) const = default;
};

Tokens TextTokens(const Encoding& encoding) {
  Tokens tokens;
  for (size_t i = 0; i < encoding.size(); ++i) {
    if (encoding.special_tokens_mask[i]) continue;
    tokens.ids.push_back(encoding.ids[i]);
    tokens.word_ids.push_back(encoding.word_ids[i]);
    tokens.offsets.push_back(encoding.offsets[i]);
  }
  return tokens;
}

Tokens Part(const Tokens& all, size_t begin, size_t end) {
  const auto part = [&](const auto& from) {
    return std::decay_t<decltype(from)>(from.begin() + begin, from.begin() + end);
  };
  return {part(all.ids), part(all.word_ids), part(all.offsets)};
}

TEST_P(TokenizerPropertyTest, WindowsAreThePartsOfTheWhole) {
  constexpr size_t kMaxLength = 9, kStride = 2;
  const auto tokenizer = Load(GetParam());
  const size_t room = kMaxLength - tokenizer->special_tokens_per_text();
  for (const std::string& text : RandomTexts(7, 300)) {
    const Tokens whole = TextTokens(tokenizer->Encode(text));
    const Encoding first =
        tokenizer->Encode(text, {.max_length = kMaxLength, .overflowing = true, .stride = kStride});
    std::vector<const Encoding*> windows = {&first};
    for (const Encoding& window : first.overflowing) windows.push_back(&window);
    size_t begin = 0, end = 0;
    for (const Encoding* window : windows) {
      ASSERT_LE(window->size(), kMaxLength);
      end = std::min(begin + room, whole.ids.size());
      ASSERT_EQ(TextTokens(*window), Part(whole, begin, end)) << text;
      begin = end - kStride;
    }
    ASSERT_EQ(end, whole.ids.size()) << text;
  }
}

TEST_P(TokenizerPropertyTest, APairIsItsTwoParts) {
  const auto tokenizer = Load(GetParam());
  const std::vector<std::string> texts = RandomTexts(8, 400);
  for (size_t i = 0; i + 1 < texts.size(); i += 2) {
    const Tokens pair = TextTokens(tokenizer->EncodePair(texts[i], texts[i + 1]));
    const Tokens first = TextTokens(tokenizer->Encode(texts[i]));
    const Tokens second = TextTokens(tokenizer->Encode(texts[i + 1]));
    const size_t cut = first.ids.size();
    ASSERT_EQ(pair.ids.size(), cut + second.ids.size());
    ASSERT_EQ(Part(pair, 0, cut), first);
    ASSERT_EQ(Part(pair, cut, pair.ids.size()), second);
  }
}

TEST_P(TokenizerPropertyTest, IllFormedPartsCountAsReplacementCharacters) {
  const auto tokenizer = Load(GetParam());
  for (const std::string& text : RandomTexts(3, 500)) {
    ASSERT_EQ(tokenizer->Encode(text).ids, tokenizer->Encode(ReplaceInvalidUtf8(text)).ids);
  }
}

TEST_P(TokenizerPropertyTest, ABatchEqualsItsTextsOneByOneForEveryNumberOfThreads) {
  const auto tokenizer = Load(GetParam());
  // A thread gets at least 128 KiB: two of them everywhere, five for two families.
  const bool many =
      std::string_view(GetParam()) == "uncased" || std::string_view(GetParam()) == "GPT2";
  const std::vector<std::string> texts = RandomTexts(4, many ? 16000 : 2500);
  const std::vector<std::string_view> all(texts.begin(), texts.end());
  size_t bytes = 0;
  for (const std::string_view text : all) bytes += text.size();
  ASSERT_GT(bytes >> 10, many ? 640U : 256U) << "too little for several threads";
  for (const size_t max_length : {size_t{0}, size_t{16}}) {
    const auto views = absl::MakeConstSpan(all).subspan(0, max_length == 0 ? all.size() : 2500);
    EncodedBatch expected;
    for (const std::string_view text : views) {
      const Encoding encoding = tokenizer->Encode(text, {.max_length = max_length});
      expected.ids.insert(expected.ids.end(), encoding.ids.begin(), encoding.ids.end());
      expected.starts.push_back(static_cast<int32_t>(expected.ids.size()));
      expected.cut_off.push_back(static_cast<uint32_t>(encoding.cut_off));
    }
    for (const int threads : {1, 2, 5, 1}) {
      const EncodedBatch batch = tokenizer->EncodeBatch(views, {.max_length = max_length}, threads);
      ASSERT_EQ(batch.ids, expected.ids) << threads;
      ASSERT_EQ(batch.starts, expected.starts) << threads;
      ASSERT_EQ(batch.cut_off, expected.cut_off) << threads;
    }
  }
}

// A way that is quadratic in some length takes hours for these.
TEST_P(TokenizerPropertyTest, LongRowsOfOneKindEnd) {
  constexpr size_t kTimes = 50'000;
  const auto tokenizer = Load(GetParam());
  // Marks against their canonical order, characters that NFKC makes 18 of, one long word, ...
  for (const char* part : {"\u0301\u0323", "\uFDFA", "a", "hello", " ", "\n", "un able ", "\u2581",
                           "'", "\u4E2D", "\U0001F600", "[MASK]", "[", "\xFF", "`", "12"}) {
    std::string text = "a";
    for (size_t i = 0; i < kTimes; ++i) text += part;
    const auto begin = std::chrono::steady_clock::now();
    const Encoding encoding = tokenizer->Encode(text);
    EXPECT_EQ(tokenizer->EncodeBatch({{text}}, {}, 1).ids, encoding.ids) << part;
    tokenizer->Decode(encoding.ids, false);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << part;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, TokenizerPropertyTest, ::testing::ValuesIn(AllNames()),
                         [](const auto& info) { return std::string(info.param); });

TEST(TokenizerThreadsTest, OneTokenizerServesManyThreads) {
  const auto tokenizer = Load("uncased");
  const std::vector<std::string> texts = RandomTexts(5, 300);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const EncodedBatch expected = tokenizer->EncodeBatch(views, {}, 1);
  std::vector<EncodedBatch> batches(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(batches.size());
    for (EncodedBatch& batch : batches) {
      threads.emplace_back([&] { batch = tokenizer->EncodeBatch(views, {}, 1); });
    }
  }
  for (const EncodedBatch& batch : batches) EXPECT_EQ(batch.ids, expected.ids);
}

}  // namespace
}  // namespace graft
