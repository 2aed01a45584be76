// Byte-pair encoding: neighbours are merged, the best-ranked pair first. Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_MODELS_BPE_H_
#define GRAFT_TOKENIZERS_MODELS_BPE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/models/merge_table.h"
#include "tokenizers/models/model.h"
#include "tokenizers/vocabulary.h"

namespace graft {

// With the results of the model `BPE` of `tokenizers` 0.23.3.
class Bpe final : public TokenModel {
 public:
  struct Options {
    // What an unknown character becomes; without one it is left out.
    std::optional<int32_t> unknown_id;
    // Set before every character of a word but the first.
    std::string continuing_subword_prefix;
    // Set behind the last character of a word.
    std::string end_of_word_suffix;
    // A row of unknown characters is one token.
    bool fuse_unknown = false;
    // An unknown character becomes the tokens <0x00> .. <0xFF> of its bytes, when the vocabulary
    // has them.
    bool byte_fallback = false;
    // A word that is a token is that token, whatever the merges would make of it.
    bool ignore_merges = false;
  };

  // The vocabulary must have no duplicates and no token longer than kMaxTokenBytes; the ids of
  // `merges` and the unknown id must be in it.
  Bpe(Vocabulary vocabulary, MergeTable merges, Options options);

  void Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const override;
  size_t vocabulary_size() const override { return vocabulary_.size(); }
  std::optional<int32_t> TokenToId(std::string_view token) const override {
    return vocabulary_.Find(token);
  }
  std::optional<std::string_view> IdToToken(int32_t id) const override;

  // Whether the vocabulary has a token for each byte in the alphabet of the pre-tokenizer ByteLevel
  // and no option touches words: MergeBytes may then be called.
  bool has_byte_alphabet() const { return has_byte_alphabet_; }
  // The token that ignore_merges makes of a whole word, as bytes; nullopt for none.
  std::optional<int32_t> FindWhole(std::string_view bytes) const;
  // What the merges make of the bytes as ByteLevel would write them; spans are of `bytes`. With
  // FindWhole before it, the same as Tokenize.
  void MergeBytes(std::string_view bytes, std::vector<ModelToken>& tokens) const;
  // How many bytes a token of MergeBytes covers.
  size_t byte_length(int32_t id) const { return byte_lengths_[static_cast<size_t>(id)]; }

  // Whether some token has the two bytes one behind the other. Where none has, no merge goes
  // across, and the tokens of the whole that MergeBytes gives are those of the parts. Requires
  // has_byte_alphabet().
  bool MayJoin(char first, char second) const {
    return joins_[static_cast<size_t>(static_cast<uint8_t>(first)) << 8 |
                  static_cast<uint8_t>(second)];
  }

  const Options& options() const { return options_; }

 private:
  struct SymbolRow;

  std::optional<int32_t> CharId(std::string_view c, char32_t code, bool first, bool last) const;
  void AppendSymbols(std::string_view word, SymbolRow& row) const;
  // Fills byte_lengths_ and joins_.
  void MeasureTokens();
  // False when not all of the bytes have a token.
  bool AppendBytes(std::string_view bytes, SymbolRow& row) const;
  void AppendTokens(SymbolRow& row, uint32_t end, std::vector<ModelToken>& tokens) const;

  // Characters below this are looked up in a table; the alphabet of ByteLevel is among them.
  static constexpr char32_t kTableSize = 0x180;

  Vocabulary vocabulary_;
  MergeTable merges_;
  Options options_;
  bool affixes_ = false;
  bool has_byte_alphabet_ = false;
  std::array<int32_t, kTableSize> char_ids_;  // negative: no such token
  std::array<int32_t, 256> byte_ids_;         // of <0x00> .. <0xFF>
  std::array<int32_t, 256> byte_level_ids_;   // of bytes in the alphabet of ByteLevel
  std::vector<uint16_t> byte_lengths_;        // by id; empty without that alphabet
  std::vector<bool> joins_;                   // MayJoin; empty without that alphabet
};

// The character that ByteLevel writes for a byte: itself where it is printable in Latin-1, else one
// from U+0100 on (GPT-2's encoder.py, bytes_to_unicode).
char32_t ByteLevelChar(uint8_t byte);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_MODELS_BPE_H_
