#include "models/weights/convert_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/durable.h"
#include "base/utf8.h"
#include "models/weights/float_conversion.h"
#include "models/weights/safetensors.h"
#include "nlohmann/json.hpp"

namespace graft {
namespace {

std::string NewName(const WeightFiles& weights, std::string_view name) {
  std::string_view stem = name;
  std::string renamed(name);
  if (absl::ConsumeSuffix(&stem, "LayerNorm.gamma")) {
    renamed = absl::StrCat(stem, "LayerNorm.weight");
  } else if (absl::ConsumeSuffix(&stem, "LayerNorm.beta")) {
    renamed = absl::StrCat(stem, "LayerNorm.bias");
  }
  return weights.Find(renamed) == nullptr ? renamed : std::string(name);
}

std::vector<const TensorInfo*> Ordered(const WeightFiles& weights,
                                       const std::vector<std::string>& first) {
  std::vector<const TensorInfo*> order;
  absl::flat_hash_set<const TensorInfo*> taken;
  for (const std::string& name : first) {
    const TensorInfo* tensor = weights.Find(name);
    if (tensor != nullptr && taken.insert(tensor).second) order.push_back(tensor);
  }
  for (const TensorInfo& tensor : weights.tensors()) {
    if (!taken.contains(&tensor)) order.push_back(&tensor);
  }
  return order;
}

// The bytes of one tensor in its new type.
class Converter {
 public:
  Converter(const WeightFiles& weights, std::optional<DType> dtype)
      : weights_(weights), dtype_(dtype) {}

  DType TypeOf(const TensorInfo& tensor) const {
    return dtype_ && IsFloatingPoint(tensor.dtype) ? *dtype_ : tensor.dtype;
  }

  // Valid until the next call.
  absl::StatusOr<absl::Span<const char>> Convert(const TensorInfo& tensor) {
    const DType type = TypeOf(tensor);
    bytes_.resize(static_cast<size_t>(tensor.elements()) * DTypeSize(type));
    if (type == tensor.dtype) {
      ABSL_RETURN_IF_ERROR(weights_.ReadBytes(tensor, absl::MakeSpan(bytes_)));
      return absl::MakeConstSpan(bytes_);
    }
    floats_.resize(static_cast<size_t>(tensor.elements()));
    ABSL_RETURN_IF_ERROR(weights_.ReadAsFloat(tensor, absl::MakeSpan(floats_)));
    ABSL_RETURN_IF_ERROR(Narrow(tensor, type));
    return absl::MakeConstSpan(bytes_);
  }

 private:
  absl::Status Narrow(const TensorInfo& tensor, DType type) {
    if (type == DType::kF32) {
      std::copy_n(reinterpret_cast<const char*>(floats_.data()), bytes_.size(), bytes_.data());
      return absl::OkStatus();
    }
    auto* out = reinterpret_cast<uint16_t*>(bytes_.data());
    for (size_t i = 0; i < floats_.size(); ++i) {
      const float value = floats_[i];
      out[i] = type == DType::kF16 ? FloatToHalf(value) : FloatToBFloat16(value);
      const float back = type == DType::kF16 ? HalfToFloat(out[i]) : BFloat16ToFloat(out[i]);
      if (std::isinf(back) && !std::isinf(value)) {
        return absl::InvalidArgumentError(absl::StrCat(
            weights_.files()[tensor.file].path(), ": ", Quoted(tensor.name), ": element ", i,
            ": expected a number that ", DTypeName(type), " can hold, found ", value));
      }
    }
    return absl::OkStatus();
  }

  const WeightFiles& weights_;
  const std::optional<DType> dtype_;
  std::vector<char> bytes_;
  std::vector<float> floats_;
};

struct Shard {
  std::vector<const TensorInfo*> tensors;
  uint64_t bytes = 0;
};

std::vector<Shard> CutIntoShards(const std::vector<const TensorInfo*>& tensors,
                                 const Converter& converter, uint64_t max_bytes) {
  std::vector<Shard> shards(1);
  for (const TensorInfo* tensor : tensors) {
    const uint64_t bytes =
        static_cast<uint64_t>(tensor->elements()) * DTypeSize(converter.TypeOf(*tensor));
    if (bytes > 0 && shards.back().bytes > 0 && shards.back().bytes + bytes > max_bytes) {
      shards.emplace_back();
    }
    shards.back().tensors.push_back(tensor);
    shards.back().bytes += bytes;
  }
  return shards;
}

}  // namespace

absl::StatusOr<ConvertedWeights> WriteConverted(const WeightFiles& weights,
                                                const WeightConversion& conversion,
                                                const std::string& folder) {
  ConvertedWeights result;
  Converter converter(weights, conversion.dtype);
  const std::vector<Shard> shards =
      CutIntoShards(Ordered(weights, conversion.first), converter, conversion.max_shard_bytes);
  nlohmann::ordered_json weight_map = nlohmann::ordered_json::object();
  for (size_t s = 0; s < shards.size(); ++s) {
    const Shard& shard = shards[s];
    result.files.push_back(shards.size() == 1 ? "model.safetensors"
                                              : absl::StrFormat("model-%05d-of-%05d.safetensors",
                                                                s + 1, shards.size()));
    std::vector<TensorHeader> headers;
    for (const TensorInfo* tensor : shard.tensors) {
      headers.push_back({NewName(weights, tensor->name), converter.TypeOf(*tensor), tensor->shape});
      weight_map.push_back({headers.back().name, result.files.back()});
      result.renamed += headers.back().name == tensor->name ? 0 : 1;
    }
    ABSL_RETURN_IF_ERROR(
        WriteSafetensors(JoinPath(folder, result.files.back()), headers,
                         [&](size_t i) { return converter.Convert(*shard.tensors[i]); }, {}));
    result.tensors += headers.size();
    result.bytes += shard.bytes;
  }
  if (shards.size() == 1) return result;
  const nlohmann::ordered_json index = {{"metadata", {{"total_size", result.bytes}}},
                                        {"weight_map", std::move(weight_map)}};
  result.files.push_back("model.safetensors.index.json");
  ABSL_RETURN_IF_ERROR(
      WriteFileDurably(JoinPath(folder, result.files.back()), index.dump(2) + "\n"));
  return result;
}

}  // namespace graft
