// How deep an encoder stays as it was pretrained.
#ifndef GRAFT_MODELS_FREEZE_PLAN_H_
#define GRAFT_MODELS_FREEZE_PLAN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace graft {

// A number of frozen stages, counted from the bottom. A backbone of L layers has L + 1 stages:
// stage 0 is the embeddings, stage i is layer i.
class FreezePlan {
 public:
  // Nothing is frozen.
  FreezePlan() = default;

  // `none` = no stage; `embeddings` = `0` = the embeddings; `K` = the embeddings and layers 1 to K;
  // `all` = every stage. InvalidArgument when the text is none of these or K is above `layers`.
  static absl::StatusOr<FreezePlan> Parse(std::string_view text, int layers);

  // 0 to layers + 1.
  int frozen_stages() const { return frozen_stages_; }
  // For people: "embeddings and layers 1-3 of 6".
  std::string Describe(int layers) const;
  // The form that Parse reads: "3".
  std::string ToString(int layers) const;

 private:
  explicit FreezePlan(int frozen_stages) : frozen_stages_(frozen_stages) {}
  int frozen_stages_ = 0;
};

}  // namespace graft

#endif  // GRAFT_MODELS_FREEZE_PLAN_H_
