// Hidden states of texts, for encoder_parity.py:
//
//   encode_texts MODEL TEXTS MAX_LENGTH THREADS OUT
//
// TEXTS has one text a line. Writes into the folder OUT, raw and little-endian: counts.i32 (tokens
// of each text), ids.i32 (N), stage<k>.f32 [N, H] for every stage, pooled.f32 [n, H] as the model
// folder says.
#include <c10/core/GradMode.h>

#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "models/kernels/pooling.h"
#include "tasks/batching.h"
#include "tasks/inference.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"

namespace graft {
namespace {

// A file that raw values are appended to.
class RawFile {
 public:
  explicit RawFile(const std::string& path) : path_(path), file_(path, std::ios::binary) {}

  template <typename T>
  void Append(const T* values, int64_t count) {
    file_.write(reinterpret_cast<const char*>(values),
                static_cast<std::streamsize>(count * sizeof(T)));
  }
  absl::Status Finish() {
    if (file_.flush()) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(path_, ": cannot write"));
  }

 private:
  std::string path_;
  std::ofstream file_;
};

// Rows [0, rows) of a float matrix.
void AppendRows(RawFile& file, const at::Tensor& matrix, int64_t rows) {
  const at::Tensor kept = matrix.narrow(0, 0, rows).contiguous();
  file.Append(kept.const_data_ptr<float>(), kept.numel());
}

absl::Status WriteHiddenStates(const LoadedModel& model, const EncodedTexts& encoded,
                               const std::string& out) {
  std::vector<RawFile> stages;
  for (int stage = 0; stage < model.backbone->stages(); ++stage) {
    stages.emplace_back(JoinPath(out, absl::StrCat("stage", stage, ".f32")));
  }
  RawFile pooled(JoinPath(out, "pooled.f32"));
  std::vector<int64_t> order(encoded.tokens.starts.size() - 1);
  std::iota(order.begin(), order.end(), 0);
  size_t begin = 0;
  for (const size_t end : CutByTokens(encoded.tokens, order, kInferenceTokens)) {
    const Batch batch = PackBatch(encoded, absl::MakeConstSpan(order).subspan(begin, end - begin));
    const at::Tensor last =
        model.backbone->Run(batch, at::Tensor(), 0, model.backbone->stages() - 1, PassOptions(),
                            [&](int stage, const at::Tensor& hidden) {
                              AppendRows(stages[stage], hidden, batch.segments.tokens);
                            });
    const Pooling pooling = model.folder.pooling.value_or(Pooling::kCls);
    AppendRows(pooled, Pool(last, batch.segments, pooling), batch.segments.texts());
    begin = end;
  }
  for (RawFile& file : stages) ABSL_RETURN_IF_ERROR(file.Finish());
  return pooled.Finish();
}

absl::Status Run(const std::vector<std::string>& arguments) {
  int max_length = 0;
  int threads = 0;
  if (arguments.size() != 5 || !absl::SimpleAtoi(arguments[2], &max_length) || max_length < 3 ||
      !absl::SimpleAtoi(arguments[3], &threads) || threads < 1) {
    return absl::InvalidArgumentError("expected MODEL TEXTS MAX_LENGTH THREADS OUT");
  }
  SetThreads(threads);
  const c10::AutoGradMode no_grad(false);
  ABSL_ASSIGN_OR_RETURN(const LoadedModel model, LoadModel(arguments[0]));
  ABSL_ASSIGN_OR_RETURN(const std::string file, ReadFile(arguments[1], uint64_t{1} << 30));
  std::vector<std::string_view> texts = absl::StrSplit(file, '\n');
  if (texts.back().empty()) texts.pop_back();
  const EncodedTexts encoded(model.tokenizer->EncodeBatch(
      texts, {.max_length = static_cast<size_t>(max_length)}, threads));
  RawFile counts(JoinPath(arguments[4], "counts.i32"));
  for (size_t i = 0; i < texts.size(); ++i) {
    const int32_t count = encoded.tokens.starts[i + 1] - encoded.tokens.starts[i];
    counts.Append(&count, 1);
  }
  ABSL_RETURN_IF_ERROR(counts.Finish());
  RawFile ids(JoinPath(arguments[4], "ids.i32"));
  ids.Append(encoded.tokens.ids.data(), static_cast<int64_t>(encoded.tokens.ids.size()));
  ABSL_RETURN_IF_ERROR(ids.Finish());
  return WriteHiddenStates(model, encoded, arguments[4]);
}

}  // namespace
}  // namespace graft

int main(int argc, char** argv) {
  const absl::Status status = graft::Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::cerr << "encode_texts: " << status.message() << "\n";
  return 1;
}
