#include "models/backbone.h"

#include <c10/core/GradMode.h>

#include "models/bert.h"

namespace graft {

std::unique_ptr<Backbone> Backbone::Trainable(const FreezePlan& plan) const {
  std::vector<std::shared_ptr<const Stage>> stages = stages_;
  for (int s = plan.frozen_stages(); s < this->stages(); ++s) {
    auto copy = std::make_shared<Stage>(*stages_[s]);
    for (at::Tensor& tensor : copy->tensors)
      tensor = tensor.detach().clone().set_requires_grad(true);
    stages[s] = std::move(copy);
  }
  std::unique_ptr<Backbone> trainable = WithStages(std::move(stages));
  trainable->frozen_stages_ = plan.frozen_stages();
  return trainable;
}

at::Tensor Backbone::Run(const Batch& batch, at::Tensor hidden, int first, int last,
                         const PassOptions& options, const Visitor& visitor) const {
  for (int s = first; s <= last; ++s) {
    const bool frozen = s < frozen_stages_;
    const c10::AutoGradMode grad(c10::GradMode::is_enabled() && !frozen);
    const DropoutAt dropout = [&](double rate, int place) {
      constexpr uint32_t kPlacesPerStage = 256;
      const bool active = options.train && !frozen;
      return DropoutKey{active ? rate : 0, options.seed, options.step,
                        static_cast<uint32_t>(s) * kPlacesPerStage + static_cast<uint32_t>(place)};
    };
    hidden = RunStage(s, batch, hidden, dropout);
    if (visitor) visitor(s, hidden);
  }
  return hidden;
}

at::Tensor Backbone::Run(const Batch& batch, const PassOptions& options) const {
  return Run(batch, at::Tensor(), 0, stages() - 1, options);
}

std::vector<NamedTensor> Backbone::Parameters() const {
  std::vector<NamedTensor> all;
  for (const auto& stage : stages_) {
    std::vector<NamedTensor> named = NamedParts(stage->layout, stage->tensors);
    all.insert(all.end(), std::make_move_iterator(named.begin()),
               std::make_move_iterator(named.end()));
  }
  return all;
}

std::vector<at::Tensor> Backbone::TrainableTensors() const {
  std::vector<at::Tensor> all;
  for (int s = frozen_stages_; s < stages(); ++s) {
    all.insert(all.end(), stages_[s]->tensors.begin(), stages_[s]->tensors.end());
  }
  return all;
}

std::string Backbone::prefix() const { return BackbonePrefix(config_); }

std::string BackbonePrefix(const EncoderConfig&) { return "bert."; }

std::vector<std::vector<SlotLayout>> BackboneLayout(const EncoderConfig& config) {
  return BertLayout(config);
}

std::unique_ptr<Backbone> MakeBackbone(const EncoderConfig& config,
                                       std::vector<at::Tensor> tensors) {
  std::vector<std::shared_ptr<const Stage>> stages;
  size_t next = 0;
  for (std::vector<SlotLayout>& layout : BackboneLayout(config)) {
    auto stage = std::make_shared<Stage>();
    for (size_t i = 0; i < layout.size(); ++i) stage->tensors.push_back(std::move(tensors[next++]));
    stage->layout = std::move(layout);
    stages.push_back(std::move(stage));
  }
  TORCH_CHECK(next == tensors.size(), "MakeBackbone: ", tensors.size(), " tensors for ", next,
              " slots");
  return MakeBert(config, std::move(stages));
}

}  // namespace graft
