// DeBERTa v2 (He et al. 2021, arXiv 2006.03654, and its release) and v3 (He et al. 2021, arXiv
// 2111.09543): disentangled attention over distances in buckets that grow with the logarithm.
#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/ceil.h>
#include <ATen/ops/div.h>
#include <ATen/ops/full.h>
#include <ATen/ops/le.h>
#include <ATen/ops/log.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/where.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"
#include "models/families/disentangled_config.h"
#include "models/families/families.h"

namespace graft {
namespace {

DisentangledNames Names(int64_t layer) {
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("encoder.layer.", layer, ".attention.self.", rest);
  };
  return {.query = name("query_proj"),
          .key = name("key_proj"),
          .value = name("value_proj"),
          .position_key = name("pos_key_proj"),
          .position_query = name("pos_query_proj")};
}

// Distances up to buckets / 2 are buckets of their own; from there to max_distance they share the
// other half. Step by step what transformers does in float32, so that the ceiling of a number next
// to an integer is the same.
at::Tensor LogBuckets(const at::Tensor& distances, int64_t buckets, int64_t max_distance) {
  const int64_t middle = buckets / 2;
  const at::Tensor size = at::abs(distances);
  // Near distances are not read off the logarithm; this keeps it finite.
  const at::Tensor counted = at::where(at::lt(size, middle), middle - 1, size);
  const at::Tensor far = at::log(at::full(
      {}, static_cast<double>(max_distance - 1) / static_cast<double>(middle), at::kFloat));
  const at::Tensor steps =
      at::mul(at::div(at::log(at::div(counted, middle)), far), middle - 1);  // float32
  const at::Tensor by_log = at::mul(at::add(at::ceil(steps), middle), at::sign(distances));
  return at::where(at::le(counted, middle), distances.to(at::kFloat), by_log).to(at::kLong);
}

int64_t ReadBuckets(ConfigReader& reader, const DisentangledConfig& read) {
  const int64_t buckets = reader.Integer("position_buckets", -kMaxPositions, kMaxPositions, -1);
  if (buckets == 1) reader.Fail("position_buckets", "expected at least 2 or none, found 1");
  // The logarithm of max_distance - 1 over the middle is divided by, once a distance needs it.
  const int64_t middle = buckets / 2;
  if (buckets > 1 && read.common.max_positions - 1 > middle && read.max_distance - 1 <= middle) {
    reader.Fail("max_relative_positions",
                absl::StrCat("expected more than position_buckets / 2 + 1 (", middle + 1,
                             "), found ", read.max_distance));
  }
  return buckets;
}

bool ReadNorm(ConfigReader& reader) {
  bool norm = false;
  const std::string text = absl::AsciiStrToLower(reader.Text("norm_rel_ebd", "none"));
  for (const std::string_view part : absl::StrSplit(text, '|')) {
    const std::string_view kind = absl::StripAsciiWhitespace(part);
    norm |= kind == "layer_norm";
    if (kind == "layer_norm" || kind == "none") continue;
    reader.Uncomputed("norm_rel_ebd",
                      absl::StrCat("expected layer_norm or none, found ", Quoted(kind)));
  }
  return norm;
}

DisentangledConvolution ReadConvolution(ConfigReader& reader, const EncoderConfig& config) {
  DisentangledConvolution convolution;
  convolution.taps = reader.Integer("conv_kernel_size", 0, kMaxWidth, 0);
  convolution.groups = reader.Size("conv_groups", kMaxWidth, 1);
  convolution.activation = reader.Function("conv_act", "tanh");
  if (convolution.taps > 0 && convolution.taps % 2 == 0) {
    reader.Fail("conv_kernel_size",
                absl::StrCat("expected an odd number, found ", convolution.taps));
  }
  if (config.hidden_size % convolution.groups != 0) {
    reader.Fail("hidden_size", absl::StrCat("expected a multiple of conv_groups (",
                                            convolution.groups, "), found ", config.hidden_size));
  }
  return convolution;
}

// What attention gives has to be as wide as the layer.
void CheckHeadSize(ConfigReader& reader, const EncoderConfig& config) {
  const int64_t only = config.hidden_size / config.heads;
  const int64_t found = reader.Integer("attention_head_size", 1, kMaxWidth, only);
  if (found == only) return;
  reader.Fail("attention_head_size", absl::StrCat("expected hidden_size / num_attention_heads (",
                                                  only, "), found ", found));
}

}  // namespace

std::unique_ptr<const Architecture> ReadDebertaV2(ConfigReader& reader) {
  DisentangledConfig read = ReadDisentangled(reader);
  CheckHeadSize(reader, read.common);
  Disentangled& parts = read.parts;
  parts.names = Names;
  parts.convolution = ReadConvolution(reader, read.common);
  parts.relative.shares_projections = reader.Flag("share_att_key", false);
  parts.relative.norm = ReadNorm(reader);
  const int64_t buckets = ReadBuckets(reader, read);
  if (!reader.status().ok()) return nullptr;
  // Without relative attention the kinds of scores are not there, and are counted all the same.
  parts.scale = DisentangledScale(
      read.common, 1 + (read.HasScores("c2p") ? 1 : 0) + (read.HasScores("p2c") ? 1 : 0));
  if (read.needs_table()) {
    const at::Tensor distances = DescendingDistances(read.common.max_positions);
    if (buckets > 0) {
      SetTable(LogBuckets(distances, buckets, read.max_distance), buckets, parts.relative);
    } else {
      SetTable(distances, read.max_distance, parts.relative);
    }
  }
  return DisentangledArchitecture(std::move(read.common), std::move(read.heads),
                                  std::move(read.parts));
}

}  // namespace graft
