// The rewriting rules of a SentencePiece model (`precompiled_charsmap`). Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_NORMALIZERS_CHARSMAP_H_
#define GRAFT_TOKENIZERS_NORMALIZERS_CHARSMAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace graft {

// Unicode's longest is 33 (U+FDFA in NFKC); without a limit a text could grow past any memory.
inline constexpr size_t kMaxReplacementBytes = 256;

// A double-array trie (darts-clone's layout) from byte strings to texts. Immutable and thread-safe.
class Charsmap {
 public:
  // The bytes of the field: 4 bytes of the trie's size, the trie, the texts, each with a NUL behind
  // it. InvalidArgument ("expected ..., found ...") when any part of it points outside or a text is
  // longer than kMaxReplacementBytes.
  static absl::StatusOr<Charsmap> Parse(std::string_view bytes);

  // The text of the shortest rule that `text` begins with, nullopt when there is none. This is what
  // the peer takes; SentencePiece takes the longest.
  std::optional<std::string_view> ShortestMatch(std::string_view text) const;
  // The longest rule's text and how many bytes of `text` it is for. Of more than 32 rules that a
  // text begins with SentencePiece sees the 32 shortest.
  struct Match {
    std::string_view replacement;
    size_t length;
  };
  std::optional<Match> LongestMatch(std::string_view text) const;

  // Whether a rule is for a text with this byte, not NUL.
  bool HasKeyWith(char byte) const;
  // Whether a rule is for this ASCII character and another one behind it.
  bool HasLongerAsciiKey(char first) const;
  // Whether a text of a rule may hold this one.
  bool MayWrite(std::string_view text) const { return texts_.find(text) != texts_.npos; }

 private:
  // Calls on_match(replacement, length) for the rules that `text` begins with, the shortest first,
  // until it gives false.
  template <typename OnMatch>
  void ForEachMatch(std::string_view text, const OnMatch& on_match) const;

  std::vector<uint32_t> units_;
  std::string texts_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_NORMALIZERS_CHARSMAP_H_
