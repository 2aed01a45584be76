// The fast lane of BERT's tokenizers. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_BERT_WORKER_H_
#define GRAFT_TOKENIZERS_LANES_BERT_WORKER_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/encoding.h"
#include "tokenizers/lanes/chunk_edges.h"
#include "tokenizers/lanes/id_cache.h"
#include "tokenizers/models/wordpiece.h"
#include "tokenizers/normalizers/bert_normalizer.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/text_encoder.h"

namespace graft {

// Gives what PipelineEncoder gives.
class BertWorker final : public TextEncoder {
 public:
  // Pipeline, model and options must outlive the worker; the latter two are those of the pipeline.
  BertWorker(const Pipeline& pipeline, const WordPiece& model,
             const BertNormalizerOptions& options);

  void AppendIds(std::string_view text, IdWriter& out) override;
  void AppendTokens(std::string_view text, TokenWriter& out) override;

 private:
  // Text is copied here in windows, so that whole blocks can be read past its end.
  static constexpr size_t kWindow = 4096;
  // Chunks whose cache lines are fetched before the first of them is looked at.
  static constexpr size_t kGroup = 32;
  // What FindChunkEdges cuts at.
  static bool IsBreak(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  // What an ASCII character becomes: the normalizer's answer, asked once.
  struct AsciiRule {
    enum Kind : uint8_t { kRemove, kSpace, kPunctuation, kOther };
    Kind kind = kRemove;
    char lower = 0;
  };

  // Ids of a text without added tokens.
  void AppendPiece(std::string_view text, IdWriter& out);
  void AppendWindow(size_t length, IdWriter& out);
  void AppendChunks(const uint16_t* edges, size_t chunks, IdWriter& out);
  // The caches know a chunk by its stem: what is left without punctuation at its end, a word by
  // itself, whose id is end_ids_'s. 1 where there is some, else 0, without a branch on the text.
  size_t HasEnd(std::string_view chunk) const {
    return is_end_[static_cast<uint8_t>(chunk.back())] & static_cast<size_t>(chunk.size() > 1);
  }
  // The key of a stem in window_; stems that differ in nothing that matters have one.
  template <typename Cache>
  typename Cache::Key KeyOf(std::string_view stem) const {
    return Cache::Key::FromReadable(stem.data(), stem.size(), folds_case_);
  }
  // Ids of bytes between two ASCII whitespaces, past the chunk cache.
  absl::Span<const int32_t> EncodeChunk(std::string_view chunk);
  void EncodeAsciiChunk(std::string_view chunk);
  // The pieces of a normalized word. Valid until the next call.
  absl::Span<const int32_t> WordIds(std::string_view word);

  // Ids of a stem in window_ through the caches. Valid until the next call.
  absl::Span<const int32_t> StemIds(std::string_view stem);

  // The tokens of the part of a text between added tokens that match as they stand. The part begins
  // at byte `begin` of the text, and so do `at` below.
  void AppendPiece(std::string_view text, uint32_t begin, TokenWriter& out);
  void AppendNormalizedPiece(std::string_view text, uint32_t begin, TokenWriter& out);
  // Those of at most kWindow bytes of it, text[at, at + length).
  void AppendWindow(std::string_view text, size_t at, size_t length, uint32_t begin,
                    TokenWriter& out);
  void PrefetchChunks(absl::Span<const uint16_t> edges) const;
  // Those of a chunk in the plain way: false, and nothing is appended, when the ids do not tell
  // where they stand. Every byte must be one plain_ says of, and the caches must be readable there.
  bool AppendPlainChunk(std::string_view chunk, uint32_t at, TokenWriter& out);
  // Those of text[at, at + length) character by character.
  void AppendCharacters(std::string_view text, size_t at, size_t length, uint32_t begin,
                        TokenWriter& out);
  // Those of a normalized word; `spans` has the span of each of its bytes, from `begin` on.
  void AppendWord(std::string_view word, absl::Span<const Span> spans, uint32_t begin,
                  TokenWriter& out);
  void AppendAddedToken(size_t token, Span span, TokenWriter& out) const;
  bool IsPlain(std::string_view text) const;

  // What an id tells by itself.
  struct PieceForm {
    uint16_t length : 15;    // in bytes of the word; kNoLength for one that may be of any length
    uint16_t continues : 1;  // it begins with the prefix of continuing pieces
  };
  static constexpr uint16_t kNoLength = (1 << 15) - 1;

  const Pipeline& pipeline_;
  const WordPiece& model_;
  const BertNormalizerOptions& options_;
  std::array<AsciiRule, 128> ascii_;
  std::array<uint8_t, 256> is_end_{};   // 1 for punctuation of ASCII
  std::array<int32_t, 256> end_ids_{};  // its ids
  bool folds_case_ = false;             // capital letters of ASCII become small ones
  // Bytes that become one byte of a word, or are whitespace between words.
  std::array<bool, 256> plain_{};
  bool printable_are_plain_ = true;  // all of '!' to '~'
  std::vector<PieceForm> forms_;     // by id; empty when forms do not tell continuing pieces
  using ShortCache = IdCache<2>;
  using LongCache = IdCache<4>;

  ShortCache chunk_cache_;      // stems of raw bytes between whitespace
  LongCache long_chunk_cache_;  // those that are too long for it
  ShortCache word_cache_;       // normalized words
  std::vector<int32_t> chunk_ids_;
  std::vector<int32_t> word_ids_;
  std::string word_;
  alignas(kEdgeBlock) std::array<char, kWindow + 2 * kEdgeBlock> window_;
  std::array<uint16_t, kWindow + kEdgeBlock + kSpareEdges> edges_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_BERT_WORKER_H_
