#include "models/freeze_plan.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace graft {

absl::StatusOr<FreezePlan> FreezePlan::Parse(std::string_view text, int layers) {
  if (text == "none") return FreezePlan(0);
  if (text == "embeddings") return FreezePlan(1);
  if (text == "all") return FreezePlan(layers + 1);
  int depth = 0;
  if (absl::SimpleAtoi(text, &depth) && depth >= 0 && depth <= layers) return FreezePlan(depth + 1);
  return absl::InvalidArgumentError(
      absl::StrCat("--freeze: expected none, embeddings, all or a number of layers from "
                   "0 to ",
                   layers, ", found '", text, "'"));
}

std::string FreezePlan::Describe(int layers) const {
  if (frozen_stages_ == 0) return "nothing";
  if (frozen_stages_ == 1) return "the embeddings";
  if (frozen_stages_ == 2) return absl::StrCat("the embeddings and layer 1 of ", layers);
  return absl::StrCat("the embeddings and layers 1-", frozen_stages_ - 1, " of ", layers);
}

std::string FreezePlan::ToString(int layers) const {
  if (frozen_stages_ == 0) return "none";
  if (frozen_stages_ == layers + 1) return "all";
  return frozen_stages_ == 1 ? "embeddings" : absl::StrCat(frozen_stages_ - 1);
}

}  // namespace graft
