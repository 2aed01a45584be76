// ParseVocabTxt.
#include <algorithm>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

// A place in the file, for messages.
struct Place {
  const std::string& source;
  size_t line;  // from 1
  size_t byte;  // of the line's begin in the file

  absl::Status Error(std::string_view expected, std::string_view found) const {
    return absl::DataLossError(absl::StrCat(source, ":", line, ": byte ", byte, ": expected ",
                                            expected, ", found ", found));
  }
};

// ASCII whitespace only: published vocabularies hold U+2028, see below.
bool IsWhitespace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

absl::Status CheckToken(std::string_view token, const Place& place) {
  if (token.empty()) return place.Error("a token", "a blank line");
  if (token.size() > kMaxTokenBytes) {
    return place.Error(absl::StrCat("a token of at most ", kMaxTokenBytes, " bytes"),
                       absl::StrCat(token.size(), " bytes"));
  }
  if (token.find('\0') != token.npos) return place.Error("text", "a NUL");
  if (token.find('\r') != token.npos) {
    return place.Error("one kind of line end in the whole file", "a carriage return");
  }
  if (token == "##") return place.Error("characters behind '##'", "none");
  if (IsWhitespace(token.front()) || IsWhitespace(token.back())) {
    return place.Error("a token without whitespace at its ends", absl::StrCat("'", token, "'"));
  }
  return absl::OkStatus();
}

// Without the whitespace beyond ASCII at its end, as the peer reads lines: two of bert-base-chinese
// are nothing but U+2028, one behind "##".
std::string_view WithoutSpaceAtEnd(std::string_view token) {
  while (!token.empty()) {
    size_t begin = token.size() - 1;
    while (begin > 0 && (static_cast<uint8_t>(token[begin]) & 0xC0) == 0x80) --begin;
    if ((LookUpChar(DecodeUtf8(token.substr(begin)).code).flags & kWhitespace) == 0) break;
    token.remove_suffix(token.size() - begin);
  }
  return token;
}

absl::Status CheckText(std::string_view text, const std::string& source) {
  const Place start{source, 1, 0};
  if (text.empty()) return start.Error("tokens, one a line", "an empty file");
  if (text.starts_with("\xEF\xBB\xBF")) return start.Error("a token", "a byte-order mark");
  if (const auto invalid = FindInvalidUtf8(text)) {
    const size_t line = 1 + std::count(text.begin(), text.begin() + *invalid, '\n');
    return Place{source, line, *invalid}.Error("UTF-8", "an ill-formed sequence");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Vocabulary> ParseVocabTxt(std::string text, const std::string& source) {
  ABSL_RETURN_IF_ERROR(CheckText(text, source));
  const size_t first_end = std::min(text.find('\n'), text.size());
  const bool crlf = first_end > 0 && first_end < text.size() && text[first_end - 1] == '\r';
  std::vector<Span> tokens;
  for (size_t begin = 0; begin < text.size();) {
    const size_t line_end = std::min(text.find('\n', begin), text.size());
    const Place place{source, tokens.size() + 1, begin};
    size_t end = line_end;
    if (crlf && line_end < text.size()) {
      if (end == begin || text[end - 1] != '\r') {
        return place.Error("one kind of line end in the whole file", "a bare line feed");
      }
      --end;
    }
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    ABSL_RETURN_IF_ERROR(CheckToken(line, place));
    end = begin + WithoutSpaceAtEnd(line).size();
    if (tokens.size() == kMaxTokens) {
      return place.Error(absl::StrCat("at most ", kMaxTokens, " tokens"), "more");
    }
    tokens.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
    begin = line_end + 1;
  }
  Vocabulary vocabulary(std::move(text), tokens);
  if (const auto& duplicate = vocabulary.duplicate()) {
    const auto [first, second] = *duplicate;
    const Place place{source, static_cast<size_t>(second) + 1, tokens[second].begin};
    return place.Error("tokens that differ", absl::StrCat("'", vocabulary.token(second),
                                                          "' of line ", first + 1, " again"));
  }
  return vocabulary;
}

}  // namespace graft
