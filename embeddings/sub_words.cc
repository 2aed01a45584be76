#include "embeddings/sub_words.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace graft {
namespace {

// fastText's end of sentence: a word without n-grams.
constexpr std::string_view kEndOfSentence = "</s>";

bool ContinuesCharacter(char byte) { return (static_cast<uint8_t>(byte) & 0xC0u) == 0x80u; }

uint64_t Rotate(uint64_t value, int bits) { return std::rotl(value, bits); }

uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCDu;
  value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53u;
  return value ^ (value >> 33);
}

// MurmurHash3_x64_128 of Austin Appleby (public domain), as four numbers of 32 bits.
std::array<uint32_t, 4> MurmurHash3(std::string_view key, uint32_t seed) {
  constexpr uint64_t kC1 = 0x87C37B91114253D5u, kC2 = 0x4CF5AD432745937Fu;
  uint64_t h1 = seed, h2 = seed;
  const auto mix1 = [&](uint64_t k) { h1 ^= Rotate(k * kC1, 31) * kC2; };
  const auto mix2 = [&](uint64_t k) { h2 ^= Rotate(k * kC2, 33) * kC1; };
  const size_t size = key.size();
  while (key.size() >= 16) {
    std::array<uint64_t, 2> k;
    std::memcpy(k.data(), key.data(), 16);
    mix1(k[0]);
    h1 = (Rotate(h1, 27) + h2) * 5 + 0x52DCE729;
    mix2(k[1]);
    h2 = (Rotate(h2, 31) + h1) * 5 + 0x38495AB5;
    key.remove_prefix(16);
  }
  std::array<uint64_t, 2> tail = {};
  std::memcpy(tail.data(), key.data(), key.size());
  mix2(tail[1]);  // zeros change nothing
  mix1(tail[0]);
  h1 ^= size;
  h2 ^= size;
  h1 += h2;
  h2 += h1;
  h1 = Mix(h1);
  h2 = Mix(h2);
  h1 += h2;
  h2 += h1;
  return {static_cast<uint32_t>(h1), static_cast<uint32_t>(h1 >> 32), static_cast<uint32_t>(h2),
          static_cast<uint32_t>(h2 >> 32)};
}

}  // namespace

SubWords::SubWords(SubWordRules rules, const float* rows, int64_t row_count, int64_t width,
                   std::shared_ptr<const void> owner,
                   std::optional<std::unordered_map<int64_t, int64_t>> pruned)
    : rules_(std::move(rules)),
      rows_(rows),
      row_count_(row_count),
      width_(width),
      owner_(std::move(owner)) {
  if (pruned) {
    pruned_ = std::make_shared<const std::unordered_map<int64_t, int64_t>>(*std::move(pruned));
  }
}

// Dictionary::computeSubwords of fastText (src/dictionary.cc).
void SubWords::AppendFastText(std::string_view marked, std::vector<int64_t>& rows) const {
  for (size_t i = 0; i < marked.size(); ++i) {
    if (ContinuesCharacter(marked[i])) continue;
    uint32_t hash = 2166136261u;
    size_t end = i;
    for (int length = 1; end < marked.size() && length <= rules_.max_length; ++length) {
      do {
        hash ^= static_cast<uint32_t>(static_cast<int8_t>(marked[end++]));
        hash *= 16777619u;
      } while (end < marked.size() && ContinuesCharacter(marked[end]));
      const bool is_mark = length == 1 && (i == 0 || end == marked.size());
      if (length < rules_.min_length || is_mark) continue;
      const auto bucket = static_cast<int64_t>(hash % static_cast<uint64_t>(rules_.buckets));
      if (pruned_ == nullptr) {
        rows.push_back(bucket);
      } else if (const auto found = pruned_->find(bucket); found != pruned_->end()) {
        rows.push_back(found->second);
      }
    }
  }
}

void SubWords::AppendFloretHashes(std::string_view ngram, std::vector<int64_t>& rows) const {
  const std::array<uint32_t, 4> hashes = MurmurHash3(ngram, rules_.hash_seed);
  for (int i = 0; i < rules_.hash_count; ++i) {
    rows.push_back(static_cast<int64_t>(hashes[static_cast<size_t>(i)] %
                                        static_cast<uint64_t>(rules_.buckets)));
  }
}

void SubWords::AppendFloret(std::string_view marked, std::vector<int64_t>& rows) const {
  AppendFloretHashes(marked, rows);
  for (size_t i = 0; i < marked.size(); ++i) {
    if (ContinuesCharacter(marked[i])) continue;
    size_t end = i;
    for (int length = 1; end < marked.size() && length <= rules_.max_length; ++length) {
      do {
        ++end;
      } while (end < marked.size() && ContinuesCharacter(marked[end]));
      const bool is_mark = length == 1 && (i == 0 || end == marked.size());
      if (length < rules_.min_length || is_mark) continue;
      AppendFloretHashes(marked.substr(i, end - i), rows);
    }
  }
}

std::vector<int64_t> SubWords::RowsOf(std::string_view word) const {
  std::vector<int64_t> rows;
  if (rules_.buckets <= 0) return rows;
  const std::string marked = absl::StrCat(rules_.begin_mark, word, rules_.end_mark);
  if (rules_.kind == SubWordRules::Kind::kFloret) {
    AppendFloret(marked, rows);
  } else if (word != kEndOfSentence) {
    AppendFastText(marked, rows);
  }
  return rows;
}

bool SubWords::Vector(std::string_view word, absl::Span<float> out) const {
  std::fill(out.begin(), out.end(), 0.0f);
  const std::vector<int64_t> rows = RowsOf(word);
  for (const int64_t row : rows) {
    const float* const from = rows_ + row * width_;
    for (int64_t i = 0; i < width_; ++i) out[static_cast<size_t>(i)] += from[i];
  }
  if (rows.empty()) return false;
  // As fastText does it: the reciprocal is a float.
  const auto scale = static_cast<float>(1.0 / static_cast<double>(rows.size()));
  bool finite = true;
  for (float& value : out) {
    value *= scale;
    finite &= std::isfinite(value);
  }
  if (!finite) std::fill(out.begin(), out.end(), 0.0f);
  return finite;
}

}  // namespace graft
