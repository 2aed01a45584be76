#include "tokenizers/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <functional>

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

void AddedTokenMatcher::Add(std::string_view form, size_t token, const AddedToken& flags) {
  ABSL_CHECK(!form.empty());
  const uint8_t first = static_cast<uint8_t>(form[0]);
  only_first_byte_ = forms_.empty() || only_first_byte_ == first ? first : -1;
  forms_.try_emplace(std::string(form), Form{token, flags.single_word, flags.lstrip, flags.rstrip});
  std::vector<size_t>& lengths = lengths_[first];
  if (std::find(lengths.begin(), lengths.end(), form.size()) == lengths.end()) {
    lengths.push_back(form.size());
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
  }
}

size_t AddedTokenMatcher::NextCandidate(std::string_view text, size_t at) const {
  if (only_first_byte_ >= 0) {
    const void* found = at < text.size()
                            ? std::memchr(text.data() + at, only_first_byte_, text.size() - at)
                            : nullptr;
    return found == nullptr ? text.size() : static_cast<const char*>(found) - text.data();
  }
  while (at < text.size() && lengths_[static_cast<uint8_t>(text[at])].empty()) ++at;
  return at;
}

bool AddedTokenMatcher::MayMatch(std::string_view text) const {
  return !forms_.empty() && NextCandidate(text, 0) < text.size();
}

const std::pair<const std::string, AddedTokenMatcher::Form>* AddedTokenMatcher::LongestAt(
    std::string_view text, size_t at) const {
  for (const size_t length : lengths_[static_cast<uint8_t>(text[at])]) {
    if (length > text.size() - at) continue;
    const auto found = forms_.find(text.substr(at, length));
    if (found != forms_.end()) return &*found;
  }
  return nullptr;
}

std::vector<AddedTokenMatcher::Match> AddedTokenMatcher::Find(std::string_view text) const {
  std::vector<Match> matches;
  if (forms_.empty()) return matches;
  size_t taken = 0;  // end of the last match
  for (size_t at = NextCandidate(text, 0); at < text.size();) {
    const auto* found = LongestAt(text, at);
    if (found == nullptr) {
      at = NextCandidate(text, at + 1);
      continue;
    }
    const Form& form = found->second;
    size_t begin = at;
    size_t end = at + found->first.size();
    at = NextCandidate(text, end);  // also after a match that does not count
    if (form.single_word &&
        (EndsWithWord(text.substr(0, begin)) || StartsWithWord(text.substr(end)))) {
      continue;
    }
    if (form.lstrip) {
      begin = std::max(begin - WhitespaceAtEnd(text.substr(0, begin)), taken);
    }
    if (form.rstrip) end += WhitespaceAtStart(text.substr(end));
    matches.push_back({form.token, {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}});
    taken = end;
  }
  return matches;
}

}  // namespace graft
