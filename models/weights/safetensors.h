// The safetensors format (https://github.com/huggingface/safetensors, "Format"): 8 bytes
// little-endian header length, a JSON header, then the tensors' bytes.
#ifndef GRAFT_MODELS_WEIGHTS_SAFETENSORS_H_
#define GRAFT_MODELS_WEIGHTS_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file.h"

namespace graft {

enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

// Name in the format ("F32") and bytes of one element.
std::string_view DTypeName(DType dtype);
size_t DTypeSize(DType dtype);

// One tensor of a file: shape and place.
struct TensorInfo {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  uint64_t begin;  // bytes from the start of the file
  uint64_t end;

  int64_t elements() const;
};

// A checked file. Refused (DataLoss, with file and place; bytes of the header count from its '{'):
// a header longer than the file or than 100 MB, malformed JSON or UTF-8, duplicate names, shapes
// whose size overflows, offsets that overlap, leave holes or do not fill the file, element types
// that are unknown, more than 65,536 tensors, rank above 8, names above 1,024 bytes. Keys of an
// entry that the format does not name are ignored, as the Rust library does. Const methods are
// thread-safe.
class SafetensorsFile {
 public:
  // Reads and checks the header; no tensor bytes yet.
  static absl::StatusOr<SafetensorsFile> Open(const std::string& path);

  const std::string& path() const { return file_.path(); }
  uint64_t size() const { return file_.size(); }
  // Sorted by name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  // nullptr when there is none of this name.
  const TensorInfo* Find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // True when graft wrote the file (its metadata says so) and its tensors stand as WriteSafetensors
  // places them: every tensor whose size is a multiple of 64 bytes begins at a multiple of 64,
  // every other one at a multiple of its element size. Such a file may be mapped.
  bool written_by_graft() const { return written_by_graft_; }

  // Reads one tensor as float32: F32 is copied bit by bit; F16 and BF16 are widened, which is exact
  // (NaN payloads are kept); F64 is rounded to nearest, and to infinity beyond float32. Other types
  // are InvalidArgument. `tensor` is one of tensors(); `out` has elements() entries.
  absl::Status ReadAsFloat(const TensorInfo& tensor, absl::Span<float> out) const;
  // The bytes as they are in the file. `out` has end - begin bytes.
  absl::Status ReadBytes(const TensorInfo& tensor, absl::Span<char> out) const;

 private:
  explicit SafetensorsFile(InputFile file) : file_(std::move(file)) {}

  InputFile file_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
  bool written_by_graft_ = false;
};

// A tensor to write; `bytes` stays owned by the caller.
struct TensorToWrite {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  absl::Span<const char> bytes;
};

// Writes a file (durably: base/durable.h) with `metadata` plus {"format": "pt", "graft": "1"},
// which win over keys of the same name. The header is padded by spaces, so that the data begins at
// a multiple of 64 bytes; the format allows no holes between tensors, so the order keeps them
// aligned: first the tensors whose size is a multiple of 64 bytes, each of which then begins at a
// multiple of 64, then the others, larger elements first, each at a multiple of its element size;
// within these groups in the caller's order. InvalidArgument, before anything is written, when
// bytes and shape contradict each other or the reader above would refuse the file.
absl::Status WriteSafetensors(const std::string& path, std::vector<TensorToWrite> tensors,
                              const std::map<std::string, std::string>& metadata);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_SAFETENSORS_H_
