#include "tools/line_blocks.h"

#include <unistd.h>

#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"

namespace graft::tools {

std::string LineBlock::Place(size_t i) const {
  return absl::StrCat(name_, ":", first_number_ + static_cast<int64_t>(i));
}

absl::StatusOr<bool> LineBlocks::ReadLine(LineBlock& block) {
  while (true) {
    if (!input_) {
      if (block.size() > 0 || next_path_ == paths_.size()) return false;
      const std::string& path = paths_[next_path_++];
      terminal_ = path == "-" && ::isatty(STDIN_FILENO);
      ABSL_ASSIGN_OR_RETURN(input_, TextInput::Open(path, options_));
    }
    ABSL_ASSIGN_OR_RETURN(const bool more, input_->Next(line_));
    if (more) break;
    input_.reset();
  }
  if (block.size() == 0) {
    block.name_ = input_->name();
    block.first_number_ = input_->line_number();
  }
  block.bytes_ += line_;
  block.ends_.push_back(block.bytes_.size());
  return true;
}

absl::StatusOr<bool> LineBlocks::Next(LineBlock& block) {
  block.bytes_.clear();
  block.ends_.clear();
  ABSL_RETURN_IF_ERROR(status_);
  // A line end counts as a byte: a block of empty lines is one, too.
  while (block.bytes_.size() + block.size() < block_bytes_) {
    const absl::StatusOr<bool> more = ReadLine(block);
    if (!more.ok()) status_ = more.status();
    if (!more.ok() || !*more || terminal_) break;
  }
  if (block.size() == 0) ABSL_RETURN_IF_ERROR(status_);
  return block.size() > 0;
}

}  // namespace graft::tools
