// Encoders that are BERT but for rotary positions (Su et al. 2021, arXiv 2104.09864) and gated
// feed-forward nets (Shazeer 2020, arXiv 2002.05202).
#ifndef GRAFT_MODELS_FAMILIES_ROTARY_POST_NORM_H_
#define GRAFT_MODELS_FAMILIES_ROTARY_POST_NORM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/architecture.h"
#include "models/families/embeddings.h"
#include "models/families/rope_config.h"
#include "models/kernels/activation_kind.h"

namespace graft {

// A module as the checkpoints have it: under one name, under another, or in pieces.
struct ModuleNames {
  std::string name;
  std::string other = {};
  std::vector<std::string> pieces = {};
};

struct RotaryLayerNames {
  ModuleNames qkv;               // [3 A d, H]
  ModuleNames attention_output;  // [H, A d]
  ModuleNames attention_norm;
  std::vector<ModuleNames> up_gate;  // [2 I, H]: one module, or two, up and gate
  ModuleNames down;                  // [H, I]
  ModuleNames output_norm;
};

struct RotaryPostNorm {
  EmbeddingsLayout embeddings;
  RotaryLayerNames (*layer_names)(int64_t index) = nullptr;
  int64_t head_width = 0;    // d
  int64_t rotary_width = 0;  // the columns of a head that turn
  RopeConfig rope;
  Activation activation = Activation::kGelu;  // of the gate
  double norm_eps = 0;
  bool attention_bias = false;
  bool down_bias = false;
  double gated_dropout = 0;  // before the down projection
};

// What the common part of a config says about all of it. Rates are those of the config.
RotaryPostNorm MakeRotaryPostNorm(const EncoderConfig& config, Activation activation,
                                  double norm_eps);

// nullptr after a config that was wrong.
std::unique_ptr<const Architecture> RotaryPostNormArchitecture(const ConfigReader& reader,
                                                               EncoderConfig config,
                                                               HeadLayouts heads,
                                                               RotaryPostNorm parts);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_ROTARY_POST_NORM_H_
