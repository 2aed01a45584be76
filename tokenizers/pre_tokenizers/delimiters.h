// What becomes of the delimiters that cut a text. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_PRE_TOKENIZERS_DELIMITERS_H_
#define GRAFT_TOKENIZERS_PRE_TOKENIZERS_DELIMITERS_H_

#include <cstddef>

namespace graft {

enum class DelimiterBehavior {
  kRemoved,             // "a-b" by "-": a, b
  kIsolated,            // a, -, b
  kMergedWithPrevious,  // a-, b
  kMergedWithNext,      // a, -b
  kContiguous,          // as kIsolated, but delimiters that touch are one
};

// Takes the parts of a text in order, all of it, and emits the pieces. Of delimiters that touch,
// the first one merges with what stands before it, the last one with what comes next.
template <typename Emit>
class DelimiterSplitter {
 public:
  DelimiterSplitter(DelimiterBehavior behavior, const Emit& emit)
      : behavior_(behavior), emit_(emit) {}

  void Add(size_t begin, size_t end, bool is_delimiter) {
    if (behavior_ == DelimiterBehavior::kIsolated) return emit_(begin, end);
    if (behavior_ == DelimiterBehavior::kRemoved) {
      if (!is_delimiter) emit_(begin, end);
      return;
    }
    if (begin_ < end_ && Merges(is_delimiter)) {
      end_ = end;
    } else {
      Finish();
      begin_ = begin;
      end_ = end;
    }
    last_is_delimiter_ = is_delimiter;
  }
  // Emits the piece that waits.
  void Finish() {
    if (begin_ < end_) emit_(begin_, end_);
    begin_ = end_;
  }

 private:
  // Whether the next part goes into the piece that waits.
  bool Merges(bool is_delimiter) const {
    if (behavior_ == DelimiterBehavior::kContiguous) return last_is_delimiter_ == is_delimiter;
    if (behavior_ == DelimiterBehavior::kMergedWithPrevious) {
      return is_delimiter && !last_is_delimiter_;
    }
    return !is_delimiter && last_is_delimiter_;
  }

  const DelimiterBehavior behavior_;
  const Emit& emit_;
  // The piece that may grow, if it is not empty.
  size_t begin_ = 0;
  size_t end_ = 0;
  bool last_is_delimiter_ = false;  // the last part that went into it
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_PRE_TOKENIZERS_DELIMITERS_H_
