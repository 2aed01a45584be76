// The weights of a model, whatever format they are in.
#ifndef GRAFT_MODELS_WEIGHTS_WEIGHT_FILES_H_
#define GRAFT_MODELS_WEIGHTS_WEIGHT_FILES_H_

#include <atomic>
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
#include "models/weights/weight_table.h"

namespace graft {

enum class WeightFormat {
  kSafetensors,
  kPyTorch,        // a zip archive, torch 1.6 and later
  kPyTorchLegacy,  // a row of pickles, before
  kTensorFlow,     // a checkpoint of the original BERT release
};

// "safetensors", "PyTorch zip", "PyTorch legacy", "TensorFlow checkpoint".
std::string_view WeightFormatName(WeightFormat format);

// Which links lead to a file of a folder.
enum class Links {
  kAll,
  kOnlyOfHubCache,  // see OpenShard in models/weights/shard_index.h; shards are always opened so
};

// Weights that were opened and checked: one file, or the shards that an index names. Nothing of
// them is ever executed. Movable; const methods are thread-safe.
//
// Names of TensorFlow checkpoints are translated to those of PyTorch (TranslateBertNames).
class WeightFiles {
 public:
  // Reads the directory of a file, and no tensor bytes yet: NAME.index.json is an index of shards
  // beside it, NAME.index a TensorFlow checkpoint; for others the first bytes tell the format, but
  // NAME.safetensors is nothing else. DataLoss with file, place, expected and found for malformed
  // ones. Shards are plain files of the same folder: names with separators and links are refused
  // (OpenShard).
  static absl::StatusOr<WeightFiles> Open(const std::string& path, Links links = Links::kAll);
  // The weights of a model folder: the first that is there of model.safetensors, pytorch_model.bin,
  // each as one file or as an index, and the only TensorFlow checkpoint. NotFound says what else is
  // there.
  static absl::StatusOr<WeightFiles> OpenFolder(const std::string& folder,
                                                Links links = Links::kAll);

  WeightFormat format() const { return format_; }
  // What was opened: the file or the index.
  const std::string& path() const { return path_; }
  // All files that were read, `path` first.
  std::vector<std::string> paths() const;
  // The files with tensors, by TensorInfo::file.
  absl::Span<const InputFile> files() const { return files_; }
  // Bytes of all files with tensors.
  uint64_t size() const;

  // Sorted by name.
  const std::vector<TensorInfo>& tensors() const { return table_.tensors; }
  // nullptr when there is none of this name.
  const TensorInfo* Find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return table_.metadata; }
  // What stands beside the tensors and is none; sorted.
  const std::vector<std::string>& others() const { return table_.others; }
  // True when graft wrote all files (their metadata say so) and their tensors stand as
  // WriteSafetensors places them. Such files may be mapped.
  bool written_by_graft() const { return table_.written_by_graft; }

  // For those who read all tensors: InvalidArgument when these have more than 32 times the bytes of
  // their files, since tensors of PyTorch may share them. Layers that are used many times stay far
  // below.
  absl::Status CheckSharing() const;

  // For those who compute with a tensor: InvalidArgument when it is float8 and a tensor beside it
  // (NAME_scale, NAME_scale_inv) scales it, as quantized models have them.
  absl::Status CheckUnscaled(const TensorInfo& tensor) const;

  // Reads one tensor as float32, row by row: F32 is copied bit by bit; F16, BF16 and the float8
  // types are widened, which is exact (NaNs stay NaNs; F16 and BF16 keep their payload); F64 is
  // rounded to nearest, and to infinity beyond float32. Other types are InvalidArgument, a wrong
  // check sum is DataLoss. `tensor` is one of tensors(); `out` has elements() entries.
  absl::Status ReadAsFloat(const TensorInfo& tensor, absl::Span<float> out) const;
  // The elements as they are in the file, row by row. `out` has bytes() bytes.
  absl::Status ReadBytes(const TensorInfo& tensor, absl::Span<char> out) const;

 private:
  static absl::StatusOr<WeightFiles> OpenSingle(InputFile file);
  // These two without Finish.
  static absl::StatusOr<WeightFiles> OpenIndex(const std::string& path, Links links);
  static absl::StatusOr<WeightFiles> OpenTensorFlow(const std::string& path, Links links);

  WeightFiles() = default;
  // Whether there may be so many more tensors. Of one file its reader has bounded them.
  absl::Status CheckCount(size_t more) const;
  // Checks what all formats have in common, and sorts.
  absl::Status Finish();
  absl::Status ReadPlain(const TensorInfo& tensor, absl::Span<char> out) const;
  // Compares the sum of a block that is not read in one go; once.
  absl::Status VerifyBlock(int block) const;
  absl::Status CompareSum(int block, uint32_t sum) const;

  WeightFormat format_ = WeightFormat::kSafetensors;
  std::string path_;
  std::vector<InputFile> files_;
  WeightTable table_;
  // By block: its sum was right.
  std::unique_ptr<std::atomic<bool>[]> verified_;
};

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_WEIGHT_FILES_H_
