// The golden encoders of tests/golden (made by generate_encoder.py with transformers) and their
// expected values.
#ifndef GRAFT_TESTS_SUPPORT_GOLDEN_ENCODER_H_
#define GRAFT_TESTS_SUPPORT_GOLDEN_ENCODER_H_

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "models/batch.h"
#include "models/weights/weight_files.h"

namespace graft::testing {

struct GoldenText {
  std::string text;
  std::string pair;  // empty when there is none
  std::vector<int32_t> ids, type_ids;
  int64_t label = 0;
};

inline std::string GoldenFolder(const std::string& name) {
  return absl::StrCat(GRAFT_SOURCE_DIR, "/tests/golden/", name);
}

inline std::vector<GoldenText> GoldenTexts(const std::string& name) {
  const auto document = JsonDocument::Load(GoldenFolder(name) + "/texts.json");
  ABSL_CHECK_OK(document.status());
  std::vector<GoldenText> texts;
  const auto items = document->root().AsArray();
  for (const JsonValue& item : *items) {
    GoldenText text;
    text.text = *item.GetString("text");
    text.pair = *item.GetString("pair", "");
    text.label = *item.GetInt("label", 0, 100, 0);
    const auto ids = item.Get("ids")->AsArray();
    for (const JsonValue& id : *ids)
      text.ids.push_back(static_cast<int32_t>(*id.AsInt(0, 1 << 20)));
    const auto types = item.Get("type_ids")->AsArray();
    for (const JsonValue& id : *types)
      text.type_ids.push_back(static_cast<int32_t>(*id.AsInt(0, 8)));
    texts.push_back(std::move(text));
  }
  return texts;
}

// One of the expected tensors.
inline at::Tensor Expected(const std::string& name, const std::string& tensor) {
  const auto file = WeightFiles::Open(GoldenFolder(name) + "/expected.safetensors");
  ABSL_CHECK_OK(file.status());
  const TensorInfo* info = file->Find(tensor);
  ABSL_CHECK(info != nullptr) << tensor;
  at::Tensor value = at::empty(info->shape, at::kFloat);
  ABSL_CHECK_OK(file->ReadAsFloat(*info, absl::MakeSpan(value.data_ptr<float>(), value.numel())));
  return value;
}

inline at::Tensor IntTensor(const std::vector<int32_t>& values) {
  return at::tensor(values, at::kInt);
}

// The texts packed in the given order; text_ids are their places.
inline Batch PackTexts(const std::vector<GoldenText>& texts, const std::vector<size_t>& order) {
  std::vector<int32_t> ids, positions, types, starts = {0}, text_ids;
  Batch batch;
  for (const size_t t : order) {
    const GoldenText& text = texts[t];
    for (size_t i = 0; i < text.ids.size(); ++i) {
      ids.push_back(text.ids[i]);
      positions.push_back(static_cast<int32_t>(i));
      types.push_back(text.type_ids[i]);
    }
    text_ids.push_back(static_cast<int32_t>(text_ids.size()));
    starts.push_back(static_cast<int32_t>(ids.size()));
    batch.segments.longest = std::max<int64_t>(batch.segments.longest, text.ids.size());
  }
  batch.segments.tokens = static_cast<int64_t>(ids.size());
  batch.ids = IntTensor(ids);
  batch.positions = IntTensor(positions);
  batch.type_ids = IntTensor(types);
  batch.segments.starts = IntTensor(starts);
  batch.segments.text_ids = IntTensor(text_ids);
  return batch;
}

inline std::vector<size_t> AllTexts(const std::vector<GoldenText>& texts) {
  std::vector<size_t> order(texts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  return order;
}

// The rows of text b of a packed tensor [R, ...].
inline at::Tensor RowsOf(const at::Tensor& packed, const Batch& batch, int64_t b) {
  const int32_t* starts = batch.segments.starts.data_ptr<int32_t>();
  return packed.narrow(0, starts[b], starts[b + 1] - starts[b]);
}

inline bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = a.contiguous(), right = b.contiguous();
  return left.sizes() == right.sizes() && left.nbytes() == right.nbytes() &&
         std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

inline double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  return a.sub(b).abs().max().item<double>();
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_GOLDEN_ENCODER_H_
