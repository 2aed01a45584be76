// Any bytes as a file of word vectors, in every format and with repair: refused with a place, or
// every word is found in its row, all numbers are finite, unknown words do no harm, searches give
// what they give by 8 bits, and one thread and three give the same. The first byte chooses: its
// lower bits the format (0: found from the bytes), bit 4 repair, bit 5 allowed mismatch of counts.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/log_severity.h"
#include "absl/log/absl_check.h"
#include "absl/log/globals.h"
#include "absl/strings/match.h"
#include "embeddings/load.h"
#include "embeddings/search.h"
#include "tests/fuzz/memory_file.h"

namespace {

using graft::LoadOptions;
using graft::VectorFormat;
using graft::WordVectors;

constexpr VectorFormat kFormats[] = {VectorFormat::kWord2VecText,   VectorFormat::kGlove,
                                     VectorFormat::kWord2VecBinary, VectorFormat::kFastText,
                                     VectorFormat::kFloret,         VectorFormat::kNumpy,
                                     VectorFormat::kFinalfusion};

void CheckSearches(const WordVectors& vectors, const std::vector<float>& query) {
  constexpr int64_t kSmall = 2000;
  if (vectors.size() == 0 || vectors.size() * vectors.width() > kSmall) return;
  const graft::VectorSearch search(vectors, {});
  const auto found = search.Nearest(query, 3);
  ABSL_CHECK_EQ(static_cast<int64_t>(found.size()), std::min<int64_t>(3, vectors.size()));
  for (const graft::Neighbor& neighbor : found) ABSL_CHECK(std::isfinite(neighbor.score));
  ABSL_CHECK(graft::VectorSearch(vectors, {.int8_filter = true}).Nearest(query, 3) == found);
  ABSL_CHECK(search.NearestBatch(query, 3)[0] == found);
  ABSL_CHECK_OK(graft::Analogy(search, 0, 0, 0, 3, graft::AnalogyMethod::kMultiply).status());
}

void CheckLoaded(const graft::LoadedVectors& loaded) {
  const WordVectors& vectors = loaded.vectors;
  ABSL_CHECK_EQ(vectors.size(), vectors.words().size());
  ABSL_CHECK_EQ(vectors.size(), loaded.report.rows);
  std::vector<float> row(static_cast<size_t>(vectors.width()));
  const auto is_finite = [](float value) { return std::isfinite(value); };
  for (int64_t i = 0; i < vectors.size(); ++i) {
    ABSL_CHECK_EQ(vectors.Find(vectors.words()[i]).value_or(-1), i);
    vectors.Row(i, absl::MakeSpan(row));
    // Means of n-grams may overflow.
    ABSL_CHECK(vectors.sub_words() != nullptr || std::all_of(row.begin(), row.end(), is_finite));
  }
  for (const std::string_view word : {"", "a", "unknown", "\xE8\xAA\x9E", "\xFF\x80 x"}) {
    vectors.Vector(word, absl::MakeSpan(row));
    ABSL_CHECK(std::all_of(row.begin(), row.end(), is_finite));
    CheckSearches(vectors, row);
  }
}

void CheckSame(const WordVectors& a, const WordVectors& b) {
  ABSL_CHECK(a.words().parts().bytes == b.words().parts().bytes);
  const auto size = static_cast<size_t>(a.size() * a.width());
  ABSL_CHECK(std::equal(a.floats(), a.floats() + size, b.floats()));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const graft::testing::MemoryFile memory, words;
  if (size == 0) return 0;
  memory.Write({reinterpret_cast<const char*>(data) + 1, size - 1});
  LoadOptions options;
  if (const size_t format = data[0] & 15u; format > 0) {
    options.format = kFormats[(format - 1) % std::size(kFormats)];
  }
  options.repair = (data[0] & 16u) != 0;
  options.allow_count_mismatch = (data[0] & 32u) != 0;
  options.max_line_bytes = 4096;
  options.max_word_bytes = 512;
  words.Write("a\nb\nc\n");
  options.words_path = words.path();
  const auto loaded = graft::LoadWordVectors(memory.path(), options);
  options.threads = 3;
  const auto other = graft::LoadWordVectors(memory.path(), options);
  ABSL_CHECK_EQ(loaded.status(), other.status());
  if (!loaded.ok()) {
    ABSL_CHECK(absl::StartsWith(loaded.status().message(), memory.path()) ||
               absl::StartsWith(loaded.status().message(), words.path()))
        << loaded.status();
    ABSL_CHECK(absl::StrContains(loaded.status().message(), "expected ") ||
               absl::StrContains(loaded.status().message(), "no room") ||
               absl::StrContains(loaded.status().message(), "no memory"))
        << loaded.status();
    return 0;
  }
  CheckLoaded(*loaded);
  if (loaded->vectors.sub_words() == nullptr) CheckSame(loaded->vectors, other->vectors);
  return 0;
}
