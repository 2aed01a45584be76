#include "tokenizers/lanes/byte_level_encoder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/log/absl_check.h"
#include "base/utf8.h"
#include "simdjson.h"
#include "tokenizers/lanes/byte_level_chunks.h"
#include "tokenizers/lanes/char_class.h"

namespace graft {
namespace {

// Entries of 32 bytes, of 64 for long chunks: at most 16 and 8 MiB, for texts of very many
// different words.
constexpr size_t kShortEntries = size_t{1} << 19;
constexpr size_t kLongEntries = size_t{1} << 17;
// Chunks whose cache lines are fetched before the first of them is looked at.
constexpr size_t kGroup = 32;
constexpr size_t kWindow = 4096;
static_assert(kWindow < (1 << 16));
// Bytes that tell whether a chunk ends before them, but for rows of one class: a short form has
// three, a character four.
constexpr size_t kLookAhead = 8;

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

}  // namespace

ByteLevelEncoder::ByteLevelEncoder(const Bpe& model, bool add_prefix_space)
    : model_(model),
      add_prefix_space_(add_prefix_space),
      short_cache_(kShortEntries),
      long_cache_(kLongEntries),
      window_(kWindow + kChunkPadding),
      starts_(kWindow + kSpareStarts + 1) {
  ABSL_CHECK(model.has_byte_alphabet());
}

template <typename Use, typename UseLong>
void ByteLevelEncoder::ForEachChunk(std::string_view text, const Use& use,
                                    const UseLong& use_long) {
  while (!text.empty()) {
    size_t length = std::min(text.size(), kWindow);
    while (length < text.size() && IsContinuation(text[length])) --length;
    std::memcpy(window_.data(), text.data(), length);
    std::memset(window_.data() + length, ' ', kChunkPadding);
    size_t count = FindByteLevelChunks({window_.data(), length}, starts_.data());
    if (length < text.size()) {
      // What begins near the end may end elsewhere, or be two, with what comes behind the window.
      while (count > 0 && starts_[count] + kLookAhead > length) --count;
    }
    if (count == 0) {  // a chunk as long as the window
      const size_t end = ByteLevelChunkEnd(text, 0);
      std::string readable(text.substr(0, end));
      readable.append(kChunkPadding, ' ');
      use_long(std::string_view(readable).substr(0, end));
      text.remove_prefix(end);
      continue;
    }
    for (size_t i = 0; i < count; i += kGroup) {
      use(absl::MakeConstSpan(&starts_[i], std::min(count - i, kGroup) + 1));
    }
    text.remove_prefix(starts_[count]);
  }
}

void ByteLevelEncoder::AppendIds(std::string_view text, IdWriter& out) {
  if (text.empty()) return;
  const bool valid = simdjson::validate_utf8(text.data(), text.size());
  const bool add_space = add_prefix_space_ && text[0] != ' ';
  if (add_space || !valid) {
    buffer_.assign(add_space ? " " : "");
    buffer_.append(valid ? text : ReplaceInvalidUtf8(text));
    text = buffer_;
  }
  ForEachChunk(
      text, [&](absl::Span<const uint16_t> edges) { AppendChunks(edges, out); },
      [&](std::string_view chunk) { out.Append(ChunkIds(chunk)); });
}

void ByteLevelEncoder::AppendChunks(absl::Span<const uint16_t> edges, IdWriter& out) {
  const size_t chunks = edges.size() - 1;
  std::array<ShortCache::Key, kGroup> keys;
  std::array<uint64_t, kGroup> hashes;
  for (size_t i = 0; i < chunks; ++i) {
    const size_t length = edges[i + 1] - edges[i];
    if (length > ShortCache::Key::kMaxBytes) continue;
    keys[i] = ShortCache::Key::FromReadable(window_.data() + edges[i], length);
    hashes[i] = keys[i].Hash();
    short_cache_.Prefetch(hashes[i]);
  }
  // Room for all that the cache may give inline, so that the common way is a copy and an addition.
  int32_t* begin = out.Room(ShortCache::kInlineIds * kGroup);
  int32_t* end = begin;
  for (size_t i = 0; i < chunks; ++i) {
    const std::string_view chunk(window_.data() + edges[i], edges[i + 1] - edges[i]);
    const bool is_short = chunk.size() <= ShortCache::Key::kMaxBytes;
    const ShortCache::Entry* entry = is_short ? short_cache_.Find(keys[i], hashes[i]) : nullptr;
    if (entry != nullptr && entry->count <= ShortCache::kInlineIds) {
      std::memcpy(end, entry->ids, sizeof(entry->ids));
      end += entry->count;
      continue;
    }
    out.Advance(static_cast<size_t>(end - begin));
    out.Append(ChunkIds(chunk));
    begin = end = out.Room(ShortCache::kInlineIds * kGroup);
  }
  out.Advance(static_cast<size_t>(end - begin));
}

absl::Span<const int32_t> ByteLevelEncoder::ChunkIds(std::string_view chunk) {
  if (chunk.size() <= ShortCache::Key::kMaxBytes) {
    return short_cache_.Get(ShortCache::Key::FromReadable(chunk.data(), chunk.size()),
                            [&] { return WholeOrMerged(chunk); });
  }
  chunk_ids_.clear();
  if (const auto whole = model_.FindWhole(chunk)) {
    chunk_ids_.push_back(*whole);
    return chunk_ids_;
  }
  // Scripts without spaces have long chunks that never come twice, but parts that do.
  for (size_t begin = 0; begin < chunk.size();) {
    size_t end = begin + 1;
    while (end < chunk.size() && model_.MayJoin(chunk[end - 1], chunk[end])) ++end;
    const absl::Span<const int32_t> ids = PartIds(chunk.substr(begin, end - begin));
    if (begin == 0 && end == chunk.size()) return ids;
    chunk_ids_.insert(chunk_ids_.end(), ids.begin(), ids.end());
    begin = end;
  }
  return chunk_ids_;
}

absl::Span<const int32_t> ByteLevelEncoder::PartIds(std::string_view part) {
  const auto merge = [&] { return Merge(part); };
  // A part that is a token without merges is one only as a whole chunk, which short_cache_ tells.
  if (part.size() <= ShortCache::Key::kMaxBytes && !model_.options().ignore_merges) {
    return short_cache_.Get(ShortCache::Key::FromReadable(part.data(), part.size()), merge);
  }
  if (part.size() <= LongCache::Key::kMaxBytes) {
    return long_cache_.Get(LongCache::Key::FromReadable(part.data(), part.size()), merge);
  }
  return merge();
}

absl::Span<const int32_t> ByteLevelEncoder::WholeOrMerged(std::string_view chunk) {
  const auto whole = model_.FindWhole(chunk);
  if (!whole) return Merge(chunk);
  ids_.assign(1, *whole);
  return ids_;
}

absl::Span<const int32_t> ByteLevelEncoder::Merge(std::string_view part) {
  tokens_.clear();
  ids_.clear();
  model_.MergeBytes(part, tokens_);
  for (const ModelToken& token : tokens_) ids_.push_back(token.id);
  return ids_;
}

// The text that is encoded has another one before it, or other bytes: each byte of it where it
// comes from.
struct ByteLevelEncoder::Source {
  std::string_view text;
  bool added_space = false;
  bool replaced = false;
  // Of a text in which ill-formed parts were replaced: where the character of each byte begins in
  // the caller's, and its end.
  std::vector<uint32_t> origins;

  // Where the characters that [begin, end) touches stand in the caller's text.
  Span Origin(size_t begin, size_t end) const {
    while (begin > 0 && IsContinuation(text[begin])) --begin;
    while (end < text.size() && IsContinuation(text[end])) ++end;
    if (added_space && end == 1) {  // the space itself: where it was added
      for (++end; end < text.size() && IsContinuation(text[end]);) ++end;
    }
    const auto at = [&](size_t place) {
      const size_t without = place - (added_space && place > 0 ? 1 : 0);
      return replaced ? origins[without] : static_cast<uint32_t>(without);
    };
    return {at(begin), at(end)};
  }
};

struct ByteLevelEncoder::Sink {
  const Bpe& model;
  const Source& source;
  uint32_t begin;
  TokenWriter& out;
  size_t at = 0;  // in the encoded text

  void AddChunk(absl::Span<const int32_t> ids) {
    for (const int32_t id : ids) {
      const size_t end = at + model.byte_length(id);
      const Span span = source.Origin(at, end);
      out.Add(id, {begin + span.begin, begin + span.end});
      at = end;
    }
    out.EndWord();
  }
};

void ByteLevelEncoder::AppendTokens(std::string_view text, uint32_t begin, TokenWriter& out) {
  if (text.empty()) return;
  Source source;
  source.replaced = !simdjson::validate_utf8(text.data(), text.size());
  source.added_space = add_prefix_space_ && text[0] != ' ';
  buffer_.assign(source.added_space ? " " : "");
  if (source.replaced) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = DecodeUtf8(text.substr(at));
      const size_t before = buffer_.size();
      AppendUtf8(c.code, buffer_);
      source.origins.resize(source.origins.size() + buffer_.size() - before,
                            static_cast<uint32_t>(at));
      at += static_cast<size_t>(c.length);
    }
    source.origins.push_back(static_cast<uint32_t>(text.size()));
  } else {
    buffer_.append(text);
  }
  source.text = buffer_;
  Sink sink{model_, source, begin, out};
  ForEachChunk(
      source.text,
      [&](absl::Span<const uint16_t> edges) {
        for (size_t i = 0; i + 1 < edges.size(); ++i) {
          sink.AddChunk(
              ChunkIds({window_.data() + edges[i], static_cast<size_t>(edges[i + 1] - edges[i])}));
        }
      },
      [&](std::string_view chunk) { sink.AddChunk(ChunkIds(chunk)); });
}

}  // namespace graft
