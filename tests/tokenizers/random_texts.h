// Texts that hold anything.
#ifndef GRAFT_TESTS_TOKENIZERS_RANDOM_TEXTS_H_
#define GRAFT_TESTS_TOKENIZERS_RANDOM_TEXTS_H_

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace graft::testing {

// Texts of words, of any characters, and of any bytes, some longer than a tokenizer's window.
inline std::string RandomText(std::mt19937& random) {
  const auto below = [&random](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  static constexpr const char* kParts[] = {"hello", "unaffable", ",", " ",       "\t", "[MASK]",
                                           "é",     "中",        "<", "e\u0301", "한", "don't"};
  const uint32_t kind = below(4);
  const uint32_t length = below(50) == 0 ? 3000 + below(3000) : below(60);
  std::string text;
  for (uint32_t i = 0; i < length; ++i) {
    if (kind == 0) {
      text += kParts[below(std::size(kParts))];
    } else if (kind == 1) {
      const char32_t code = below(0x110000);
      if (code < 0xD800 || code >= 0xE000) AppendUtf8(code, text);
    } else if (kind == 2) {
      text.push_back(static_cast<char>(below(256)));
    } else {
      text += below(3) == 0 ? ' ' : static_cast<char>('a' + below(26));
    }
  }
  return text;
}

inline std::vector<std::string> RandomTexts(uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) text = RandomText(random);
  return texts;
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_TOKENIZERS_RANDOM_TEXTS_H_
