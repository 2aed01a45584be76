// From encoded texts to packed batches.
#ifndef GRAFT_TASKS_BATCHING_H_
#define GRAFT_TASKS_BATCHING_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "models/batch.h"
#include "tasks/encoded_texts.h"
#include "tokenizers/tokenizer.h"

namespace graft {

// Texts of at most so many tokens, cut off at the end that the tokenizer's files name.
EncodeOptions CuttingAt(const Tokenizer& tokenizer, int64_t max_length);

// InvalidArgument naming a text that has no token, of which nothing can be computed: a tokenizer
// that puts none of its own around texts gives an empty one none. `texts` are those of `encoded`.
absl::Status CheckEveryTextHasTokens(absl::Span<const std::string_view> texts,
                                     const EncodedBatch& encoded);

// Packs the texts `examples` (indices into `texts`, in this order) into one batch. `first_text_id`
// is the index of the first one in its optimizer step, which keys dropout. Every text has at least
// one token.
Batch PackBatch(const EncodedTexts& texts, absl::Span<const int64_t> examples,
                int64_t first_text_id = 0);

// Cuts a list of texts into consecutive runs of at most `max_tokens` tokens; a longer text is a run
// of its own. Returns the end of each run: run i has the entries [ends[i - 1], ends[i]) of
// `examples`.
std::vector<size_t> CutByTokens(const EncodedBatch& texts, absl::Span<const int64_t> examples,
                                int64_t max_tokens);

// The order in which epoch `epoch` (from 0) sees `count` examples: a permutation of 0 .. count - 1
// that is a function of seed, epoch and index alone, so that no state needs to be saved to take it
// up again.
std::vector<int64_t> EpochOrder(uint64_t seed, uint32_t epoch, int64_t count);

}  // namespace graft

#endif  // GRAFT_TASKS_BATCHING_H_
