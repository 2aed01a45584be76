// BertWorker::AppendTokens: the way that keeps offsets and words.
#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/log/absl_check.h"
#include "tokenizers/lanes/bert_worker.h"

namespace graft {

void BertWorker::AppendTokens(std::string_view text, TokenWriter& out) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  uint32_t at = 0;
  if (pipeline_.raw_tokens.MayMatch(text)) {
    for (const AddedTokenMatcher::Match& match : pipeline_.raw_tokens.Find(text)) {
      if (at < match.span.begin) AppendPiece(text.substr(at, match.span.begin - at), at, out);
      AppendAddedToken(match.token, match.span, out);
      at = match.span.end;
    }
  }
  if (at < text.size()) AppendPiece(text.substr(at), at, out);
}

void BertWorker::AppendAddedToken(size_t token, Span span, TokenWriter& out) const {
  out.Add(pipeline_.parts.added_tokens[token].id, span);
  out.EndWord();
}

void BertWorker::AppendPiece(std::string_view text, uint32_t begin, TokenWriter& out) {
  if (!pipeline_.normalized_tokens.empty()) return AppendNormalizedPiece(text, begin, out);
  if (forms_.empty()) return AppendCharacters(text, 0, text.size(), begin, out);
  for (size_t at = 0; at < text.size();) {
    size_t length = std::min(text.size() - at, kWindow);
    if (length < text.size() - at) {
      while (length > 0 && !IsBreak(text[at + length - 1])) --length;
    }
    if (length > 0) {
      AppendWindow(text, at, length, begin, out);
    } else {  // a chunk longer than the window
      const auto end =
          std::find_if(text.begin() + static_cast<ptrdiff_t>(at + kWindow), text.end(), IsBreak);
      length = static_cast<size_t>(end - text.begin()) - at;
      AppendCharacters(text, at, length, begin, out);
    }
    at += length;
  }
}

bool BertWorker::IsPlain(std::string_view text) const {
  if (printable_are_plain_) {  // a loop that compilers make vectors of
    uint8_t other = 0;
    for (const char c : text) {
      const auto printable = static_cast<uint8_t>(static_cast<uint8_t>(c) - ' ' <= '~' - ' ');
      other |= static_cast<uint8_t>(!printable & (c != '\t') & (c != '\n') & (c != '\r'));
    }
    if (other == 0) return true;
  }
  return std::all_of(text.begin(), text.end(),
                     [this](char c) { return plain_[static_cast<uint8_t>(c)]; });
}

void BertWorker::AppendWindow(std::string_view text, size_t at, size_t length, uint32_t begin,
                              TokenWriter& out) {
  // At least one whitespace behind the window ends the last chunk.
  const size_t blocks = length / kEdgeBlock + 1;
  std::memcpy(window_.data(), text.data() + at, length);
  std::memset(window_.data() + length, ' ', kEdgeBlock);
  const size_t count = FindChunkEdges(window_.data(), blocks, edges_.data());
  const bool all_plain = IsPlain({window_.data(), length});
  for (size_t i = 0; i < count; i += 2) {
    if (i % (2 * kGroup) == 0) PrefetchChunks({&edges_[i], std::min(count - i, 2 * kGroup)});
    const std::string_view chunk(window_.data() + edges_[i], edges_[i + 1] - edges_[i]);
    const size_t place = at + edges_[i];
    if ((all_plain || IsPlain(chunk)) &&
        AppendPlainChunk(chunk, begin + static_cast<uint32_t>(place), out)) {
      continue;
    }
    AppendCharacters(text, place, chunk.size(), begin, out);
  }
}

void BertWorker::PrefetchChunks(absl::Span<const uint16_t> edges) const {
  for (size_t i = 0; i < edges.size(); i += 2) {
    std::string_view stem(window_.data() + edges[i], static_cast<size_t>(edges[i + 1] - edges[i]));
    stem.remove_suffix(HasEnd(stem));
    if (stem.size() > ShortCache::Key::kMaxBytes) continue;
    chunk_cache_.Prefetch(KeyOf<ShortCache>(stem).Hash());
  }
}

bool BertWorker::AppendPlainChunk(std::string_view chunk, uint32_t at, TokenWriter& out) {
  const TokenWriter::Mark mark = out.Here();
  const bool has_end = HasEnd(chunk) != 0;
  const std::string_view stem = chunk.substr(0, chunk.size() - (has_end ? 1 : 0));
  const uint32_t begin = at;
  const uint32_t end = at + static_cast<uint32_t>(stem.size());
  for (const int32_t id : StemIds(stem)) {
    const PieceForm form = forms_[static_cast<size_t>(id)];
    if (form.length > end - at) {
      out.GoBack(mark);
      return false;
    }
    if (form.continues == 0 && at != begin) out.EndWord();
    out.Add(id, {at, at + form.length});
    at += form.length;
  }
  if (at != end) {
    out.GoBack(mark);
    return false;
  }
  out.EndWord();
  if (has_end) {
    out.Add(end_ids_[static_cast<uint8_t>(chunk.back())], {end, end + 1});
    out.EndWord();
  }
  return true;
}

void BertWorker::AppendCharacters(std::string_view text, size_t at, size_t length, uint32_t begin,
                                  TokenWriter& out) {
  // With the whitespace before it: marks that the part begins with may take its span.
  const size_t with = at > 0 ? 1 : 0;
  text = text.substr(at - with, length + with);
  begin += static_cast<uint32_t>(at - with);
  auto on_word = [&](std::string_view word, const std::vector<Span>& spans) {
    AppendWord(word, spans, begin, out);
  };
  BertWordSplitter<true, decltype(on_word)> splitter(on_word);
  BertNormalizer(options_, splitter).Normalize(text);
  splitter.Finish();
}

void BertWorker::AppendWord(std::string_view word, absl::Span<const Span> spans, uint32_t begin,
                            TokenWriter& out) {
  const absl::Span<const int32_t> ids = WordIds(word);
  size_t at = 0;
  for (const int32_t id : ids) {
    const size_t end = ids.size() == 1 ? word.size() : at + model_.PieceLength(id, at == 0);
    out.Add(id, {begin + spans[at].begin, begin + spans[end - 1].end});
    at = end;
  }
  out.EndWord();
}

void BertWorker::AppendNormalizedPiece(std::string_view text, uint32_t begin, TokenWriter& out) {
  std::string normalized;
  std::vector<Span> spans;  // of each byte of `normalized`
  auto keep = [&](char32_t code, uint16_t, Span span) {
    AppendUtf8(code, normalized);
    spans.resize(normalized.size(), span);
  };
  BertNormalizer(options_, keep).Normalize(text);
  auto on_word = [&](std::string_view word, const std::vector<Span>& word_spans) {
    AppendWord(word, word_spans, begin, out);
  };
  BertWordSplitter<true, decltype(on_word)> splitter(on_word);
  const auto split = [&](size_t from, size_t to) {
    for (size_t at = from; at < to;) {
      const Utf8Char c = DecodeUtf8(std::string_view(normalized).substr(at));
      splitter(c.code, LookUpChar(c.code).flags, spans[at]);
      at += c.length;
    }
    splitter.Finish();
  };
  size_t at = 0;
  for (const AddedTokenMatcher::Match& match : pipeline_.normalized_tokens.Find(normalized)) {
    if (at < match.span.begin) split(at, match.span.begin);
    AppendAddedToken(match.token,
                     {begin + spans[match.span.begin].begin, begin + spans[match.span.end - 1].end},
                     out);
    at = match.span.end;
  }
  split(at, normalized.size());
}

}  // namespace graft
