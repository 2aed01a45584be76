#include "tokenizers/lanes/segment_lane.h"

#include <variant>

#include "tokenizers/lanes/byte_level_encoder.h"
#include "tokenizers/lanes/spaced_normalizer.h"
#include "tokenizers/lanes/unigram_encoder.h"
#include "tokenizers/models/bpe.h"
#include "tokenizers/models/unigram.h"

namespace graft {
namespace {

// GPT-2, RoBERTa: nothing is normalized, ByteLevel cuts the words.
class ByteLevelLane final : public SegmentLane {
 public:
  ByteLevelLane(const Pipeline& pipeline, const Bpe& model, bool add_prefix_space)
      : pipeline_(pipeline), encoder_(model, add_prefix_space) {}

  bool AppendIds(std::string_view segment, uint32_t /*begin*/, IdWriter& out) override {
    if (pipeline_.normalized_tokens.MayMatch(segment)) return false;
    encoder_.AppendIds(segment, out);
    return true;
  }

  bool AppendTokens(std::string_view segment, uint32_t begin, TokenWriter& out) override {
    if (pipeline_.normalized_tokens.MayMatch(segment)) return false;
    encoder_.AppendTokens(segment, begin, out);
    return true;
  }

 private:
  const Pipeline& pipeline_;
  ByteLevelEncoder encoder_;
};

std::unique_ptr<SegmentLane> MakeByteLevelLane(const Pipeline& pipeline) {
  const TokenizerParts& parts = pipeline.parts;
  const auto* model = dynamic_cast<const Bpe*>(parts.model.get());
  if (model == nullptr || !model->has_byte_alphabet() || !parts.normalizers.empty() ||
      parts.pre_tokenizers.size() != 1) {
    return nullptr;
  }
  const auto* split = std::get_if<ByteLevelSplit>(&parts.pre_tokenizers[0]);
  if (split == nullptr || !split->words.has_value()) return nullptr;
  return std::make_unique<ByteLevelLane>(pipeline, *model, split->add_prefix_space);
}

// ALBERT, XLNet, T5, XLM-RoBERTa, DeBERTa-v2: words that are marked with U+2581.
class UnigramLane final : public SegmentLane {
 public:
  UnigramLane(const Unigram& model, SpacedNormalizer normalizer, bool marks_are_added,
              bool only_at_start)
      : normalizer_(std::move(normalizer)),
        encoder_(model, normalizer_,
                 {.trims_end = normalizer_.trims_end(), .marks_are_added = marks_are_added}),
        only_at_start_(only_at_start) {}

  bool AppendIds(std::string_view segment, uint32_t begin, IdWriter& out) override {
    return Covers(segment, begin) && encoder_.AppendIds(segment, out);
  }

  bool AppendTokens(std::string_view segment, uint32_t begin, TokenWriter& out) override {
    return Covers(segment, begin) && normalizer_.KeepsSpans(segment) &&
           encoder_.AppendTokens(segment, begin, out);
  }

 private:
  bool Covers(std::string_view segment, uint32_t begin) const {
    return (begin == 0 || !only_at_start_) && normalizer_.Covers(segment);
  }

  SpacedNormalizer normalizer_;
  UnigramEncoder encoder_;
  const bool only_at_start_;  // the first word is marked at the start of the text alone
};

std::unique_ptr<SegmentLane> MakeUnigramLane(const Pipeline& pipeline) {
  const TokenizerParts& parts = pipeline.parts;
  const auto* model = dynamic_cast<const Unigram*>(parts.model.get());
  if (model == nullptr || parts.pre_tokenizers.empty() || parts.pre_tokenizers.size() > 2) {
    return nullptr;
  }
  const bool splits = parts.pre_tokenizers.size() == 2;
  if (splits && !std::holds_alternative<WhitespaceSplit>(parts.pre_tokenizers[0])) return nullptr;
  const auto* marks = std::get_if<Metaspace>(&parts.pre_tokenizers.back());
  const Metaspace usual;
  if (marks == nullptr || !marks->split || marks->replacement != usual.replacement ||
      marks->prepend == Metaspace::Prepend::kNever) {
    return nullptr;
  }
  const bool only_at_start = marks->prepend == Metaspace::Prepend::kFirst;
  if (splits && only_at_start) return nullptr;
  auto normalizer = SpacedNormalizer::Create(parts.normalizers, pipeline.normalized_tokens, splits);
  if (!normalizer) return nullptr;
  return std::make_unique<UnigramLane>(*model, *std::move(normalizer), splits, only_at_start);
}

}  // namespace

std::unique_ptr<SegmentLane> MakeSegmentLane(const Pipeline& pipeline) {
  if (auto lane = MakeByteLevelLane(pipeline)) return lane;
  return MakeUnigramLane(pipeline);
}

}  // namespace graft
