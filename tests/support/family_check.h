// A small model of a family beside what transformers made of it (tests/golden/family_models.py).
#ifndef GRAFT_TESTS_SUPPORT_FAMILY_CHECK_H_
#define GRAFT_TESTS_SUPPORT_FAMILY_CHECK_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace graft::testing {

// Largest absolute differences of what comes out of a model.
struct ValueDifferences {
  double hidden = 0;       // over all stages
  double last_hidden = 0;  // of the last stage
  double pooled = 0;       // 0 without a pooler that graft's head begins with
  double logits = 0;       // 0 without a head
};

struct FamilyDifferences {
  ValueDifferences values;
  // The same to what transformers gave in one padded batch, where the folder has
  // padded.safetensors.
  std::optional<ValueDifferences> padded;
  double gradient =
      0;  // of all parameters, over all freeze depths, beside the largest of its tensor
  bool has_pooled = false, has_logits = false;
  bool equal_bits = true;  // every text alone and in company
  bool frozen_without_gradient = true;
  int texts = 0;
  int parameters = 0;  // tensors whose gradient was compared
};

// The folder has config.json, weights and expected.safetensors. Fails like the loaders; a value
// that is needed for a comparison and not expected is NotFound, an expected gradient that the model
// does not give FailedPrecondition.
absl::StatusOr<FamilyDifferences> CheckFamily(const std::string& folder);

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_FAMILY_CHECK_H_
