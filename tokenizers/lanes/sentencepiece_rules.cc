#include "tokenizers/lanes/sentencepiece_rules.h"

#include <utility>

#include "tokenizers/normalizers/normalized_text.h"

namespace graft {
namespace {

bool IsPrintable(char c) { return c > ' ' && c < '\x7F'; }

}  // namespace

std::optional<SentencePieceRules> SentencePieceRules::Create(std::string_view charsmap) {
  if (charsmap.empty()) return SentencePieceRules(std::nullopt);
  absl::StatusOr<Charsmap> rules = Charsmap::Parse(charsmap);
  if (!rules.ok() || rules->HasKeyWith(' ') || rules->MayWrite("  ")) return std::nullopt;
  return SentencePieceRules(*std::move(rules));
}

SentencePieceRules::SentencePieceRules(std::optional<Charsmap> rules) : rules_(std::move(rules)) {
  for (uint8_t byte = 0; byte < 0x7F; ++byte) {
    const char c = static_cast<char>(byte);
    bool& simple = simple_[byte];
    simple = IsPrintable(c);
    if (!simple || !rules_) continue;
    const std::string_view text(&c, 1);
    if (rules_->HasLongerAsciiKey(c)) simple = false;
    if (const auto match = rules_->LongestMatch(text)) {
      simple &= match->replacement.size() == 1 && IsPrintable(match->replacement[0]);
    }
  }
}

bool SentencePieceRules::Normalize(std::string_view chunk, std::string& out) {
  if (!rules_) {
    out.append(chunk);
    return true;
  }
  while (!chunk.empty()) {
    // The library's search goes through a NUL.
    if (chunk[0] == '\0') return false;
    const auto match = rules_->LongestMatch(chunk);
    const size_t length = match ? match->length : CharLength(chunk[0]);
    out.append(match ? match->replacement : chunk.substr(0, length));
    chunk.remove_prefix(length);
    // A rule for a part of a character.
    if (!chunk.empty() && (chunk[0] & 0xC0) == 0x80) return false;
  }
  return true;
}

}  // namespace graft
