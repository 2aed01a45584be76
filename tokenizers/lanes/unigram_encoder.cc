#include "tokenizers/lanes/unigram_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/log/absl_check.h"
#include "simdjson.h"

namespace graft {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";
// Entries of 32 bytes, of 64 for long chunks: at most 16 and 8 MiB, for texts of very many
// different words.
constexpr size_t kShortEntries = size_t{1} << 19;
constexpr size_t kLongEntries = size_t{1} << 17;
// Chunks whose cache lines are fetched before the first of them is looked at.
constexpr size_t kGroup = 32;

}  // namespace

UnigramEncoder::UnigramEncoder(const Unigram& model, ChunkNormalizer& normalizer,
                               const Options& options)
    : model_(model),
      normalizer_(normalizer),
      options_(options),
      keeps_score_(model.options().peer == UnigramPeer::kSentencePiece),
      short_cache_(kShortEntries),
      long_cache_(kLongEntries) {
  if (keeps_score_) {
    ABSL_CHECK(model.words_are_apart());
    ABSL_CHECK(model.TokenToId(kMark).has_value());
  }
  for (size_t c = 0; c < simple_.size(); ++c) {
    simple_[c] = c != ' ' && normalizer.IsSimple(static_cast<char>(c));
  }
}

bool UnigramEncoder::MayBegin(std::string_view text) const {
  if (!options_.trims_end && text.ends_with(' ')) return false;
  return simdjson::validate_utf8(text.data(), text.size());
}

template <typename Use, typename UseLong>
bool UnigramEncoder::ForEachChunk(std::string_view text, const Use& use, const UseLong& use_long) {
  for (size_t begin = 0; begin < text.size();) {
    size_t length = std::min(text.size() - begin, kWindow);
    if (length < text.size() - begin) {
      while (length > 0 && text[begin + length - 1] != ' ') --length;
    }
    if (length == 0) {  // a chunk longer than the window
      const size_t end = std::min(text.find(' ', begin), text.size());
      if (!use_long(text.substr(begin, end - begin), begin)) return false;
      begin = end;
      continue;
    }
    // At least one space behind the text ends the last chunk.
    const size_t blocks = length / kEdgeBlock + 1;
    std::memcpy(window_.data(), text.data() + begin, length);
    std::memset(window_.data() + length, ' ', blocks * kEdgeBlock - length);
    const size_t count = FindSpacedEdges(window_.data(), blocks, edges_.data());
    for (size_t i = 0; i < count; i += 2 * kGroup) {
      if (!use(absl::MakeConstSpan(&edges_[i], std::min(count - i, 2 * kGroup)), begin)) {
        return false;
      }
    }
    begin += length;
  }
  return true;
}

bool UnigramEncoder::AppendIds(std::string_view text, IdWriter& out) {
  if (!MayBegin(text)) return false;
  score_ = 0;
  const size_t before = out.size();
  const bool covered = ForEachChunk(
      text, [&](absl::Span<const uint16_t> edges, size_t) { return AppendChunks(edges, out); },
      [&](std::string_view chunk, size_t) {
        const auto ids = ChunkIds(chunk);
        if (ids) out.Append(*ids);
        return ids.has_value();
      });
  if (!covered) out.Truncate(before);
  return covered;
}

bool UnigramEncoder::AppendChunks(absl::Span<const uint16_t> edges, IdWriter& out) {
  const size_t chunks = edges.size() / 2;
  std::array<ShortCache::Key, kGroup> keys;
  std::array<uint64_t, kGroup> hashes;
  for (size_t i = 0; i < chunks; ++i) {
    const size_t length = edges[2 * i + 1] - edges[2 * i];
    if (length > ShortCache::Key::kMaxBytes) continue;
    keys[i] = ShortCache::Key::FromReadable(window_.data() + edges[2 * i], length);
    hashes[i] = keys[i].Hash();
    short_cache_.Prefetch(hashes[i]);
  }
  // Room for all that the cache may give inline, so that the common way is a copy and an addition.
  int32_t* begin = out.Room(ShortCache::kInlineIds * kGroup);
  int32_t* end = begin;
  for (size_t i = 0; i < chunks; ++i) {
    const std::string_view chunk(window_.data() + edges[2 * i], edges[2 * i + 1] - edges[2 * i]);
    const bool is_short = chunk.size() <= ShortCache::Key::kMaxBytes;
    const bool may_find = is_short && std::abs(score_) <= Unigram::kScoreLimit;
    const ShortCache::Entry* entry = may_find ? short_cache_.Find(keys[i], hashes[i]) : nullptr;
    if (entry != nullptr && entry->count <= ShortCache::kInlineIds) {
      std::memcpy(end, entry->ids, sizeof(entry->ids));
      end += entry->count;
      if (keeps_score_) AddScores({entry->ids, entry->count});
      continue;
    }
    out.Advance(static_cast<size_t>(end - begin));
    const auto ids = ChunkIds(chunk);
    if (!ids) return false;
    out.Append(*ids);
    begin = end = out.Room(ShortCache::kInlineIds * kGroup);
  }
  out.Advance(static_cast<size_t>(end - begin));
  return true;
}

std::optional<absl::Span<const int32_t>> UnigramEncoder::ChunkIds(std::string_view chunk) {
  if (std::abs(score_) <= Unigram::kScoreLimit) {
    if (chunk.size() <= ShortCache::Key::kMaxBytes) return Cached(short_cache_, chunk);
    if (chunk.size() <= LongCache::Key::kMaxBytes) return Cached(long_cache_, chunk);
  }
  bool anywhere = false;  // not asked for
  if (!Tokenize(chunk, anywhere)) return std::nullopt;
  return absl::MakeConstSpan(ids_);
}

template <typename Cache>
std::optional<absl::Span<const int32_t>> UnigramEncoder::Cached(Cache& cache,
                                                                std::string_view chunk) {
  const auto key = Cache::Key::From(chunk);
  const uint64_t hash = key.Hash();
  if (const auto* entry = cache.Find(key, hash)) {
    const absl::Span<const int32_t> ids = cache.Ids(*entry);
    if (keeps_score_) AddScores(ids);
    return ids;
  }
  bool anywhere = true;
  if (!Tokenize(chunk, anywhere)) return std::nullopt;
  if (anywhere) cache.Insert(key, hash, ids_);
  return absl::MakeConstSpan(ids_);
}

bool UnigramEncoder::Tokenize(std::string_view chunk, bool& anywhere) {
  normalized_.clear();
  if (!normalizer_.Normalize(chunk, normalized_) || normalized_.find(kMark) != std::string::npos) {
    return false;
  }
  ids_.clear();
  size_t words = 0;
  for (size_t begin = 0; begin < normalized_.size();) {
    const size_t end = std::min(normalized_.find(' ', begin), normalized_.size());
    if (end > begin) {
      // Behind other words of the chunk a word's score is another one.
      if (++words > 1 && keeps_score_) anywhere = false;
      word_.assign(kMark);
      word_.append(normalized_, begin, end - begin);
      TokenizeWord(word_, anywhere);
    }
    begin = end + 1;
  }
  return true;
}

void UnigramEncoder::TokenizeWord(std::string_view word, bool& anywhere) {
  tokens_.clear();
  if (!keeps_score_) {
    model_.Tokenize(word, tokens_);
  } else if (anywhere && model_.TokenizeAnywhere(word, tokens_)) {
    for (const ModelToken& token : tokens_) score_ += model_.score(token.id);
  } else {
    anywhere = false;
    tokens_.clear();
    model_.TokenizeNext(word, score_, tokens_);
  }
  for (const ModelToken& token : tokens_) ids_.push_back(token.id);
}

void UnigramEncoder::AddScores(absl::Span<const int32_t> ids) {
  for (const int32_t id : ids) score_ += model_.score(id);
}

bool UnigramEncoder::AppendTokens(std::string_view text, uint32_t begin, TokenWriter& out) {
  const bool simple = std::all_of(text.begin(), text.end(), [this](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return c == ' ' || (byte < simple_.size() && simple_[byte]);
  });
  if (!simple || !MayBegin(text)) return false;
  score_ = 0;
  uint32_t last_end = 0;  // of the chunk before
  const auto add = [&](int32_t id, Span span) {
    out.Add(id, {begin + span.begin, begin + span.end});
  };
  // Simple characters take a byte before and after.
  const auto add_chunk = [&](std::string_view chunk, size_t at) {
    const bool spaced = at > 0 && !options_.marks_are_added;
    const auto place = [&](size_t in_word, bool is_end) {
      if (keeps_score_ && in_word < kMark.size()) {
        return last_end == 0 ? static_cast<uint32_t>(at) : last_end;
      }
      if (keeps_score_ || in_word > (is_end ? kMark.size() : 0)) {
        return static_cast<uint32_t>(at + in_word - kMark.size());
      }
      return static_cast<uint32_t>(at + (is_end ? 1 : 0) - (spaced ? 1 : 0));
    };
    const float score_before = score_;
    const auto ids = ChunkIds(chunk);
    ABSL_CHECK(ids.has_value()) << "a simple text was refused";
    size_t size = 0;
    for (const int32_t id : *ids) size += model_.IdToToken(id)->size();
    const bool known =
        std::find(ids->begin(), ids->end(), model_.options().unknown_id) == ids->end();
    if (known && size == kMark.size() + chunk.size()) {
      size_t in_word = 0;
      for (const int32_t id : *ids) {
        const size_t end = in_word + model_.IdToToken(id)->size();
        add(id, {place(in_word, false), place(end, true)});
        in_word = end;
      }
    } else {  // tokens that do not tell their length
      bool anywhere = false;
      score_ = score_before;
      Tokenize(chunk, anywhere);
      for (const ModelToken& token : tokens_) {
        add(token.id, {place(token.span.begin, false), place(token.span.end, true)});
      }
    }
    last_end = static_cast<uint32_t>(at + chunk.size());
    out.EndWord();
    return true;
  };
  return ForEachChunk(
      text,
      [&](absl::Span<const uint16_t> edges, size_t offset) {
        for (size_t i = 0; i < edges.size(); i += 2) {
          add_chunk({window_.data() + edges[i], static_cast<size_t>(edges[i + 1] - edges[i])},
                    offset + edges[i]);
        }
        return true;
      },
      add_chunk);
}

}  // namespace graft
