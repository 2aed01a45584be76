// ComposedTokenizer::Assemble: from the tokens of texts to the result.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "tokenizers/composed_tokenizer.h"

namespace graft {
namespace {

using Kind = TemplatePiece::Kind;

template <typename T>
void AppendWindow(const std::vector<T>& from, TokenWindow window, std::vector<T>& to) {
  to.insert(to.end(), from.begin() + static_cast<ptrdiff_t>(window.begin),
            from.begin() + static_cast<ptrdiff_t>(window.end));
}

}  // namespace

void ComposedTokenizer::AppendSpecial(const TemplatePiece& piece, Encoding& out) {
  for (const int32_t id : piece.ids) {
    out.ids.push_back(id);
    out.type_ids.push_back(piece.type_id);
    out.word_ids.push_back(-1);
    out.offsets.push_back({0, 0});
    out.special_tokens_mask.push_back(1);
  }
}

Encoding ComposedTokenizer::Assemble(Source first, const Source* second,
                                     const EncodeOptions& options) const {
  const size_t first_size = first.encoding.size();
  const size_t second_size = second == nullptr ? 0 : second->encoding.size();
  size_t keep_first = first_size, keep_second = second_size;
  if (options.max_length > 0) {
    const size_t added = !options.add_special_tokens ? 0
                         : second == nullptr         ? single_.count
                                                     : special_tokens_per_pair_;
    std::tie(keep_first, keep_second) = TruncatedSizes(
        first_size, second_size, options.max_length - std::min(options.max_length, added),
        options.truncation);
  }
  const auto windows = [&](size_t size, size_t keep) {
    return TruncationWindows(size, keep, options.stride, options.truncation_side,
                             options.overflowing);
  };
  const std::vector<TokenWindow> firsts = windows(first_size, keep_first);
  const std::vector<TokenWindow> seconds = windows(second_size, keep_second);
  const auto assemble = [&](size_t i, size_t j) {
    return AssembleWindow(first, firsts[i], second, seconds[j], options.add_special_tokens);
  };
  Encoding out = assemble(0, 0);
  out.cut_off = first_size - keep_first + second_size - keep_second;
  for (size_t i = 1; i < firsts.size(); ++i) {
    for (size_t j = 0; j < seconds.size(); ++j) out.overflowing.push_back(assemble(i, j));
  }
  for (size_t j = 1; j < seconds.size(); ++j) out.overflowing.push_back(assemble(0, j));
  return out;
}

Encoding ComposedTokenizer::AssembleWindow(const Source& first, TokenWindow first_window,
                                           const Source* second, TokenWindow second_window,
                                           bool add_special_tokens) const {
  const PostProcessor& processor = pipeline_.parts.post_processor;
  Encoding out;
  for (const TemplatePiece& piece : second == nullptr ? processor.single : processor.pair) {
    if (piece.kind == Kind::kFirstText) AppendText(first, first_window, piece.type_id, out);
    if (piece.kind == Kind::kSecondText) {
      out.second_begin = out.size();
      AppendText(*second, second_window, piece.type_id, out);
      out.second_end = out.size();
    }
    if (piece.kind == Kind::kSpecial && add_special_tokens) AppendSpecial(piece, out);
  }
  return out;
}

void ComposedTokenizer::AppendText(const Source& source, TokenWindow window, int32_t type_id,
                                   Encoding& out) const {
  const size_t begin = out.size();
  AppendWindow(source.encoding.ids, window, out.ids);
  out.type_ids.resize(out.ids.size(), type_id);
  AppendWindow(source.encoding.word_ids, window, out.word_ids);
  AppendWindow(source.encoding.offsets, window, out.offsets);
  AppendWindow(source.encoding.special_tokens_mask, window, out.special_tokens_mask);
  TrimOffsets(source, begin, out);
}

void ComposedTokenizer::TrimOffsets(const Source& source, size_t begin, Encoding& out) const {
  const std::vector<TrimRule>& rules = pipeline_.parts.post_processor.trims;
  if (rules.empty()) return;
  for (size_t i = begin; i < out.size(); ++i) {
    const size_t place = source.words ? static_cast<size_t>(out.word_ids[i]) : 0;
    const std::string_view text = source.texts[place];
    Span& span = out.offsets[i];
    const TokenEnds ends = EndsOf(out.ids[i], text.substr(span.begin, span.end - span.begin));
    if (ends.leading == 0 && ends.trailing == 0) continue;
    for (const TrimRule& rule : rules) span = TrimSpan(rule, text, ends, i == begin, span);
  }
}

TokenEnds ComposedTokenizer::EndsOf(int32_t id, std::string_view surface) const {
  const TokenizerParts& parts = pipeline_.parts;
  if (const auto found = added_by_id_.find(id); found != added_by_id_.end()) {
    // The text of an added token is what it matched, with the whitespace that it takes. The model's
    // unknown token may have the same id.
    const AddedToken& added = parts.added_tokens[found->second];
    if (added.normalized || parts.model->keeps_unknown_text() ||
        absl::StrContains(surface, added.content)) {
      return WhitespaceAtEnds(surface);
    }
  }
  const auto token = parts.model->IdToToken(id);
  return token ? WhitespaceAtEnds(*token) : TokenEnds();
}

}  // namespace graft
