// Fast ways for the text between two added tokens. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_LANES_SEGMENT_LANE_H_
#define GRAFT_TOKENIZERS_LANES_SEGMENT_LANE_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "tokenizers/pipeline.h"
#include "tokenizers/text_encoder.h"

namespace graft {

// Gives what normalizers, pre-tokenizers and model of a pipeline give, or says that it does not
// cover a segment. May keep caches from call to call; they change no result. One thread at a time.
class SegmentLane {
 public:
  virtual ~SegmentLane() = default;

  // Ids only. `begin` is the segment's first byte in its text. False for a segment that is not
  // covered: nothing is appended then.
  virtual bool AppendIds(std::string_view segment, uint32_t begin, IdWriter& out) = 0;
  // The same ids with everything else.
  virtual bool AppendTokens(std::string_view segment, uint32_t begin, TokenWriter& out) = 0;
};

// The lane that is made for such a pipeline, which must outlive it; null when there is none.
std::unique_ptr<SegmentLane> MakeSegmentLane(const Pipeline& pipeline);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_LANES_SEGMENT_LANE_H_
