#include "models/weights/pickle_bytes.h"

#include <algorithm>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace graft {

PickleBytes::PickleBytes(std::string place, std::string bytes)
    : place_(std::move(place)), bytes_(std::move(bytes)), end_(bytes_.size()) {}

PickleBytes::PickleBytes(const InputFile& file)
    : place_(file.path()),
      file_(&file),
      end_(static_cast<size_t>(std::min<uint64_t>(file.size(), kMaxPickleBytes))) {}

absl::StatusOr<std::string_view> PickleBytes::Take(size_t count) {
  ABSL_RETURN_IF_ERROR(Fill(count));
  const std::string_view taken = Taken(at_, count);
  at_ += count;
  return taken;
}

absl::StatusOr<std::string_view> PickleBytes::TakeLine() {
  constexpr size_t kMaxLine = 256;
  const size_t count = std::min(kMaxLine, end_ - at_);
  ABSL_RETURN_IF_ERROR(Fill(count));
  const std::string_view line = Taken(at_, count);
  const size_t length = line.find('\n');
  if (length == std::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a line of at most 255 bytes, found none in ", count));
  }
  at_ += length + 1;
  return line.substr(0, length);
}

absl::Status PickleBytes::Fill(size_t count) {
  if (count > end_ - at_) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", count, " bytes, found ", end_ - at_,
                                                   " before the end at byte ", end_));
  }
  if (bytes_.size() - at_ >= count) return absl::OkStatus();
  constexpr size_t kPiece = size_t{64} << 10;
  const size_t read = bytes_.size();
  bytes_.resize(std::min(end_, std::max({at_ + count, 2 * read, kPiece})));
  return file_->ReadAt(read, absl::MakeSpan(bytes_).subspan(read));
}

absl::Status PickleBytes::Error(size_t at, const absl::Status& wrong) const {
  if (wrong.code() != absl::StatusCode::kInvalidArgument) return wrong;
  return absl::DataLossError(absl::StrCat(place_, ": byte ", at, ": ", wrong.message()));
}

}  // namespace graft
