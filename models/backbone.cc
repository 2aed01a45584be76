#include "models/backbone.h"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <iterator>

namespace graft {

Backbone::Backbone(FamilyArchitecture architecture, std::vector<at::Tensor> tensors)
    : architecture_(std::move(architecture)) {
  size_t next = 0;
  for (std::vector<SlotLayout>& layout : this->architecture().Layout()) {
    auto stage = std::make_shared<Stage>();
    for (size_t i = 0; i < layout.size(); ++i, ++next) {
      TORCH_CHECK(next < tensors.size(), "Backbone: ", tensors.size(), " tensors are too few");
      stage->tensors.push_back(std::move(tensors[next]));
    }
    stage->layout = std::move(layout);
    stages_.push_back(std::move(stage));
  }
  TORCH_CHECK(next == tensors.size(), "Backbone: ", tensors.size(), " tensors for ", next,
              " slots");
}

std::unique_ptr<Backbone> Backbone::Trainable(const FreezePlan& plan) const {
  Stages stages = stages_;
  for (int s = plan.frozen_stages(); s < this->stages(); ++s) {
    auto copy = std::make_shared<Stage>(*stages_[s]);
    for (at::Tensor& tensor : copy->tensors)
      tensor = tensor.detach().clone().set_requires_grad(true);
    stages[s] = std::move(copy);
  }
  return std::unique_ptr<Backbone>(
      new Backbone(architecture_, std::move(stages), plan.frozen_stages()));
}

at::Tensor Backbone::Run(const Batch& batch, at::Tensor hidden, int first, int last,
                         const PassOptions& options, const Visitor& visitor) const {
  const std::vector<at::Tensor> tables = architecture().Tables(batch);
  for (int s = first; s <= last; ++s) {
    const bool frozen = s < frozen_stages_;
    const c10::AutoGradMode grad(c10::GradMode::is_enabled() && !frozen);
    const auto dropout = [&](double rate, int place) {
      constexpr uint32_t kPlacesPerStage = 256;
      const bool active = options.train && !frozen;
      return DropoutKey{active ? rate : 0, options.seed, options.step,
                        static_cast<uint32_t>(s) * kPlacesPerStage + static_cast<uint32_t>(place)};
    };
    const at::Tensor below = std::move(hidden);
    hidden = architecture().RunStage({s, stages_, batch, below, tables, dropout});
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

std::vector<SlotLayout> BackboneSlots(const Architecture& architecture) {
  std::vector<SlotLayout> slots;
  for (std::vector<SlotLayout>& stage : architecture.Layout()) {
    std::move(stage.begin(), stage.end(), std::back_inserter(slots));
  }
  return slots;
}

}  // namespace graft
