// Running a trained classifier over texts.
#ifndef GRAFT_TASKS_INFERENCE_H_
#define GRAFT_TASKS_INFERENCE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "models/backbone.h"
#include "tasks/encoded_texts.h"
#include "tasks/sequence_classifier.h"

namespace graft {

// Tokens in one packed batch: enough for full speed of the matrix products, few enough that a
// batch's activations stay near the cores.
inline constexpr int64_t kInferenceTokens = 1024;

// Called after each batch with the number of texts done so far; returning false ends the work
// early.
using InferenceProgress = std::function<bool(int64_t done)>;

// Logits [n, C], row-major, of all encoded texts. A text's logits do not depend on the others.
std::vector<float> ComputeLogits(const Backbone& backbone, const SequenceClassifier& head,
                                 const EncodedTexts& texts,
                                 const InferenceProgress& progress = nullptr);

// exp(l - max) / sum over one text's logits [C], in double.
std::vector<double> Softmax(absl::Span<const float> logits);

}  // namespace graft

#endif  // GRAFT_TASKS_INFERENCE_H_
