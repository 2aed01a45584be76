// Checkpoints of TensorFlow (the "tensor bundle" of tf.train.Saver: NAME.index beside
// NAME.data-00000-of-00001), in which BERT was released. Internal: not part of the installed
// headers.
#ifndef GRAFT_MODELS_WEIGHTS_TENSORFLOW_CHECKPOINT_H_
#define GRAFT_MODELS_WEIGHTS_TENSORFLOW_CHECKPOINT_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "models/weights/weight_table.h"

namespace graft {

// How many data files the index names.
absl::StatusOr<size_t> CountTensorFlowShards(const InputFile& index);

// The tensors of a checkpoint. `data[i]` is shard i; TensorInfo::file is its number. Names are
// those of the file ("bert/encoder/layer_0/attention/self/query/kernel"). Every tensor is a
// StoredBlock with its CRC-32C. Refused, DataLoss with file, place, expected and found: no such
// table, wrong sums of its blocks, compressed blocks, big-endian data, partitioned tensors, tensors
// outside their shard, names twice. Tensors of other types (strings, complex numbers, quantized
// ones) are listed among `others`.
absl::StatusOr<WeightTable> ReadTensorFlowCheckpoint(const InputFile& index,
                                                     absl::Span<const InputFile> data);

// Gives the tensors of the original BERT release (and of models trained with its code) the names of
// PyTorch's BERT: bert.encoder.layer.0.attention.self.query.weight. A `kernel` is stored as its
// transpose, which becomes strides. What only training used (adam_m, adam_v, global_step and the
// like) moves to `others`. InvalidArgument when two tensors get one name.
absl::Status TranslateBertNames(const std::string& path, WeightTable& table);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_TENSORFLOW_CHECKPOINT_H_
