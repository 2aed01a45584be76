#include "tokenizers/normalizers/charsmap.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace graft {
namespace {

// A unit of the array: a value, or the label of the edge that leads to it and where its children
// begin.
constexpr uint32_t kIsValue = uint32_t{1} << 31;

bool HasValue(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t Label(uint32_t unit) { return unit & (kIsValue | 0xFF); }
uint32_t Offset(uint32_t unit) { return unit >> 10 << ((unit & 1U << 9) >> 6); }

absl::Status Error(std::string_view expected, std::string_view found) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", expected, ", found ", found));
}

absl::Status CheckTexts(std::string_view texts) {
  if (const auto place = FindInvalidUtf8(texts)) {
    return Error("texts in UTF-8", absl::StrCat("an ill-formed part at their byte ", *place));
  }
  if (texts.empty() || texts.back() != '\0') {
    return Error("a NUL behind each text", "none behind the last one");
  }
  for (size_t begin = 0; begin < texts.size();) {
    const size_t end = texts.find('\0', begin);
    if (end - begin > kMaxReplacementBytes) {
      return Error(absl::StrCat("texts of at most ", kMaxReplacementBytes, " bytes"),
                   absl::StrCat(end - begin, " bytes at their byte ", begin));
    }
    begin = end + 1;
  }
  return absl::OkStatus();
}

absl::Status CheckUnits(const std::vector<uint32_t>& units, std::string_view texts) {
  if ((units[0] & kIsValue) != 0) return Error("a root with children", "a value in unit 0");
  for (size_t i = 0; i < units.size(); ++i) {
    const uint32_t unit = units[i];
    if ((unit & kIsValue) != 0) {
      const uint32_t value = unit & ~kIsValue;
      const bool starts = value < texts.size() && (texts[value] & 0xC0) != 0x80;
      if (!starts) {
        return Error(absl::StrCat("rules that point into ", texts.size(), " bytes of text"),
                     absl::StrCat(value, " in unit ", i));
      }
      continue;
    }
    // Children differ from the base in their low 8 bits.
    const size_t base = i ^ Offset(unit);
    if ((base | 0xFF) >= units.size()) {
      return Error(absl::StrCat("a trie that points into its ", units.size(), " units"),
                   absl::StrCat(base, " in unit ", i));
    }
    if (HasValue(unit) && (units[base] & kIsValue) == 0) {
      return Error("a value for each rule", absl::StrCat("none in unit ", i));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Charsmap> Charsmap::Parse(std::string_view bytes) {
  uint32_t size = 0;
  if (bytes.size() < sizeof(size)) {
    return Error("the size of a trie in 4 bytes", absl::StrCat(bytes.size(), " bytes"));
  }
  std::memcpy(&size, bytes.data(), sizeof(size));
  bytes.remove_prefix(sizeof(size));
  // darts-clone fills its array in blocks of 256 units.
  if (size > bytes.size() || size == 0 || size % (256 * sizeof(uint32_t)) != 0) {
    return Error(absl::StrCat("a trie in blocks of 1024 bytes, at most ", bytes.size(), " bytes"),
                 absl::StrCat("one of ", size, " bytes"));
  }
  Charsmap map;
  map.units_.resize(size / sizeof(uint32_t));
  std::memcpy(map.units_.data(), bytes.data(), size);
  map.texts_ = bytes.substr(size);
  ABSL_RETURN_IF_ERROR(CheckTexts(map.texts_));
  ABSL_RETURN_IF_ERROR(CheckUnits(map.units_, map.texts_));
  return map;
}

template <typename OnMatch>
void Charsmap::ForEachMatch(std::string_view text, const OnMatch& on_match) const {
  size_t node = Offset(units_[0]);
  for (size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    const uint32_t unit = units_[node];
    if (Label(unit) != byte) return;
    node ^= Offset(unit);
    if (!HasValue(unit)) continue;
    const char* replacement = &texts_[units_[node] & ~kIsValue];
    if (!on_match(std::string_view(replacement), i + 1)) return;
  }
}

std::optional<std::string_view> Charsmap::ShortestMatch(std::string_view text) const {
  std::optional<std::string_view> found;
  ForEachMatch(text, [&found](std::string_view replacement, size_t) {
    found = replacement;
    return false;
  });
  return found;
}

std::optional<Charsmap::Match> Charsmap::LongestMatch(std::string_view text) const {
  constexpr int kMostRules = 32;
  int rules = 0;
  std::optional<Match> found;
  ForEachMatch(text, [&](std::string_view replacement, size_t length) {
    found = {replacement, length};
    return ++rules < kMostRules;
  });
  return found;
}

bool Charsmap::HasKeyWith(char byte) const {
  const uint32_t label = static_cast<uint8_t>(byte);
  // Nodes by where their children begin: a unit's label tells whose child it is.
  std::vector<uint32_t> first(units_.size(), 0), next(units_.size(), 0);
  for (uint32_t unit = 1; unit < units_.size(); ++unit) {
    const uint32_t own = Label(units_[unit]);
    if (own == 0 || own > 0xFF) continue;
    next[unit] = first[unit ^ own];
    first[unit ^ own] = unit;
  }
  std::vector<bool> seen(units_.size());
  std::vector<uint32_t> nodes = {0};
  while (!nodes.empty()) {
    const uint32_t node = nodes.back();
    nodes.pop_back();
    for (uint32_t child = first[node ^ Offset(units_[node])]; child != 0; child = next[child]) {
      if (Label(units_[child]) == label) return true;
      if (seen[child]) continue;
      seen[child] = true;
      nodes.push_back(child);
    }
  }
  return false;
}

bool Charsmap::HasLongerAsciiKey(char first) const {
  const auto child_of = [this](size_t base, uint8_t label) -> std::optional<size_t> {
    const size_t child = base ^ label;
    if (Label(units_[child]) != label) return std::nullopt;
    return child;
  };
  const auto node = child_of(Offset(units_[0]), static_cast<uint8_t>(first));
  if (!node) return false;
  const size_t base = *node ^ Offset(units_[*node]);
  for (uint8_t label = 1; label < 0x80; ++label) {
    if (child_of(base, label)) return true;
  }
  return false;
}

}  // namespace graft
