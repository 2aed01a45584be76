#include "tasks/batching.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/kernels/dropout.h"

namespace graft {

EncodeOptions CuttingAt(const Tokenizer& tokenizer, int64_t max_length) {
  return {.max_length = static_cast<size_t>(max_length),
          .truncation_side = tokenizer.truncation_side()};
}

absl::Status CheckEveryTextHasTokens(absl::Span<const std::string_view> texts,
                                     const EncodedBatch& encoded) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (encoded.starts[i] < encoded.starts[i + 1]) continue;
    return absl::InvalidArgumentError(absl::StrCat("expected texts with at least one token, found ",
                                                   Quoted(texts[i]), " without any"));
  }
  return absl::OkStatus();
}

Batch PackBatch(const EncodedTexts& encoded, absl::Span<const int64_t> examples,
                int64_t first_text_id) {
  const EncodedBatch& texts = encoded.tokens;
  const auto count = static_cast<int64_t>(examples.size());
  Batch batch;
  Segments& segments = batch.segments;
  segments.starts = at::empty({count + 1}, at::kInt);
  segments.text_ids = at::empty({count}, at::kInt);
  int32_t* starts = segments.starts.data_ptr<int32_t>();
  int32_t* text_ids = segments.text_ids.data_ptr<int32_t>();
  starts[0] = 0;
  for (int64_t b = 0; b < count; ++b) {
    const int32_t length = texts.starts[examples[b] + 1] - texts.starts[examples[b]];
    starts[b + 1] = starts[b] + length;
    text_ids[b] = static_cast<int32_t>(first_text_id + b);
    segments.longest = std::max<int64_t>(segments.longest, length);
  }
  segments.tokens = starts[count];

  batch.ids = at::empty({segments.tokens}, at::kInt);
  batch.positions = at::empty({segments.tokens}, at::kInt);
  batch.type_ids = at::zeros({segments.tokens}, at::kInt);
  batch.types_given = texts.types_given;
  batch.words = encoded.words;
  int32_t* ids = batch.ids.data_ptr<int32_t>();
  int32_t* positions = batch.positions.data_ptr<int32_t>();
  for (int64_t b = 0; b < count; ++b) {
    const int32_t length = starts[b + 1] - starts[b];
    std::copy_n(texts.ids.begin() + texts.starts[examples[b]], length, ids + starts[b]);
    std::iota(positions + starts[b], positions + starts[b + 1], 0);
  }
  return batch;
}

std::vector<size_t> CutByTokens(const EncodedBatch& texts, absl::Span<const int64_t> examples,
                                int64_t max_tokens) {
  std::vector<size_t> ends;
  int64_t tokens = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    const int64_t length = texts.starts[examples[i] + 1] - texts.starts[examples[i]];
    if (tokens > 0 && tokens + length > max_tokens) {
      ends.push_back(i);
      tokens = 0;
    }
    tokens += length;
  }
  if (!examples.empty()) ends.push_back(examples.size());
  return ends;
}

std::vector<int64_t> EpochOrder(uint64_t seed, uint32_t epoch, int64_t count) {
  constexpr uint32_t kOrderSite = 0xFFFFFFFF;  // no dropout has this site
  std::vector<std::pair<uint64_t, int64_t>> keyed(count);
  for (int64_t i = 0; i < count; ++i) {
    const auto words =
        Philox({static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), kOrderSite, epoch}, seed);
    keyed[i] = {(uint64_t{words[0]} << 32) | words[1], i};
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<int64_t> order(count);
  std::transform(keyed.begin(), keyed.end(), order.begin(),
                 [](const auto& entry) { return entry.second; });
  return order;
}

}  // namespace graft
