// Checkpoints in memory, opened as files.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_TENSORFLOW_CHECKPOINT_FILES_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_TENSORFLOW_CHECKPOINT_FILES_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/log/absl_check.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "models/weights/tensorflow_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace graft::testing {

// The data files of a checkpoint; any index can be read with them.
class CheckpointFiles {
 public:
  explicit CheckpointFiles(const std::vector<std::string>& shards) {
    for (size_t i = 0; i < shards.size(); ++i) {
      data_.push_back(Open(folder_.Write(absl::StrCat("shard", i), shards[i])));
    }
  }

  absl::StatusOr<size_t> CountShards(std::string_view index) const {
    return CountTensorFlowShards(Open(folder_.Write("m.index", index)));
  }
  absl::StatusOr<WeightTable> Read(std::string_view index) const {
    return ReadTensorFlowCheckpoint(Open(folder_.Write("m.index", index)), data_);
  }

  std::string index_path() const { return folder_ / "m.index"; }
  const std::vector<InputFile>& data() const { return data_; }

 private:
  static InputFile Open(const std::string& path) {
    auto file = InputFile::Open(path);
    ABSL_CHECK_OK(file);
    return *std::move(file);
  }

  TemporaryFolder folder_{TemporaryFolder::Memory()};
  std::vector<InputFile> data_;
};

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_TENSORFLOW_CHECKPOINT_FILES_H_
