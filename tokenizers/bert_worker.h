// What one thread needs to encode texts. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_BERT_WORKER_H_
#define GRAFT_TOKENIZERS_BERT_WORKER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tokenizers/bert_pipeline.h"
#include "tokenizers/chunk_edges.h"
#include "tokenizers/encoding.h"
#include "tokenizers/id_cache.h"

namespace graft {

// A growing row of ids that is written through a plain pointer.
class IdWriter {
 public:
  explicit IdWriter(size_t expected) { ids_.reserve(expected); }

  size_t size() const { return used_; }
  // Room for `count` more ids; what is written there counts after Advance.
  int32_t* Room(size_t count) {
    if (ids_.size() - used_ < count) Grow(count);
    return ids_.data() + used_;
  }
  void Advance(size_t count) { used_ += count; }
  void Append(absl::Span<const int32_t> ids) {
    std::copy(ids.begin(), ids.end(), Room(ids.size()));
    used_ += ids.size();
  }
  void Truncate(size_t size) { used_ = size; }
  std::vector<int32_t> Take() && {
    ids_.resize(used_);
    return std::move(ids_);
  }

 private:
  void Grow(size_t count);

  std::vector<int32_t> ids_;
  size_t used_ = 0;
};

// Encodes the text alone, without the model's special tokens around it. Keeps caches from call to
// call; they change no result. One thread at a time.
class BertWorker {
 public:
  // The pipeline must outlive the worker.
  explicit BertWorker(const BertPipeline& pipeline);

  // The fast way: ids only.
  void AppendIds(std::string_view text, IdWriter& out);
  // The same ids with everything else. Tokens get `type_id`, and `word` as their word or, without
  // one, the number of their word in the text.
  void AppendEncoding(std::string_view text, int32_t type_id, std::optional<int32_t> word,
                      Encoding& out);

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

  const BertPipeline& pipeline_;
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

// Workers at rest. Thread-safe.
class BertWorkerPool {
 public:
  explicit BertWorkerPool(const BertPipeline& pipeline) : pipeline_(pipeline) {}

  // A worker for the caller alone, until the pointer dies: the one with this number when it rests,
  // else another. A batch asks for the same numbers each time, so that a part of it finds the
  // caches that it filled the last time.
  struct Return {
    BertWorkerPool* pool;
    size_t number;
    void operator()(BertWorker* worker) const { pool->Put(worker, number); }
  };
  using Lease = std::unique_ptr<BertWorker, Return>;
  Lease Take(size_t number = 0);

 private:
  void Put(BertWorker* worker, size_t number);

  const BertPipeline& pipeline_;
  absl::Mutex mutex_;
  // By number; null while one is on lease.
  std::vector<std::unique_ptr<BertWorker>> workers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_BERT_WORKER_H_
