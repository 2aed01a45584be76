#include "tasks/inference.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tasks/batching.h"

namespace graft {

std::vector<float> ComputeLogits(const Backbone& backbone, const SequenceClassifier& head,
                                 const EncodedTexts& texts, const InferenceProgress& progress) {
  const c10::AutoGradMode no_grad(false);
  const auto count = static_cast<int64_t>(texts.tokens.starts.size()) - 1;
  const int64_t classes = head.config().classes;
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::vector<float> logits(count * classes);
  size_t begin = 0;
  for (const size_t end : CutByTokens(texts.tokens, order, kInferenceTokens)) {
    const Batch batch = PackBatch(texts, absl::MakeConstSpan(order).subspan(begin, end - begin));
    const at::Tensor hidden = backbone.Run(batch, PassOptions());
    const at::Tensor rows = head.Forward(hidden, batch, PassOptions()).contiguous();  // [B, C]
    std::copy_n(rows.const_data_ptr<float>(), rows.numel(),
                logits.begin() + static_cast<int64_t>(begin) * classes);
    begin = end;
    if (progress && !progress(static_cast<int64_t>(end))) break;
  }
  return logits;
}

std::vector<double> Softmax(absl::Span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> scores(logits.size());
  std::transform(logits.begin(), logits.end(), scores.begin(),
                 [&](float l) { return std::exp(l - largest); });
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  for (double& score : scores) score /= sum;
  return scores;
}

}  // namespace graft
