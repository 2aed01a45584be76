// The normalizer and the pre-tokenizer of BERT. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_NORMALIZERS_BERT_NORMALIZER_H_
#define GRAFT_TOKENIZERS_NORMALIZERS_BERT_NORMALIZER_H_

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "tokenizers/encoding.h"
#include "tokenizers/unicode.h"

namespace graft {

// The options of `BertNormalizer` in tokenizer.json; the steps happen in this order.
struct BertNormalizerOptions {
  bool clean_text = true;            // remove control characters, make every whitespace U+0020
  bool handle_chinese_chars = true;  // a space on both sides of each CJK character
  bool strip_accents = true;         // NFD, then remove Mn
  bool lowercase = true;
};

// Puts a text through the steps, one character at a time. Calls sink(code, flags, span) for each
// character of the normalized text, with the span of its source character in the text. Where NFD
// reorders marks, the n-th mark has the span of the n-th source mark, as in the peer.
template <typename Sink>
class BertNormalizer {
 public:
  BertNormalizer(const BertNormalizerOptions& options, Sink& sink)
      : options_(options), sink_(sink) {}

  void Normalize(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const uint8_t byte = static_cast<uint8_t>(text[at]);
      const Utf8Char c = byte < 0x80 ? Utf8Char{byte, 1, true} : DecodeUtf8(text.substr(at));
      const Span span{static_cast<uint32_t>(at), static_cast<uint32_t>(at + c.length)};
      at += c.length;
      CleanText(c.code, span);
    }
    FlushMarks();
  }

 private:
  struct Mark {
    char32_t code;
    const CharInfo* info;
    size_t place;  // among the marks since the last starter
    bool first;    // of its source character's decomposition
  };

  void CleanText(char32_t code, Span span) {
    const CharInfo& info = LookUpChar(code);
    if (options_.clean_text) {
      if ((info.flags & kControl) != 0) return;
      if ((info.flags & kWhitespace) != 0) return StripAccents(' ', LookUpChar(' '), span);
    }
    if (options_.handle_chinese_chars && (info.flags & kCjk) != 0) {
      StripAccents(' ', LookUpChar(' '), span);
      StripAccents(code, info, span);
      return StripAccents(' ', LookUpChar(' '), span);
    }
    StripAccents(code, info, span);
  }

  void StripAccents(char32_t code, const CharInfo& info, Span span) {
    if (!options_.strip_accents) return Lowercase(code, info, span);
    if ((info.flags & kDecomposes) == 0) return AddDecomposed(code, info, true, span);
    std::array<char32_t, kMaxDecomposition> parts;
    const int count = DecomposeCanonically(code, parts);
    for (int i = 0; i < count; ++i) AddDecomposed(parts[i], LookUpChar(parts[i]), i == 0, span);
  }

  void AddDecomposed(char32_t code, const CharInfo& info, bool first, Span span) {
    if (info.combining_class != 0) {
      marks_.push_back({code, &info, marks_.size(), first});
      if (first) sources_.push_back(span);
      return;
    }
    FlushMarks();
    previous_ = span;
    if ((info.flags & kNonspacingMark) == 0) Lowercase(code, info, span);
  }

  // Canonical ordering of the marks since the last starter, then removal of Mn.
  void FlushMarks() {
    if (marks_.empty()) return;
    std::sort(marks_.begin(), marks_.end(), [](const Mark& a, const Mark& b) {
      return std::pair(a.info->combining_class, a.place) <
             std::pair(b.info->combining_class, b.place);
    });
    size_t source = 0;
    for (const Mark& mark : marks_) {
      if (mark.first) previous_ = sources_[source++];
      if ((mark.info->flags & kNonspacingMark) == 0) Lowercase(mark.code, *mark.info, previous_);
    }
    marks_.clear();
    sources_.clear();
  }

  void Lowercase(char32_t code, const CharInfo& info, Span span) {
    if (!options_.lowercase || info.lower == code) return sink_(code, info.flags, span);
    sink_(info.lower, LookUpChar(info.lower).flags, span);
    if ((info.flags & kLowersToTwo) != 0) {
      sink_(kSecondOfLower, LookUpChar(kSecondOfLower).flags, span);
    }
  }

  const BertNormalizerOptions& options_;
  Sink& sink_;
  std::vector<Mark> marks_;    // since the last starter
  std::vector<Span> sources_;  // of the marks that are first
  Span previous_;              // source of the last character that left AddDecomposed
};

// A sink of BertNormalizer: whitespace ends words, each punctuation character is a word. Calls
// on_word(word, spans) with the UTF-8 of the word and the source span of each of its bytes
// (nothing without kSpans).
template <bool kSpans, typename OnWord>
class BertWordSplitter {
 public:
  explicit BertWordSplitter(OnWord& on_word) : on_word_(on_word) {}

  void operator()(char32_t code, uint16_t flags, Span span) {
    if ((flags & kWhitespace) != 0) return Finish();
    if ((flags & kPunctuation) != 0) Finish();
    if (code < 0x80) {
      word_.push_back(static_cast<char>(code));
    } else {
      AppendUtf8(code, word_);
    }
    if constexpr (kSpans) spans_.resize(word_.size(), span);
    if ((flags & kPunctuation) != 0) Finish();
  }

  // Ends the last word.
  void Finish() {
    if (word_.empty()) return;
    on_word_(std::string_view(word_), spans_);
    word_.clear();
    spans_.clear();
  }

 private:
  OnWord& on_word_;
  std::string word_;
  std::vector<Span> spans_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_NORMALIZERS_BERT_NORMALIZER_H_
