// ComposedTokenizer::EncodeBatch.
#include <algorithm>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

#include "absl/log/absl_check.h"
#include "tokenizers/composed_tokenizer.h"

namespace graft {
namespace {

// A thread that gets less text than this (one or two milliseconds of work) costs more than it
// saves.
constexpr size_t kBytesPerThread = size_t{1} << 19;

size_t CountBytes(absl::Span<const std::string_view> texts) {
  size_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  return bytes;
}

// Cuts the texts into `count` ranges of about as many bytes each.
std::vector<absl::Span<const std::string_view>> SplitByBytes(
    absl::Span<const std::string_view> texts, size_t bytes, size_t count) {
  std::vector<absl::Span<const std::string_view>> ranges;
  size_t begin = 0;
  size_t passed = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    passed += texts[i].size();
    if (passed * count >= bytes * (ranges.size() + 1) && ranges.size() + 1 < count) {
      ranges.push_back(texts.subspan(begin, i + 1 - begin));
      begin = i + 1;
    }
  }
  ranges.push_back(texts.subspan(begin));
  return ranges;
}

// Puts the results of the ranges behind that of the first.
EncodedBatch Concatenate(std::vector<EncodedBatch> parts) {
  EncodedBatch all = std::move(parts[0]);
  size_t ids = all.ids.size();
  for (size_t i = 1; i < parts.size(); ++i) ids += parts[i].ids.size();
  ABSL_CHECK_LE(ids, static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  all.ids.reserve(ids);  // the first range was given room for all
  for (size_t i = 1; i < parts.size(); ++i) {
    const int32_t shift = static_cast<int32_t>(all.ids.size());
    all.ids.insert(all.ids.end(), parts[i].ids.begin(), parts[i].ids.end());
    for (size_t j = 1; j < parts[i].starts.size(); ++j) {
      all.starts.push_back(shift + parts[i].starts[j]);
    }
    all.cut_off.insert(all.cut_off.end(), parts[i].cut_off.begin(), parts[i].cut_off.end());
  }
  return all;
}

}  // namespace

EncodedBatch ComposedTokenizer::EncodeBatch(absl::Span<const std::string_view> texts,
                                            const EncodeOptions& options, int threads) const {
  const size_t bytes = CountBytes(texts);
  const size_t count =
      std::clamp<size_t>(bytes / kBytesPerThread, 1, static_cast<size_t>(std::max(threads, 1)));
  const auto ranges = SplitByBytes(texts, bytes, count);
  if (ranges.size() == 1) return EncodeRange(texts, options, 0, bytes);
  std::vector<EncodedBatch> parts(ranges.size());
  // Want of memory on a thread is the caller's to catch, as it is on the caller's own.
  std::vector<std::exception_ptr> failures(ranges.size());
  {
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < ranges.size(); ++i) {
      helpers.emplace_back([&, i] {
        try {
          parts[i] = EncodeRange(ranges[i], options, i, CountBytes(ranges[i]));
        } catch (...) {
          failures[i] = std::current_exception();
        }
      });
    }
    parts[0] = EncodeRange(ranges[0], options, 0, bytes);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return Concatenate(std::move(parts));
}

EncodedBatch ComposedTokenizer::EncodeRange(absl::Span<const std::string_view> texts,
                                            const EncodeOptions& options, size_t encoder_number,
                                            size_t expected_bytes) const {
  const Frame none;
  const Frame& frame = options.add_special_tokens ? single_ : none;
  const size_t limit = options.max_length == 0
                           ? std::numeric_limits<size_t>::max()
                           : options.max_length - std::min(options.max_length, frame.count);
  const TextEncoderPool::Lease encoder = encoders_.Take(encoder_number);
  EncodedBatch batch;
  batch.starts.reserve(texts.size() + 1);
  batch.cut_off.reserve(texts.size());
  // English has about 4.5 bytes per token.
  IdWriter ids(expected_bytes / 4 + texts.size() * frame.count);
  for (const std::string_view text : texts) {
    ids.Append(frame.before);
    const size_t begin = ids.size();
    encoder->AppendIds(text, ids);
    const size_t found = ids.size() - begin;
    const size_t kept = TruncatedSizes(found, 0, limit, options.truncation).first;
    if (kept < found) {
      const bool right = options.truncation_side == TruncationSide::kRight;
      ids.Keep(begin, right ? 0 : found - kept, right ? kept : found);
    }
    batch.cut_off.push_back(static_cast<uint32_t>(found - kept));
    ids.Append(frame.after);
    ABSL_CHECK_LE(ids.size(), static_cast<size_t>(std::numeric_limits<int32_t>::max()));
    batch.starts.push_back(static_cast<int32_t>(ids.size()));
  }
  batch.ids = std::move(ids).Take();
  return batch;
}

}  // namespace graft
