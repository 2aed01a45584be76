// The mathematics of an encoder.
#ifndef GRAFT_MODELS_ARCHITECTURE_H_
#define GRAFT_MODELS_ARCHITECTURE_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "models/batch.h"
#include "models/encoder_config.h"
#include "models/head_layout.h"
#include "models/kernels/dropout.h"
#include "models/weights_layout.h"

namespace graft {

// The weights of one stage, shared and immutable once they are frozen.
struct Stage {
  std::vector<SlotLayout> layout;
  std::vector<at::Tensor> tensors;  // one a slot
};

using Stages = std::vector<std::shared_ptr<const Stage>>;

// What one stage works on.
struct StageInput {
  int stage;
  const Stages& stages;  // of the whole encoder: a stage may use tensors of a lower one
  const Batch& batch;
  const at::Tensor& hidden;  // [R, H], the output of the stage below; undefined for stage 0
  const std::vector<at::Tensor>& tables;  // what Architecture::Tables made for the batch
  // The dropout at a place within the stage: inactive unless the stage trains.
  std::function<DropoutKey(double rate, int place)> dropout;

  const std::vector<at::Tensor>& weights() const { return stages[stage]->tensors; }
};

// A family's mathematics under one config: names and shapes of the weights, and what a stage makes
// of its input. It holds no weights. Immutable and thread-safe.
class Architecture {
 public:
  virtual ~Architecture() = default;

  const EncoderConfig& config() const { return config_; }
  const HeadLayouts& heads() const { return heads_; }
  int stages() const { return static_cast<int>(config_.layers) + 1; }

  // The slots of each stage, named as checkpoints have them, without the family's prefix.
  virtual std::vector<std::vector<SlotLayout>> Layout() const = 0;
  // What all stages need of a batch, computed once a pass.
  virtual std::vector<at::Tensor> Tables(const Batch&) const { return {}; }
  // The output [R, H] of a stage.
  virtual at::Tensor RunStage(const StageInput& input) const = 0;

 protected:
  Architecture(EncoderConfig config, HeadLayouts heads)
      : config_(std::move(config)), heads_(std::move(heads)) {}

 private:
  EncoderConfig config_;
  HeadLayouts heads_;
};

}  // namespace graft

#endif  // GRAFT_MODELS_ARCHITECTURE_H_
