// A text on its way through normalizers, and where each of its bytes comes from. Internal: not part
// of the installed headers.
#ifndef GRAFT_TOKENIZERS_NORMALIZERS_NORMALIZED_TEXT_H_
#define GRAFT_TOKENIZERS_NORMALIZERS_NORMALIZED_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "tokenizers/encoding.h"

namespace graft {

// Well-formed UTF-8 with the span of its source for each byte, as the peer's NormalizedString keeps
// them: spans never go back. A source of n bytes grows to at most kMostGrowth * n + kFreeGrowth:
// what would make more of it is left out, since steps that double a text, one after the other,
// could grow it past any memory. One thread at a time; keeps its memory from text to text.
class NormalizedText {
 public:
  // Unicode's forms make at most 11 bytes of one.
  static constexpr size_t kMostGrowth = 64;
  static constexpr size_t kFreeGrowth = 65'536;

  void Clear();
  // Takes a part of a source text that begins at its byte `begin`. Each maximal ill-formed part is
  // one U+FFFD with its span.
  void Assign(std::string_view source, uint32_t begin);
  void Append(const NormalizedText& other);

  std::string_view text() const { return text_; }
  const std::vector<Span>& spans() const { return spans_; }
  size_t size() const { return text_.size(); }
  // Where the source of [begin, end) stands; [begin, end) must not be empty.
  Span Source(size_t begin, size_t end) const { return {spans_[begin].begin, spans_[end - 1].end}; }
  // Where the part of the source begins.
  uint32_t origin() const { return origin_; }
  // The most bytes that steps may make of it.
  size_t limit() const { return limit_; }

 private:
  friend class TextRewriter;
  std::string text_;
  std::vector<Span> spans_;
  uint32_t origin_ = 0;
  size_t limit_ = 0;
  // What a rewriter writes.
  std::string next_text_;
  std::vector<Span> next_spans_;
};

// Writes a text anew while it reads the old one. A character that replaces another one takes its
// span; an inserted one takes the span of the last byte read. Nothing changes before Commit.
class TextRewriter {
 public:
  explicit TextRewriter(NormalizedText& text);

  // What is still to be read.
  std::string_view rest() const { return std::string_view(text_.text_).substr(at_); }
  size_t at() const { return at_; }
  size_t written() const { return text_.next_text_.size(); }

  // From here on insertions look back no farther than this byte; before anything is read they get
  // an empty span at `origin`.
  void BeginPart(uint32_t origin) {
    part_ = at_;
    part_origin_ = origin;
  }
  // Takes bytes over as they are.
  void Copy(size_t bytes);
  void Skip(size_t bytes) { at_ += bytes; }
  // Reads one character and writes another one for it.
  void Replace(char32_t code);
  void Insert(char32_t code) { Put(code, LastSpan()); }
  // Writes a character with the span of the one that is read next. Requires a rest.
  void InsertBefore(char32_t code) { Put(code, text_.spans_[at_]); }
  void PutWithSpan(char32_t code, Span span) { Put(code, span); }
  // Writes one character: for `change` > 0 as an insertion, else for one that is read, and -change
  // more that are read and leave nothing.
  void Transform(char32_t code, int change);
  // The written text is the text now; what was not read is gone. False, and nothing changes, when
  // it is longer than the text may become.
  bool Commit();

 private:
  Span LastSpan() const;
  void Put(char32_t code, Span span);

  NormalizedText& text_;
  size_t at_ = 0;
  size_t part_ = 0;
  uint32_t part_origin_;
  bool too_long_ = false;
};

// The character at the front of well-formed UTF-8 that is not empty.
inline char32_t CharAt(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return lead;
  if (lead < 0xE0) return (lead & 0x1F) << 6 | (byte(1) & 0x3F);
  if (lead < 0xF0) return (lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return (lead & 7) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_NORMALIZERS_NORMALIZED_TEXT_H_
