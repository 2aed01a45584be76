// graft as a contestant of encode.py: texts to pooled vectors [n, H], tokenizer included.
//
// load {"model": DIR, "texts": FILE with one text a line, "max_length": tokens, "threads": n}
// run         encodes all texts
// run gemm    bare at::linear calls of the model's shapes over the batches of the last run
// run linear  the same through graft's Linear()
#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "bench/line_protocol.h"
#include "models/kernels/linear.h"
#include "models/kernels/pooling.h"
#include "tasks/batching.h"
#include "tasks/inference.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"

namespace graft {
namespace {

using Json = nlohmann::ordered_json;
using Product = at::Tensor (*)(const at::Tensor& x, const at::Tensor& weight);

at::Tensor LibTorchLinear(const at::Tensor& x, const at::Tensor& weight) {
  return at::linear(x, weight);
}
at::Tensor GraftLinear(const at::Tensor& x, const at::Tensor& weight) {
  return Linear(x, weight, at::Tensor());
}

class EncodeWorker {
 public:
  absl::StatusOr<Json> Load(const JsonValue& settings) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view folder, settings.GetString("model"));
    ABSL_ASSIGN_OR_RETURN(const std::string_view path, settings.GetString("texts"));
    ABSL_ASSIGN_OR_RETURN(max_length_, settings.GetInt("max_length", 3, 1 << 20));
    ABSL_ASSIGN_OR_RETURN(threads_, settings.GetInt("threads", 1, 4096));
    SetThreads(static_cast<int>(threads_));
    ABSL_ASSIGN_OR_RETURN(LoadedModel model, LoadModel(std::string(folder)));
    model_ = std::make_unique<LoadedModel>(std::move(model));
    if (max_length_ > model_->folder.max_length) {
      return absl::InvalidArgumentError(absl::StrCat("load: max_length: expected at most ",
                                                     model_->folder.max_length, ", found ",
                                                     max_length_));
    }
    ABSL_ASSIGN_OR_RETURN(file_, ReadFile(std::string(path), uint64_t{1} << 30));
    texts_ = absl::StrSplit(file_, '\n');
    if (!texts_.empty() && texts_.back().empty()) texts_.pop_back();
    MakeProducts();
    return Json{{"settings", {{"batch_tokens", kInferenceTokens}}}};
  }

  absl::StatusOr<Json> Run(std::string_view what) {
    if (model_ == nullptr) return absl::FailedPreconditionError("run before load");
    const c10::AutoGradMode no_grad(false);
    if (what.empty()) return Encode();
    if (what == "gemm") return Multiply(&LibTorchLinear);
    if (what == "linear") return Multiply(&GraftLinear);
    return absl::InvalidArgumentError(absl::StrCat("unknown run '", what, "'"));
  }

  absl::StatusOr<WorkerResult> Result() const {
    const auto hidden = static_cast<int64_t>(vectors_.size() / std::max<size_t>(1, texts_.size()));
    return WorkerResult{{static_cast<int64_t>(texts_.size()), hidden}, vectors_};
  }

 private:
  Json Encode() {
    const double begin_time = SecondsNow();
    const EncodedTexts encoded(model_->tokenizer->EncodeBatch(
        texts_, {.max_length = static_cast<size_t>(max_length_)}, static_cast<int>(threads_)));
    std::vector<int64_t> order(texts_.size());
    std::iota(order.begin(), order.end(), 0);
    const int64_t width = model_->backbone->hidden_size();
    vectors_.resize(texts_.size() * width);
    capacities_.clear();
    size_t begin = 0;
    for (const size_t end : CutByTokens(encoded.tokens, order, kInferenceTokens)) {
      const Batch batch =
          PackBatch(encoded, absl::MakeConstSpan(order).subspan(begin, end - begin));
      const at::Tensor hidden = model_->backbone->Run(batch, PassOptions());  // [R, H]
      const at::Tensor pooled =                                               // [B, H]
          Pool(hidden, batch.segments, model_->folder.pooling.value_or(Pooling::kCls)).contiguous();
      std::copy_n(pooled.const_data_ptr<float>(), pooled.numel(),
                  vectors_.begin() + static_cast<int64_t>(begin) * width);
      capacities_.push_back(hidden.size(0));
      begin = end;
    }
    return Json{{"seconds", SecondsNow() - begin_time},
                {"texts", texts_.size()},
                {"tokens", encoded.tokens.ids.size()},
                {"batches", capacities_.size()}};
  }

  // Weights of the four products of every layer: each layer has its own memory, as in the model.
  void MakeProducts() {
    const int64_t h = model_->folder.config.hidden_size;
    const int64_t m = model_->folder.config.intermediate_size;
    for (int64_t layer = 0; layer < model_->folder.config.layers; ++layer) {
      for (const auto& [rows, columns] :
           std::vector<std::pair<int64_t, int64_t>>{{3 * h, h}, {h, h}, {m, h}, {h, m}}) {
        weights_.push_back(at::rand({rows, columns}));
      }
    }
  }

  Json Multiply(Product product) const {
    const int64_t h = model_->folder.config.hidden_size;
    const int64_t m = model_->folder.config.intermediate_size;
    const int64_t largest =
        capacities_.empty() ? 0 : *std::max_element(capacities_.begin(), capacities_.end());
    const at::Tensor narrow = at::rand({largest, h});
    const at::Tensor wide = at::rand({largest, m});
    double flops = 0;
    const double begin_time = SecondsNow();
    for (const int64_t rows : capacities_) {
      for (const at::Tensor& weight : weights_) {
        const at::Tensor& input = weight.size(1) == h ? narrow : wide;
        product(input.narrow(0, 0, rows), weight);
        flops += 2.0 * static_cast<double>(rows * weight.numel());
      }
    }
    return Json{{"seconds", SecondsNow() - begin_time}, {"flops", flops}};
  }

  std::unique_ptr<LoadedModel> model_;
  int64_t max_length_ = 0;
  int64_t threads_ = 1;
  std::string file_;
  std::vector<std::string_view> texts_;  // lines of file_
  std::vector<at::Tensor> weights_;
  std::vector<int64_t> capacities_;  // rows of each batch of the last run
  std::vector<float> vectors_;       // [n, H]
};

}  // namespace
}  // namespace graft

int main() {
  graft::EncodeWorker worker;
  return graft::ServeRequests(
      {.load = [&](const graft::JsonValue& settings) { return worker.Load(settings); },
       .run = [&](std::string_view what) { return worker.Run(what); },
       .result = [&] { return worker.Result(); }});
}
