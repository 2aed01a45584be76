// What `graft inspect model` says of the weight files.
#ifndef GRAFT_TOOLS_INSPECT_WEIGHTS_H_
#define GRAFT_TOOLS_INSPECT_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "tasks/weight_sets.h"
#include "tools/table.h"

namespace graft::tools {

// Of all weights of a model; names have the prefix of their module (2_Dense/linear.weight).
struct WeightFacts {
  std::map<std::string, int64_t> tensors_by_dtype;
  // Names of tensors that have their bytes in common with an earlier one, in any shape and order:
  // tied ones. Views that only overlap are not among them.
  std::vector<std::string> shared;
  // Names of tensors with a NaN or an infinity.
  std::vector<std::string> not_finite;
};

// Reads every tensor.
absl::StatusOr<WeightFacts> FindWeightFacts(const std::vector<WeightSet>& sets);

// The first set is the Transformer's.
nlohmann::ordered_json WeightsJson(const std::vector<WeightSet>& sets, const WeightFacts& facts);
void AddWeightRows(const std::vector<WeightSet>& sets, const WeightFacts& facts, Table& table);
// One JSON object or a line a tensor: name, type, shape, file.
nlohmann::ordered_json TensorsJson(const std::vector<WeightSet>& sets);
std::string TensorTable(const std::vector<WeightSet>& sets);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_INSPECT_WEIGHTS_H_
