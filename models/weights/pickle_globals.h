// The functions and classes that a pickle of tensors may name, and what stands for a call of them.
// Nothing is looked up or called: a name outside the list is refused. Internal: not part of the
// installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_PICKLE_GLOBALS_H_
#define GRAFT_MODELS_WEIGHTS_PICKLE_GLOBALS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "models/weights/dtype.h"
#include "models/weights/pickle_values.h"

namespace graft {

struct PickleGlobal {
  enum class What : uint8_t {
    kOrderedDict,
    kRebuildTensor,    // torch before 0.4: (storage, offset, size, stride)
    kRebuildTensorV2,  // and (requires_grad, backward_hooks), now and then (metadata)
    kRebuildTensorV3,  // and (dtype), over bytes: the types without a storage of their own
    kRebuildParameter,
    kStorage,
    kDType,
  };
  std::string_view name;
  What what;
  DType dtype = DType::kU8;  // of kStorage and kDType
};

absl::Span<const PickleGlobal> PickleGlobals();

// The value that stands for a name; InvalidArgument for one that is not in the list.
absl::StatusOr<PickleValue> FindPickleGlobal(std::string_view module, std::string_view name);

// What torch.save writes of a storage in place of its bytes.
enum class PersistentIds {
  kNone,            // a pickle without storages
  kZipStorages,     // ("storage", class, key, location, elements)
  kLegacyStorages,  // and (view), which is none since torch 0.4
};

// The storage of a persistent id.
absl::StatusOr<PickleId> PickledStorageOf(Pickle& pickle, PersistentIds ids, PickleId id);

// What the call of `function` with the tuple `arguments` gives. The tensors are checked: sizes and
// strides not below 0, rank at most kMaxTensorRank, every element inside the storage, and no more
// bytes than the storage has, however often the strides repeat its elements.
absl::StatusOr<PickleId> CallPickleGlobal(Pickle& pickle, PickleId function, PickleId arguments);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_PICKLE_GLOBALS_H_
