// The stack of the pickle machine, with its marks. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PICKLE_STACK_H_
#define GRAFT_MODELS_WEIGHTS_PICKLE_STACK_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "models/weights/pickle_values.h"

namespace graft {

// Nothing reaches below the last mark. What is wrong is InvalidArgument without a place.
class PickleStack {
 public:
  PickleId& top() { return ids_.back(); }
  size_t size() const { return ids_.size(); }
  PickleId operator[](size_t index) const { return ids_[index]; }
  size_t marks() const { return marks_.size(); }

  // Values above the last mark.
  size_t depth() const { return ids_.size() - (marks_.empty() ? 0 : marks_.back()); }
  absl::Status Need(size_t count) const {
    if (depth() >= count) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", count, " values on the stack, found ", depth()));
  }

  absl::Status Push(PickleId id) {
    if (ids_.size() == kMaxPickleValues) return Full();
    ids_.push_back(id);
    return absl::OkStatus();
  }
  // The top value; there is one.
  PickleId Pop() {
    const PickleId id = ids_.back();
    ids_.pop_back();
    return id;
  }
  // Drops all values from index `size` on.
  void Shrink(size_t size) { ids_.resize(size); }

  absl::Status Mark() {
    if (marks_.size() == kMaxPickleValues) return Full();
    marks_.push_back(ids_.size());
    return absl::OkStatus();
  }
  // Removes the last mark and gives the index of the first value above it; `below` values must
  // stand under it.
  absl::StatusOr<size_t> Unmark(size_t below) {
    if (marks_.empty()) return absl::InvalidArgumentError("expected a mark, found none");
    const size_t begin = marks_.back();
    marks_.pop_back();
    if (begin - (marks_.empty() ? 0 : marks_.back()) < below) {
      return absl::InvalidArgumentError("expected a value below the mark, found none");
    }
    return begin;
  }

 private:
  static absl::Status Full() {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxPickleValues, " values on the stack, found more"));
  }

  std::vector<PickleId> ids_;
  std::vector<size_t> marks_;  // heights of the stack
};

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PICKLE_STACK_H_
