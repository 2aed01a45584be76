#include "tokenizers/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/log/absl_check.h"
#include "base/utf8.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

// The last character of `text`, which must not be empty. An ill-formed end counts as one byte.
Utf8Char LastChar(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length) {
    const Utf8Char c = DecodeUtf8(text.substr(text.size() - length));
    if (c.valid && static_cast<size_t>(c.length) == length) return c;
  }
  return {kReplacementCharacter, 1, false};
}

bool HasFlag(const Utf8Char& c, CharFlag flag) { return (LookUpChar(c.code).flags & flag) != 0; }

bool EndsWithWord(std::string_view text) {
  return !text.empty() && HasFlag(LastChar(text), kWordCharacter);
}

bool StartsWithWord(std::string_view text) {
  return !text.empty() && HasFlag(DecodeUtf8(text), kWordCharacter);
}

size_t WhitespaceAtEnd(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    const Utf8Char c = LastChar(text.substr(0, end));
    if (!HasFlag(c, kWhitespace)) break;
    end -= c.length;
  }
  return text.size() - end;
}

size_t WhitespaceAtStart(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Char c = DecodeUtf8(text.substr(at));
    if (!HasFlag(c, kWhitespace)) break;
    at += c.length;
  }
  return at;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(absl::Span<const AddedToken> all,
                                     absl::Span<const size_t> indices) {
  absl::flat_hash_set<std::string_view> known;
  std::vector<std::pair<std::string_view, uint32_t>> keys;
  for (const size_t index : indices) {
    const AddedToken& token = all[index];
    ABSL_CHECK(!token.form.empty()) << token.content;
    if (!known.insert(token.form).second) continue;
    const uint8_t first = static_cast<uint8_t>(token.form[0]);
    only_first_byte_ = forms_.empty() || only_first_byte_ == first ? first : -1;
    begins_form_[first] = true;
    keys.emplace_back(token.form, static_cast<uint32_t>(forms_.size()));
    forms_.push_back({index, token.form.size(), token.single_word, token.lstrip, token.rstrip});
  }
  if (!keys.empty()) trie_.emplace(keys);
}

size_t AddedTokenMatcher::NextCandidate(std::string_view text, size_t at) const {
  if (only_first_byte_ >= 0) {
    const void* found = at < text.size()
                            ? std::memchr(text.data() + at, only_first_byte_, text.size() - at)
                            : nullptr;
    return found == nullptr ? text.size() : static_cast<const char*>(found) - text.data();
  }
  while (at < text.size() && !begins_form_[static_cast<uint8_t>(text[at])]) ++at;
  return at;
}

bool AddedTokenMatcher::MayMatch(std::string_view text) const {
  return !forms_.empty() && NextCandidate(text, 0) < text.size();
}

const AddedTokenMatcher::Form* AddedTokenMatcher::LongestAt(std::string_view text) const {
  const Form* longest = nullptr;
  if (trie_) {
    trie_->ForEachPrefix(text,
                         [&](size_t /*length*/, uint32_t value) { longest = &forms_[value]; });
  }
  return longest;
}

std::vector<AddedTokenMatcher::Match> AddedTokenMatcher::Find(std::string_view text) const {
  std::vector<Match> matches;
  if (forms_.empty()) return matches;
  size_t taken = 0;           // end of the last match
  size_t whitespace_end = 0;  // of the last whitespace that a token took on its right
  for (size_t at = NextCandidate(text, 0); at < text.size();) {
    const Form* form = LongestAt(text.substr(at));
    if (form == nullptr) {
      at = NextCandidate(text, at + 1);
      continue;
    }
    size_t begin = at;
    size_t end = at + form->length;
    at = NextCandidate(text, end);  // also after a match that does not count
    if (form->single_word &&
        (EndsWithWord(text.substr(0, begin)) || StartsWithWord(text.substr(end)))) {
      continue;
    }
    // Whitespace is walked over once: on the left as far as it is free, on the right where no token
    // before has done so.
    if (form->lstrip) {
      begin = taken < begin ? begin - WhitespaceAtEnd(text.substr(taken, begin - taken)) : taken;
    }
    if (form->rstrip) {
      if (whitespace_end <= end) whitespace_end = end + WhitespaceAtStart(text.substr(end));
      end = whitespace_end;
    }
    // The token before may have taken all of this one, and more.
    if (begin >= end) continue;
    matches.push_back({form->token, {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}});
    taken = end;
  }
  return matches;
}

}  // namespace graft
