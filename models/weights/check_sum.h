// The check sums of weight files. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_CHECK_SUM_H_
#define GRAFT_MODELS_WEIGHTS_CHECK_SUM_H_

#include <cstdint>

#include "absl/types/span.h"
#include "models/weights/weight_table.h"

namespace graft {

// A sum over bytes that come in pieces.
class CheckSum {
 public:
  explicit CheckSum(StoredBlock::Sum kind) : kind_(kind) {}

  void Add(absl::Span<const char> bytes);
  uint32_t value() const { return value_; }

 private:
  StoredBlock::Sum kind_;
  uint32_t value_ = 0;
};

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_CHECK_SUM_H_
