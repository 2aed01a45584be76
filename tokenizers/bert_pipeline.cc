#include "tokenizers/bert_pipeline.h"

#include <utility>

namespace graft {

std::string NormalizedForm(const BertNormalizerOptions& options, std::string_view text) {
  std::string form;
  auto sink = [&form](char32_t code, uint8_t, Span) { AppendUtf8(code, form); };
  BertNormalizer(options, sink).Normalize(text);
  return form;
}

BertPipeline::BertPipeline(BertParts the_parts) : parts(std::move(the_parts)) {
  // Special tokens first: of two tokens with one normalized form the peer takes the first.
  for (const bool special : {true, false}) {
    for (size_t i = 0; i < parts.added_tokens.size(); ++i) {
      const AddedToken& token = parts.added_tokens[i];
      if (token.special != special) continue;
      if (token.normalized) {
        normalized_tokens.Add(NormalizedForm(parts.normalizer, token.content), i, token);
      } else {
        raw_tokens.Add(token.content, i, token);
      }
    }
  }
}

}  // namespace graft
