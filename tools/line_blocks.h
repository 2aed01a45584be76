// Lines of several texts, read in blocks.
#ifndef GRAFT_TOOLS_LINE_BLOCKS_H_
#define GRAFT_TOOLS_LINE_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text_input.h"

namespace graft::tools {

// Lines that follow one another in one text.
class LineBlock {
 public:
  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  // "reviews.txt:17", for messages.
  std::string Place(size_t i) const;

 private:
  friend class LineBlocks;
  std::string bytes_;
  std::vector<size_t> ends_;
  std::string name_;
  int64_t first_number_ = 0;
};

// Reads texts one after the other. One thread.
class LineBlocks {
 public:
  // `paths` as TextInput::Open takes them. A block ends when it has `block_bytes`; from a terminal,
  // with each line.
  LineBlocks(std::vector<std::string> paths, const TextInputOptions& options, size_t block_bytes)
      : paths_(std::move(paths)), options_(options), block_bytes_(block_bytes) {}

  // The next block, with at least one line; false behind the last text. The lines before a mistake
  // come first, the call after that gives the error of TextInput.
  absl::StatusOr<bool> Next(LineBlock& block);

 private:
  // Adds a line to the block; false when it is at its end.
  absl::StatusOr<bool> ReadLine(LineBlock& block);

  std::vector<std::string> paths_;
  TextInputOptions options_;
  size_t block_bytes_;
  size_t next_path_ = 0;
  std::optional<TextInput> input_;
  bool terminal_ = false;
  std::string line_;
  absl::Status status_;
};

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_LINE_BLOCKS_H_
