#include "models/weights/strided_read.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/status/status_macros.h"
#include "base/checked_size.h"

namespace graft {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{256} << 10;

// A dimension with more than one entry: bytes between them in the file and in the result.
struct Axis {
  uint64_t size;
  uint64_t file_step;
  uint64_t out_step;
};

// The widest steps in the file first.
std::vector<Axis> AxesOf(const TensorInfo& tensor) {
  std::vector<Axis> axes;
  uint64_t out_step = DTypeSize(tensor.dtype);
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    const auto size = static_cast<uint64_t>(tensor.shape[i]);
    if (size != 1) {
      axes.push_back(
          {size, static_cast<uint64_t>(tensor.strides[i]) * DTypeSize(tensor.dtype), out_step});
    }
    out_step *= size;
  }
  std::stable_sort(axes.begin(), axes.end(),
                   [](const Axis& a, const Axis& b) { return a.file_step > b.file_step; });
  return axes;
}

// A part of the file that moves forward.
class Window {
 public:
  Window(const InputFile& file, uint64_t end) : file_(file), file_end_(end) {}

  // `size` bytes from `at` on; valid until the next call. Offsets never fall.
  absl::StatusOr<const char*> At(uint64_t at, size_t size) {
    const uint64_t offset = at - begin_;
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      begin_ = at;
      bytes_.resize(std::max<uint64_t>(size, std::min(kWindowBytes, file_end_ - at)));
      ABSL_RETURN_IF_ERROR(file_.ReadAt(begin_, absl::MakeSpan(bytes_)));
    }
    return bytes_.data() + (at - begin_);
  }

 private:
  const InputFile& file_;
  uint64_t file_end_;
  uint64_t begin_ = 0;
  std::vector<char> bytes_;
};

}  // namespace

bool StridesAreDisjoint(const TensorInfo& tensor) {
  uint64_t covered = DTypeSize(tensor.dtype);  // by the dimensions looked at so far
  const std::vector<Axis> axes = AxesOf(tensor);
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    if (axis->file_step < covered) return false;
    const auto whole = (CheckedSize(axis->file_step) * CheckedSize(axis->size)).value();
    if (!whole) return false;
    covered = *whole;
  }
  return true;
}

absl::Status ReadStrided(const InputFile& file, const TensorInfo& tensor, absl::Span<char> out) {
  if (out.empty()) return absl::OkStatus();
  const size_t element = DTypeSize(tensor.dtype);
  const std::vector<Axis> axes = AxesOf(tensor);
  std::vector<uint64_t> at(axes.size());  // the entry of every dimension
  Window window(file, tensor.end);
  uint64_t from = tensor.begin, to = 0;
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const char* bytes, window.At(from, element));
    std::memcpy(out.data() + to, bytes, element);
    size_t i = axes.size();
    while (i > 0 && at[i - 1] + 1 == axes[i - 1].size) {
      --i;
      from -= at[i] * axes[i].file_step;
      to -= at[i] * axes[i].out_step;
      at[i] = 0;
    }
    if (i == 0) return absl::OkStatus();
    ++at[i - 1];
    from += axes[i - 1].file_step;
    to += axes[i - 1].out_step;
  }
}

}  // namespace graft
