#include "tokenizers/pre_tokenizers/pre_tokens.h"

namespace graft {

void PreTokens::Clear() {
  text_.Clear();
  pieces_.clear();
}

void PreTokens::AddText(const NormalizedText& text) { text_.Append(text); }

void PreTokens::AddPiece(size_t begin, size_t end) {
  if (begin < end) pieces_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
}

void PreTokens::AddToken(int32_t added_token, Span span) {
  pieces_.push_back({0, 0, added_token, span});
}

}  // namespace graft
