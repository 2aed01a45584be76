#include "tokenizers/decoders/decoder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/utf8.h"
#include "tokenizers/byte_alphabet.h"

namespace graft {
namespace {

// What the peer's decoder takes back, in its order.
constexpr std::pair<std::string_view, std::string_view> kCleanUps[] = {
    {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
    {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
    {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

void CleanUp(std::string& token) {
  for (const auto& [from, to] : kCleanUps) absl::StrReplaceAll({{from, to}}, &token);
}

void ReplaceAll(std::string_view from, std::string_view to, std::string& text) {
  if (!from.empty()) absl::StrReplaceAll({{from, to}}, &text);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte of a token like <0xE4>, -1 for any other.
int FallbackByte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const int high = HexDigit(token[3]), low = HexDigit(token[4]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

size_t TotalBytes(const Tokens& tokens) {
  size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size();
  return bytes;
}

}  // namespace

std::string JoinTokens(const std::optional<std::vector<Decoder>>& decoders, Tokens tokens) {
  if (!decoders) return absl::StrJoin(tokens, " ");
  // As texts on their way in, a row of replacements does not grow tokens past any memory.
  const size_t limit =
      NormalizedText::kMostGrowth * TotalBytes(tokens) + NormalizedText::kFreeGrowth;
  for (const Decoder& step : *decoders) {
    if (const auto* replace = std::get_if<ReplaceDecoder>(&step)) {
      replace->Apply(tokens, limit);
    } else {
      std::visit(
          [&tokens](const auto& s) {
            if constexpr (requires { s.Apply(tokens); }) s.Apply(tokens);
          },
          step);
    }
  }
  return absl::StrJoin(tokens, "");
}

void WordPieceDecoder::Apply(Tokens& tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) {
      if (tokens[i].starts_with(prefix)) {
        tokens[i].erase(0, prefix.size());
      } else {
        tokens[i].insert(0, 1, ' ');
      }
    }
    if (cleanup) CleanUp(tokens[i]);
  }
}

void ByteLevelDecoder::Apply(Tokens& tokens) const {
  std::string bytes;
  for (const std::string& token : tokens) {
    const size_t before = bytes.size();
    for (size_t at = 0; at < token.size(); at += CharLength(token[at])) {
      const int byte = ByteOfCharacter(CharAt(std::string_view(token).substr(at)));
      if (byte < 0) {
        bytes.resize(before);
        bytes += token;
        break;
      }
      bytes.push_back(static_cast<char>(byte));
    }
  }
  tokens = {ReplaceInvalidUtf8(bytes)};
}

void MetaspaceDecoder::Apply(Tokens& tokens) const {
  std::string mark;
  AppendUtf8(replacement, mark);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool gone = i == 0 && prepend != Metaspace::Prepend::kNever;
    ReplaceAll(mark, gone ? "" : " ", tokens[i]);
  }
}

void BpeDecoder::Apply(Tokens& tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i) {
    ReplaceAll(suffix, i + 1 == tokens.size() ? "" : " ", tokens[i]);
  }
}

void ByteFallbackDecoder::Apply(Tokens& tokens) const {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (FindInvalidUtf8(bytes)) {
      for (size_t i = 0; i < bytes.size(); ++i) out.emplace_back("\uFFFD");
    } else {
      out.push_back(bytes);
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const int byte = FallbackByte(token);
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
      continue;
    }
    flush();
    out.push_back(std::move(token));
  }
  flush();
  tokens = std::move(out);
}

void FuseDecoder::Apply(Tokens& tokens) const { tokens = {absl::StrJoin(tokens, "")}; }

void StripDecoder::Apply(Tokens& tokens) const {
  std::string stripped;
  AppendUtf8(content, stripped);
  for (std::string& token : tokens) {
    std::string_view rest = token;
    for (size_t i = 0; i < start && rest.starts_with(stripped); ++i) {
      rest.remove_prefix(stripped.size());
    }
    for (size_t i = 0; i < stop && rest.ends_with(stripped); ++i) {
      rest.remove_suffix(stripped.size());
    }
    token = std::string(rest);
  }
}

void ReplaceDecoder::Apply(Tokens& tokens, size_t limit) const {
  Pattern own = pattern;  // a search needs a copy for its thread
  size_t total = TotalBytes(tokens);
  for (std::string& token : tokens) {
    const std::vector<Span>& matches = own.Find(token);
    if (matches.empty() || total + content.size() * matches.size() > limit) continue;
    std::string out;
    size_t at = 0;
    for (const Span match : matches) {
      absl::StrAppend(&out, std::string_view(token).substr(at, match.begin - at), content);
      at = match.end;
    }
    out.append(token, at);
    total = total - token.size() + out.size();
    token = std::move(out);
  }
}

void CtcDecoder::Apply(Tokens& tokens) const {
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  for (std::string& token : tokens) {
    ReplaceAll(pad_token, "", token);
    if (!cleanup) continue;
    CleanUp(token);
    ReplaceAll(word_delimiter_token, " ", token);
  }
  std::erase(tokens, "");
}

}  // namespace graft
