#include "tests/support/family_check.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "models/backbone.h"
#include "models/checkpoint.h"
#include "models/head.h"
#include "models/kernels/pooling.h"
#include "tests/support/golden_encoder.h"

namespace graft::testing {
namespace {

// expected.safetensors.
class Expectations {
 public:
  static absl::StatusOr<Expectations> Open(const std::string& folder) {
    ABSL_ASSIGN_OR_RETURN(WeightFiles files, WeightFiles::Open(folder + "/expected.safetensors"));
    return Expectations(std::move(files));
  }

  bool Has(const std::string& name) const { return files_.Find(name) != nullptr; }

  absl::StatusOr<at::Tensor> Floats(const std::string& name) const {
    ABSL_ASSIGN_OR_RETURN(const TensorInfo* info, Find(name));
    at::Tensor value = at::empty(info->shape, at::kFloat);
    ABSL_RETURN_IF_ERROR(
        files_.ReadAsFloat(*info, absl::MakeSpan(value.data_ptr<float>(), value.numel())));
    return value;
  }

  absl::StatusOr<std::vector<int32_t>> Integers(const std::string& name) const {
    ABSL_ASSIGN_OR_RETURN(const TensorInfo* info, Find(name));
    std::vector<int32_t> values(info->elements());
    ABSL_RETURN_IF_ERROR(files_.ReadBytes(
        *info, absl::MakeSpan(reinterpret_cast<char*>(values.data()), info->bytes())));
    return values;
  }

  const std::vector<TensorInfo>& tensors() const { return files_.tensors(); }

 private:
  explicit Expectations(WeightFiles files) : files_(std::move(files)) {}

  absl::StatusOr<const TensorInfo*> Find(const std::string& name) const {
    const TensorInfo* info = files_.Find(name);
    if (info == nullptr) return absl::NotFoundError(absl::StrCat(files_.path(), ": no ", name));
    return info;
  }

  WeightFiles files_;
};

// Everything of a folder.
struct Model {
  std::unique_ptr<const Backbone> backbone;
  const HeadLayout* head = nullptr;
  HeadKind kind = HeadKind::kNone;
  std::vector<SlotLayout> head_slots;
  std::vector<at::Tensor> head_tensors;
  int64_t padding_id = -1;
  std::vector<GoldenText> texts;
};

absl::StatusOr<std::vector<GoldenText>> ReadTexts(const Expectations& expected) {
  std::vector<GoldenText> texts;
  for (int i = 0; expected.Has(absl::StrCat("text", i, ".ids")); ++i) {
    GoldenText text;
    ABSL_ASSIGN_OR_RETURN(text.ids, expected.Integers(absl::StrCat("text", i, ".ids")));
    ABSL_ASSIGN_OR_RETURN(text.type_ids, expected.Integers(absl::StrCat("text", i, ".type_ids")));
    texts.push_back(std::move(text));
  }
  return texts;
}

absl::StatusOr<Model> Load(const std::string& folder, const Expectations& expected) {
  Model model;
  ABSL_ASSIGN_OR_RETURN(const FamilyArchitecture read, ReadArchitecture(folder + "/config.json"));
  ABSL_ASSIGN_OR_RETURN(const JsonDocument config, JsonDocument::Load(folder + "/config.json"));
  ABSL_ASSIGN_OR_RETURN(model.padding_id, config.root().GetInt("pad_token_id", -1, 1 << 24, -1));
  if (read.family->model_type == "mpnet") model.padding_id = 1;  // whatever its config says
  ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::OpenFolder(folder));
  ABSL_ASSIGN_OR_RETURN(model.texts, ReadTexts(expected));
  std::vector<SlotLayout> slots = BackboneSlots(*read.architecture);
  const size_t of_backbone = slots.size();
  model.head = FindHead(read);
  if (model.head != nullptr) {
    model.kind = HeadOf(read);
    ABSL_ASSIGN_OR_RETURN(const at::Tensor logits, expected.Floats("text0.logits"));
    model.head_slots =
        HeadSlots(*model.head, read.architecture->config().hidden_size, logits.size(-1));
    slots.insert(slots.end(), model.head_slots.begin(), model.head_slots.end());
  }
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded, LoadTensors(files, slots, read.family->prefix));
  model.head_tensors.assign(std::make_move_iterator(loaded.tensors.begin() + of_backbone),
                            std::make_move_iterator(loaded.tensors.end()));
  loaded.tensors.resize(of_backbone);
  model.backbone = std::make_unique<const Backbone>(read, std::move(loaded.tensors));
  return model;
}

at::Tensor Logits(const Model& model, const Backbone& backbone,
                  const std::vector<at::Tensor>& head_tensors, const at::Tensor& hidden,
                  const Batch& batch) {
  const at::Tensor x = model.kind == HeadKind::kSequence
                           ? Pool(hidden, batch.segments, model.head->pooling)
                           : hidden;
  const at::Tensor table = backbone.stage(0).tensors[0];
  const auto no_dropout = [](const at::Tensor& y, double, int) { return y; };
  return RunHead(*model.head, head_tensors, x, table, no_dropout);
}

// text_loss of family_models.py for text b.
at::Tensor Loss(const Model& model, const at::Tensor& hidden, const at::Tensor& logits,
                const Batch& batch, int64_t b) {
  if (model.kind == HeadKind::kSequence) {
    const at::Tensor label = at::full({1}, b % logits.size(1), at::kLong);
    return at::cross_entropy_loss(logits.narrow(0, b, 1), label);
  }
  if (model.kind == HeadKind::kToken) {
    const at::Tensor rows = RowsOf(logits, batch, b);
    const at::Tensor labels = at::arange(rows.size(0), at::kLong).remainder(rows.size(1));
    return at::cross_entropy_loss(rows, labels);
  }
  return RowsOf(hidden, batch, b).mean(0).pow(2).sum().div(2);
}

void Raise(double& largest, double value) {
  if (!(value <= largest)) largest = value;  // NaN too
}

absl::Status CompareValues(const Model& model, const Expectations& expected,
                           FamilyDifferences& found) {
  const c10::AutoGradMode no_grad(false);
  const Backbone& backbone = *model.backbone;
  const Batch batch = PackTexts(model.texts, AllTexts(model.texts));
  std::vector<at::Tensor> stages;
  const at::Tensor last =
      backbone.Run(batch, at::Tensor(), 0, backbone.stages() - 1, {},
                   [&](int, const at::Tensor& hidden) { stages.push_back(hidden.clone()); });
  at::Tensor logits;
  if (model.head != nullptr) logits = Logits(model, backbone, model.head_tensors, last, batch);
  found.has_logits = logits.defined();
  for (size_t t = 0; t < model.texts.size(); ++t) {
    const auto b = static_cast<int64_t>(t);
    for (size_t k = 0; k < stages.size(); ++k) {
      ABSL_ASSIGN_OR_RETURN(const at::Tensor peer,
                            expected.Floats(absl::StrCat("text", t, ".hidden.", k)));
      const double difference = MaxDifference(RowsOf(stages[k], batch, b), peer);
      Raise(found.hidden, difference);
      if (k + 1 == stages.size()) Raise(found.last_hidden, difference);
    }
    if (logits.defined()) {
      ABSL_ASSIGN_OR_RETURN(const at::Tensor peer,
                            expected.Floats(absl::StrCat("text", t, ".logits")));
      const at::Tensor own =
          model.kind == HeadKind::kSequence ? logits[b] : RowsOf(logits, batch, b);
      Raise(found.logits, MaxDifference(own, peer));
    }
    const Batch alone = PackTexts(model.texts, {t});
    found.equal_bits &= SameBits(backbone.Run(alone, PassOptions()), RowsOf(last, batch, b));
  }
  return absl::OkStatus();
}

// Compares the gradients that the tensors of these slots have with the expected ones.
absl::Status CompareGradients(const Model& model, const Expectations& expected,
                              const std::vector<SlotLayout>& slots,
                              const std::vector<at::Tensor>& tensors, FamilyDifferences& found) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& tensor : tensors) {
    gradients.push_back(tensor.grad().defined() ? tensor.grad() : at::zeros_like(tensor));
  }
  for (const NamedTensor& part : NamedParts(slots, gradients)) {
    const std::string prefixed = absl::StrCat("grad.", model.backbone->family().prefix, part.name);
    const std::string name = expected.Has(prefixed) ? prefixed : absl::StrCat("grad.", part.name);
    if (!expected.Has(name)) continue;  // a tensor that the loss does not reach, as a tied bias
    ABSL_ASSIGN_OR_RETURN(at::Tensor peer, expected.Floats(name));
    at::Tensor own = part.value.clone();
    // LibTorch's embeddings give their padding row no gradient.
    if (name.ends_with("embeddings.weight") && model.padding_id >= 0 &&
        model.padding_id < own.size(0)) {
      own[model.padding_id].zero_();
      peer[model.padding_id].zero_();
    }
    const double scale = std::max(1.0, peer.abs().max().item<double>());
    Raise(found.gradient, MaxDifference(own, peer) / scale);
    ++found.parameters;
  }
  return absl::OkStatus();
}

absl::Status CompareDepth(const Model& model, const Expectations& expected, const FreezePlan& plan,
                          FamilyDifferences& found) {
  const c10::AutoGradMode grad(true);
  const std::unique_ptr<Backbone> backbone = model.backbone->Trainable(plan);
  std::vector<at::Tensor> head_tensors;
  for (const at::Tensor& tensor : model.head_tensors) {
    head_tensors.push_back(tensor.clone().set_requires_grad(true));
  }
  const Batch batch = PackTexts(model.texts, AllTexts(model.texts));
  const at::Tensor hidden = backbone->Run(batch, {.train = true});
  at::Tensor logits;
  if (model.kind == HeadKind::kSequence || model.kind == HeadKind::kToken) {
    logits = Logits(model, *backbone, head_tensors, hidden, batch);
  }
  at::Tensor loss = at::zeros({});
  for (int64_t b = 0; b < batch.segments.texts(); ++b) {
    loss = loss.add(Loss(model, hidden, logits, batch, b).div(batch.segments.texts()));
  }
  if (!loss.requires_grad()) return absl::OkStatus();  // everything is frozen and there is no head
  loss.backward();
  for (int s = 0; s < backbone->stages(); ++s) {
    const Stage& stage = backbone->stage(s);
    if (s < plan.frozen_stages()) {
      for (const at::Tensor& tensor : stage.tensors) {
        found.frozen_without_gradient &= !tensor.grad().defined();
      }
      continue;
    }
    ABSL_RETURN_IF_ERROR(CompareGradients(model, expected, stage.layout, stage.tensors, found));
  }
  if (!logits.defined()) return absl::OkStatus();
  return CompareGradients(model, expected, model.head_slots, head_tensors, found);
}

}  // namespace

absl::StatusOr<FamilyDifferences> CheckFamily(const std::string& folder) {
  ABSL_ASSIGN_OR_RETURN(const Expectations expected, Expectations::Open(folder));
  ABSL_ASSIGN_OR_RETURN(const Model model, Load(folder, expected));
  FamilyDifferences found;
  found.texts = static_cast<int>(model.texts.size());
  ABSL_RETURN_IF_ERROR(CompareValues(model, expected, found));
  const int layers = model.backbone->layers();
  for (int depth = -1; depth <= layers; ++depth) {
    const std::string text = depth < 0 ? "none" : absl::StrCat(depth);
    ABSL_ASSIGN_OR_RETURN(const FreezePlan plan, FreezePlan::Parse(text, layers));
    ABSL_RETURN_IF_ERROR(CompareDepth(model, expected, plan, found));
  }
  return found;
}

}  // namespace graft::testing
