#include "tokenizers/text_encoder.h"

namespace graft {
namespace {

constexpr size_t kGrowIds = 16384;

}  // namespace

void IdWriter::Grow(size_t count) {
  // New ids are set to zero by resize: in steps, so that they are still in the cache.
  const size_t needed = used_ + std::max(count, kGrowIds);
  if (needed > ids_.capacity()) ids_.reserve(std::max(needed, 2 * ids_.capacity()));
  ids_.resize(needed);
}

void TokenWriter::MakeRoom(size_t room) {
  room_ = room;
  out_.ids.resize(room);
  out_.word_ids.resize(room);
  out_.offsets.resize(room);
  // The destructor then has nothing to allocate.
  out_.type_ids.reserve(room);
  out_.special_tokens_mask.reserve(room);
  ids_ = out_.ids.data();
  word_ids_ = out_.word_ids.data();
  offsets_ = out_.offsets.data();
}

TextEncoderPool::Lease TextEncoderPool::Take(size_t number) {
  {
    absl::MutexLock lock(mutex_);
    const auto resting = [](const auto& encoder) { return encoder != nullptr; };
    if (number >= encoders_.size() || !resting(encoders_[number])) {
      const auto other = std::find_if(encoders_.begin(), encoders_.end(), resting);
      number = static_cast<size_t>(other - encoders_.begin());
    }
    if (number < encoders_.size()) {
      return Lease(encoders_[number].release(), Return{this, number});
    }
    encoders_.push_back(nullptr);
  }
  return Lease(make_().release(), Return{this, number});
}

void TextEncoderPool::Put(TextEncoder* encoder, size_t number) {
  absl::MutexLock lock(mutex_);
  encoders_[number].reset(encoder);
}

}  // namespace graft
