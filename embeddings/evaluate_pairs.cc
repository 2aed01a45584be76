#include <cmath>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "embeddings/correlation.h"
#include "embeddings/evaluation.h"
#include "embeddings/evaluation_words.h"

namespace graft {
namespace {

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  const double length = std::sqrt(aa) * std::sqrt(bb);
  return length > 0 ? dot / length : 0;
}

}  // namespace

WordPairResult EvaluateWordPairs(const WordVectors& vectors, const WordPairSet& set,
                                 const EvaluationOptions& options) {
  using Unknown = EvaluationOptions::Unknown;
  const EvaluationWords words(vectors.words(), options);
  WordPairResult result;
  absl::flat_hash_set<std::string> seen;
  std::vector<double> given, found;
  std::vector<float> rows[2];
  for (std::vector<float>& row : rows) row.resize(static_cast<size_t>(vectors.width()));

  // Whether the word has a row, and whether it has a vector at all.
  struct Known {
    bool row, vector;
  };
  const auto look_up = [&](const std::string& word, std::vector<float>& out) -> Known {
    if (const auto row = words.FindKey(words.Key(word))) {
      vectors.Row(*row, absl::MakeSpan(out));
      return {true, true};
    }
    if (seen.insert(word).second) result.unknown_words.push_back(word);
    if (options.unknown != Unknown::kEstimate || vectors.sub_words() == nullptr) {
      return {false, false};
    }
    return {false, vectors.sub_words()->Vector(word, absl::MakeSpan(out))};
  };

  for (const WordPair& pair : set.pairs) {
    const Known first = look_up(pair.first, rows[0]), second = look_up(pair.second, rows[1]);
    ++result.pairs;
    result.unknown += !first.row || !second.row;
    const bool known = first.vector && second.vector;
    if (!known && options.unknown != Unknown::kZero) continue;
    given.push_back(pair.score);
    found.push_back(known ? Cosine(rows[0], rows[1]) : 0);
  }
  result.used = static_cast<int64_t>(given.size());
  result.pearson = Pearson(given, found);
  result.spearman = Spearman(given, found);
  return result;
}

}  // namespace graft
