// How probable a language model finds a text.
#ifndef GRAFT_TASKS_TEXT_SCORING_H_
#define GRAFT_TASKS_TEXT_SCORING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/model_folder.h"

namespace graft {

struct TokenScore {
  int32_t id = 0;
  // Natural logarithm of the probability. None for tokens that the tokenizer put around the text,
  // and for the first token of all that a causal model reads: nothing stands before it.
  std::optional<double> log_probability;
};

struct TextScore {
  std::vector<TokenScore> tokens;  // as the model reads them, special tokens counted
  double sum = 0;                  // of the logarithms that there are
  int64_t scored = 0;              // their number: exp(-sum / scored) is the perplexity
  size_t cut_off = 0;              // tokens beyond the longest input, not read
};

// One result a text, in order, by the model's language head. A causal model gives log p(token | the
// tokens before it). A masked one gives log p(token | all other tokens), each token masked in turn,
// whose sum is the pseudo-log-likelihood (Salazar et al. 2020, arXiv 1910.14659): a text of T
// tokens costs T passes over it. A text's numbers do not depend on the others, bit for bit (CPU).
// Concurrent calls take turns in the computation as those of TextEmbedder::Embed do.
// FailedPrecondition: the model has no language head, or is a masked one whose tokenizer has no
// mask. InvalidArgument: a text has no token, or the weights give no finite numbers. Thread-safe.
absl::StatusOr<std::vector<TextScore>> ScoreTexts(const LoadedModel& model,
                                                  absl::Span<const std::string_view> texts);

}  // namespace graft

#endif  // GRAFT_TASKS_TEXT_SCORING_H_
