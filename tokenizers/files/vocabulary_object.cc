// FindVocabularyObject and ParseVocabularyObject: JSON by hand, for this one part.
#include <algorithm>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/utf8.h"
#include "simdjson.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {
namespace {

constexpr size_t kNowhere = std::string_view::npos;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void SkipSpace(std::string_view text, size_t& at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
}

// Skips spaces and one given character; false when another one stands there.
bool SkipChar(std::string_view text, size_t& at, char c) {
  SkipSpace(text, at);
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

// From behind a string's opening quote to behind its closing one. False when a control character or
// the end of the text comes first: `at` stands there.
bool SkipString(std::string_view text, size_t& at, bool* escapes = nullptr) {
  for (; at < text.size() && static_cast<uint8_t>(text[at]) >= 0x20; ++at) {
    if (text[at] == '"') {
      ++at;
      return true;
    }
    if (text[at] == '\\') {
      if (escapes != nullptr) *escapes = true;
      ++at;
    }
  }
  at = std::min(at, text.size());
  return false;
}

// Skips any value, by brackets alone: what is wrong in it shows when the rest is parsed.
void SkipValue(std::string_view text, size_t& at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return;
    ++at;
    if (c == '"' && !SkipString(text, at)) at = text.size();
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
  }
}

// Where the value of a member begins, in the object whose '{' is at `at`.
size_t FindMember(std::string_view text, size_t at, std::string_view key) {
  if (at == kNowhere || !SkipChar(text, at, '{')) return kNowhere;
  do {
    if (!SkipChar(text, at, '"')) return kNowhere;
    const size_t begin = at;
    if (!SkipString(text, at)) return kNowhere;
    const std::string_view found = text.substr(begin, at - 1 - begin);
    if (!SkipChar(text, at, ':')) return kNowhere;
    SkipSpace(text, at);
    if (found == key) return at;
    SkipValue(text, at);
  } while (SkipChar(text, at, ','));
  return kNowhere;
}

class ObjectParser {
 public:
  ObjectParser(std::string text, const std::string& source, const VocabularyObject& object)
      : text_(std::move(text)),
        size_(text_.size()),
        source_(object.path.empty() ? source : absl::StrCat(source, ": ", object.path)),
        at_(object.begin) {}

  absl::StatusOr<Vocabulary> Parse(size_t& end) {
    if (!simdjson::validate_utf8(text_.data(), size_)) {
      return Error(FindInvalidUtf8(text_).value_or(0), "UTF-8", "an ill-formed sequence");
    }
    ++at_;  // '{'
    if (!Skip('}')) {
      do {
        ABSL_RETURN_IF_ERROR(ParseMember());
      } while (Skip(','));
      if (!Skip('}')) return Error(at_, "',' or '}'", Found());
    }
    end = at_;
    return Finish();
  }

 private:
  bool Skip(char c) { return SkipChar({text_.data(), size_}, at_, c); }

  absl::Status ParseMember() {
    if (!Skip('"')) return Error(at_, "a token in quotes", Found());
    const size_t begin = at_;
    bool escapes = false;
    if (!SkipString({text_.data(), size_}, at_, &escapes)) {
      return Error(at_, "the end of a token", Found());
    }
    Span token{static_cast<uint32_t>(begin), static_cast<uint32_t>(at_ - 1)};
    if (escapes) {
      ABSL_ASSIGN_OR_RETURN(token, Unescape(begin - 1, at_));
    }
    if (token.end - token.begin > kMaxTokenBytes) {
      return Error(begin, absl::StrCat("a token of at most ", kMaxTokenBytes, " bytes"),
                   absl::StrCat(token.end - token.begin, " bytes"));
    }
    if (!Skip(':')) return Error(at_, "':'", Found());
    return ParseId(token);
  }

  // The decoded form of the string literal in [begin, end), kept behind the text.
  absl::StatusOr<Span> Unescape(size_t begin, size_t end) {
    const auto literal =
        JsonDocument::Parse(std::string_view(text_).substr(begin, end - begin), source_);
    if (!literal.ok()) return Error(begin, "a JSON string", "an escape that is none");
    ABSL_ASSIGN_OR_RETURN(const std::string_view decoded, literal->root().AsString());
    const size_t at = text_.size();
    text_.append(decoded);
    return Span{static_cast<uint32_t>(at), static_cast<uint32_t>(text_.size())};
  }

  absl::Status ParseId(Span token) {
    SkipSpace({text_.data(), size_}, at_);
    const size_t begin = at_;
    size_t id = 0;
    while (at_ < size_ && text_[at_] >= '0' && text_[at_] <= '9' && id < kMaxTokens) {
      id = 10 * id + static_cast<size_t>(text_[at_++] - '0');
    }
    const bool leading_zero = at_ - begin > 1 && text_[begin] == '0';
    const bool ended =
        at_ < size_ && (IsSpace(text_[at_]) || text_[at_] == ',' || text_[at_] == '}');
    if (at_ == begin || !ended || leading_zero || id >= kMaxTokens) {
      const size_t shown = std::min(text_.find_first_of(",} \t\r\n", begin), begin + 40);
      return Error(begin, absl::StrCat("an id from 0 to ", kMaxTokens - 1),
                   absl::StrCat("'", text_.substr(begin, shown - begin), "'"));
    }
    if (id >= tokens_.size()) tokens_.resize(id + 1);
    if (tokens_[id].end != 0) {
      return Error(begin, "ids that differ", absl::StrCat("id ", id, " again"));
    }
    tokens_[id] = token;
    ++count_;
    return absl::OkStatus();
  }

  absl::StatusOr<Vocabulary> Finish() {
    if (count_ == 0) return Error(at_, "tokens", "an empty object");
    if (count_ != tokens_.size()) {
      const auto gap = std::find_if(tokens_.begin(), tokens_.end(),
                                    [](const Span& token) { return token.end == 0; });
      return Error(at_,
                   absl::StrCat("every id from 0 to ", tokens_.size() - 1, ", the largest one"),
                   absl::StrCat("no token with id ", gap - tokens_.begin()));
    }
    Vocabulary vocabulary(std::move(text_), tokens_);
    if (const auto& duplicate = vocabulary.duplicate()) {
      const auto [first, second] = *duplicate;
      return Error(
          tokens_[second].begin, "tokens that differ",
          absl::StrCat("'", vocabulary.token(second), "' with the ids ", first, " and ", second));
    }
    return vocabulary;
  }

  std::string Found() const {
    return at_ < size_ ? absl::StrCat("'", text_.substr(at_, 1), "'") : "the end of the file";
  }
  absl::Status Error(size_t byte, std::string_view expected, std::string_view found) const {
    return absl::DataLossError(
        absl::StrCat(source_, ": byte ", byte, ": expected ", expected, ", found ", found));
  }

  std::string text_;          // the file, and behind it the tokens that were escaped
  const size_t size_;         // of the file
  const std::string source_;  // for messages
  size_t at_;
  std::vector<Span> tokens_;  // by id; a token has an end > 0
  size_t count_ = 0;
};

}  // namespace

std::optional<VocabularyObject> FindVocabularyObject(std::string_view text) {
  const size_t begin = FindMember(text, FindMember(text, 0, "model"), "vocab");
  if (begin == kNowhere || begin >= text.size() || text[begin] != '{') return std::nullopt;
  return VocabularyObject{begin, begin};
}

absl::StatusOr<Vocabulary> ParseVocabularyObject(std::string text, const std::string& source,
                                                 VocabularyObject& object) {
  return ObjectParser(std::move(text), source, object).Parse(object.end);
}

}  // namespace graft
