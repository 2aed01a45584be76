// The way from a text to its tokens, and what one thread needs for it. Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_TEXT_ENCODER_H_
#define GRAFT_TOKENIZERS_TEXT_ENCODER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tokenizers/encoding.h"

namespace graft {

// Appends ids to a row of them through a plain pointer.
class IdWriter {
 public:
  explicit IdWriter(std::vector<int32_t> ids = {}) : ids_(std::move(ids)), used_(ids_.size()) {}

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
  // Keeps ids [begin, end) of those from `from` on.
  void Keep(size_t from, size_t begin, size_t end) {
    if (begin > 0) std::copy(&ids_[from + begin], &ids_[from] + end, &ids_[from]);
    used_ = from + end - begin;
  }
  std::vector<int32_t> Take() && {
    ids_.resize(used_);
    return std::move(ids_);
  }

 private:
  void Grow(size_t count);

  std::vector<int32_t> ids_;
  size_t used_;
};

// Appends tokens to an Encoding through plain pointers. The encoding is whole again when the writer
// has died.
class TokenWriter {
 public:
  // Tokens get `type_id`, and `word` as their word or, without one, the number of their word, from
  // 0 on. `expected` tokens have room from the start.
  TokenWriter(int32_t type_id, std::optional<int32_t> word, size_t expected, Encoding& out)
      : out_(out),
        type_id_(type_id),
        word_(word.value_or(0)),
        step_(word ? 0 : 1),
        used_(out.size()) {
    MakeRoom(used_ + expected);
  }
  TokenWriter(const TokenWriter&) = delete;
  TokenWriter& operator=(const TokenWriter&) = delete;
  ~TokenWriter() {
    out_.ids.resize(used_);
    out_.word_ids.resize(used_);
    out_.offsets.resize(used_);
    out_.type_ids.resize(used_, type_id_);
    out_.special_tokens_mask.resize(used_, 0);
  }

  void Add(int32_t id, Span span) {
    if (used_ == room_) MakeRoom(2 * room_ + 16);
    ids_[used_] = id;
    word_ids_[used_] = word_;
    offsets_[used_] = span;
    ++used_;
  }
  // Tokens from here on are of the next word.
  void EndWord() { word_ += step_; }

  // A place to go back to.
  struct Mark {
    size_t used;
    int32_t word;
  };
  Mark Here() const { return {used_, word_}; }
  void GoBack(Mark mark) {
    used_ = mark.used;
    word_ = mark.word;
  }

 private:
  void MakeRoom(size_t room);

  Encoding& out_;
  const int32_t type_id_;
  int32_t word_;
  const int32_t step_;
  size_t used_;
  size_t room_ = 0;
  int32_t* ids_ = nullptr;
  int32_t* word_ids_ = nullptr;
  Span* offsets_ = nullptr;
};

// Encodes texts alone, without the model's special tokens around them. May keep caches from call
// to call; they change no result. One thread at a time. A text has less than 2^32 bytes.
class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  // Ids only.
  virtual void AppendIds(std::string_view text, IdWriter& out) = 0;
  // The same ids with everything else.
  virtual void AppendTokens(std::string_view text, TokenWriter& out) = 0;

  // The same for an encoding: tokens get `type_id`, and `word` as their word or, without one, the
  // number of their word in the text.
  void AppendEncoding(std::string_view text, int32_t type_id, std::optional<int32_t> word,
                      Encoding& out) {
    TokenWriter writer(type_id, word, text.size() / kBytesPerToken + 2, out);
    AppendTokens(text, writer);
  }

 private:
  static constexpr size_t kBytesPerToken = 4;  // of English, and a little more
};

// Encoders at rest. Thread-safe.
class TextEncoderPool {
 public:
  // `make` is called from any thread.
  explicit TextEncoderPool(std::function<std::unique_ptr<TextEncoder>()> make)
      : make_(std::move(make)) {}

  // An encoder for the caller alone, until the pointer dies: the one with this number when it
  // rests, else another. A batch asks for the same numbers each time, so that a part of it finds
  // the caches that it filled the last time.
  struct Return {
    TextEncoderPool* pool;
    size_t number;
    void operator()(TextEncoder* encoder) const { pool->Put(encoder, number); }
  };
  using Lease = std::unique_ptr<TextEncoder, Return>;
  Lease Take(size_t number = 0);

 private:
  void Put(TextEncoder* encoder, size_t number);

  const std::function<std::unique_ptr<TextEncoder>()> make_;
  absl::Mutex mutex_;
  // By number; null while one is on lease.
  std::vector<std::unique_ptr<TextEncoder>> encoders_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_TEXT_ENCODER_H_
