// Word vectors of a few rows for tests.
#ifndef GRAFT_TESTS_EMBEDDINGS_SMALL_VECTORS_H_
#define GRAFT_TESTS_EMBEDDINGS_SMALL_VECTORS_H_

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "embeddings/word_vectors.h"

namespace graft {

// As many numbers for each word.
inline WordVectors SmallVectors(const std::vector<std::string_view>& words,
                                std::vector<float> floats,
                                std::optional<SubWords> sub_words = std::nullopt,
                                int64_t width = 0) {
  WordsBuilder builder;
  for (const std::string_view word : words) builder.Add(word);
  const auto rows = static_cast<int64_t>(words.size());
  if (rows > 0) width = static_cast<int64_t>(floats.size()) / rows;
  const auto owner = std::make_shared<const std::vector<float>>(std::move(floats));
  return WordVectors(builder.Finish(),
                     {.rows = rows, .width = width, .data = owner->data(), .owner = owner},
                     std::move(sub_words));
}

// N-grams of 3 characters as fastText has them, in 100 buckets.
inline SubWords SmallSubWords(int64_t width) {
  constexpr int64_t kBuckets = 100;
  std::vector<float> floats;
  for (int64_t i = 0; i < kBuckets * width; ++i) floats.push_back(static_cast<float>(i % 37) - 18);
  const auto owner = std::make_shared<const std::vector<float>>(std::move(floats));
  return SubWords({.min_length = 3, .max_length = 3, .buckets = kBuckets}, owner->data(), kBuckets,
                  width, owner);
}

}  // namespace graft

#endif  // GRAFT_TESTS_EMBEDDINGS_SMALL_VECTORS_H_
