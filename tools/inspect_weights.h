// What `graft inspect model` says of the weight files.
#ifndef GRAFT_TOOLS_INSPECT_WEIGHTS_H_
#define GRAFT_TOOLS_INSPECT_WEIGHTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/weights/weight_files.h"
#include "nlohmann/json.hpp"
#include "tools/table.h"

namespace graft::tools {

struct WeightFacts {
  std::map<std::string, int64_t> tensors_by_dtype;
  // Names of tensors that share their bytes with another of the same shape: tied ones.
  std::vector<std::string> shared;
  // Names of tensors with a NaN or an infinity.
  std::vector<std::string> not_finite;
};

// Reads every tensor.
absl::StatusOr<WeightFacts> FindWeightFacts(const WeightFiles& weights);

nlohmann::ordered_json WeightsJson(const WeightFiles& weights, const WeightFacts& facts);
void AddWeightRows(const WeightFiles& weights, const WeightFacts& facts, Table& table);
// One JSON object or a line a tensor: name, type, shape, file.
nlohmann::ordered_json TensorsJson(const WeightFiles& weights);
std::string TensorTable(const WeightFiles& weights);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_INSPECT_WEIGHTS_H_
