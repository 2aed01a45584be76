// Reading a PyTorch file made by a test.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_PYTORCH_READER_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_PYTORCH_READER_H_

#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "models/weights/pytorch_file.h"
#include "tests/support/temporary_folder.h"

namespace graft::testing {

// The reader that the first bytes ask for, over a file "m.bin".
inline absl::StatusOr<WeightTable> ReadPyTorch(std::string_view bytes) {
  const TemporaryFolder folder(TemporaryFolder::Memory());
  const auto file = InputFile::Open(folder.Write("m.bin", bytes));
  if (!file.ok()) return file.status();
  return IsPyTorchLegacy(bytes) ? ReadPyTorchLegacy(*file) : ReadPyTorchZip(*file);
}

// nullptr when there is no such tensor.
inline const TensorInfo* FindTensor(const WeightTable& table, std::string_view name) {
  for (const TensorInfo& tensor : table.tensors) {
    if (tensor.name == name) return &tensor;
  }
  ADD_FAILURE() << "no tensor " << name;
  return nullptr;
}

struct RefusedFile {
  std::string what;
  std::string bytes;
  std::string message;  // a part of it, behind the path
};
// GoogleTest prints it; the bytes would fill the screen.
inline void PrintTo(const RefusedFile& refused, std::ostream* out) { *out << refused.what; }
inline std::string NameOf(const ::testing::TestParamInfo<RefusedFile>& info) {
  return info.param.what;
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_PYTORCH_READER_H_
