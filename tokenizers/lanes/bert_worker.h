// The fast lane of BERT's tokenizers. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_BERT_WORKER_H_
#define GRAFT_TOKENIZERS_LANES_BERT_WORKER_H_

#include <array>
#include <cstdint>
#include <optional>
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
  void AppendEncoding(std::string_view text, int32_t type_id, std::optional<int32_t> word,
                      Encoding& out) override;

 private:
  // Text is copied here in windows, so that whole blocks can be read past its end.
  static constexpr size_t kWindow = 4096;

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
  // Ids of bytes between two ASCII whitespaces, past the chunk cache.
  absl::Span<const int32_t> EncodeChunk(std::string_view chunk);
  void EncodeAsciiChunk(std::string_view chunk);
  // The pieces of a normalized word. Valid until the next call.
  absl::Span<const int32_t> WordIds(std::string_view word);

  // The part of a text between added tokens that match as they stand.
  struct Sink;
  void AppendPiece(std::string_view text, uint32_t begin, Sink& sink);
  void AppendNormalizedPiece(std::string_view text, uint32_t begin, Sink& sink);

  const Pipeline& pipeline_;
  const WordPiece& model_;
  const BertNormalizerOptions& options_;
  std::array<AsciiRule, 128> ascii_;
  using ShortCache = IdCache<2>;
  using LongCache = IdCache<4>;

  // Ids through a cache; `encode` makes those that are not in it. Valid until the next call.
  template <typename Cache, typename Encode>
  static absl::Span<const int32_t> Cached(Cache& cache, const typename Cache::Key& key,
                                          const Encode& encode);

  ShortCache chunk_cache_;      // raw bytes between whitespace
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
