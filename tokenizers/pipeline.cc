#include "tokenizers/pipeline.h"

#include <utility>

#include "tokenizers/lanes/bert_worker.h"
#include "tokenizers/lanes/sentencepiece_text_encoder.h"
#include "tokenizers/models/wordpiece.h"
#include "tokenizers/pipeline_encoder.h"

namespace graft {

Pipeline::Pipeline(TokenizerParts the_parts) : parts(std::move(the_parts)) {
  // Special tokens first: of two tokens with one normalized form the peer takes the first.
  std::vector<size_t> raw, normalized;
  for (const bool special : {true, false}) {
    for (size_t i = 0; i < parts.added_tokens.size(); ++i) {
      const AddedToken& token = parts.added_tokens[i];
      if (token.special == special) (token.normalized ? normalized : raw).push_back(i);
    }
  }
  raw_tokens = AddedTokenMatcher(parts.added_tokens, raw);
  normalized_tokens = AddedTokenMatcher(parts.added_tokens, normalized);
}

const BertNormalizerOptions* FindBertNormalizer(const TokenizerParts& parts) {
  if (parts.normalizers.size() != 1 || parts.pre_tokenizers.size() != 1 ||
      dynamic_cast<const WordPiece*>(parts.model.get()) == nullptr ||
      !std::holds_alternative<BertSplit>(parts.pre_tokenizers[0])) {
    return nullptr;
  }
  const auto* steps = std::get_if<BertSteps>(&parts.normalizers[0]);
  return steps == nullptr ? nullptr : &steps->options;
}

std::unique_ptr<TextEncoder> MakeTextEncoder(const Pipeline& pipeline) {
  if (const auto* model = dynamic_cast<const SentencePieceTokens*>(pipeline.parts.model.get())) {
    return std::make_unique<SentencePieceTextEncoder>(*model);
  }
  if (const BertNormalizerOptions* options = FindBertNormalizer(pipeline.parts)) {
    return std::make_unique<BertWorker>(
        pipeline, dynamic_cast<const WordPiece&>(*pipeline.parts.model), *options);
  }
  return std::make_unique<PipelineEncoder>(pipeline, MakeSegmentLane(pipeline));
}

}  // namespace graft
