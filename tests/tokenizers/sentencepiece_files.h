// SentencePiece models made by hand, right ones and wrong ones.
#ifndef GRAFT_TESTS_TOKENIZERS_SENTENCEPIECE_FILES_H_
#define GRAFT_TESTS_TOKENIZERS_SENTENCEPIECE_FILES_H_

#include <bit>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace graft::testing {

inline std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

inline std::string VarintField(int number, uint64_t value) {
  return Varint(static_cast<uint64_t>(number) << 3) + Varint(value);
}

inline std::string BytesField(int number, std::string_view bytes) {
  return Varint(static_cast<uint64_t>(number) << 3 | 2) + Varint(bytes.size()) + std::string(bytes);
}

inline std::string Fixed32(uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

inline std::string FloatField(int number, float value) {
  return Varint(static_cast<uint64_t>(number) << 3 | 5) + Fixed32(std::bit_cast<uint32_t>(value));
}

// A message ModelProto.SentencePiece as a field of the model.
inline std::string PieceField(std::string_view text, float score, uint64_t type) {
  return BytesField(1, BytesField(1, text) + FloatField(2, score) + VarintField(3, type));
}

// The field `precompiled_charsmap` of units and replacements.
inline std::string Charsmap(const std::vector<uint32_t>& units, std::string_view replacements) {
  std::string bytes = Fixed32(static_cast<uint32_t>(4 * units.size()));
  for (const uint32_t unit : units) bytes += Fixed32(unit);
  return bytes + std::string(replacements);
}

// A double array in which every inner node has 256 units of its own for its children.
struct CharsmapBuilder {
  std::vector<uint32_t> units = std::vector<uint32_t>(256);
  std::string replacements;

  void Add(const std::map<std::string, std::string>& rules) {
    std::map<std::string, uint32_t> values;
    for (const auto& [key, replacement] : rules) {
      values[key] = static_cast<uint32_t>(replacements.size());
      replacements += replacement + '\0';
    }
    AddNode(values, "", 0);
  }
  std::string Bytes() const { return Charsmap(units, replacements); }

 private:
  void AddNode(const std::map<std::string, uint32_t>& values, const std::string& prefix,
               uint32_t unit) {
    const uint32_t children = static_cast<uint32_t>(units.size());
    units.resize(units.size() + 256);
    units[unit] |= (unit ^ children) << 10;
    const auto found = values.find(prefix);
    if (found != values.end()) {
      units[unit] |= 1 << 8;
      units[children] = found->second | uint32_t{1} << 31;
    }
    for (int label = 1; label < 256; ++label) {
      const std::string longer = prefix + static_cast<char>(label);
      const auto next = values.lower_bound(longer);
      if (next == values.end() || !next->first.starts_with(longer)) continue;
      units[children + label] = label;
      AddNode(values, longer, children + label);
    }
  }
};

inline std::string ByteName(int byte) {
  char name[8];
  std::snprintf(name, sizeof name, "<0x%02X>", byte);
  return name;
}

enum TestPieceType : uint64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
enum TestModelType : uint64_t { kUnigram = 1, kBpe, kWord, kChar };

// The fields of a small model: <unk>, <s>, </s>, and words and letters of "hello world".
inline std::string SmallPieces() {
  std::string fields = PieceField("<unk>", 0, kUnknown) + PieceField("<s>", 0, kControl) +
                       PieceField("</s>", 0, kControl);
  float score = -1;
  for (const char* text : {"\u2581hello", "\u2581world", "\u2581", "he", "ll", "o", "h", "e", "l",
                           "w", "r", "d", "é"}) {
    fields += PieceField(text, score, kNormal);
    score -= 0.5F;
  }
  return fields;
}

inline std::string BytePieces() {
  std::string fields;
  for (int byte = 0; byte < 256; ++byte) fields += PieceField(ByteName(byte), 0, kByte);
  return fields;
}

// trainer_spec of a model type, with more fields of it.
inline std::string Trainer(TestModelType type, std::string_view more = "") {
  return BytesField(2, VarintField(3, type) + std::string(more));
}

inline std::string ByteFallback() { return VarintField(35, 1); }

inline std::string Normalizer(std::string_view charsmap, std::string_view more = "") {
  return BytesField(3, BytesField(2, charsmap) + std::string(more));
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_TOKENIZERS_SENTENCEPIECE_FILES_H_
