#include "models/word_backbone.h"

#include <ATen/ops/cat.h>

#include <memory>
#include <vector>

#include "models/kernels/word_lookup.h"

namespace graft {
namespace {

// Texts have no positions; more tokens than this are no text.
constexpr int64_t kMaxTokens = 1'000'000;

EncoderConfig Config(const WordBackboneShape& shape) {
  EncoderConfig config;
  config.model_type = kWordBackboneType;
  config.vocab_size = shape.table_rows;
  config.hidden_size = shape.channels * shape.width;
  config.max_positions = kMaxTokens;
  return config;
}

constexpr EncoderFamily kFamily = {
    .model_type = kWordBackboneType, .class_stem = "", .prefix = "", .read = nullptr};

class WordBackbone final : public Architecture {
 public:
  explicit WordBackbone(const WordBackboneShape& shape)
      : Architecture(Config(shape), {}), shape_(shape) {}

  std::vector<std::vector<SlotLayout>> Layout() const override {
    if (shape_.table_rows == 0) return {{}};
    return {{{{{"embeddings.weight", {shape_.table_rows, shape_.width}}}}}};
  }

  at::Tensor RunStage(const StageInput& input) const override {
    const Batch& batch = input.batch;
    const at::Tensor none, table = shape_.table_rows == 0 ? none : input.weights()[0];  // [W, D]
    const at::Tensor looked_up = WordLookup(batch.ids, batch.words, table, batch.segments);
    if (shape_.channels == 1) return looked_up;  // [R, D]
    const at::Tensor fixed = WordLookup(batch.ids, batch.words, none, batch.segments);
    return at::cat({fixed, looked_up}, 1);  // [R, 2 D]
  }

 private:
  WordBackboneShape shape_;
};

}  // namespace

FamilyArchitecture MakeWordBackbone(const WordBackboneShape& shape) {
  return {&kFamily, std::make_shared<const WordBackbone>(shape)};
}

}  // namespace graft
