// Caches are bounded: distinct words without end take no more memory from some point on.
#include <malloc.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/small_families.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

// Bytes in use on the heap. Zero where a sanitizer has its own.
size_t HeapBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// Encodes words `begin` to `end`, each another one, on both ways that keep caches.
void EncodeWords(const Tokenizer& tokenizer, size_t begin, size_t end) {
  constexpr size_t kWordsPerText = 1000;
  for (size_t first = begin; first < end; first += kWordsPerText) {
    std::string text;
    for (size_t i = first; i < first + kWordsPerText; ++i) {
      // Long ones and short ones have caches of their own.
      absl::StrAppend(&text, absl::Hex(i), i % 3 == 0 ? "hello-unable-to-don " : " ");
    }
    const std::string_view view = text;
    if ((first / kWordsPerText) % 2 == 0) {
      ASSERT_FALSE(tokenizer.EncodeBatch({&view, 1}, {}, 1).ids.empty());
    } else {
      ASSERT_FALSE(tokenizer.Encode(text).ids.empty());
    }
  }
}

class TokenizerMemoryTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenizerMemoryTest, DoesNotGrowWithDistinctWords) {
  if (HeapBytes() == 0) GTEST_SKIP() << "the heap of a sanitizer tells nothing";
  const testing::TemporaryFolder folder;
  for (const testing::SmallFamily& family : testing::SmallFamilies()) {
    if (family.name == std::string_view(GetParam())) {
      folder.Write("tokenizer.json", family.json.dump());
    }
  }
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_THAT(tokenizer, testing::IsOk());
  // GRAFT_LONG_TESTS: ten million words.
  const bool all = std::getenv("GRAFT_LONG_TESTS") != nullptr;
  constexpr size_t kUntilFull = 1'500'000;
  EncodeWords(**tokenizer, 0, kUntilFull);
  const size_t full = HeapBytes();
  EncodeWords(**tokenizer, kUntilFull, all ? 11'500'000 : 2'500'000);
  EXPECT_LE(HeapBytes(), full + (size_t{1} << 20));
}

INSTANTIATE_TEST_SUITE_P(Families, TokenizerMemoryTest, ::testing::Values("GPT2", "T5", "MPNet"));

}  // namespace
}  // namespace graft
