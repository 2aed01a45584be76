#include "tasks/sentence_pipeline.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "models/checkpoint.h"
#include "models/kernels/activation.h"
#include "models/kernels/linear.h"
#include "models/kernels/tasks.h"
#include "models/weights/weight_files.h"
#include "tasks/sentence_pooling.h"

namespace graft {
namespace {

SlotLayout Slot(std::string name, std::vector<int64_t> shape) {
  SlotLayout slot;
  slot.parts.push_back({.name = std::move(name), .shape = std::move(shape)});
  return slot;
}

// The slots of a Dense module: weight, and bias and residual when it has them.
std::vector<SlotLayout> DenseSlots(const DenseModule& config) {
  std::vector<SlotLayout> slots = {Slot("linear.weight", {config.out, config.in})};
  if (config.bias) slots.push_back(Slot("linear.bias", {config.out}));
  if (config.residual && config.in != config.out) {
    slots.push_back(Slot("residual.weight", {config.out, config.in}));
  }
  return slots;
}

}  // namespace

void NormalizeRows(at::Tensor& x) {
  constexpr double kLeast = 1e-12;  // as torch.nn.functional.normalize has it
  const int64_t width = x.size(1);
  float* rows = x.mutable_data_ptr<float>();
  ParallelFor(x.size(0), 16, [&](int64_t begin, int64_t end) {
    for (float* row = rows + begin * width; row != rows + end * width; row += width) {
      double sum = 0;
      for (int64_t c = 0; c < width; ++c) sum += static_cast<double>(row[c]) * row[c];
      const double length = std::max(std::sqrt(sum), kLeast);
      for (int64_t c = 0; c < width; ++c) row[c] = static_cast<float>(row[c] / length);
    }
  });
}

SentencePipeline::SentencePipeline(PoolingMode mode, int64_t hidden_size)
    : hidden_size_(hidden_size), width_(hidden_size) {
  pooling_.modes = {mode};
}

absl::StatusOr<SentencePipeline::Dense> SentencePipeline::LoadDense(const std::string& folder) {
  Dense dense;
  const std::string config = JoinPath(folder, "config.json");
  ABSL_ASSIGN_OR_RETURN(dense.config, ReadDenseModule(config, width_));
  ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::OpenFolder(folder));
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded, LoadTensors(files, DenseSlots(dense.config), ""));
  if (!loaded.unused.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.path(), ": expected the tensors of a Dense module, found also ",
                     absl::StrJoin(loaded.unused, ", ")));
  }
  size_t next = 0;
  dense.weight = loaded.tensors[next++];
  if (dense.config.bias) dense.bias = loaded.tensors[next++];
  if (next < loaded.tensors.size()) dense.residual = loaded.tensors[next];
  width_ = dense.config.out;
  files_.push_back(config);
  for (const std::string& path : files.paths()) files_.push_back(path);
  return dense;
}

absl::StatusOr<SentencePipeline> SentencePipeline::Load(const ModelFolder& folder) {
  const std::vector<SentenceModule>& modules = folder.modules;
  const auto config_of = [&](const SentenceModule& module) {
    return JoinPath(JoinPath(folder.path, module.path), "config.json");
  };
  const auto refuse = [&](std::string_view expected, std::string_view found) {
    return absl::InvalidArgumentError(absl::StrCat(JoinPath(folder.path, "modules.json"),
                                                   ": expected ", expected, ", found ", found));
  };
  if (modules.size() < 2 || modules[1].type != "Pooling") {
    return refuse("a Pooling module behind the Transformer",
                  modules.size() < 2 ? "none" : modules[1].type);
  }
  SentencePipeline pipeline;
  pipeline.hidden_size_ = folder.config.hidden_size;
  ABSL_ASSIGN_OR_RETURN(pipeline.pooling_,
                        ReadPoolingModule(config_of(modules[1]), pipeline.hidden_size_));
  pipeline.files_.push_back(config_of(modules[1]));
  pipeline.width_ = pipeline.hidden_size_ * static_cast<int64_t>(pipeline.pooling_.modes.size());
  for (size_t i = 2; i < modules.size(); ++i) {
    if (modules[i].type == "Dense") {
      ABSL_ASSIGN_OR_RETURN(Dense dense,
                            pipeline.LoadDense(JoinPath(folder.path, modules[i].path)));
      pipeline.steps_.emplace_back(std::move(dense));
    } else if (modules[i].type == "Normalize") {
      ABSL_RETURN_IF_ERROR(CheckNormalizeModule(config_of(modules[i])));
      pipeline.steps_.emplace_back(Normalize());
    } else {
      return refuse("Dense or Normalize behind Pooling", modules[i].type);
    }
  }
  return pipeline;
}

std::string SentencePipeline::Describe() const {
  std::string text = absl::StrJoin(pooling_.modes, "+", [](std::string* out, PoolingMode mode) {
    absl::StrAppend(out, PoolingModeName(mode));
  });
  for (const Step& step : steps_) {
    if (const auto* dense = std::get_if<Dense>(&step)) {
      absl::StrAppend(&text, ", Dense ", dense->config.in, " to ", dense->config.out);
    } else {
      absl::StrAppend(&text, ", Normalize");
    }
  }
  return text;
}

at::Tensor SentencePipeline::RunDense(const Dense& dense, const at::Tensor& x) {
  at::Tensor y = BiasActivation(Linear(x, dense.weight, at::Tensor()), dense.bias,
                                dense.config.activation);  // [B, out]
  if (!dense.config.residual) return y;
  return at::add(y, dense.residual.defined() ? Linear(x, dense.residual, at::Tensor()) : x);
}

at::Tensor SentencePipeline::Run(const at::Tensor& hidden, const Segments& segments,
                                 int64_t prompt_tokens) const {
  const auto modes = static_cast<int64_t>(pooling_.modes.size());
  at::Tensor x = at::empty({segments.texts(), modes * hidden_size_}, at::kFloat);
  const at::Tensor rows = hidden.contiguous();
  PoolTexts({rows.const_data_ptr<float>(), segments.starts.const_data_ptr<int32_t>(),
             segments.texts(), hidden_size_},
            pooling_.modes, pooling_.include_prompt ? 0 : prompt_tokens,
            x.mutable_data_ptr<float>());
  for (const Step& step : steps_) {
    if (const auto* dense = std::get_if<Dense>(&step)) {
      x = RunDense(*dense, x);
    } else {
      NormalizeRows(x);
    }
  }
  return x;
}

}  // namespace graft
