// Tokens that are cut out of the text before the model sees it, [MASK] for one. Internal: not part
// of the installed headers.
#ifndef GRAFT_TOKENIZERS_ADDED_TOKENS_H_
#define GRAFT_TOKENIZERS_ADDED_TOKENS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tokenizers/encoding.h"

namespace graft {

// An entry of `added_tokens` in tokenizer.json.
struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;      // left out by Decode on request
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes the whitespace on its left with it
  bool rstrip = false;       // and on its right
  bool normalized = false;   // matched in the normalized text, in its own normalized form
};

// Finds tokens in a text: the leftmost first, of those at one place the longest. Immutable and
// thread-safe.
class AddedTokenMatcher {
 public:
  struct Match {
    size_t token;  // index in the list of Add
    Span span;     // with the whitespace that it takes
  };

  // `form` is what is searched for, not empty.
  void Add(std::string_view form, size_t token, const AddedToken& flags);

  bool empty() const { return forms_.empty(); }
  // The matches in order; in whole they do not overlap, but with rstrip one may begin in the
  // whitespace of the one before, as in the peer.
  std::vector<Match> Find(std::string_view text) const;
  // Quick: false when Find gives nothing, for text without a byte that a token begins with.
  bool MayMatch(std::string_view text) const;

 private:
  struct Form {
    size_t token;
    bool single_word, lstrip, rstrip;
  };
  // The longest form that stands at text[at..]; nullptr when there is none.
  const std::pair<const std::string, Form>* LongestAt(std::string_view text, size_t at) const;
  size_t NextCandidate(std::string_view text, size_t at) const;

  absl::flat_hash_map<std::string, Form> forms_;
  // Lengths of the forms that begin with a byte, the longest first.
  std::array<std::vector<size_t>, 256> lengths_;
  // The byte that all forms begin with, -1 when there are several.
  int only_first_byte_ = -1;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_ADDED_TOKENS_H_
