#include "tokenizers/files/charsmap_check.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "tokenizers/normalizers/charsmap.h"

namespace graft {
namespace {

// What SentencePiece and the builders of double arrays make blocks of.
constexpr size_t kBlockUnits = 256;
constexpr size_t kHeaderBytes = 4;
constexpr uint32_t kLeafBit = uint32_t{1} << 31;
constexpr uint32_t kLabelBits = kLeafBit | 0xFF;

// A unit: of an inner node label, offset to its children, and whether one of them, at label 0, is
// a leaf; of a leaf the value.
bool IsLeaf(uint32_t unit) { return (unit & kLeafBit) != 0; }
bool HasLeaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t Offset(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }

class TrieCheck {
 public:
  TrieCheck(std::string_view trie, std::string_view replacements, const std::string& where)
      : units_(trie.size() / sizeof(uint32_t)), replacements_(replacements), where_(where) {
    std::memcpy(units_.data(), trie.data(), trie.size());
    state_.resize(units_.size(), State::kNew);
    first_child_.resize(units_.size(), kNone);
    sibling_.resize(units_.size(), kNone);
    // A unit's label says where the children must begin that it is one of.
    for (uint32_t unit = 0; unit < units_.size(); ++unit) {
      const uint32_t label = units_[unit] & kLabelBits;
      if (label == 0 || label > 0xFF) continue;
      sibling_[unit] = first_child_[unit ^ label];
      first_child_[unit ^ label] = unit;
    }
  }

  // Depth first from the root, without recursion: the file says how deep it is.
  absl::Status Check() {
    const uint32_t root = units_[0];
    if ((root & kLabelBits) != 0 || HasLeaf(root) || Offset(root) == 0) {
      return Error(0, "a root with children and without a value", "another unit");
    }
    ABSL_RETURN_IF_ERROR(Enter(0));
    while (!path_.empty()) {
      const uint32_t child = path_.back().next_child;
      if (child == kNone) {
        state_[path_.back().unit] = State::kDone;
        path_.pop_back();
        continue;
      }
      path_.back().next_child = sibling_[child];
      if (state_[child] == State::kDone) continue;  // builders share equal branches
      if (state_[child] == State::kOpen) {
        return Error(child, "a trie without cycles",
                     absl::StrCat("unit ", path_.back().unit, " that leads back to unit ", child));
      }
      ABSL_RETURN_IF_ERROR(Enter(child));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  enum class State : uint8_t { kNew, kOpen, kDone };
  struct Step {
    uint32_t unit;
    uint32_t next_child;
  };

  // Checks a node's own unit and puts it on the path.
  absl::Status Enter(uint32_t at) {
    const uint32_t unit = units_[at];
    if (IsLeaf(unit)) return Error(at, "an inner node", "a leaf");
    const uint32_t children = at ^ Offset(unit);  // where label 0, the leaf, is
    // Children differ in the low eight bits, so they are all inside or all outside.
    if (children >= units_.size()) {
      return Error(at, absl::StrCat("children below unit ", units_.size()),
                   absl::StrCat("unit ", children));
    }
    if (HasLeaf(unit)) ABSL_RETURN_IF_ERROR(CheckLeaf(children));
    state_[at] = State::kOpen;
    path_.push_back({at, first_child_[children]});
    return absl::OkStatus();
  }

  absl::Status CheckLeaf(uint32_t at) const {
    const uint32_t unit = units_[at];
    if (!IsLeaf(unit)) return Error(at, "a leaf", "an inner node");
    const uint32_t value = unit & ~kLeafBit;
    if (value >= replacements_.size()) {
      return Error(at, absl::StrCat("a value below ", replacements_.size()), absl::StrCat(value));
    }
    if ((replacements_[value] & 0xC0) == 0x80) {
      return Error(at, "a value where a character begins", absl::StrCat(value));
    }
    if (replacements_.substr(value, kMaxReplacementBytes + 1).find('\0') ==
        std::string_view::npos) {
      return Error(at, absl::StrCat("a replacement of at most ", kMaxReplacementBytes, " bytes"),
                   absl::StrCat("a longer one at ", value));
    }
    return absl::OkStatus();
  }

  absl::Status Error(uint32_t unit, std::string_view expected, std::string_view found) const {
    return absl::DataLossError(absl::StrCat(where_, ": byte ",
                                            kHeaderBytes + sizeof(uint32_t) * size_t{unit},
                                            ": expected ", expected, ", found ", found));
  }

  std::vector<uint32_t> units_;
  std::string_view replacements_;
  const std::string& where_;
  std::vector<State> state_;
  // By where children begin, the first of them; by child, the next one.
  std::vector<uint32_t> first_child_, sibling_;
  std::vector<Step> path_;
};

}  // namespace

absl::Status CheckCharsmap(std::string_view charsmap, const std::string& where) {
  if (charsmap.empty()) return absl::OkStatus();
  const auto error = [&](size_t byte, std::string_view expected, std::string_view found) {
    return absl::DataLossError(
        absl::StrCat(where, ": byte ", byte, ": expected ", expected, ", found ", found));
  };
  if (charsmap.size() <= kHeaderBytes) {
    return error(0, "a trie behind its size", absl::StrCat(charsmap.size(), " bytes in all"));
  }
  uint32_t trie_bytes = 0;  // little-endian, as this machine is
  std::memcpy(&trie_bytes, charsmap.data(), kHeaderBytes);
  const size_t left = charsmap.size() - kHeaderBytes;
  if (trie_bytes == 0 || trie_bytes % (kBlockUnits * sizeof(uint32_t)) != 0) {
    return error(0, "a trie size that is a multiple of 1024", absl::StrCat(trie_bytes));
  }
  if (trie_bytes >= left) {
    return error(0, absl::StrCat("a trie of less than the ", left, " bytes that follow"),
                 absl::StrCat(trie_bytes));
  }
  const std::string_view trie = charsmap.substr(kHeaderBytes, trie_bytes);
  const std::string_view replacements = charsmap.substr(kHeaderBytes + trie_bytes);
  if (replacements.back() != '\0') {
    return error(charsmap.size() - 1, "a NUL behind the last replacement", "another byte");
  }
  if (const auto invalid = FindInvalidUtf8(replacements)) {
    return error(kHeaderBytes + trie_bytes + *invalid, "UTF-8", "an ill-formed sequence");
  }
  return TrieCheck(trie, replacements, where).Check();
}

}  // namespace graft
