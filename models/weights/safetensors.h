// The safetensors format (https://github.com/huggingface/safetensors, "Format"): 8 bytes
// little-endian header length, a JSON header, then the tensors' bytes.
#ifndef GRAFT_MODELS_WEIGHTS_SAFETENSORS_H_
#define GRAFT_MODELS_WEIGHTS_SAFETENSORS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "models/weights/weight_table.h"

namespace graft {

// The tensors of a file. Reads and checks the header, and no tensor bytes. Refused (DataLoss, with
// file and place; bytes of the header count from its '{'): a header longer than the file or than
// 16 MB (the format allows 100), malformed JSON or UTF-8, duplicate names, shapes whose size
// overflows, offsets that overlap, leave holes or do not fill the file, element types that are
// unknown, more than 65,536 tensors, twice as many entries of any other list, rank above 8, names
// above 1,024 bytes. Keys of an entry that the format does not name are ignored, as the Rust
// library does.
absl::StatusOr<WeightTable> ReadSafetensors(const InputFile& file);

// A tensor to write.
struct TensorHeader {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
};
// Gives the bytes of tensor i of the list that was handed over. They stay until the next call.
using TensorBytes = std::function<absl::StatusOr<absl::Span<const char>>(size_t i)>;

// Writes a file (durably: base/durable.h) with `metadata` plus {"format": "pt", "graft": "1"},
// which win over keys of the same name. The header is padded by spaces, so that the data begins at
// a multiple of 64 bytes; the format allows no holes between tensors, so the order keeps them
// aligned: first the tensors whose size is a multiple of 64 bytes, each of which then begins at a
// multiple of 64, then the others, larger elements first, each at a multiple of its element size;
// within these groups in the caller's order. One tensor's bytes are asked for at a time.
// InvalidArgument when bytes and shape contradict each other and, before anything is written, when
// the reader above would refuse the file.
absl::Status WriteSafetensors(const std::string& path, const std::vector<TensorHeader>& tensors,
                              const TensorBytes& bytes,
                              const std::map<std::string, std::string>& metadata);

// The same for tensors in memory, which stay the caller's.
struct TensorToWrite {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  absl::Span<const char> bytes;
};
absl::Status WriteSafetensors(const std::string& path, const std::vector<TensorToWrite>& tensors,
                              const std::map<std::string, std::string>& metadata);

// Writes a file with one float32 matrix [rows, columns], as WriteSafetensors would, but without
// holding it in memory: the rows come a few at a time, and how many there are is known last.
// Destroyed without Commit it leaves nothing. Move-only, one thread.
class SafetensorsMatrix {
 public:
  // InvalidArgument for a name that ReadSafetensors would refuse and less than one column.
  static absl::StatusOr<SafetensorsMatrix> Create(const std::string& path, const std::string& name,
                                                  int64_t columns);

  SafetensorsMatrix(SafetensorsMatrix&&) noexcept;
  SafetensorsMatrix& operator=(SafetensorsMatrix&&) noexcept;
  ~SafetensorsMatrix();

  // Any number of rows. InvalidArgument for numbers that are no whole rows.
  absl::Status Append(absl::Span<const float> rows);
  absl::Status Commit();

 private:
  struct State;
  explicit SafetensorsMatrix(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_SAFETENSORS_H_
