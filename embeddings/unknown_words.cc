#include "embeddings/unknown_words.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tokenizers/case_map.h"

namespace graft {
namespace {

using Last = UnknownWordOptions::Last;

std::vector<float> MeanOfLastRows(const WordVectors& vectors, int64_t rows) {
  const auto width = static_cast<size_t>(vectors.width());
  rows = std::min(rows, vectors.size());
  std::vector<double> sums(width);
  std::vector<float> row(width);
  for (int64_t i = vectors.size() - rows; i < vectors.size(); ++i) {
    vectors.Row(i, absl::MakeSpan(row));
    for (size_t j = 0; j < width; ++j) sums[j] += row[j];
  }
  std::vector<float> mean(width);
  if (rows == 0) return mean;
  for (size_t j = 0; j < width; ++j) {
    mean[j] = static_cast<float>(sums[j] / static_cast<double>(rows));
  }
  return mean;
}

}  // namespace

std::string_view VectorSourceName(VectorSource source) {
  switch (source) {
    case VectorSource::kRow:
      return "row";
    case VectorSource::kSubWords:
      return "sub-words";
    case VectorSource::kLowerCase:
      return "lower-case";
    case VectorSource::kRareMean:
      return "rare";
    case VectorSource::kZero:
      return "zero";
    case VectorSource::kNone:
      break;
  }
  return "none";
}

UnknownWords::UnknownWords(WordVectors vectors, const UnknownWordOptions& options)
    : vectors_(std::move(vectors)), options_(options) {
  if (options.last == Last::kRareMean) last_ = MeanOfLastRows(vectors_, options.rare_rows);
}

UnknownWords::Found UnknownWords::Vector(std::string_view word, absl::Span<float> out) const {
  if (const auto row = vectors_.Find(word)) {
    vectors_.Row(*row, out);
    return {VectorSource::kRow, row};
  }
  if (options_.sub_words && vectors_.sub_words() != nullptr &&
      vectors_.sub_words()->Vector(word, out)) {
    return {VectorSource::kSubWords, std::nullopt};
  }
  if (options_.lower_case) {
    if (const auto row = vectors_.Find(LowerCase(word))) {
      vectors_.Row(*row, out);
      return {VectorSource::kLowerCase, row};
    }
  }
  if (options_.last == Last::kRareMean) {
    std::copy(last_.begin(), last_.end(), out.begin());
    return {VectorSource::kRareMean, std::nullopt};
  }
  std::fill(out.begin(), out.end(), 0.0f);
  return {options_.last == Last::kZero ? VectorSource::kZero : VectorSource::kNone, std::nullopt};
}

}  // namespace graft
