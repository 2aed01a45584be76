// Text to tokens.
#ifndef GRAFT_TOKENIZERS_TOKENIZER_H_
#define GRAFT_TOKENIZERS_TOKENIZER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tokenizers/encoding.h"

namespace graft {

// Which text of a pair loses tokens. A single text is cut by the first two.
enum class Truncation {
  kLongestFirst,
  // Only this one, down to nothing if need be: when the other one is too long by itself, the result
  // is longer than `max_length`.
  kOnlyFirst,
  kOnlySecond,
};

// Which end is cut off.
enum class TruncationSide { kRight, kLeft };

struct EncodeOptions {
  // Add the special tokens of the model ([CLS] ... [SEP]).
  bool add_special_tokens = true;
  // Most tokens of the result, special tokens counted; 0 = no limit. Special tokens are never cut:
  // below their number they alone are the result.
  size_t max_length = 0;
  Truncation truncation = Truncation::kLongestFirst;
  TruncationSide truncation_side = TruncationSide::kRight;
  // Also give what was cut off, as more windows: Encoding::overflowing.
  bool overflowing = false;
  // Tokens that a window has in common with the one before, of those that `max_length` leaves for
  // a text; at most one less than these.
  size_t stride = 0;
};

// The ids of many texts, one after the other: text i has ids[starts[i] .. starts[i + 1]).
struct EncodedBatch {
  std::vector<int32_t> ids;
  std::vector<int32_t> starts = {0};
  // Tokens that truncation removed, per text.
  std::vector<uint32_t> cut_off;
  bool types_given = false;  // Tokenizer::gives_type_ids
};

// Any byte string of less than 2^32 bytes is accepted: each maximal ill-formed part of UTF-8 counts
// as one U+FFFD. A batch has less than 2^31 tokens. Immutable and thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Overriders repeat no default: calls go through this type.
  // NOLINTBEGIN(google-default-arguments)
  virtual Encoding Encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  virtual Encoding EncodePair(std::string_view first, std::string_view second,
                              const EncodeOptions& options = {}) const = 0;
  // Words that the caller has split: word_ids count these.
  virtual Encoding EncodeWords(absl::Span<const std::string_view> words,
                               const EncodeOptions& options = {}) const = 0;
  // NOLINTEND(google-default-arguments)
  // Ids alone, the fast way; equal to Encode's. Uses up to `threads` threads; the result does not
  // depend on it.
  virtual EncodedBatch EncodeBatch(absl::Span<const std::string_view> texts,
                                   const EncodeOptions& options, int threads) const = 0;
  // The text of the ids, without special tokens when `skip_special_tokens`. Ids outside the
  // vocabulary are skipped.
  virtual std::string Decode(absl::Span<const int32_t> ids, bool skip_special_tokens) const = 0;

  // Number of ids: one more than the largest.
  virtual size_t vocabulary_size() const = 0;
  virtual std::optional<int32_t> TokenToId(std::string_view token) const = 0;
  virtual std::optional<std::string_view> IdToToken(int32_t id) const = 0;
  // The token that stands in the place of one to be guessed ([MASK]); none where the files name
  // none.
  virtual std::optional<int32_t> mask_id() const = 0;
  // How many special tokens one text gets.
  virtual size_t special_tokens_per_text() const = 0;
  // The longest input that the tokenizer's own files name (model_max_length); 0 when they name
  // none.
  virtual size_t model_max_length() const = 0;
  // The end that its files say is cut off (truncation_side); right where they say nothing.
  virtual TruncationSide truncation_side() const = 0;
  // Whether models get type ids from it: as model_input_names of its files says, else the class of
  // tokenizer that they name.
  virtual bool gives_type_ids() const = 0;
  // One line for people: "BERT WordPiece, 30522 tokens, lower case".
  virtual std::string Describe() const = 0;
  // Paths of the files that it was read from.
  virtual const std::vector<std::string>& files() const = 0;
};

// Opens the tokenizer of a model folder: `tokenizer.json`, else `vocab.txt`, else the vocabulary of
// the class of tokenizer that its JSON files name, else a SentencePiece model alone
// (docs/formats.md). NotFound when there is none; InvalidArgument and DataLoss with file, place,
// expected and found. Thread-safe.
absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadTokenizer(const std::string& folder);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_TOKENIZER_H_
