// An encoder as a row of stages.
#ifndef GRAFT_MODELS_BACKBONE_H_
#define GRAFT_MODELS_BACKBONE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/architecture.h"
#include "models/batch.h"
#include "models/encoder_config.h"
#include "models/families/families.h"
#include "models/freeze_plan.h"
#include "models/weights_layout.h"

namespace graft {

// What a pass over a batch needs beside it.
struct PassOptions {
  bool train = false;  // dropout in the stages that train
  uint64_t seed = 0;   // with `step`: keys the dropout masks
  uint32_t step = 0;
};

// Stage 0 is the embeddings with their norm, stage i is layer i. Stages are shared between
// backbones; what trains is a copy (Trainable). All methods are const, and thread-safe as long as
// no optimizer changes the trainable stages.
class Backbone final {
 public:
  // Called with the output [R, H] of each stage as it passes.
  using Visitor = std::function<void(int stage, const at::Tensor& hidden)>;

  // Over loaded tensors, one a slot of BackboneSlots. Nothing is frozen, and no tensor records
  // gradients before Trainable.
  Backbone(FamilyArchitecture architecture, std::vector<at::Tensor> tensors);

  const EncoderFamily& family() const { return *architecture_.family; }
  const Architecture& architecture() const { return *architecture_.architecture; }
  const EncoderConfig& config() const { return architecture().config(); }
  int64_t hidden_size() const { return config().hidden_size; }
  int layers() const { return static_cast<int>(config().layers); }
  int stages() const { return static_cast<int>(stages_.size()); }
  const Stage& stage(int index) const { return *stages_[index]; }
  // Stages below this one are frozen: they run without gradient and without dropout.
  int frozen_stages() const { return frozen_stages_; }

  // A backbone that shares the frozen stages of `plan` and has copies of those above, ready for an
  // optimizer.
  std::unique_ptr<Backbone> Trainable(const FreezePlan& plan) const;

  // Runs stages first to last, both counted in, over a batch: `hidden` is the output [R, H] of
  // stage first - 1, and undefined for first = 0. Returns the output of stage `last`. Token ids,
  // type ids and positions must lie inside their tables.
  at::Tensor Run(const Batch& batch, at::Tensor hidden, int first, int last,
                 const PassOptions& options, const Visitor& visitor = nullptr) const;
  // From ids to the last stage.
  at::Tensor Run(const Batch& batch, const PassOptions& options) const;

  // Published names and values of all stages, in the order in which they are saved.
  std::vector<NamedTensor> Parameters() const;
  // The tensors that an optimizer changes: those of the stages that are not frozen.
  std::vector<at::Tensor> TrainableTensors() const;

 private:
  Backbone(FamilyArchitecture architecture, Stages stages, int frozen_stages)
      : architecture_(std::move(architecture)),
        stages_(std::move(stages)),
        frozen_stages_(frozen_stages) {}

  FamilyArchitecture architecture_;
  Stages stages_;
  int frozen_stages_ = 0;
};

// All slots of an architecture, stage by stage: what LoadTensors is asked for.
std::vector<SlotLayout> BackboneSlots(const Architecture& architecture);

}  // namespace graft

#endif  // GRAFT_MODELS_BACKBONE_H_
