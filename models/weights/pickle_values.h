// What a pickle holds, in flat tables: no value owns another, so neither depth nor cycles can do
// harm when values are read, compared or thrown away. Internal: not part of the installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PICKLE_VALUES_H_
#define GRAFT_MODELS_WEIGHTS_PICKLE_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "models/weights/dtype.h"
#include "models/weights/pickle_bytes.h"

namespace graft {

// A tensor takes about 20 values and 20 items.
inline constexpr size_t kMaxPickleValues = size_t{2} << 20;
inline constexpr size_t kMaxPickleItems = size_t{4} << 20;
// Containers around a value. States have 3 or 4.
inline constexpr uint8_t kMaxPickleDepth = 64;

// Number of a value in its pickle.
using PickleId = uint32_t;
inline constexpr uint32_t kNoPickleItem = UINT32_MAX;

struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,         // number
    kInt,          // number
    kBigInt,       // more than 64 bits: bytes of the pickle, as those of a text
    kFloat,        // its value is not kept
    kText,         // `count` bytes of the pickle from `first` on
    kTuple,        // `count` items, chained from `first` to `last`; so are those below
    kList,         //
    kDict,         //
    kOrderedDict,  //
    kGlobal,       // number `first` in the list of pickle_globals.h
    kStorage,      // number `first` of Pickle::storages
    kTensor,       // number `first` of Pickle::tensors
  };
  Kind kind = Kind::kNone;
  uint8_t depth = 0;  // levels of containers, of their items when these were put in
  uint32_t count = 0;
  uint32_t first = kNoPickleItem;
  uint32_t last = kNoPickleItem;
  int64_t number = 0;
};

// An item of a tuple, list (no key) or dictionary.
struct PickleItem {
  PickleId key = 0;
  PickleId value = 0;
  uint32_t next = kNoPickleItem;
};

struct PickledStorage {
  std::string key;
  DType dtype;
  uint64_t elements;  // their bytes are below 2^63
};

// Checked against its storage.
struct PickledTensor {
  uint32_t storage;
  DType dtype;  // that of the storage, but where the tensor has one of its own
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  // none when the elements stand row by row
  uint64_t begin;                // elements, of its own type, that it spans
  uint64_t end;
};

// The values of one pickle. What is wrong is InvalidArgument without a place, as in PickleBytes.
class Pickle {
 public:
  // `bytes` must outlive this.
  explicit Pickle(const PickleBytes& bytes) : bytes_(&bytes) {}

  const PickleValue& value(PickleId id) const { return values_[id]; }
  bool Is(PickleId id, PickleValue::Kind kind) const { return value(id).kind == kind; }
  bool IsDictionary(PickleId id) const {
    return Is(id, PickleValue::Kind::kDict) || Is(id, PickleValue::Kind::kOrderedDict);
  }
  // The bytes of a text or of a number of more than 64 bits.
  std::string_view Bytes(PickleId id) const {
    return bytes_->Taken(value(id).first, value(id).count);
  }
  // Items in order, of a tuple, list or dictionary.
  std::vector<PickleItem> Items(PickleId id) const;
  // "the integer 5", "the text 'cpu'", "a tuple of 3": a value in a message.
  std::string Describe(PickleId id) const;

  absl::StatusOr<PickleId> Add(const PickleValue& value);
  // Bounds the number of items, and the depth.
  absl::Status AppendItem(PickleId container, PickleId key, PickleId value);

  PickleId root = 0;
  std::vector<PickledStorage> storages;  // keys differ
  std::vector<PickledTensor> tensors;
  absl::flat_hash_map<std::string, uint32_t> storage_numbers;  // by key

 private:
  const PickleBytes* bytes_;
  std::vector<PickleValue> values_;
  std::vector<PickleItem> items_;
};

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PICKLE_VALUES_H_
