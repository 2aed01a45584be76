// Gradients of all parameters, for gradient_parity.py:
//
//   dump_gradients MODEL ROWS THREADS OUT.safetensors
//
// MODEL is a classifier folder whose config has no dropout, ROWS has lines "text<TAB>class". The
// loss is the mean cross-entropy over the rows as one batch, packed in parts of 1,024 tokens.
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "models/checkpoint.h"
#include "tasks/batching.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"

namespace graft {
namespace {

constexpr int64_t kPartTokens = 1024;

struct Rows {
  std::vector<std::string_view> texts;
  std::vector<int64_t> labels;
};

absl::StatusOr<Rows> ParseRows(const std::string& path, std::string_view file) {
  Rows rows;
  for (const std::string_view line : absl::StrSplit(file, '\n', absl::SkipEmpty())) {
    const size_t tab = line.rfind('\t');
    int64_t label = -1;
    if (tab == line.npos || !absl::SimpleAtoi(line.substr(tab + 1), &label) || label < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", rows.texts.size() + 1, ": expected text, tab and class"));
    }
    rows.texts.push_back(line.substr(0, tab));
    rows.labels.push_back(label);
  }
  return rows;
}

// Runs the loss backward; the gradients stand in the tensors of backbone and head.
void Backward(const Backbone& backbone, const SequenceClassifier& head, const EncodedTexts& texts,
              const std::vector<int64_t>& labels) {
  const PassOptions pass{.train = true, .seed = 1, .step = 0};
  std::vector<int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  size_t begin = 0;
  for (const size_t end : CutByTokens(texts.tokens, order, kPartTokens)) {
    const auto part = absl::MakeConstSpan(order).subspan(begin, end - begin);
    const Batch batch = PackBatch(texts, part, static_cast<int64_t>(begin));
    const at::Tensor logits = head.Forward(backbone.Run(batch, pass), batch, pass);
    const at::Tensor targets =
        at::tensor(std::vector<int64_t>(labels.begin() + begin, labels.begin() + end), at::kLong);
    CrossEntropySum(logits, targets).div(static_cast<double>(labels.size())).backward();
    begin = end;
  }
}

void AppendGradients(const std::vector<SlotLayout>& layout, const std::vector<at::Tensor>& tensors,
                     std::vector<NamedTensor>& out) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& tensor : tensors) gradients.push_back(tensor.grad());
  for (NamedTensor& part : NamedParts(layout, gradients)) {
    out.push_back({part.name, part.value.contiguous()});
  }
}

absl::Status Run(const std::vector<std::string>& arguments) {
  int threads = 0;
  if (arguments.size() != 4 || !absl::SimpleAtoi(arguments[2], &threads) || threads < 1) {
    return absl::InvalidArgumentError("expected MODEL ROWS THREADS OUT");
  }
  SetThreads(threads);
  ABSL_ASSIGN_OR_RETURN(const LoadedModel model, LoadModel(arguments[0]));
  if (!model.head) {
    return absl::InvalidArgumentError(absl::StrCat(arguments[0], ": expected a head, found none"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string file, ReadFile(arguments[1], uint64_t{1} << 30));
  ABSL_ASSIGN_OR_RETURN(const Rows rows, ParseRows(arguments[1], file));
  const EncodedTexts encoded(model.tokenizer->EncodeBatch(
      rows.texts, {.max_length = static_cast<size_t>(model.folder.max_length)}, threads));
  const std::unique_ptr<Backbone> backbone = model.backbone->Trainable(FreezePlan());
  const SequenceClassifier head = model.head->Trainable();
  const c10::AutoGradMode grad(true);
  Backward(*backbone, head, encoded, rows.labels);
  std::vector<NamedTensor> gradients;
  for (int stage = 0; stage < backbone->stages(); ++stage) {
    AppendGradients(backbone->stage(stage).layout, backbone->stage(stage).tensors, gradients);
  }
  AppendGradients(SequenceClassifier::Layout(head.config()), head.tensors(), gradients);
  return SaveTensors(arguments[3], gradients);
}

}  // namespace
}  // namespace graft

int main(int argc, char** argv) {
  const absl::Status status = graft::Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::cerr << "dump_gradients: " << status.message() << "\n";
  return 1;
}
