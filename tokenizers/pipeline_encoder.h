// The general way from a text to its tokens: what every family means. Internal: not part of the
// installed headers.
#ifndef GRAFT_TOKENIZERS_PIPELINE_ENCODER_H_
#define GRAFT_TOKENIZERS_PIPELINE_ENCODER_H_

#include <memory>
#include <string_view>
#include <vector>

#include "tokenizers/lanes/segment_lane.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/text_encoder.h"

namespace graft {

// Added tokens are cut out of the text, what is between them is normalized, then pre-tokenized, and
// each piece goes through the model.
class PipelineEncoder final : public TextEncoder {
 public:
  // The pipeline must outlive the encoder. Segments that the lane covers go through it; null when
  // there is none.
  PipelineEncoder(const Pipeline& pipeline, std::unique_ptr<SegmentLane> lane);

  void AppendIds(std::string_view text, IdWriter& out) override;
  void AppendTokens(std::string_view text, TokenWriter& out) override;

 private:
  // Calls use_token(token, span) and use_segment(segment, begin) for the added tokens that match as
  // they stand and what is between them, in their order; `begin` is the segment's first byte.
  template <typename UseToken, typename UseSegment>
  void ForEachPart(std::string_view text, const UseToken& use_token, const UseSegment& use_segment);
  // Fills pieces_ with those of a segment.
  void MakePieces(std::string_view segment, uint32_t begin);
  // The tokens of a piece. Valid until the next call.
  const std::vector<ModelToken>& Tokenize(const Piece& piece);
  int32_t AddedId(size_t token) const { return pipeline_.parts.added_tokens[token].id; }

  const Pipeline& pipeline_;
  const std::unique_ptr<SegmentLane> lane_;
  // Rows of its own: some steps keep what one thread needs.
  std::vector<Normalizer> normalizers_;
  std::vector<PreTokenizer> pre_tokenizers_;
  NormalizedText segment_;
  PreTokens pieces_;
  std::vector<ModelToken> tokens_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_PIPELINE_ENCODER_H_
