// How a config.json says that positions turn queries and keys (models/kernels/rotary.h).
#ifndef GRAFT_MODELS_FAMILIES_ROPE_CONFIG_H_
#define GRAFT_MODELS_FAMILIES_ROPE_CONFIG_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "models/config_reader.h"

namespace graft {

// What RotaryFrequencies takes.
struct RopeConfig {
  double theta = 0;
  double divisor = 1;
};

// The members of `rope`: rope_type (or type), rope_theta (`theta` when absent) and what the type
// needs. "default" needs nothing, "linear" a factor that all positions are divided by (Chen et al.
// 2023, arXiv 2306.15595). Other types and members are uncomputed. Without an object: the default.
RopeConfig ReadRope(ConfigReader& reader, const std::optional<JsonValue>& rope, double theta);

// The same of a config with one rotation for all layers: rope_parameters, or the older rope_scaling
// and rope_theta beside it.
RopeConfig ReadRope(ConfigReader& reader, double theta);

// Refuses what a rotation of whole heads cannot turn: `width` is their width.
void CheckRotaryWidth(ConfigReader& reader, std::string_view key, int64_t width);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_ROPE_CONFIG_H_
