#include "tokenizers/pre_tokenizers/pre_tokenizer.h"

#include <unicode/uscript.h>

#include <algorithm>
#include <optional>

#include "absl/log/absl_check.h"
#include "base/utf8.h"
#include "tokenizers/byte_alphabet.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

bool Has(char32_t code, uint16_t flags) { return (LookUpChar(code).flags & flags) != 0; }

// Cuts by characters: each one for which is_delimiter(code) holds is a delimiter.
template <typename IsDelimiter>
void SplitByChars(PreTokens& tokens, DelimiterBehavior behavior, const IsDelimiter& is_delimiter) {
  tokens.SplitPieces([&](std::string_view text, const auto& emit) {
    DelimiterSplitter splitter(behavior, emit);
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t end = at + CharLength(text[at]);
      if (is_delimiter(CharAt(text.substr(at)))) {
        if (begin < at) splitter.Add(begin, at, false);
        splitter.Add(at, end, true);
        begin = end;
      }
      at = end;
    }
    if (begin < text.size()) splitter.Add(begin, text.size(), false);
    splitter.Finish();
  });
}

void SplitByMatches(PreTokens& tokens, DelimiterBehavior behavior, bool invert, const auto& find) {
  tokens.SplitPieces([&](std::string_view text, const auto& emit) {
    DelimiterSplitter splitter(behavior, emit);
    size_t at = 0;
    for (const Span match : find(text)) {
      if (at < match.begin) splitter.Add(at, match.begin, invert);
      splitter.Add(match.begin, match.end, !invert);
      at = match.end;
    }
    if (at < text.size()) splitter.Add(at, text.size(), invert);
    splitter.Finish();
  });
}

// Cuts before each character whose class, class_of(code), is not that of the one before it.
template <typename ClassOf>
void SplitByClass(PreTokens& tokens, const ClassOf& class_of, int dropped) {
  tokens.SplitPieces([&](std::string_view text, const auto& emit) {
    size_t begin = 0;
    int last = dropped;
    for (size_t at = 0; at < text.size(); at += CharLength(text[at])) {
      const int kind = class_of(CharAt(text.substr(at)));
      if (kind == last) continue;
      if (last != dropped) emit(begin, at);
      begin = at;
      last = kind;
    }
    if (last != dropped) emit(begin, text.size());
  });
}

// Spaces join any script; Kana and the mark of long vowels are Han.
int ScriptOf(char32_t code) {
  if (code == ' ') return kNoScript;
  if (code == 0x30FC) return USCRIPT_HAN;
  const int script = LookUpScript(code);
  return script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ? USCRIPT_HAN : script;
}

}  // namespace

void PreTokenize(std::vector<PreTokenizer>& steps, PreTokens& tokens) {
  for (PreTokenizer& step : steps) std::visit([&tokens](auto& s) { s.Apply(tokens); }, step);
}

void BeginText(std::vector<PreTokenizer>& steps, size_t bytes) {
  for (PreTokenizer& step : steps) {
    if (auto* split = std::get_if<PatternSplit>(&step)) split->pattern.BeginText(bytes);
    if (auto* split = std::get_if<ByteLevelSplit>(&step); split != nullptr && split->words) {
      split->words->BeginText(bytes);
    }
  }
}

const Regex& Gpt2Words() {
  static const Regex* const words = [] {
    auto regex = Regex::Compile(
        R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
    ABSL_CHECK_OK(regex);
    return new Regex(*std::move(regex));
  }();
  return *words;
}

void BertSplit::Apply(PreTokens& tokens) const {
  tokens.SplitPieces([](std::string_view text, const auto& emit) {
    size_t begin = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t end = at + CharLength(text[at]);
      const uint16_t flags = LookUpChar(CharAt(text.substr(at))).flags;
      if ((flags & (kWhitespace | kPunctuation)) != 0) {
        emit(begin, at);
        if ((flags & kWhitespace) == 0) emit(at, end);
        begin = end;
      }
      at = end;
    }
    emit(begin, text.size());
  });
}

void ByteLevelSplit::Apply(PreTokens& tokens) {
  if (add_prefix_space) {
    tokens.RewritePieces([&](const Piece& piece, TextRewriter& out) {
      if (tokens.Text(piece)[0] != ' ') out.InsertBefore(' ');
      out.Copy(piece.end - piece.begin);
    });
  }
  if (words) {
    SplitByMatches(tokens, DelimiterBehavior::kIsolated, false,
                   [this](std::string_view text) -> const auto& { return words->Find(text); });
  }
  tokens.RewritePieces([&](const Piece& piece, TextRewriter& out) {
    const std::string_view text = tokens.Text(piece);
    for (size_t at = 0; at < text.size();) {
      const size_t end = at + CharLength(text[at]);
      for (size_t i = at; i < end; ++i) {
        out.InsertBefore(kByteCharacters[static_cast<uint8_t>(text[i])]);
      }
      out.Skip(end - at);
      at = end;
    }
  });
}

void WhitespaceWords::Apply(PreTokens& tokens) const {
  const auto class_of = [](char32_t code) {
    if (Has(code, kWordCharacter)) return 1;
    return Has(code, kWhitespace) ? 0 : 2;
  };
  SplitByClass(tokens, class_of, 0);
}

void WhitespaceSplit::Apply(PreTokens& tokens) const {
  SplitByClass(tokens, [](char32_t code) { return Has(code, kWhitespace) ? 0 : 1; }, 0);
}

void Metaspace::Apply(PreTokens& tokens) const {
  std::string mark;
  AppendUtf8(replacement, mark);
  tokens.RewritePieces([&](const Piece& piece, TextRewriter& out) {
    const std::string_view text = tokens.Text(piece);
    const bool marked = text[0] == ' ' || text.starts_with(mark);
    const bool here = prepend == Prepend::kAlways ||
                      (prepend == Prepend::kFirst && tokens.SourceBegin(piece) == 0);
    if (!marked && here) out.InsertBefore(replacement);
    for (size_t at = 0; at < text.size();) {
      const size_t space = std::min(text.find(' ', at), text.size());
      out.Copy(space - at);
      if (space < text.size()) out.Replace(replacement);
      at = space + 1;
    }
  });
  if (!split) return;
  tokens.SplitPieces([&](std::string_view text, const auto& emit) {
    size_t begin = 0;
    for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + mark.size())) {
      emit(begin, at);
      begin = at;
    }
    emit(begin, text.size());
  });
}

void PunctuationSplit::Apply(PreTokens& tokens) const {
  SplitByChars(tokens, behavior, [](char32_t code) { return Has(code, kPunctuation); });
}

void DigitsSplit::Apply(PreTokens& tokens) const {
  SplitByChars(tokens,
               individual_digits ? DelimiterBehavior::kIsolated : DelimiterBehavior::kContiguous,
               [](char32_t code) { return Has(code, kNumeric); });
}

void CharDelimiterSplit::Apply(PreTokens& tokens) const {
  SplitByChars(tokens, DelimiterBehavior::kRemoved,
               [this](char32_t code) { return code == delimiter; });
}

void PatternSplit::Apply(PreTokens& tokens) {
  SplitByMatches(tokens, behavior, invert,
                 [this](std::string_view text) -> const auto& { return pattern.Find(text); });
}

void ScriptSplit::Apply(PreTokens& tokens) const {
  tokens.SplitPieces([](std::string_view text, const auto& emit) {
    size_t begin = text.size();  // what stands before the first script is dropped
    int last = kNoScript;
    for (size_t at = 0; at < text.size(); at += CharLength(text[at])) {
      const int script = ScriptOf(CharAt(text.substr(at)));
      if (script == kNoScript || script == last) continue;
      if (last != kNoScript) emit(begin, at);
      begin = at;
      last = script;
    }
    emit(begin, text.size());
  });
}

void FixedLength::Apply(PreTokens& tokens) const {
  tokens.SplitPieces([this](std::string_view text, const auto& emit) {
    size_t begin = 0, count = 0;
    for (size_t at = 0; at < text.size(); at += CharLength(text[at])) {
      if (count == length) {
        emit(begin, at);
        begin = at;
        count = 0;
      }
      ++count;
    }
    emit(begin, text.size());
  });
}

}  // namespace graft
