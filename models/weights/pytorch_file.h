// pytorch_model.bin and its like: what torch.save writes, read without executing anything.
// Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PYTORCH_FILE_H_
#define GRAFT_MODELS_WEIGHTS_PYTORCH_FILE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "base/file.h"
#include "models/weights/weight_table.h"

namespace graft {

// Whether a file that begins so is a zip archive, as torch.save writes since 1.6, or the row of
// pickles that it wrote before.
bool IsPyTorchZip(std::string_view first_bytes);
bool IsPyTorchLegacy(std::string_view first_bytes);

// The tensors of a zip archive: a dictionary of tensors (the state of a module), pickled with
// protocol 2, whose storages are stored files of the archive. Reads the directory and the pickle
// and no bytes of tensors; every storage becomes a StoredBlock. Refused, DataLoss with file, place,
// expected and found: compressed or encrypted entries, a directory that contradicts the entries'
// own headers, entries that overlap, sizes outside the file, a wrong CRC-32 of the pickle,
// TorchScript archives, big-endian ones, opcodes and globals outside the closed lists of
// pickle_reader.h, tensors that reach outside their storage or repeat its elements, sizes below 0,
// types that DType has no name for, names that stand twice, and checkpoints of training runs, whose
// tensors are one dictionary deeper. Entries that are no tensors are listed by name.
absl::StatusOr<WeightTable> ReadPyTorchZip(const InputFile& file);

// The same for the older row of pickles (magic number, protocol 1001, little-endian).
absl::StatusOr<WeightTable> ReadPyTorchLegacy(const InputFile& file);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PYTORCH_FILE_H_
