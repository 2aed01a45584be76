// DeBERTa (He et al. 2021, arXiv 2006.03654), the first version: disentangled attention over
// distances each with an embedding of its own, and one matrix for queries, keys and values whose
// keys have no bias.
#include "absl/strings/str_cat.h"
#include "models/families/disentangled_config.h"
#include "models/families/families.h"

namespace graft {
namespace {

DisentangledNames Names(int64_t layer) {
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("encoder.layer.", layer, ".attention.self.", rest);
  };
  return {.query = name("q_bias"),
          .key = {},
          .value = name("v_bias"),
          .stacked = name("in_proj"),
          .position_key = name("pos_proj"),
          .position_key_bias = false,
          .position_query = name("pos_q_proj")};
}

}  // namespace

std::unique_ptr<const Architecture> ReadDeberta(ConfigReader& reader) {
  DisentangledConfig read = ReadDisentangled(reader);
  // Matrices that mix the scores of the heads, and their softmax.
  reader.ExpectFlag("talking_head", false);
  if (!reader.status().ok()) return nullptr;
  Disentangled& parts = read.parts;
  parts.names = Names;
  // Every name in the list counts, also one that stands there twice.
  parts.scale = DisentangledScale(read.common, 1 + static_cast<int64_t>(read.score_kinds.size()));
  if (read.needs_table()) {
    SetTable(DescendingDistances(read.common.max_positions), read.max_distance, parts.relative);
  }
  return DisentangledArchitecture(std::move(read.common), std::move(read.heads),
                                  std::move(read.parts));
}

}  // namespace graft
