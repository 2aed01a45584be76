// Unigram over marked words, the fast way. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_UNIGRAM_ENCODER_H_
#define GRAFT_TOKENIZERS_LANES_UNIGRAM_ENCODER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/lanes/chunk_edges.h"
#include "tokenizers/lanes/id_cache.h"
#include "tokenizers/models/unigram.h"
#include "tokenizers/text_encoder.h"

namespace graft {

// The normalizer of a tokenizer, for what stands between two spaces. One thread at a time.
class ChunkNormalizer {
 public:
  virtual ~ChunkNormalizer() = default;

  // Whether this ASCII character becomes one ASCII character, no space, whatever stands around it.
  virtual bool IsSimple(char c) const = 0;
  // Writes what the chunk becomes to `out`. False when that is not what becomes of it within every
  // text that has spaces around it.
  virtual bool Normalize(std::string_view chunk, std::string& out) = 0;
};

// Ids of texts whose words are marked with U+2581 in place of the space before them, also the first
// one: spaces in a row count as one, before the first word as none. Each word is segmented by
// itself. Keeps caches from call to call; they change no result. One thread at a time.
class UnigramEncoder {
 public:
  struct Options {
    // Spaces at the end count as none either; without it a text that ends with one is refused.
    bool trims_end = true;
    // Marks have the span of the first character of their word, not that of the space before it.
    bool marks_are_added = false;
  };

  // For UnigramPeer::kSentencePiece the model must have words_are_apart() and U+2581 as a piece.
  // Both must outlive the encoder.
  UnigramEncoder(const Unigram& model, ChunkNormalizer& normalizer, const Options& options);

  // Ids only. False for a text that this way does not cover: ill-formed UTF-8, a chunk that the
  // normalizer refuses, U+2581 itself. Nothing is appended then.
  bool AppendIds(std::string_view text, IdWriter& out);

  // The same ids with spans as the peer gives them, for a text that begins at byte `begin` of the
  // caller's. `tokenizers`: the mark has that of its space, the first one, or each with
  // marks_are_added, that of the first character. `sentencepiece`: the mark has all spaces before
  // its word, the first one none. Also false for texts that are not simple ASCII.
  bool AppendTokens(std::string_view text, uint32_t begin, TokenWriter& out);

 private:
  using ShortCache = IdCache<2>;
  using LongCache = IdCache<4>;
  // Text is copied here in windows, so that whole blocks can be read past its end.
  static constexpr size_t kWindow = 4096;

  bool MayBegin(std::string_view text) const;
  // Calls use(edges, begin) for groups of chunks, whose bytes stand in window_, a copy of the text
  // from `begin` on, and use_long(chunk, begin) for a chunk that is longer than the window, until
  // one says false.
  template <typename Use, typename UseLong>
  bool ForEachChunk(std::string_view text, const Use& use, const UseLong& use_long);
  bool AppendChunks(absl::Span<const uint16_t> edges, IdWriter& out);
  // Ids of one chunk; nullopt when it is not covered. Valid until the next call.
  std::optional<absl::Span<const int32_t>> ChunkIds(std::string_view chunk);
  template <typename Cache>
  std::optional<absl::Span<const int32_t>> Cached(Cache& cache, std::string_view chunk);
  // Fills ids_ with those of all words of a chunk, behind what the text's score stands for.
  // `anywhere` tells whether they are the same behind every text. False when not covered.
  bool Tokenize(std::string_view chunk, bool& anywhere);
  void TokenizeWord(std::string_view word, bool& anywhere);
  void AddScores(absl::Span<const int32_t> ids);

  const Unigram& model_;
  ChunkNormalizer& normalizer_;
  const Options options_;
  const bool keeps_score_;
  ShortCache short_cache_;
  LongCache long_cache_;
  float score_ = 0;  // of the text so far, for UnigramPeer::kSentencePiece
  std::array<bool, 128> simple_;
  std::vector<ModelToken> tokens_;
  std::vector<int32_t> ids_;
  std::string normalized_;
  std::string word_;
  alignas(kEdgeBlock) std::array<char, kWindow + 2 * kEdgeBlock> window_;
  std::array<uint16_t, kWindow + kEdgeBlock + kSpareEdges> edges_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_UNIGRAM_ENCODER_H_
