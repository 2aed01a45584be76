// The tokenizer of every family, put together from parts, with the results of Python's
// `tokenizers` 0.23.3. Internal: not part of the installed headers; LoadTokenizer makes it.
#ifndef GRAFT_TOKENIZERS_COMPOSED_TOKENIZER_H_
#define GRAFT_TOKENIZERS_COMPOSED_TOKENIZER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/text_encoder.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/truncation.h"

namespace graft {

class ComposedTokenizer final : public Tokenizer {
 public:
  // Requires: the ids of vocabulary and added tokens together are dense, and those of the post
  // processor are among them.
  explicit ComposedTokenizer(TokenizerParts parts);

  Encoding Encode(std::string_view text, const EncodeOptions& options) const override;
  Encoding EncodePair(std::string_view first, std::string_view second,
                      const EncodeOptions& options) const override;
  Encoding EncodeWords(absl::Span<const std::string_view> words,
                       const EncodeOptions& options) const override;
  EncodedBatch EncodeBatch(absl::Span<const std::string_view> texts, const EncodeOptions& options,
                           int threads) const override;
  std::string Decode(absl::Span<const int32_t> ids, bool skip_special_tokens) const override;

  size_t vocabulary_size() const override { return vocabulary_size_; }
  std::optional<int32_t> TokenToId(std::string_view token) const override;
  std::optional<std::string_view> IdToToken(int32_t id) const override;
  std::optional<int32_t> mask_id() const override;
  size_t special_tokens_per_text() const override { return single_.count; }
  size_t model_max_length() const override { return pipeline_.parts.model_max_length; }
  TruncationSide truncation_side() const override { return pipeline_.parts.truncation_side; }
  bool gives_type_ids() const override { return pipeline_.parts.gives_type_ids; }
  std::string Describe() const override;
  const std::vector<std::string>& files() const override { return pipeline_.parts.files; }

 private:
  // The special tokens around one text.
  struct Frame {
    std::vector<int32_t> before, after;
    size_t count = 0;
  };

  // The tokens of one text, and what their offsets count in: the text, or the words of which each
  // token's word_id names one.
  struct Source {
    Encoding encoding;
    absl::Span<const std::string_view> texts;
    bool words = false;
  };

  // Truncates, trims offsets and puts the parts together as the template says. `second` is null for
  // one text.
  Encoding Assemble(Source first, const Source* second, const EncodeOptions& options) const;
  // The result of one window of each text.
  Encoding AssembleWindow(const Source& first, TokenWindow first_window, const Source* second,
                          TokenWindow second_window, bool add_special_tokens) const;
  void AppendText(const Source& source, TokenWindow window, int32_t type_id, Encoding& out) const;
  static void AppendSpecial(const TemplatePiece& piece, Encoding& out);
  // Trims the tokens of a text from `begin` on, as the post-processor says.
  void TrimOffsets(const Source& source, size_t begin, Encoding& out) const;
  // The whitespace at the ends of a token that stands for `surface`.
  TokenEnds EndsOf(int32_t id, std::string_view surface) const;
  void AppendTexts(absl::Span<const std::string_view> texts, const EncodeOptions& options,
                   TextEncoder& encoder, EncodedBatch& out) const;

  Pipeline pipeline_;
  mutable TextEncoderPool encoders_;
  Frame single_;
  size_t special_tokens_per_pair_ = 0;
  size_t vocabulary_size_ = 0;
  absl::flat_hash_map<int32_t, size_t> added_by_id_;          // index in added_tokens
  absl::flat_hash_map<std::string_view, int32_t> added_ids_;  // by content
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_COMPOSED_TOKENIZER_H_
