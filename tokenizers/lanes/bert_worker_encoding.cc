// BertWorker::AppendEncoding: the way that keeps offsets and words.
#include <limits>

#include "absl/log/absl_check.h"
#include "tokenizers/lanes/bert_worker.h"

namespace graft {

// Where the tokens of one text go.
struct BertWorker::Sink {
  BertWorker& worker;
  int32_t type_id;
  std::optional<int32_t> fixed_word;
  Encoding& out;
  int32_t next_word = 0;

  void AddToken(int32_t id, Span span, int32_t word) {
    out.ids.push_back(id);
    out.type_ids.push_back(type_id);
    out.word_ids.push_back(fixed_word.value_or(word));
    out.offsets.push_back(span);
    out.special_tokens_mask.push_back(0);
  }

  // `spans` has the span of each byte of the word, in a text that begins at byte `begin`.
  void AddWord(std::string_view word, absl::Span<const Span> spans, uint32_t begin) {
    const WordPiece& model = worker.model_;
    const absl::Span<const int32_t> ids = worker.WordIds(word);
    size_t at = 0;
    for (const int32_t id : ids) {
      const size_t end = ids.size() == 1 ? word.size() : at + model.PieceLength(id, at == 0);
      AddToken(id, {begin + spans[at].begin, begin + spans[end - 1].end}, next_word);
      at = end;
    }
    ++next_word;
  }

  void AddAddedToken(size_t token, Span span) {
    AddToken(worker.pipeline_.parts.added_tokens[token].id, span, next_word++);
  }
};

void BertWorker::AppendEncoding(std::string_view text, int32_t type_id, std::optional<int32_t> word,
                                Encoding& out) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  Sink sink{*this, type_id, word, out};
  uint32_t at = 0;
  for (const AddedTokenMatcher::Match& match : pipeline_.raw_tokens.Find(text)) {
    if (at < match.span.begin) AppendPiece(text.substr(at, match.span.begin - at), at, sink);
    sink.AddAddedToken(match.token, match.span);
    at = match.span.end;
  }
  if (at < text.size()) AppendPiece(text.substr(at), at, sink);
}

void BertWorker::AppendPiece(std::string_view text, uint32_t begin, Sink& sink) {
  if (!pipeline_.normalized_tokens.empty()) return AppendNormalizedPiece(text, begin, sink);
  auto on_word = [&](std::string_view word, const std::vector<Span>& spans) {
    sink.AddWord(word, spans, begin);
  };
  BertWordSplitter<true, decltype(on_word)> splitter(on_word);
  BertNormalizer(options_, splitter).Normalize(text);
  splitter.Finish();
}

void BertWorker::AppendNormalizedPiece(std::string_view text, uint32_t begin, Sink& sink) {
  std::string normalized;
  std::vector<Span> spans;  // of each byte of `normalized`
  auto keep = [&](char32_t code, uint16_t, Span span) {
    AppendUtf8(code, normalized);
    spans.resize(normalized.size(), span);
  };
  BertNormalizer(options_, keep).Normalize(text);
  auto on_word = [&](std::string_view word, const std::vector<Span>& word_spans) {
    sink.AddWord(word, word_spans, begin);
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
    sink.AddAddedToken(match.token, {begin + spans[match.span.begin].begin,
                                     begin + spans[match.span.end - 1].end});
    at = match.span.end;
  }
  split(at, normalized.size());
}

}  // namespace graft
