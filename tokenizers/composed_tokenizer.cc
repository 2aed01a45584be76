#include "tokenizers/composed_tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tokenizers/models/sentencepiece_tokens.h"

namespace graft {
namespace {

using Kind = TemplatePiece::Kind;

void EraseFront(size_t count, Encoding& encoding) {
  const auto erase = [count](auto& row) {
    row.erase(row.begin(), row.begin() + static_cast<ptrdiff_t>(count));
  };
  erase(encoding.ids);
  erase(encoding.type_ids);
  erase(encoding.word_ids);
  erase(encoding.offsets);
  erase(encoding.special_tokens_mask);
}

}  // namespace

ComposedTokenizer::ComposedTokenizer(TokenizerParts parts)
    : pipeline_(std::move(parts)), encoders_([this] { return MakeTextEncoder(pipeline_); }) {
  const TokenizerParts& the_parts = pipeline_.parts;
  bool before = true;
  for (const TemplatePiece& piece : the_parts.post_processor.single) {
    if (piece.kind == Kind::kFirstText) before = false;
    std::vector<int32_t>& ids = before ? single_.before : single_.after;
    ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }
  single_.count = single_.before.size() + single_.after.size();
  special_tokens_per_pair_ = CountSpecialTokens(the_parts.post_processor.pair);
  vocabulary_size_ = the_parts.model->vocabulary_size();
  for (size_t i = 0; i < the_parts.added_tokens.size(); ++i) {
    const AddedToken& token = the_parts.added_tokens[i];
    vocabulary_size_ = std::max(vocabulary_size_, static_cast<size_t>(token.id) + 1);
    added_by_id_[token.id] = i;
    added_ids_[token.content] = token.id;
  }
}

Encoding ComposedTokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  // Most texts need no cut: their tokens are written where they stay.
  Source source{{}, {&text, 1}};
  Encoding& out = source.encoding;
  const std::vector<TemplatePiece>& pieces = pipeline_.parts.post_processor.single;
  size_t piece = 0;
  for (; pieces[piece].kind != Kind::kFirstText; ++piece) {
    if (options.add_special_tokens) AppendSpecial(pieces[piece], out);
  }
  const size_t before = out.size();
  encoders_.Take()->AppendEncoding(text, pieces[piece].type_id, std::nullopt, out);
  const size_t added = options.add_special_tokens ? single_.count : 0;
  if (options.max_length == 0 || out.size() - before + added <= options.max_length) {
    TrimOffsets(source, before, out);
    while (++piece < pieces.size()) {
      if (options.add_special_tokens) AppendSpecial(pieces[piece], out);
    }
    return std::move(out);
  }
  EraseFront(before, out);
  return Assemble(std::move(source), nullptr, options);
}

Encoding ComposedTokenizer::EncodePair(std::string_view first, std::string_view second,
                                       const EncodeOptions& options) const {
  Source sources[2] = {{{}, {&first, 1}}, {{}, {&second, 1}}};
  {
    const TextEncoderPool::Lease encoder = encoders_.Take();
    encoder->AppendEncoding(first, 0, std::nullopt, sources[0].encoding);
    encoder->AppendEncoding(second, 1, std::nullopt, sources[1].encoding);
  }
  return Assemble(std::move(sources[0]), &sources[1], options);
}

Encoding ComposedTokenizer::EncodeWords(absl::Span<const std::string_view> words,
                                        const EncodeOptions& options) const {
  Source source{{}, words, true};
  {
    const TextEncoderPool::Lease encoder = encoders_.Take();
    for (size_t i = 0; i < words.size(); ++i) {
      encoder->AppendEncoding(words[i], 0, static_cast<int32_t>(i), source.encoding);
    }
  }
  return Assemble(std::move(source), nullptr, options);
}

std::optional<int32_t> ComposedTokenizer::TokenToId(std::string_view token) const {
  const auto added = added_ids_.find(token);
  if (added != added_ids_.end()) return added->second;
  return pipeline_.parts.model->TokenToId(token);
}

std::optional<int32_t> ComposedTokenizer::mask_id() const {
  const std::string& token = pipeline_.parts.mask_token;
  return token.empty() ? std::nullopt : TokenToId(token);
}

std::optional<std::string_view> ComposedTokenizer::IdToToken(int32_t id) const {
  const auto added = added_by_id_.find(id);
  if (added != added_by_id_.end()) return pipeline_.parts.added_tokens[added->second].content;
  return pipeline_.parts.model->IdToToken(id);
}

std::string ComposedTokenizer::Decode(absl::Span<const int32_t> ids,
                                      bool skip_special_tokens) const {
  if (const auto* model = dynamic_cast<const SentencePieceTokens*>(pipeline_.parts.model.get())) {
    return model->Decode(ids);
  }
  std::vector<std::string> tokens;
  for (const int32_t id : ids) {
    std::optional<std::string_view> found = IdToToken(id);
    if (!found) continue;
    if (const auto added = added_by_id_.find(id); added != added_by_id_.end()) {
      found = pipeline_.parts.added_tokens[added->second].form;  // what Decode writes for it
    }
    // By what is written, as in the peer: a special token with another normalized form stays.
    if (const auto same = added_ids_.find(*found);
        skip_special_tokens && same != added_ids_.end()) {
      if (pipeline_.parts.added_tokens[added_by_id_.at(same->second)].special) continue;
    }
    tokens.emplace_back(*found);
  }
  return JoinTokens(pipeline_.parts.decoders, std::move(tokens));
}

std::string ComposedTokenizer::Describe() const {
  const BertNormalizerOptions* bert = FindBertNormalizer(pipeline_.parts);
  std::string text = absl::StrCat(bert != nullptr ? "BERT " : "", pipeline_.parts.model_type, ", ",
                                  vocabulary_size_, " tokens");
  if (bert == nullptr) return text;
  absl::StrAppend(&text, bert->lowercase ? ", lower case" : ", cased");
  if (bert->strip_accents != bert->lowercase) {
    absl::StrAppend(&text, bert->strip_accents ? ", accents stripped" : ", accents kept");
  }
  if (!bert->handle_chinese_chars) absl::StrAppend(&text, ", CJK not split");
  if (!bert->clean_text) absl::StrAppend(&text, ", control characters kept");
  return text;
}

}  // namespace graft
