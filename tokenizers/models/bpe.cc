#include "tokenizers/models/bpe.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace graft {

// The symbols of a word before the merges. Unknown characters wait for the next known one, as in
// the peer: bytes of a fallback come before unknown characters that stand before them.
struct Bpe::SymbolRow {
  absl::InlinedVector<Symbol, 64> symbols;
  uint32_t unknown_length = 0;  // of the unknown token that waits; 0: none does

  void AddUnknown(const Options& options, uint32_t length) {
    if (!options.fuse_unknown) FlushUnknown(options);
    unknown_length += length;
  }
  void FlushUnknown(const Options& options) {
    if (unknown_length > 0 && options.unknown_id) {
      symbols.push_back({*options.unknown_id, unknown_length});
    }
    unknown_length = 0;
  }
};

char32_t ByteLevelChar(uint8_t byte) {
  const auto is_printable = [](uint32_t b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD);
  };
  if (is_printable(byte)) return byte;
  char32_t others = 0;
  for (uint32_t b = 0; b < byte; ++b) others += is_printable(b) ? 0 : 1;
  return 0x100 + others;
}

Bpe::Bpe(Vocabulary vocabulary, MergeTable merges, Options options)
    : vocabulary_(std::move(vocabulary)),
      merges_(std::move(merges)),
      options_(std::move(options)),
      affixes_(!options_.continuing_subword_prefix.empty() ||
               !options_.end_of_word_suffix.empty()) {
  ABSL_CHECK(!vocabulary_.duplicate().has_value());
  if (options_.unknown_id) {
    ABSL_CHECK_LT(static_cast<size_t>(*options_.unknown_id), vocabulary_.size());
  }
  for (char32_t code = 0; code < kTableSize; ++code) {
    std::string c;
    AppendUtf8(code, c);
    char_ids_[code] = vocabulary_.Find(c).value_or(-1);
  }
  has_byte_alphabet_ = !affixes_;
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = vocabulary_.Find(absl::StrFormat("<0x%02X>", byte)).value_or(-1);
    byte_level_ids_[byte] = char_ids_[ByteLevelChar(static_cast<uint8_t>(byte))];
    if (byte_level_ids_[byte] < 0) has_byte_alphabet_ = false;
  }
  if (has_byte_alphabet_) MeasureTokens();
}

void Bpe::MeasureTokens() {
  std::array<int, kTableSize> bytes;  // of characters of the alphabet, else -1
  bytes.fill(-1);
  for (int byte = 0; byte < 256; ++byte) bytes[ByteLevelChar(static_cast<uint8_t>(byte))] = byte;
  byte_lengths_.reserve(vocabulary_.size());
  joins_.resize(size_t{1} << 16);
  for (size_t i = 0; i < vocabulary_.size(); ++i) {
    const std::string_view token = vocabulary_.token(static_cast<int32_t>(i));
    uint16_t length = 0;  // a character of the alphabet is a byte
    int before = -1;
    for (size_t at = 0; at < token.size(); ++length) {
      const Utf8Char c = DecodeUtf8(token.substr(at));
      const int byte = c.code < kTableSize ? bytes[c.code] : -1;
      if (before >= 0 && byte >= 0) joins_[static_cast<size_t>(before << 8 | byte)] = true;
      before = byte;
      at += static_cast<size_t>(c.length);
    }
    byte_lengths_.push_back(length);
  }
}

std::optional<std::string_view> Bpe::IdToToken(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary_.size()) return std::nullopt;
  return vocabulary_.token(id);
}

void Bpe::Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const {
  if (word.empty()) return;
  const auto size = static_cast<uint32_t>(word.size());
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_.Find(word)) return tokens.push_back({*id, {0, size}});
  }
  SymbolRow row;
  AppendSymbols(word, row);
  AppendTokens(row, size, tokens);
}

std::optional<int32_t> Bpe::FindWhole(std::string_view bytes) const {
  if (!options_.ignore_merges || bytes.size() > vocabulary_.longest()) return std::nullopt;
  std::string word;
  for (const char byte : bytes) AppendUtf8(ByteLevelChar(static_cast<uint8_t>(byte)), word);
  return vocabulary_.Find(word);
}

void Bpe::MergeBytes(std::string_view bytes, std::vector<ModelToken>& tokens) const {
  SymbolRow row;
  row.symbols.resize(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    row.symbols[i] = {byte_level_ids_[static_cast<uint8_t>(bytes[i])], 1};
  }
  AppendTokens(row, static_cast<uint32_t>(bytes.size()), tokens);
}

void Bpe::AppendSymbols(std::string_view word, SymbolRow& row) const {
  std::string with_affixes;
  for (size_t at = 0; at < word.size();) {
    const Utf8Char c = DecodeUtf8(word.substr(at));
    const auto length = static_cast<uint32_t>(c.length);
    std::string_view text = word.substr(at, length);
    const bool last = at + length == word.size();
    if (affixes_) {
      with_affixes = absl::StrCat(at == 0 ? "" : options_.continuing_subword_prefix, text,
                                  last ? options_.end_of_word_suffix : "");
      text = with_affixes;
    }
    at += length;
    const int32_t id =
        !affixes_ && c.code < kTableSize ? char_ids_[c.code] : vocabulary_.Find(text).value_or(-1);
    if (id >= 0) {
      row.FlushUnknown(options_);
      row.symbols.push_back({id, length});
    } else if (!(options_.byte_fallback && AppendBytes(text, row)) && options_.unknown_id) {
      row.AddUnknown(options_, length);
    }
  }
  row.FlushUnknown(options_);
}

bool Bpe::AppendBytes(std::string_view bytes, SymbolRow& row) const {
  const auto id = [this](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
  if (std::any_of(bytes.begin(), bytes.end(), [&](char byte) { return id(byte) < 0; })) {
    return false;
  }
  for (const char byte : bytes) row.symbols.push_back({id(byte), 1});
  return true;
}

void Bpe::AppendTokens(SymbolRow& row, uint32_t end, std::vector<ModelToken>& tokens) const {
  const size_t count = merges_.Apply(row.symbols.data(), row.symbols.size());
  uint32_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    // The bytes of affixes count in the peer too; they must not reach behind the word.
    const uint32_t next = std::min(at + row.symbols[i].length, end);
    tokens.push_back({row.symbols[i].id, {at, next}});
    at = next;
  }
}

}  // namespace graft
