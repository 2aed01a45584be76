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
#include "models/weights/shard_index.h"
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
    if (type != tensor.dtype) ABSL_RETURN_IF_ERROR(weights_.CheckUnscaled(tensor));
    if (type == tensor.dtype) {
      ABSL_RETURN_IF_ERROR(weights_.ReadBytes(tensor, absl::MakeSpan(bytes_)));
    } else if (tensor.dtype == DType::kF64) {
      doubles_.resize(static_cast<size_t>(tensor.elements()));
      const absl::Span<char> stored(reinterpret_cast<char*>(doubles_.data()), tensor.bytes());
      ABSL_RETURN_IF_ERROR(weights_.ReadBytes(tensor, stored));
      ABSL_RETURN_IF_ERROR(Narrow(tensor, absl::MakeConstSpan(doubles_), type));
    } else {
      floats_.resize(static_cast<size_t>(tensor.elements()));
      ABSL_RETURN_IF_ERROR(weights_.ReadAsFloat(tensor, absl::MakeSpan(floats_)));
      ABSL_RETURN_IF_ERROR(Narrow(tensor, absl::MakeConstSpan(floats_), type));
    }
    return absl::MakeConstSpan(bytes_);
  }

 private:
  // A number in the type, and as that is read again.
  static float Rounded(float value, float& out) { return out = value; }
  static float Rounded(double value, float& out) { return out = static_cast<float>(value); }
  static float ToHalf(float value, uint16_t& out) { return HalfToFloat(out = FloatToHalf(value)); }
  static float ToHalf(double value, uint16_t& out) { return ToHalf(DoubleToOddFloat(value), out); }
  static float ToBFloat16(float value, uint16_t& out) {
    return BFloat16ToFloat(out = FloatToBFloat16(value));
  }
  static float ToBFloat16(double value, uint16_t& out) {
    return ToBFloat16(DoubleToOddFloat(value), out);
  }

  template <typename In>
  absl::Status Narrow(const TensorInfo& tensor, absl::Span<const In> values, DType type) {
    auto* floats = reinterpret_cast<float*>(bytes_.data());
    auto* halves = reinterpret_cast<uint16_t*>(bytes_.data());
    for (size_t i = 0; i < values.size(); ++i) {
      const In value = values[i];
      const float back = type == DType::kF32   ? Rounded(value, floats[i])
                         : type == DType::kF16 ? ToHalf(value, halves[i])
                                               : ToBFloat16(value, halves[i]);
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
  std::vector<double> doubles_;
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

std::string FileName(size_t shard, size_t shards) {
  return shards == 1 ? "model.safetensors"
                     : absl::StrFormat("model-%05d-of-%05d.safetensors", shard + 1, shards);
}

// Joined entry by entry, because an ordered_json object looks through all its keys at each
// insertion.
std::string IndexText(const std::vector<Shard>& shards, const WeightFiles& weights,
                      uint64_t bytes) {
  std::string text = absl::StrCat("{\n  \"metadata\": {\n    \"total_size\": ", bytes,
                                  "\n  },\n  \"weight_map\": {");
  std::string_view separator = "\n";
  for (size_t s = 0; s < shards.size(); ++s) {
    for (const TensorInfo* tensor : shards[s].tensors) {
      absl::StrAppend(&text, separator, "    ",
                      nlohmann::json(NewName(weights, tensor->name)).dump(), ": \"",
                      FileName(s, shards.size()), "\"");
      separator = ",\n";
    }
  }
  return absl::StrCat(text, "\n  }\n}\n");
}

absl::Status CheckShards(const std::vector<Shard>& shards, const std::string& index,
                         const WeightConversion& conversion, const std::string& path) {
  const auto error = [&](const auto&... parts) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected ", parts...));
  };
  if (shards.size() > kMaxShards) {
    return error("at most ", kMaxShards, " files of ", conversion.max_shard_bytes,
                 " bytes of tensors, found ", shards.size());
  }
  if (index.size() > kMaxShardIndexBytes) {
    return error("an index of at most ", kMaxShardIndexBytes, " bytes, found one of ",
                 index.size());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ConvertedWeights> WriteConverted(const WeightFiles& weights,
                                                const WeightConversion& conversion,
                                                const std::string& folder) {
  ABSL_RETURN_IF_ERROR(weights.CheckSharing());
  ConvertedWeights result;
  Converter converter(weights, conversion.dtype);
  const std::vector<Shard> shards =
      CutIntoShards(Ordered(weights, conversion.first), converter, conversion.max_shard_bytes);
  for (const Shard& shard : shards) result.bytes += shard.bytes;
  const std::string index =
      shards.size() > 1 ? IndexText(shards, weights, result.bytes) : std::string();
  ABSL_RETURN_IF_ERROR(CheckShards(shards, index, conversion, weights.path()));
  for (size_t s = 0; s < shards.size(); ++s) {
    const Shard& shard = shards[s];
    std::vector<TensorHeader> headers;
    headers.reserve(shard.tensors.size());
    for (const TensorInfo* tensor : shard.tensors) {
      headers.push_back({NewName(weights, tensor->name), converter.TypeOf(*tensor), tensor->shape});
      result.renamed += headers.back().name == tensor->name ? 0 : 1;
    }
    result.files.push_back(FileName(s, shards.size()));
    ABSL_RETURN_IF_ERROR(
        WriteSafetensors(JoinPath(folder, result.files.back()), headers,
                         [&](size_t i) { return converter.Convert(*shard.tensors[i]); }, {}));
    result.tensors += headers.size();
  }
  if (shards.size() == 1) return result;
  result.files.push_back("model.safetensors.index.json");
  ABSL_RETURN_IF_ERROR(WriteFileDurably(JoinPath(folder, result.files.back()), index));
  return result;
}

}  // namespace graft
