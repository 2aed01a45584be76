#include "tokenizers/models/piece_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>

#include "absl/log/absl_check.h"

namespace graft {
namespace {

constexpr uint32_t kBlock = 256;
// Blocks in which a place for children is looked for; older ones are nearly full.
constexpr size_t kOpenBlocks = 16;

// The first bytes as a number that sorts like them.
uint64_t SortKey(std::string_view text) {
  std::array<unsigned char, 8> bytes{};
  std::memcpy(bytes.data(), text.data(), std::min(text.size(), bytes.size()));
  uint64_t key = 0;
  for (const unsigned char byte : bytes) key = key << 8 | byte;
  return key;
}

struct Key {
  uint64_t front;
  std::string_view text;
  uint32_t value;

  bool operator<(const Key& other) const {
    return front != other.front ? front < other.front : text < other.text;
  }
};

// 256 units of which some are taken.
class Block {
 public:
  bool full() const { return free_count_ == 0; }
  bool IsFree(uint32_t unit) const { return (free_[unit / 64] >> unit % 64 & 1) != 0; }
  void Take(uint32_t unit) {
    free_[unit / 64] &= ~(uint64_t{1} << unit % 64);
    --free_count_;
  }
  bool IsBase(uint32_t base) const { return (bases_[base / 64] >> base % 64 & 1) != 0; }
  void MakeBase(uint32_t base) { bases_[base / 64] |= uint64_t{1} << base % 64; }

  // A base under which all labels are free, kBlock when there is none.
  uint32_t FindBase(const std::vector<uint8_t>& labels) const {
    if (labels.size() > free_count_) return kBlock;
    for (uint32_t word = 0; word < free_.size(); ++word) {
      for (uint64_t left = free_[word]; left != 0; left &= left - 1) {
        const uint32_t base =
            (word * 64 + static_cast<uint32_t>(std::countr_zero(left))) ^ labels[0];
        if (!IsBase(base) && AllFree(base, labels)) return base;
      }
    }
    return kBlock;
  }

 private:
  bool AllFree(uint32_t base, const std::vector<uint8_t>& labels) const {
    return std::all_of(labels.begin(), labels.end(),
                       [&](uint8_t label) { return IsFree(base ^ label); });
  }

  std::array<uint64_t, kBlock / 64> free_ = {~0ull, ~0ull, ~0ull, ~0ull};
  // Nodes never share a base: the label of a unit then tells whose child it is.
  std::array<uint64_t, kBlock / 64> bases_{};
  uint32_t free_count_ = kBlock;
};

}  // namespace

// Places the nodes level by level, so that the top of the trie lies close together.
class PieceTrie::Builder {
 public:
  Builder(std::vector<Key> keys, PieceTrie& trie) : keys_(std::move(keys)), trie_(trie) {
    AddBlock();
    open_.back().block.MakeBase(0);  // the base of nodes without children
    nodes_.push_back({&trie_.root_base_, 0, static_cast<uint32_t>(keys_.size()), 0});
  }

  void Run() {
    while (!nodes_.empty()) {
      Place(nodes_.front());
      nodes_.pop_front();
    }
  }

 private:
  // Keys [begin, end) share their first `depth` bytes; those longer than that are children.
  struct Node {
    uint32_t* root_base;  // where the base goes: here for the root, else into `unit`
    uint32_t begin, end, depth;
    uint32_t unit = 0;
  };
  struct OpenBlock {
    uint32_t number;
    Block block;
  };

  void AddBlock() {
    const auto number = static_cast<uint32_t>(trie_.units_.size() / kBlock);
    trie_.units_.resize(trie_.units_.size() + kBlock);
    if (open_.size() == kOpenBlocks) open_.pop_front();
    open_.push_back({number, Block()});
  }

  void Place(const Node& node) {
    labels_.clear();
    uint32_t begin = node.begin;
    if (begin < node.end && keys_[begin].text.size() == node.depth) ++begin;  // ends here
    for (uint32_t i = begin; i < node.end; ++i) {
      const auto label = static_cast<uint8_t>(keys_[i].text[node.depth]);
      if (labels_.empty() || labels_.back() != label) labels_.push_back(label);
    }
    if (labels_.empty()) return;
    const uint32_t base = TakeUnits();
    (node.root_base != nullptr ? *node.root_base : trie_.units_[node.unit].base) = base;
    for (const uint8_t label : labels_) begin = PlaceChild(node, base ^ label, label, begin);
  }

  // Fills the unit of a child, whose keys begin at `begin`; returns where they end.
  uint32_t PlaceChild(const Node& node, uint32_t unit, uint8_t label, uint32_t begin) {
    uint32_t end = begin;
    while (end < node.end && static_cast<uint8_t>(keys_[end].text[node.depth]) == label) ++end;
    const bool ends = keys_[begin].text.size() == node.depth + 1;
    trie_.units_[unit].label_and_value =
        (kUsed | label) << kLabelShift | (ends ? keys_[begin].value : kNoValue);
    if (!ends || end - begin > 1) nodes_.push_back({nullptr, begin, end, node.depth + 1, unit});
    return end;
  }

  // Units for all labels; returns their base.
  uint32_t TakeUnits() {
    for (int attempt = 0;; ++attempt) {
      for (size_t i = 0; i < open_.size(); ++i) {
        Block& block = open_[i].block;
        const uint32_t base = block.FindBase(labels_);
        if (base == kBlock) continue;
        block.MakeBase(base);
        for (const uint8_t label : labels_) block.Take(base ^ label);
        const uint32_t number = open_[i].number;
        if (block.full()) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
        return number * kBlock + base;
      }
      ABSL_CHECK_EQ(attempt, 0);
      AddBlock();
    }
  }

  std::vector<Key> keys_;
  PieceTrie& trie_;
  std::deque<Node> nodes_;
  std::deque<OpenBlock> open_;
  std::vector<uint8_t> labels_;
};

PieceTrie::PieceTrie(absl::Span<const std::pair<std::string_view, uint32_t>> pieces) {
  std::vector<Key> keys;
  keys.reserve(pieces.size());
  for (const auto& [text, value] : pieces) {
    ABSL_CHECK(!text.empty());
    ABSL_CHECK_LT(value, kMaxValues);
    keys.push_back({SortKey(text), text, value});
  }
  std::sort(keys.begin(), keys.end());
  Builder(std::move(keys), *this).Run();
  units_.shrink_to_fit();
}

}  // namespace graft
