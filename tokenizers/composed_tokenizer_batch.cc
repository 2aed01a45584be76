// ComposedTokenizer::EncodeBatch.
#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/log/absl_check.h"
#include "absl/synchronization/mutex.h"
#include "tokenizers/composed_tokenizer.h"
#include "tokenizers/huge_page_allocator.h"

namespace graft {
namespace {

// Threads take the texts in chunks of about this many bytes: their ids stay in a core's own cache
// until they are in place, and no thread waits long for the last.
constexpr size_t kChunkBytes = size_t{1} << 16;
// A thread with less text than this costs more than it saves.
constexpr size_t kBytesPerThread = 2 * kChunkBytes;

size_t CountBytes(absl::Span<const std::string_view> texts) {
  size_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  return bytes;
}

std::vector<absl::Span<const std::string_view>> CutIntoChunks(
    absl::Span<const std::string_view> texts) {
  std::vector<absl::Span<const std::string_view>> chunks;
  size_t begin = 0;
  size_t bytes = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    bytes += texts[i].size();
    if (bytes < kChunkBytes && i + 1 < texts.size()) continue;
    chunks.push_back(texts.subspan(begin, i + 1 - begin));
    begin = i + 1;
    bytes = 0;
  }
  return chunks;
}

// Hands out the chunks of a batch by their numbers and puts their results together in this order.
// Thread-safe.
class ChunkedBatch {
 public:
  // `all` has room for the expected result and no text yet.
  ChunkedBatch(size_t chunks, EncodedBatch all) : waiting_(chunks), all_(std::move(all)) {}

  // The number of a chunk that nobody has, or none.
  std::optional<size_t> Next() {
    const size_t chunk = next_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= waiting_.size()) return std::nullopt;
    return chunk;
  }
  // No more chunks are handed out.
  void Stop() { next_.store(waiting_.size(), std::memory_order_relaxed); }

  // An empty result, with memory of an earlier one if there is some.
  std::unique_ptr<EncodedBatch> Spare() {
    absl::MutexLock lock(mutex_);
    if (spare_.empty()) return std::make_unique<EncodedBatch>();
    std::unique_ptr<EncodedBatch> result = std::move(spare_.back());
    spare_.pop_back();
    return result;
  }

  void Put(size_t chunk, std::unique_ptr<EncodedBatch> result) {
    absl::MutexLock lock(mutex_);
    waiting_[chunk] = std::move(result);
    if (appending_) return;
    appending_ = true;
    for (; appended_ < waiting_.size() && waiting_[appended_]; ++appended_) {
      std::unique_ptr<EncodedBatch> next = std::move(waiting_[appended_]);
      // First touches of the batch's memory take long: the other threads put theirs meanwhile.
      mutex_.unlock();
      Append(*next);
      mutex_.lock();
      spare_.push_back(std::move(next));
    }
    appending_ = false;
  }

  // After all chunks were put.
  EncodedBatch Take() && { return std::move(all_); }

 private:
  void Append(EncodedBatch& result) {
    ABSL_CHECK_LE(all_.ids.size() + result.ids.size(),
                  static_cast<size_t>(std::numeric_limits<int32_t>::max()));
    const int32_t shift = static_cast<int32_t>(all_.ids.size());
    all_.ids.insert(all_.ids.end(), result.ids.begin(), result.ids.end());
    for (size_t i = 1; i < result.starts.size(); ++i) {
      all_.starts.push_back(shift + result.starts[i]);
    }
    all_.cut_off.insert(all_.cut_off.end(), result.cut_off.begin(), result.cut_off.end());
    result.ids.clear();
    result.starts.resize(1);
    result.cut_off.clear();
  }

  std::atomic<size_t> next_ = 0;
  absl::Mutex mutex_;
  // By chunk: done, but one before is not.
  std::vector<std::unique_ptr<EncodedBatch>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<EncodedBatch>> spare_ ABSL_GUARDED_BY(mutex_);
  size_t appended_ ABSL_GUARDED_BY(mutex_) = 0;     // chunks
  bool appending_ ABSL_GUARDED_BY(mutex_) = false;  // a thread is
  EncodedBatch all_;                                // that thread's
};

}  // namespace

EncodedBatch ComposedTokenizer::EncodeBatch(absl::Span<const std::string_view> texts,
                                            const EncodeOptions& options, int threads) const {
  const size_t bytes = CountBytes(texts);
  EncodedBatch all;
  all.types_given = gives_type_ids();
  // English has about 4.5 bytes per token.
  all.ids.reserve(bytes / 4 + texts.size() * (options.add_special_tokens ? single_.count : 0));
  AdviseHugePages(all.ids.data(), all.ids.capacity() * sizeof(int32_t));
  all.starts.reserve(texts.size() + 1);
  all.cut_off.reserve(texts.size());
  const auto chunks = CutIntoChunks(texts);
  const size_t count = std::clamp<size_t>(std::min(bytes / kBytesPerThread, chunks.size()), 1,
                                          static_cast<size_t>(std::max(threads, 1)));
  if (count == 1) {
    AppendTexts(texts, options, *encoders_.Take(0), all);
    return all;
  }
  ChunkedBatch batch(chunks.size(), std::move(all));
  const auto work = [&](size_t thread) {
    const TextEncoderPool::Lease encoder = encoders_.Take(thread);
    while (const std::optional<size_t> chunk = batch.Next()) {
      std::unique_ptr<EncodedBatch> result = batch.Spare();
      AppendTexts(chunks[*chunk], options, *encoder, *result);
      batch.Put(*chunk, std::move(result));
    }
  };
  // Want of memory on a thread is the caller's to catch, as it is on the caller's own.
  std::vector<std::exception_ptr> failures(count);
  {
    std::vector<std::jthread> helpers;
    const auto guarded = [&](size_t thread) {
      try {
        work(thread);
      } catch (...) {
        failures[thread] = std::current_exception();
        batch.Stop();
      }
    };
    for (size_t i = 1; i < count; ++i) helpers.emplace_back(guarded, i);
    guarded(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return std::move(batch).Take();
}

void ComposedTokenizer::AppendTexts(absl::Span<const std::string_view> texts,
                                    const EncodeOptions& options, TextEncoder& encoder,
                                    EncodedBatch& out) const {
  const Frame none;
  const Frame& frame = options.add_special_tokens ? single_ : none;
  const size_t limit = options.max_length == 0
                           ? std::numeric_limits<size_t>::max()
                           : options.max_length - std::min(options.max_length, frame.count);
  IdWriter ids(std::move(out.ids));
  for (const std::string_view text : texts) {
    ids.Append(frame.before);
    const size_t begin = ids.size();
    encoder.AppendIds(text, ids);
    const size_t found = ids.size() - begin;
    const size_t kept = TruncatedSizes(found, 0, limit, options.truncation).first;
    if (kept < found) {
      const bool right = options.truncation_side == TruncationSide::kRight;
      ids.Keep(begin, right ? 0 : found - kept, right ? kept : found);
    }
    out.cut_off.push_back(static_cast<uint32_t>(found - kept));
    ids.Append(frame.after);
    ABSL_CHECK_LE(ids.size(), static_cast<size_t>(std::numeric_limits<int32_t>::max()));
    out.starts.push_back(static_cast<int32_t>(ids.size()));
  }
  out.ids = std::move(ids).Take();
}

}  // namespace graft
