// Tokens that are cut out of the text before the model sees it, [MASK] for one. Internal: not part
// of the installed headers.
#ifndef GRAFT_TOKENIZERS_ADDED_TOKENS_H_
#define GRAFT_TOKENIZERS_ADDED_TOKENS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/encoding.h"
#include "tokenizers/models/piece_trie.h"

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
  // What is searched for: the content or its normalized form. Set by PrepareAddedTokens.
  std::string form = {};
};

// Finds tokens in a text: the leftmost first, of those at one place the longest. Immutable and
// thread-safe.
class AddedTokenMatcher {
 public:
  struct Match {
    size_t token;  // index in the list of all
    Span span;     // with the whitespace that it takes; never empty
  };

  // Finds nothing.
  AddedTokenMatcher() = default;
  // Finds the forms of the tokens of `all` with these indices; of two with one form the first. No
  // form is empty.
  AddedTokenMatcher(absl::Span<const AddedToken> all, absl::Span<const size_t> indices);

  bool empty() const { return forms_.empty(); }
  // The matches, each beginning behind the begin of the one before. In whole they do not overlap,
  // but with rstrip one may begin in the whitespace of the one before, as in the peer. A token for
  // which the one before leaves nothing is left out.
  std::vector<Match> Find(std::string_view text) const;
  // Quick: false when Find gives nothing, for text without a byte that a token begins with.
  bool MayMatch(std::string_view text) const;

 private:
  struct Form {
    size_t token;
    size_t length;
    bool single_word, lstrip, rstrip;
  };
  // The longest form that `text` begins with; nullptr when there is none.
  const Form* LongestAt(std::string_view text) const;
  size_t NextCandidate(std::string_view text, size_t at) const;

  std::vector<Form> forms_;
  std::optional<PieceTrie> trie_;  // values are places in forms_; none without forms
  std::array<bool, 256> begins_form_{};
  // The byte that all forms begin with, -1 when there are several.
  int only_first_byte_ = -1;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_ADDED_TOKENS_H_
