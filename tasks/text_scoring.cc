#include "tasks/text_scoring.h"

#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/catch_errors.h"
#include "tasks/batching.h"
#include "tasks/inference.h"
#include "tasks/threads.h"

namespace graft {
namespace {

// Rows that become logits at once: a vocabulary is wide.
constexpr int64_t kRows = 64;

// A token to be scored: the row of a batch whose logits guess it, and where its score goes.
struct Query {
  int64_t row;
  TokenScore* token;
};

// log softmax of one token's logits [V] at an id, in double.
double LogProbability(absl::Span<const float> logits, int32_t id) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return logits[id] - largest - std::log(sum);
}

// Texts that are run together, and what is asked of them.
class Scorer {
 public:
  explicit Scorer(const LoadedModel& model) : model_(model), texts_(NoTexts()) {}

  // The next text; asking is of its tokens from here on.
  void Add(absl::Span<const int32_t> ids) {
    const auto length = static_cast<int64_t>(ids.size());
    if (!texts_.tokens.ids.empty() && Tokens() + length > kInferenceTokens) Run();
    first_row_ = Tokens();
    texts_.tokens.ids.insert(texts_.tokens.ids.end(), ids.begin(), ids.end());
    texts_.tokens.starts.push_back(static_cast<int32_t>(texts_.tokens.ids.size()));
  }
  // `token` by the hidden state at a place of the text.
  void Ask(int64_t place, TokenScore& token) { queries_.push_back({first_row_ + place, &token}); }

  // Answers what was asked.
  void Run() {
    if (!queries_.empty()) Answer();
    texts_ = NoTexts();
    queries_.clear();
  }

 private:
  EncodedTexts NoTexts() const {
    EncodedTexts none;
    none.tokens.types_given = model_.tokenizer->gives_type_ids();
    return none;
  }
  int64_t Tokens() const { return static_cast<int64_t>(texts_.tokens.ids.size()); }

  void Answer() const {
    const ComputeTurn turn;
    std::vector<int64_t> all(texts_.tokens.starts.size() - 1);
    std::iota(all.begin(), all.end(), 0);
    const at::Tensor hidden =
        model_.backbone->Run(PackBatch(texts_, all), PassOptions());  // [R, H]
    const at::Tensor& table = WordTable(*model_.backbone);
    const auto count = static_cast<int64_t>(queries_.size());
    for (int64_t begin = 0; begin < count; begin += kRows) {
      const auto queries = absl::MakeConstSpan(queries_).subspan(begin, kRows);
      std::vector<int64_t> rows;
      for (const Query& query : queries) rows.push_back(query.row);
      const at::Tensor logits =
          model_.language_head->Forward(hidden.index_select(0, at::tensor(rows, at::kLong)), table)
              .contiguous();  // [n, V]
      const auto width = static_cast<size_t>(logits.size(1));
      const float* row = logits.const_data_ptr<float>();
      for (const Query& query : queries) {
        query.token->log_probability =
            LogProbability(absl::MakeConstSpan(row, width), query.token->id);
        row += width;
      }
    }
  }

  const LoadedModel& model_;
  EncodedTexts texts_;
  std::vector<Query> queries_;
  int64_t first_row_ = 0;  // of the last text
};

void AskCausal(const Encoding& text, TextScore& score, Scorer& scorer) {
  scorer.Add(text.ids);
  for (size_t i = 1; i < text.size(); ++i) {
    if (text.special_tokens_mask[i] == 0) scorer.Ask(static_cast<int64_t>(i) - 1, score.tokens[i]);
  }
}

void AskMasked(const Encoding& text, int32_t mask, TextScore& score, Scorer& scorer) {
  std::vector<int32_t> ids = text.ids;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.special_tokens_mask[i] != 0) continue;
    ids[i] = mask;
    scorer.Add(ids);
    scorer.Ask(static_cast<int64_t>(i), score.tokens[i]);
    ids[i] = text.ids[i];
  }
}

void Sum(TextScore& score) {
  for (const TokenScore& token : score.tokens) {
    if (!token.log_probability) continue;
    score.sum += *token.log_probability;
    ++score.scored;
  }
}

absl::StatusOr<std::vector<TextScore>> Score(const LoadedModel& model,
                                             absl::Span<const std::string_view> texts) {
  const c10::AutoGradMode no_grad(false);
  const bool causal = model.language_head->config().causal;
  const std::optional<int32_t> mask = model.tokenizer->mask_id();
  if (!causal && !mask) {
    return absl::FailedPreconditionError(
        absl::StrCat(model.folder.path, ": expected a tokenizer with a mask, found none"));
  }
  const EncodeOptions options = CuttingAt(*model.tokenizer, model.folder.max_length);
  std::vector<TextScore> scores(texts.size());
  Scorer scorer(model);
  for (size_t t = 0; t < texts.size(); ++t) {
    const Encoding text = model.tokenizer->Encode(texts[t], options);
    if (text.ids.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "expected texts with at least one token, found ", Quoted(texts[t]), " without any"));
    }
    for (const int32_t id : text.ids) scores[t].tokens.push_back({.id = id, .log_probability = {}});
    scores[t].cut_off = text.cut_off;
    if (causal) {
      AskCausal(text, scores[t], scorer);
    } else {
      AskMasked(text, *mask, scores[t], scorer);
    }
  }
  scorer.Run();
  for (size_t t = 0; t < texts.size(); ++t) {
    Sum(scores[t]);
    if (std::isfinite(scores[t].sum)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(model.folder.path, ": expected weights that give finite numbers, found ",
                     scores[t].sum, " as the logarithm of the probability of ", Quoted(texts[t])));
  }
  return scores;
}

}  // namespace

absl::StatusOr<std::vector<TextScore>> ScoreTexts(const LoadedModel& model,
                                                  absl::Span<const std::string_view> texts) {
  if (!model.language_head) {
    return absl::FailedPreconditionError(absl::StrCat(
        model.folder.path,
        ": expected a language model, found an encoder with head: ", DescribeHead(model)));
  }
  return CatchErrors(model.folder.path, [&] { return Score(model, texts); });
}

}  // namespace graft
