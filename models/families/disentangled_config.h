// What the config.json files of both generations of DeBERTa have in common.
#ifndef GRAFT_MODELS_FAMILIES_DISENTANGLED_CONFIG_H_
#define GRAFT_MODELS_FAMILIES_DISENTANGLED_CONFIG_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/config_reader.h"
#include "models/families/disentangled.h"

namespace graft {

struct DisentangledConfig {
  EncoderConfig common;
  Disentangled parts;  // without names, scale, table and its rows
  HeadLayouts heads;
  bool relative_attention = false;
  int64_t max_distance = 0;              // max_relative_positions
  std::vector<std::string> score_kinds;  // pos_att_type: "c2p" and "p2c"

  bool HasScores(std::string_view kind) const;
  // Whether the attention knows distances at all.
  bool needs_table() const { return relative_attention && !score_kinds.empty(); }
};

DisentangledConfig ReadDisentangled(ConfigReader& reader);

// 1 / sqrt(d * terms) for scores that are sums of so many products.
double DisentangledScale(const EncoderConfig& config, int64_t terms);

// The distances i - j of a query i from a key j, P - 1 down to 1 - P: int64 [2P - 1].
at::Tensor DescendingDistances(int64_t max_positions);

// A table of 2 * span rows for RelativePositions. `buckets` int64 [2P - 1]: what stands for each of
// DescendingDistances. Bucket 0 has row `span`; those beyond the ends have the last rows there.
void SetTable(const at::Tensor& buckets, int64_t span, RelativePositions& relative);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_DISENTANGLED_CONFIG_H_
