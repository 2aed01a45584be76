// Normalization of what stands between two spaces. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_SPACED_NORMALIZER_H_
#define GRAFT_TOKENIZERS_LANES_SPACED_NORMALIZER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/lanes/unigram_encoder.h"
#include "tokenizers/normalizers/normalizer.h"

namespace graft {

// A normalizer row whose steps do not look across spaces but for those that remove superfluous
// ones. One thread at a time.
class SpacedNormalizer final : public ChunkNormalizer {
 public:
  // nullopt for a row that is not like that. `splits` tells whether the pre-tokenizer cuts at
  // whitespace, whatever the normalizer leaves of it. `tokens` are searched for in the normalized
  // text and must outlive the result.
  static std::optional<SpacedNormalizer> Create(const std::vector<Normalizer>& steps,
                                                const AddedTokenMatcher& tokens, bool splits);

  // Whether spaces at the end of the text leave nothing.
  bool trims_end() const { return trims_end_; }
  // Whether chunk by chunk gives what the row gives for the whole segment, as far as its ends tell.
  bool Covers(std::string_view segment) const;
  // Whether each character of a segment of simple ones keeps its place, the first space included.
  bool KeepsSpans(std::string_view segment) const;

  bool IsSimple(char c) const override;
  bool Normalize(std::string_view chunk, std::string& out) override;

 private:
  SpacedNormalizer(const AddedTokenMatcher& tokens, bool splits)
      : tokens_(&tokens), splits_(splits) {}
  // False for a step that looks across spaces.
  bool AddStep(const Normalizer& step);
  bool AddReplace(const Replace& step);
  // What a text alone becomes.
  std::string Normalized(std::string_view text) const;

  const AddedTokenMatcher* tokens_;
  bool splits_;
  bool trims_end_ = false;
  bool strips_left_ = false;
  // StripEnds before other steps: what they make of the ends stays.
  bool strips_raw_ends_ = false;
  bool collapses_ = false;             // the row ends with the collapse of spaces
  size_t growth_ = 1;                  // bytes that replacements make of one
  std::vector<Normalizer> steps_;      // without those that look at spaces
  std::vector<std::string> replaced_;  // texts of several characters that a step replaces
  NormalizedText text_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_SPACED_NORMALIZER_H_
