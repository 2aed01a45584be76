#include "tokenizers/normalizers/normalized_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace graft {
namespace {

// A rewritten text that is longer than this gives its memory back.
constexpr size_t kKeptBytes = size_t{1} << 20;

}  // namespace

void NormalizedText::Clear() {
  if (text_.capacity() > kKeptBytes) *this = NormalizedText();
  text_.clear();
  spans_.clear();
  origin_ = 0;
  limit_ = 0;
}

void NormalizedText::Assign(std::string_view source, uint32_t begin) {
  Clear();
  origin_ = begin;
  limit_ = kMostGrowth * source.size() + kFreeGrowth;
  text_.reserve(source.size());
  spans_.reserve(source.size());
  for (size_t at = 0; at < source.size();) {
    const uint32_t place = begin + static_cast<uint32_t>(at);
    if (static_cast<uint8_t>(source[at]) < 0x80) {
      text_.push_back(source[at++]);
      spans_.push_back({place, place + 1});
      continue;
    }
    const Utf8Char c = DecodeUtf8(source.substr(at));
    AppendUtf8(c.code, text_);
    spans_.resize(text_.size(), Span{place, place + static_cast<uint32_t>(c.length)});
    at += static_cast<size_t>(c.length);
  }
}

void NormalizedText::Append(const NormalizedText& other) {
  text_ += other.text_;
  spans_.insert(spans_.end(), other.spans_.begin(), other.spans_.end());
  limit_ += other.limit_;
}

TextRewriter::TextRewriter(NormalizedText& text) : text_(text), part_origin_(text.origin_) {
  text_.next_text_.clear();
  text_.next_spans_.clear();
  text_.next_text_.reserve(text.size());
  text_.next_spans_.reserve(text.size());
}

void TextRewriter::Copy(size_t bytes) {
  text_.next_text_.append(text_.text_, at_, bytes);
  const auto from = text_.spans_.begin() + static_cast<ptrdiff_t>(at_);
  text_.next_spans_.insert(text_.next_spans_.end(), from, from + static_cast<ptrdiff_t>(bytes));
  at_ += bytes;
}

void TextRewriter::Replace(char32_t code) {
  Put(code, text_.spans_[at_]);
  at_ += CharLength(text_.text_[at_]);
}

void TextRewriter::Transform(char32_t code, int change) {
  if (change > 0) return Insert(code);
  Replace(code);
  for (; change < 0 && at_ < text_.size(); ++change) at_ += CharLength(text_.text_[at_]);
}

bool TextRewriter::Commit() {
  if (too_long_) return false;
  text_.text_.swap(text_.next_text_);
  text_.spans_.swap(text_.next_spans_);
  return true;
}

Span TextRewriter::LastSpan() const {
  return at_ == part_ ? Span{part_origin_, part_origin_} : text_.spans_[at_ - 1];
}

void TextRewriter::Put(char32_t code, Span span) {
  if (text_.next_text_.size() >= text_.limit_) {
    too_long_ = true;
    return;
  }
  if (code < 0x80) {
    text_.next_text_.push_back(static_cast<char>(code));
    text_.next_spans_.push_back(span);
    return;
  }
  AppendUtf8(code, text_.next_text_);
  text_.next_spans_.resize(text_.next_text_.size(), span);
}

}  // namespace graft
