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

#include "models/batch.h"
#include "models/encoder_config.h"
#include "models/freeze_plan.h"
#include "models/kernels/dropout.h"
#include "models/weights_layout.h"

namespace graft {

// What a pass over a batch needs beside it.
struct PassOptions {
  bool train = false;  // dropout in the stages that train
  uint64_t seed = 0;   // with `step`: keys the dropout masks
  uint32_t step = 0;
};

// The weights of one stage, shared and immutable once they are frozen.
struct Stage {
  std::vector<SlotLayout> layout;
  std::vector<at::Tensor> tensors;  // one a slot
};

// Stage 0 is the embeddings with their norm, stage i is layer i. Stages are shared between
// backbones; what trains is a copy (Trainable). All methods are const, and thread-safe as long as
// no optimizer changes the trainable stages.
class Backbone {
 public:
  // Called with the output [R, H] of each stage as it passes.
  using Visitor = std::function<void(int stage, const at::Tensor& hidden)>;

  virtual ~Backbone() = default;

  const EncoderConfig& config() const { return config_; }
  int64_t hidden_size() const { return config_.hidden_size; }
  int layers() const { return static_cast<int>(config_.layers); }
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
  // BackbonePrefix of its family.
  std::string prefix() const;

 protected:
  Backbone(EncoderConfig config, std::vector<std::shared_ptr<const Stage>> stages)
      : config_(std::move(config)), stages_(std::move(stages)) {}

  // The mathematics of one stage. `key` names the dropout of a place within the stage: inactive
  // unless it trains.
  using DropoutAt = std::function<DropoutKey(double rate, int place)>;
  virtual at::Tensor RunStage(int stage, const Batch& batch, const at::Tensor& hidden,
                              const DropoutAt& dropout) const = 0;
  // The same family over other stages.
  virtual std::unique_ptr<Backbone> WithStages(
      std::vector<std::shared_ptr<const Stage>> stages) const = 0;

 private:
  EncoderConfig config_;
  std::vector<std::shared_ptr<const Stage>> stages_;
  int frozen_stages_ = 0;
};

// The stages of an encoder of this config, as its checkpoint names them: one list of slots a stage.
std::vector<std::vector<SlotLayout>> BackboneLayout(const EncoderConfig& config);

// What stands before the names of a family's tensors in a checkpoint with a head: "bert.".
std::string BackbonePrefix(const EncoderConfig& config);

// A backbone over loaded tensors, given stage by stage in the order of BackboneLayout. All stages
// count as frozen.
std::unique_ptr<Backbone> MakeBackbone(const EncoderConfig& config,
                                       std::vector<at::Tensor> tensors);

}  // namespace graft

#endif  // GRAFT_MODELS_BACKBONE_H_
