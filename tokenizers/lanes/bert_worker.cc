#include "tokenizers/lanes/bert_worker.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/log/absl_check.h"

namespace graft {
namespace {

// Entries of 32 bytes, of 64 for long chunks: at most 16, 8 and 4 MiB, for texts of very many
// different words.
constexpr size_t kChunkEntries = size_t{1} << 19;
constexpr size_t kLongChunkEntries = size_t{1} << 17;
constexpr size_t kWordEntries = size_t{1} << 17;

bool IsAscii(std::string_view text) {
  uint8_t all = 0;
  for (const char c : text) all |= static_cast<uint8_t>(c);
  return all < 0x80;
}

}  // namespace

BertWorker::BertWorker(const Pipeline& pipeline, const WordPiece& model,
                       const BertNormalizerOptions& options)
    : pipeline_(pipeline),
      model_(model),
      options_(options),
      chunk_cache_(kChunkEntries),
      long_chunk_cache_(kLongChunkEntries),
      word_cache_(kWordEntries) {
  for (size_t i = 0; i < ascii_.size(); ++i) {
    AsciiRule& rule = ascii_[i];
    auto sink = [&rule](char32_t code, uint16_t flags, Span) {
      rule.lower = static_cast<char>(code);
      rule.kind = (flags & kWhitespace) != 0    ? AsciiRule::kSpace
                  : (flags & kPunctuation) != 0 ? AsciiRule::kPunctuation
                                                : AsciiRule::kOther;
    };
    const char c = static_cast<char>(i);
    BertNormalizer(options_, sink).Normalize({&c, 1});
    plain_[i] =
        IsBreak(c) || rule.kind == AsciiRule::kPunctuation || rule.kind == AsciiRule::kOther;
    if (c > ' ' && c <= '~') printable_are_plain_ &= plain_[i];
  }
  folds_case_ = true;
  for (size_t i = 0; i < ascii_.size(); ++i) {
    const char c = static_cast<char>(i);
    if (c >= 'A' && c <= 'Z') folds_case_ &= ascii_[i].lower == c + ('a' - 'A');
    if (ascii_[i].kind != AsciiRule::kPunctuation) continue;
    is_end_[i] = 1;
    end_ids_[i] = WordIds({&c, 1})[0];
  }
  // A prefix that no word begins with: punctuation is a word by itself.
  const std::string& prefix = model.continuing_subword_prefix();
  if (prefix.size() < 2 || static_cast<uint8_t>(prefix[0]) >= 0x80 ||
      ascii_[static_cast<uint8_t>(prefix[0])].kind != AsciiRule::kPunctuation) {
    return;
  }
  forms_.resize(model.vocabulary_size());
  for (size_t id = 0; id < forms_.size(); ++id) {
    const std::string_view token = model.vocabulary().token(static_cast<int32_t>(id));
    const bool continues = token.starts_with(prefix);
    const size_t length = token.size() - (continues ? prefix.size() : 0);
    forms_[id] = {static_cast<uint16_t>(std::min<size_t>(length, kNoLength)), continues};
  }
  forms_[static_cast<size_t>(model.unknown_id())].length = kNoLength;
}

void BertWorker::AppendIds(std::string_view text, IdWriter& out) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  if (!pipeline_.normalized_tokens.empty()) {
    Encoding encoding;
    AppendEncoding(text, 0, std::nullopt, encoding);
    return out.Append(encoding.ids);
  }
  if (!pipeline_.raw_tokens.MayMatch(text)) return AppendPiece(text, out);
  size_t at = 0;
  for (const AddedTokenMatcher::Match& match : pipeline_.raw_tokens.Find(text)) {
    if (at < match.span.begin) AppendPiece(text.substr(at, match.span.begin - at), out);
    out.Append({&pipeline_.parts.added_tokens[match.token].id, 1});
    at = match.span.end;
  }
  AppendPiece(text.substr(at), out);
}

void BertWorker::AppendPiece(std::string_view text, IdWriter& out) {
  while (!text.empty()) {
    size_t length = std::min(text.size(), kWindow);
    if (length < text.size()) {
      while (length > 0 && !IsBreak(text[length - 1])) --length;
    }
    if (length > 0) {
      std::memcpy(window_.data(), text.data(), length);
      AppendWindow(length, out);
    } else {  // a chunk longer than the window
      length = std::find_if(text.begin() + kWindow, text.end(), IsBreak) - text.begin();
      out.Append(EncodeChunk(text.substr(0, length)));
    }
    text.remove_prefix(length);
  }
}

void BertWorker::AppendWindow(size_t length, IdWriter& out) {
  // At least one whitespace behind the text ends the last chunk.
  const size_t blocks = length / kEdgeBlock + 1;
  std::memset(window_.data() + length, ' ', kEdgeBlock);
  const size_t count = FindChunkEdges(window_.data(), blocks, edges_.data());
  for (size_t i = 0; i < count; i += 2 * kGroup) {
    AppendChunks(&edges_[i], std::min(count - i, 2 * kGroup) / 2, out);
  }
}

void BertWorker::AppendChunks(const uint16_t* edges, size_t chunks, IdWriter& out) {
  std::array<uint16_t, kGroup> lengths;  // of stems
  std::array<ShortCache::Key, kGroup> keys;
  std::array<uint64_t, kGroup> hashes;
  for (size_t i = 0; i < chunks; ++i) {
    const char* chunk = window_.data() + edges[2 * i];
    const size_t size = edges[2 * i + 1] - edges[2 * i];
    const size_t length = size - HasEnd({chunk, size});
    lengths[i] = static_cast<uint16_t>(length);
    // What is longer gets the key of nothing, which is not found.
    const bool is_short = length <= ShortCache::Key::kMaxBytes;
    keys[i] = KeyOf<ShortCache>({chunk, is_short ? length : 0});
    hashes[i] = keys[i].Hash();
    chunk_cache_.Prefetch(hashes[i]);
  }
  // Room for all that the cache may give inline, so that the common way is a copy and an addition.
  constexpr size_t kRoom = (ShortCache::kInlineIds + 1) * kGroup;
  int32_t* begin = out.Room(kRoom);
  int32_t* end = begin;
  for (size_t i = 0; i < chunks; ++i) {
    const ShortCache::Entry* entry = chunk_cache_.FindFirst(keys[i], hashes[i]);
    if (entry != nullptr && entry->count - 1 < ShortCache::kInlineIds) {
      std::memcpy(end, entry->ids, sizeof(entry->ids));
      end += entry->count;
    } else {
      out.Advance(end - begin);
      out.Append(StemIds({window_.data() + edges[2 * i], lengths[i]}));
      begin = end = out.Room(kRoom);
    }
    // Written in any case: no branch has to foresee whether it counts.
    const size_t last = edges[2 * i + 1] - size_t{1};
    *end = end_ids_[static_cast<uint8_t>(window_[last])];
    end += last + 1 - edges[2 * i] - lengths[i];
  }
  out.Advance(end - begin);
}

absl::Span<const int32_t> BertWorker::StemIds(std::string_view stem) {
  const auto encode = [&] { return EncodeChunk(stem); };
  if (stem.size() <= ShortCache::Key::kMaxBytes) {
    return chunk_cache_.Get(KeyOf<ShortCache>(stem), encode);
  }
  if (stem.size() <= LongCache::Key::kMaxBytes) {
    return long_chunk_cache_.Get(KeyOf<LongCache>(stem), encode);
  }
  return EncodeChunk(stem);
}

absl::Span<const int32_t> BertWorker::EncodeChunk(std::string_view chunk) {
  chunk_ids_.clear();
  if (IsAscii(chunk)) {
    EncodeAsciiChunk(chunk);
    return chunk_ids_;
  }
  auto on_word = [this](std::string_view word, const std::vector<Span>&) {
    const absl::Span<const int32_t> ids = WordIds(word);
    chunk_ids_.insert(chunk_ids_.end(), ids.begin(), ids.end());
  };
  BertWordSplitter<false, decltype(on_word)> splitter(on_word);
  BertNormalizer(options_, splitter).Normalize(chunk);
  splitter.Finish();
  return chunk_ids_;
}

void BertWorker::EncodeAsciiChunk(std::string_view chunk) {
  const auto finish_word = [this] {
    if (word_.empty()) return;
    const absl::Span<const int32_t> ids = WordIds(word_);
    chunk_ids_.insert(chunk_ids_.end(), ids.begin(), ids.end());
    word_.clear();
  };
  for (const char c : chunk) {
    const AsciiRule rule = ascii_[static_cast<uint8_t>(c)];
    if (rule.kind == AsciiRule::kRemove) continue;
    if (rule.kind != AsciiRule::kOther) finish_word();
    if (rule.kind == AsciiRule::kSpace) continue;
    word_.push_back(rule.lower);
    if (rule.kind == AsciiRule::kPunctuation) finish_word();
  }
  finish_word();
}

absl::Span<const int32_t> BertWorker::WordIds(std::string_view word) {
  const auto tokenize = [&] {
    word_ids_.clear();
    model_.AppendIds(word, word_ids_);
    return absl::MakeConstSpan(word_ids_);
  };
  if (word.size() > ShortCache::Key::kMaxBytes) return tokenize();
  return word_cache_.Get(ShortCache::Key::From(word), tokenize);
}

}  // namespace graft
