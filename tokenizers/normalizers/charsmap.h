// The rewriting rules of a SentencePiece model (`precompiled_charsmap`). Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_NORMALIZERS_CHARSMAP_H_
#define GRAFT_TOKENIZERS_NORMALIZERS_CHARSMAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace graft {

// A double-array trie (darts-clone's layout) from byte strings to texts. Immutable and thread-safe.
class Charsmap {
 public:
  // The bytes of the field: 4 bytes of the trie's size, the trie, the texts, each with a NUL behind
  // it. InvalidArgument ("expected ..., found ...") when any part of it points outside.
  static absl::StatusOr<Charsmap> Parse(std::string_view bytes);

  // The text of the shortest rule that `text` begins with, nullopt when there is none. This is what
  // the peer takes; SentencePiece takes the longest.
  std::optional<std::string_view> ShortestMatch(std::string_view text) const;
  // The longest rule's text and how many bytes of `text` it is for.
  struct Match {
    std::string_view replacement;
    size_t length;
  };
  std::optional<Match> LongestMatch(std::string_view text) const;

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
