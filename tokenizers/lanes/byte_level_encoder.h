// Byte-level BPE with GPT-2's pattern, the fast way. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_BYTE_LEVEL_ENCODER_H_
#define GRAFT_TOKENIZERS_LANES_BYTE_LEVEL_ENCODER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "tokenizers/lanes/id_cache.h"
#include "tokenizers/models/bpe.h"
#include "tokenizers/text_encoder.h"

namespace graft {

// What the pre-tokenizer ByteLevel (use_regex) and the model BPE of a tokenizer.json give, for the
// text between two added tokens. Keeps caches from call to call; they change no result. One thread
// at a time.
class ByteLevelEncoder {
 public:
  // The model must have_byte_alphabet() and outlive the encoder. With `add_prefix_space` a text
  // that does not begin with a space gets one.
  ByteLevelEncoder(const Bpe& model, bool add_prefix_space);

  // Ids only. Ill-formed UTF-8 counts as U+FFFD.
  void AppendIds(std::string_view text, IdWriter& out);
  // The same ids with everything else, for a text that begins at byte `begin` of the caller's. A
  // token inside a character has the character's span; one of the added space alone that of the
  // first character.
  void AppendTokens(std::string_view text, uint32_t begin, TokenWriter& out);

 private:
  using ShortCache = IdCache<2>;
  using LongCache = IdCache<4>;
  // Well-formed text as it is encoded, and where it comes from.
  struct Source;
  struct Sink;

  // Calls use(chunks) for groups of chunks of the text, whose bytes stand in window_, and
  // use_long(chunk) for a chunk that is longer than the window, in their order.
  template <typename Use, typename UseLong>
  void ForEachChunk(std::string_view text, const Use& use, const UseLong& use_long);
  void AppendChunks(absl::Span<const uint16_t> edges, IdWriter& out);
  // Ids of one chunk, behind which 32 bytes are readable. Valid until the next call.
  absl::Span<const int32_t> ChunkIds(std::string_view chunk);
  // The same for a part of a chunk that no merge reaches out of.
  absl::Span<const int32_t> PartIds(std::string_view part);
  absl::Span<const int32_t> WholeOrMerged(std::string_view chunk);
  absl::Span<const int32_t> Merge(std::string_view part);

  const Bpe& model_;
  const bool add_prefix_space_;
  ShortCache short_cache_;
  LongCache long_cache_;
  std::vector<char> window_;
  std::vector<uint16_t> starts_;
  std::vector<ModelToken> tokens_;
  std::vector<int32_t> ids_;
  std::vector<int32_t> chunk_ids_;
  std::string buffer_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_BYTE_LEVEL_ENCODER_H_
