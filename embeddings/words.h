// The words of word vectors: bytes, in the order of the rows, with an index.
#ifndef GRAFT_EMBEDDINGS_WORDS_H_
#define GRAFT_EMBEDDINGS_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace graft {

// More rows than this have no number in the index.
inline constexpr int64_t kMaxWords = 0xFFFFFFFE;

// XXH3 with 64 bits: the index of a file depends on it.
uint64_t HashWord(std::string_view word);

// Immutable and thread-safe; copies share their memory. A word is any bytes, also none and also
// ill-formed UTF-8. The parts lie in memory as they do in files (docs/formats.md), which may be
// mapped: what such parts say is checked where it is used, so that damaged ones give wrong words
// and never a read outside of them.
class Words {
 public:
  // What words consist of, all in the caller's memory.
  struct Parts {
    // All words, each followed by one LF.
    std::string_view bytes;
    // Where word i begins; the last entry is the size of `bytes`. Empty without words.
    absl::Span<const uint64_t> offsets;
    // Open addressing with linear probing from HashWord modulo the size, a power of two: the upper
    // half of the hash, and below it the row and one; 0 is a free place.
    absl::Span<const uint64_t> slots;
  };

  Words() = default;
  // `owner` keeps the memory of the parts.
  Words(const Parts& parts, std::shared_ptr<const void> owner)
      : parts_(parts), owner_(std::move(owner)) {}

  int64_t size() const {
    return parts_.offsets.empty() ? 0 : static_cast<int64_t>(parts_.offsets.size()) - 1;
  }
  // Word of a row in [0, size()).
  std::string_view operator[](int64_t row) const;
  // The row of a word; nullopt when it is unknown.
  std::optional<int64_t> Find(std::string_view word) const;
  const Parts& parts() const { return parts_; }

 private:
  Parts parts_;
  std::shared_ptr<const void> owner_;
};

// Collects words. One thread.
class WordsBuilder {
 public:
  struct Key {
    uint64_t hash;  // HashWord(word)
    uint32_t size;  // bytes
  };

  void Reserve(int64_t words, size_t bytes);
  // False when the word is there already; then nothing changes.
  bool Add(std::string_view word);
  // Adds many: `bytes` has them in their order, each followed by one LF. Gives the places in `keys`
  // of those that were there already, rising.
  std::vector<size_t> AddAll(absl::Span<const Key> keys, std::string_view bytes);
  int64_t size() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  // The words; the builder is empty then.
  Words Finish();

 private:
  std::string_view word(int64_t row) const;
  // Into the slots: word `row`, whose bytes and offsets stand already. False when it was there.
  bool Insert(int64_t row, std::string_view word, uint64_t hash);
  // With the first `rows` words in them.
  void Grow(size_t slots, int64_t rows);

  std::string bytes_;
  std::vector<uint64_t> offsets_ = {0};
  std::vector<uint64_t> slots_;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_WORDS_H_
