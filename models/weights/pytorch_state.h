// A pickled state as a table of tensors. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PYTORCH_STATE_H_
#define GRAFT_MODELS_WEIGHTS_PYTORCH_STATE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "models/weights/pickle_values.h"
#include "models/weights/weight_table.h"

namespace graft {

// Where the bytes of a storage begin in the file.
struct StoragePlace {
  uint64_t begin = 0;
  int block = -1;
};

// Adds what the pickle's root, a dictionary, names: tensors to `table.tensors`, all else to
// `table.others`. `places` has one entry for each storage of the pickle. DataLoss that begins with
// `place`: for keys that are no texts or stand twice, names that are too long or no UTF-8, and for
// a checkpoint of a training run, whose tensors are in dictionaries inside the dictionary.
absl::Status AddState(const Pickle& pickle, absl::Span<const StoragePlace> places,
                      const std::string& place, WeightTable& table);

// What a file that torch.save did not write (or long ago) is by its first bytes, where that helps:
// "a pointer of Git LFS: fetch the file itself". Empty for others.
std::string_view DescribeOtherFile(std::string_view first_bytes);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PYTORCH_STATE_H_
