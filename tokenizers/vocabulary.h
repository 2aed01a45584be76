// The tokens of a model and their ids. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_VOCABULARY_H_
#define GRAFT_TOKENIZERS_VOCABULARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/encoding.h"

namespace graft {

// A dense vocabulary, ids 0..size() - 1. Immutable and thread-safe. An open-addressing table over
// a hash that grows byte by byte, so that all prefixes of a word are hashed in one pass.
class Vocabulary {
 public:
  using Hash = uint64_t;
  static constexpr Hash kEmptyHash = 0x9AE16A3B2F90404F;
  // Hash of a token's bytes followed by one more byte.
  static Hash Extend(Hash hash, char byte) {
    return (hash ^ static_cast<uint8_t>(byte)) * 0x9DDFEA08EB382D69;
  }
  static Hash Extend(Hash hash, std::string_view bytes) {
    for (const char byte : bytes) hash = Extend(hash, byte);
    return hash;
  }

  // Token i is the bytes tokens[i] of `text`.
  Vocabulary(std::string text, std::vector<Span> tokens);

  size_t size() const { return tokens_.size(); }
  std::string_view token(int32_t id) const {
    const Span span = tokens_[static_cast<size_t>(id)];
    return std::string_view(text_).substr(span.begin, span.end - span.begin);
  }
  // Length of the longest token, in bytes.
  size_t longest() const { return longest_; }
  // Ids of two equal tokens, if there are any: the vocabulary is then of no use.
  const std::optional<std::pair<int32_t, int32_t>>& duplicate() const { return duplicate_; }

  std::optional<int32_t> Find(std::string_view token) const {
    const int32_t id = Find(Extend(kEmptyHash, token), "", token);
    return id < 0 ? std::nullopt : std::optional<int32_t>(id);
  }
  // Id of the token prefix + rest, whose hash is given; -1 when there is none.
  int32_t Find(Hash hash, std::string_view prefix, std::string_view rest) const {
    for (size_t slot = hash >> shift_;; slot = (slot + 1) & mask_) {
      const Slot& found = slots_[slot];
      if (found.id < 0) return -1;
      if (found.tag == static_cast<uint32_t>(hash) && Equal(found.id, prefix, rest)) {
        return found.id;
      }
    }
  }

 private:
  struct Slot {
    uint32_t tag = 0;  // low bits of the hash; the high ones choose the slot
    int32_t id = -1;
  };
  bool Equal(int32_t id, std::string_view prefix, std::string_view rest) const {
    const std::string_view found = token(id);
    return found.size() == prefix.size() + rest.size() && found.starts_with(prefix) &&
           found.ends_with(rest);
  }
  void Insert(int32_t id);

  std::string text_;
  std::vector<Span> tokens_;
  std::vector<Slot> slots_;
  int shift_ = 0;
  size_t mask_ = 0;
  size_t longest_ = 0;
  std::optional<std::pair<int32_t, int32_t>> duplicate_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_VOCABULARY_H_
