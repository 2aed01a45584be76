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
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/json.h"
#include "models/backbone.h"
#include "models/checkpoint.h"
#include "models/head.h"
#include "models/kernels/activation.h"
#include "models/kernels/linear.h"
#include "models/kernels/pooling.h"
#include "tests/support/golden_encoder.h"

namespace graft::testing {
namespace {

// expected.safetensors, or padded.safetensors.
class Expectations {
 public:
  static absl::StatusOr<Expectations> Open(const std::string& path) {
    ABSL_ASSIGN_OR_RETURN(WeightFiles files, WeightFiles::Open(path));
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
  std::vector<at::Tensor> pooler;  // weight and bias, where they are expected; else empty
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

// The pooler of an encoder without head, where the family's own head would begin with it.
absl::StatusOr<std::vector<at::Tensor>> LoadPooler(const FamilyArchitecture& read,
                                                   const WeightFiles& files,
                                                   const Expectations& expected) {
  const HeadLayout& head = *read.architecture->heads().sequence;
  if (!expected.Has("text0.pooled") || !head.dense_is_pooler) return std::vector<at::Tensor>();
  std::vector<SlotLayout> slots = HeadSlots(head, read.architecture->config().hidden_size, 1);
  slots.resize(2);
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded,
                        LoadTensors(files, slots, PrefixIn(files, *read.family)));
  return std::move(loaded.tensors);
}

absl::StatusOr<Model> Load(const std::string& folder, const Expectations& expected) {
  Model model;
  ABSL_ASSIGN_OR_RETURN(const FamilyArchitecture read, ReadArchitecture(folder + "/config.json"));
  ABSL_ASSIGN_OR_RETURN(const JsonDocument config, JsonDocument::Load(folder + "/config.json"));
  ABSL_ASSIGN_OR_RETURN(model.padding_id, config.root().GetInt("pad_token_id", -1, 1 << 24, -1));
  if (read.family->model_type == "mpnet") model.padding_id = 1;  // whatever its config says
  ABSL_ASSIGN_OR_RETURN(const WeightFiles files, WeightFiles::OpenFolder(folder));
  ABSL_ASSIGN_OR_RETURN(model.texts, ReadTexts(expected));
  ABSL_ASSIGN_OR_RETURN(model.pooler, LoadPooler(read, files, expected));
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
  ABSL_ASSIGN_OR_RETURN(LoadedTensors loaded,
                        LoadTensors(files, slots, PrefixIn(files, *read.family)));
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

// What a pass over all texts gives.
struct Outputs {
  Batch batch;
  std::vector<at::Tensor> stages;  // [N, H] each
  at::Tensor pooled;               // [B, H]; undefined without a pooler
  at::Tensor logits;               // undefined without a head
};

Outputs RunAll(const Model& model) {
  Outputs out;
  out.batch = PackTexts(model.texts, AllTexts(model.texts));
  const Backbone& backbone = *model.backbone;
  const at::Tensor last =
      backbone.Run(out.batch, at::Tensor(), 0, backbone.stages() - 1, {},
                   [&](int, const at::Tensor& hidden) { out.stages.push_back(hidden.clone()); });
  if (model.head != nullptr) {
    out.logits = Logits(model, backbone, model.head_tensors, last, out.batch);
  }
  if (!model.pooler.empty()) {
    const HeadLayout& head = *backbone.architecture().heads().sequence;
    const at::Tensor x = Pool(last, out.batch.segments, head.pooling);
    out.pooled =
        BiasActivation(Linear(x, model.pooler[0], at::Tensor()), model.pooler[1], head.activation);
  }
  return out;
}

absl::StatusOr<ValueDifferences> CompareValues(const Model& model, const Outputs& out,
                                               const Expectations& expected) {
  ValueDifferences found;
  const auto compare = [&](const at::Tensor& own, const std::string& name,
                           double& largest) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(const at::Tensor peer, expected.Floats(name));
    Raise(largest, MaxDifference(own, peer));
    return absl::OkStatus();
  };
  for (size_t t = 0; t < model.texts.size(); ++t) {
    const auto b = static_cast<int64_t>(t);
    const std::string text = absl::StrCat("text", t, ".");
    for (size_t k = 0; k < out.stages.size(); ++k) {
      double difference = 0;
      ABSL_RETURN_IF_ERROR(compare(RowsOf(out.stages[k], out.batch, b),
                                   absl::StrCat(text, "hidden.", k), difference));
      Raise(found.hidden, difference);
      if (k + 1 == out.stages.size()) Raise(found.last_hidden, difference);
    }
    if (out.pooled.defined()) {
      ABSL_RETURN_IF_ERROR(compare(out.pooled[b], text + "pooled", found.pooled));
    }
    if (out.logits.defined()) {
      const at::Tensor own =
          model.kind == HeadKind::kSequence ? out.logits[b] : RowsOf(out.logits, out.batch, b);
      ABSL_RETURN_IF_ERROR(compare(own, text + "logits", found.logits));
    }
  }
  return found;
}

// Whether every text alone gives the bits that it has in company.
bool EqualBits(const Model& model, const Outputs& out) {
  bool equal = true;
  for (size_t t = 0; t < model.texts.size(); ++t) {
    const Batch alone = PackTexts(model.texts, {t});
    equal &= SameBits(model.backbone->Run(alone, PassOptions()),
                      RowsOf(out.stages.back(), out.batch, static_cast<int64_t>(t)));
  }
  return equal;
}

absl::Status CompareOutputs(const Model& model, const std::string& folder,
                            const Expectations& expected, FamilyDifferences& found) {
  const c10::AutoGradMode no_grad(false);
  const Outputs out = RunAll(model);
  found.has_logits = out.logits.defined();
  found.has_pooled = out.pooled.defined();
  ABSL_ASSIGN_OR_RETURN(found.values, CompareValues(model, out, expected));
  if (const std::string path = folder + "/padded.safetensors"; PathExists(path)) {
    ABSL_ASSIGN_OR_RETURN(const Expectations padded, Expectations::Open(path));
    ABSL_ASSIGN_OR_RETURN(found.padded, CompareValues(model, out, padded));
  }
  found.equal_bits = EqualBits(model, out);
  return absl::OkStatus();
}

// Compares the gradients that the tensors of these slots have with the expected ones, and adds the
// names of these to `met`.
absl::Status CompareGradients(const Model& model, const Expectations& expected,
                              const std::vector<SlotLayout>& slots,
                              const std::vector<at::Tensor>& tensors, FamilyDifferences& found,
                              std::set<std::string>& met) {
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
    met.insert(name);
  }
  return absl::OkStatus();
}

// Whether each expected gradient was met: where nothing is frozen the model has them all.
absl::Status CheckAllMet(const Expectations& expected, const std::set<std::string>& met) {
  for (const TensorInfo& tensor : expected.tensors()) {
    if (!tensor.name.starts_with("grad.") || met.contains(tensor.name)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("expected ", tensor.name, ", found no such gradient"));
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
  std::set<std::string> met;
  for (int s = 0; s < backbone->stages(); ++s) {
    const Stage& stage = backbone->stage(s);
    if (s < plan.frozen_stages()) {
      for (const at::Tensor& tensor : stage.tensors) {
        found.frozen_without_gradient &= !tensor.grad().defined();
      }
      continue;
    }
    ABSL_RETURN_IF_ERROR(
        CompareGradients(model, expected, stage.layout, stage.tensors, found, met));
  }
  if (logits.defined()) {
    ABSL_RETURN_IF_ERROR(
        CompareGradients(model, expected, model.head_slots, head_tensors, found, met));
  }
  return plan.frozen_stages() > 0 ? absl::OkStatus() : CheckAllMet(expected, met);
}

}  // namespace

absl::StatusOr<FamilyDifferences> CheckFamily(const std::string& folder) {
  ABSL_ASSIGN_OR_RETURN(const Expectations expected,
                        Expectations::Open(folder + "/expected.safetensors"));
  ABSL_ASSIGN_OR_RETURN(const Model model, Load(folder, expected));
  FamilyDifferences found;
  found.texts = static_cast<int>(model.texts.size());
  ABSL_RETURN_IF_ERROR(CompareOutputs(model, folder, expected, found));
  const int layers = model.backbone->layers();
  for (int depth = -1; depth <= layers; ++depth) {
    const std::string text = depth < 0 ? "none" : absl::StrCat(depth);
    ABSL_ASSIGN_OR_RETURN(const FreezePlan plan, FreezePlan::Parse(text, layers));
    ABSL_RETURN_IF_ERROR(CompareDepth(model, expected, plan, found));
  }
  return found;
}

}  // namespace graft::testing
