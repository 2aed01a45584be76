#include "models/weights/pickle_globals.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/checked_size.h"
#include "base/utf8.h"
#include "models/weights/weight_table.h"

namespace graft {
namespace {

using Kind = PickleValue::Kind;
using What = PickleGlobal::What;

constexpr PickleGlobal kGlobals[] = {
    {"collections.OrderedDict", What::kOrderedDict},
    {"torch._utils._rebuild_tensor", What::kRebuildTensor},
    {"torch._utils._rebuild_tensor_v2", What::kRebuildTensorV2},
    {"torch._utils._rebuild_parameter", What::kRebuildParameter},
    {"torch.DoubleStorage", What::kStorage, DType::kF64},
    {"torch.FloatStorage", What::kStorage, DType::kF32},
    {"torch.HalfStorage", What::kStorage, DType::kF16},
    {"torch.BFloat16Storage", What::kStorage, DType::kBF16},
    {"torch.LongStorage", What::kStorage, DType::kI64},
    {"torch.IntStorage", What::kStorage, DType::kI32},
    {"torch.ShortStorage", What::kStorage, DType::kI16},
    {"torch.CharStorage", What::kStorage, DType::kI8},
    {"torch.ByteStorage", What::kStorage, DType::kU8},
    {"torch.BoolStorage", What::kStorage, DType::kBool},
    {"torch._utils._rebuild_tensor_v3", What::kRebuildTensorV3},
    {"torch.storage.UntypedStorage", What::kStorage, DType::kU8},
    {"torch.float8_e4m3fn", What::kDType, DType::kF8E4M3},
    {"torch.float8_e5m2", What::kDType, DType::kF8E5M2},
    {"torch.float8_e8m0fnu", What::kDType, DType::kF8E8M0},
    {"torch.uint16", What::kDType, DType::kU16},
    {"torch.uint32", What::kDType, DType::kU32},
    {"torch.uint64", What::kDType, DType::kU64},
};

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The arguments of one call, or the parts of one persistent id.
class Arguments {
 public:
  // Checks the number of items before it copies them.
  static absl::StatusOr<Arguments> Of(const Pickle& pickle, std::string_view of, PickleId tuple,
                                      size_t least, size_t most) {
    const size_t count = pickle.value(tuple).count;
    if (!pickle.Is(tuple, Kind::kTuple) || count < least || count > most) {
      return Wrong(of, ": expected a tuple of ", least,
                   most > least ? absl::StrCat(" to ", most) : "", ", found ",
                   pickle.Describe(tuple));
    }
    return Arguments(pickle, of, pickle.Items(tuple));
  }

  size_t size() const { return items_.size(); }
  PickleId id(size_t index) const { return items_[index].value; }
  const PickleValue& operator[](size_t index) const { return pickle_->value(id(index)); }

  absl::Status Error(size_t index, std::string_view expected) const {
    return Wrong(of_, ": item ", index, ": expected ", expected, ", found ",
                 pickle_->Describe(id(index)));
  }
  absl::Status Expect(size_t index, Kind kind, std::string_view expected) const {
    return (*this)[index].kind == kind ? absl::OkStatus() : Error(index, expected);
  }
  // A number of elements.
  absl::StatusOr<uint64_t> Count(size_t index) const {
    if ((*this)[index].kind != Kind::kInt || (*this)[index].number < 0) {
      return Error(index, "an integer of at least 0");
    }
    return static_cast<uint64_t>((*this)[index].number);
  }
  // A tuple of numbers of elements.
  absl::StatusOr<std::vector<int64_t>> Counts(size_t index) const {
    ABSL_RETURN_IF_ERROR(Expect(index, Kind::kTuple, "a tuple of integers"));
    if ((*this)[index].count > kMaxTensorRank) {
      return Error(index, absl::StrCat("at most ", kMaxTensorRank, " dimensions"));
    }
    std::vector<int64_t> counts;
    for (const PickleItem& item : pickle_->Items(id(index))) {
      const PickleValue& value = pickle_->value(item.value);
      if (value.kind != Kind::kInt || value.number < 0) {
        return Wrong(of_, ": item ", index, ": expected integers of at least 0, found ",
                     pickle_->Describe(item.value));
      }
      counts.push_back(value.number);
    }
    return counts;
  }

 private:
  Arguments(const Pickle& pickle, std::string_view of, std::vector<PickleItem> items)
      : pickle_(&pickle), of_(of), items_(std::move(items)) {}

  const Pickle* pickle_;
  std::string_view of_;
  std::vector<PickleItem> items_;
};

bool IsRowMajor(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  int64_t expected = 1;
  for (size_t i = shape.size(); i > 0; --i) {
    if (shape[i - 1] == 1) continue;  // its stride is never used
    if (strides[i - 1] != expected) return false;
    expected *= shape[i - 1];
  }
  return true;
}

// Fills begin and end, and drops the strides that say nothing.
absl::Status PlaceTensor(const PickledStorage& storage, uint64_t offset, PickledTensor& tensor) {
  const std::optional<uint64_t> bytes = ShapeBytes(tensor.dtype, tensor.shape);
  const uint64_t elements = storage.elements * DTypeSize(storage.dtype) / DTypeSize(tensor.dtype);
  if (!bytes) {
    return Wrong("expected a tensor below 2^63 bytes, found ",
                 Describe(tensor.dtype, tensor.shape));
  }
  if (*bytes == 0) {
    tensor.begin = tensor.end = 0;
    tensor.strides.clear();
    return absl::OkStatus();
  }
  CheckedSize sum = offset;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    sum += CheckedSize(static_cast<uint64_t>(tensor.shape[i] - 1)) *
           static_cast<uint64_t>(tensor.strides[i]);
  }
  const std::optional<uint64_t> last = sum.value();
  const auto found = [&] {
    return absl::StrCat(Describe(tensor.dtype, tensor.shape), " with strides [",
                        absl::StrJoin(tensor.strides, ", "), "] from element ", offset, " on");
  };
  if (!last || *last >= elements) {
    return Wrong("expected a tensor inside the ", elements, " elements of storage ",
                 Quoted(storage.key), ", found ", found());
  }
  // Strides that repeat elements (torch.expand): a small file would ask for any memory.
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] > 1 && tensor.strides[i] == 0) {
      return Wrong("expected a tensor that repeats no element, found ", found());
    }
  }
  if (*bytes > elements * DTypeSize(tensor.dtype)) {
    return Wrong("expected a tensor of no more bytes than storage ", Quoted(storage.key), " of ",
                 elements, " elements, found ", found());
  }
  tensor.begin = offset;
  tensor.end = *last + 1;
  if (IsRowMajor(tensor.shape, tensor.strides)) tensor.strides.clear();
  return absl::OkStatus();
}

// Without a type of its own the tensor has that of the storage.
absl::StatusOr<PickleId> RebuildTensor(Pickle& pickle, const Arguments& arguments,
                                       std::optional<DType> dtype = std::nullopt) {
  ABSL_RETURN_IF_ERROR(arguments.Expect(0, Kind::kStorage, "a storage"));
  const PickledStorage& storage = pickle.storages[arguments[0].first];
  ABSL_ASSIGN_OR_RETURN(const uint64_t offset, arguments.Count(1));
  PickledTensor tensor{.storage = arguments[0].first,
                       .dtype = dtype.value_or(storage.dtype),
                       .shape = {},
                       .strides = {},
                       .begin = 0,
                       .end = 0};
  ABSL_ASSIGN_OR_RETURN(tensor.shape, arguments.Counts(2));
  ABSL_ASSIGN_OR_RETURN(tensor.strides, arguments.Counts(3));
  if (tensor.strides.size() != tensor.shape.size()) {
    return arguments.Error(3, absl::StrCat("a tuple of ", tensor.shape.size(), " strides"));
  }
  ABSL_RETURN_IF_ERROR(PlaceTensor(storage, offset, tensor));
  if (pickle.tensors.size() == kMaxTensors) {
    return Wrong("expected at most ", kMaxTensors, " tensors, found more");
  }
  pickle.tensors.push_back(std::move(tensor));
  return pickle.Add(
      {.kind = Kind::kTensor, .first = static_cast<uint32_t>(pickle.tensors.size() - 1)});
}

// requires_grad and backward_hooks: they say nothing about the numbers.
absl::Status CheckGradient(const Pickle& pickle, const Arguments& arguments, size_t index) {
  ABSL_RETURN_IF_ERROR(arguments.Expect(index, Kind::kBool, "true or false"));
  if (pickle.IsDictionary(arguments.id(index + 1)) || arguments[index + 1].kind == Kind::kNone) {
    return absl::OkStatus();
  }
  return arguments.Error(index + 1, "a dictionary of hooks");
}

// The metadata, which the last argument may be, says that the numbers are to be negated or
// conjugated.
absl::Status CheckMetadata(const Pickle& pickle, const Arguments& arguments, size_t index) {
  if (arguments.size() <= index || arguments[index].kind == Kind::kNone ||
      (pickle.IsDictionary(arguments.id(index)) && arguments[index].count == 0)) {
    return absl::OkStatus();
  }
  return arguments.Error(index, "no metadata");
}

absl::StatusOr<PickleId> RebuildTensorV2(Pickle& pickle, const Arguments& arguments) {
  ABSL_RETURN_IF_ERROR(CheckGradient(pickle, arguments, 4));
  ABSL_RETURN_IF_ERROR(CheckMetadata(pickle, arguments, 6));
  return RebuildTensor(pickle, arguments);
}

absl::StatusOr<PickleId> RebuildTensorV3(Pickle& pickle, const Arguments& arguments) {
  ABSL_RETURN_IF_ERROR(CheckGradient(pickle, arguments, 4));
  if (arguments[6].kind != Kind::kGlobal || kGlobals[arguments[6].first].what != What::kDType) {
    return arguments.Error(6, "an element type");
  }
  ABSL_RETURN_IF_ERROR(CheckMetadata(pickle, arguments, 7));
  return RebuildTensor(pickle, arguments, kGlobals[arguments[6].first].dtype);
}

// Python 2 wrote the pairs as an argument, Python 3 sets them one by one.
absl::StatusOr<PickleId> MakeOrderedDict(Pickle& pickle, const Arguments& arguments) {
  ABSL_ASSIGN_OR_RETURN(const PickleId made, pickle.Add({.kind = Kind::kOrderedDict}));
  if (arguments.size() == 0) return made;
  ABSL_RETURN_IF_ERROR(arguments.Expect(0, Kind::kList, "a list of pairs"));
  for (const PickleItem& item : pickle.Items(arguments.id(0))) {
    const PickleValue& pair = pickle.value(item.value);
    if ((pair.kind != Kind::kList && pair.kind != Kind::kTuple) || pair.count != 2) {
      return arguments.Error(0, absl::StrCat("a list of pairs with ", pickle.Describe(item.value)));
    }
    const std::vector<PickleItem> parts = pickle.Items(item.value);
    ABSL_RETURN_IF_ERROR(pickle.AppendItem(made, parts[0].value, parts[1].value));
  }
  return made;
}

}  // namespace

absl::Span<const PickleGlobal> PickleGlobals() { return kGlobals; }

absl::StatusOr<PickleValue> FindPickleGlobal(std::string_view module, std::string_view name) {
  const std::string full = absl::StrCat(module, ".", name);
  const auto* found = std::find_if(std::begin(kGlobals), std::end(kGlobals),
                                   [&](const PickleGlobal& global) { return global.name == full; });
  if (found == std::end(kGlobals)) {
    return Wrong("expected tensors and plain values, found the global ", Quoted(full, 120),
                 WhyTypeIsNotRead(name));
  }
  return PickleValue{.kind = Kind::kGlobal, .first = static_cast<uint32_t>(found - kGlobals)};
}

absl::StatusOr<PickleId> PickledStorageOf(Pickle& pickle, PersistentIds ids, PickleId id) {
  if (ids == PersistentIds::kNone) return Wrong("expected no persistent id here, found one");
  // A module comes as a tuple of 4 with its source.
  ABSL_ASSIGN_OR_RETURN(const Arguments parts, Arguments::Of(pickle, "persistent id", id, 1, 6));
  if (parts[0].kind != Kind::kText || pickle.Bytes(parts.id(0)) != "storage") {
    return parts.Error(0, "the text 'storage'");
  }
  const size_t count = ids == PersistentIds::kLegacyStorages ? 6 : 5;
  if (parts.size() != count) {
    return Wrong("persistent id: expected a tuple of ", count, ", found ", pickle.Describe(id));
  }
  if (parts[1].kind != Kind::kGlobal || kGlobals[parts[1].first].what != What::kStorage) {
    return parts.Error(1, "the class of a storage");
  }
  ABSL_RETURN_IF_ERROR(parts.Expect(2, Kind::kText, "a key"));
  if (parts[2].count > kMaxTensorName) {
    return parts.Error(2, absl::StrCat("a key of at most ", kMaxTensorName, " bytes"));
  }
  ABSL_RETURN_IF_ERROR(parts.Expect(3, Kind::kText, "a device"));
  ABSL_ASSIGN_OR_RETURN(const uint64_t elements, parts.Count(4));
  const DType dtype = kGlobals[parts[1].first].dtype;
  if (elements > static_cast<uint64_t>(INT64_MAX) / DTypeSize(dtype)) {
    return parts.Error(4, "a storage below 2^63 bytes");
  }
  if (count == 6 && parts[5].kind != Kind::kNone) {
    return parts.Error(5, "no view of the storage (torch before 0.4 wrote such)");
  }
  const std::string key(pickle.Bytes(parts.id(2)));
  const auto [known, fresh] =
      pickle.storage_numbers.try_emplace(key, static_cast<uint32_t>(pickle.storages.size()));
  if (fresh) {
    if (pickle.storages.size() == kMaxTensors) {
      return Wrong("expected at most ", kMaxTensors, " storages, found more");
    }
    pickle.storages.push_back({key, dtype, elements});
  } else if (const PickledStorage& first = pickle.storages[known->second];
             first.dtype != dtype || first.elements != elements) {
    return Wrong("expected storage ", Quoted(key), " to stay ", first.elements, " elements of ",
                 DTypeName(first.dtype), ", found ", elements, " of ", DTypeName(dtype));
  }
  return pickle.Add({.kind = Kind::kStorage, .first = known->second});
}

absl::StatusOr<PickleId> CallPickleGlobal(Pickle& pickle, PickleId function, PickleId arguments) {
  if (!pickle.Is(function, Kind::kGlobal)) {
    return Wrong("expected a function to call, found ", pickle.Describe(function));
  }
  const PickleGlobal& global = kGlobals[pickle.value(function).first];
  const auto given = [&](size_t least, size_t most) {
    return Arguments::Of(pickle, global.name, arguments, least, most);
  };
  switch (global.what) {
    case What::kOrderedDict: {
      ABSL_ASSIGN_OR_RETURN(const Arguments pairs, given(0, 1));
      return MakeOrderedDict(pickle, pairs);
    }
    case What::kRebuildTensor: {
      ABSL_ASSIGN_OR_RETURN(const Arguments tensor, given(4, 4));
      return RebuildTensor(pickle, tensor);
    }
    case What::kRebuildTensorV2: {
      ABSL_ASSIGN_OR_RETURN(const Arguments tensor, given(6, 7));
      return RebuildTensorV2(pickle, tensor);
    }
    case What::kRebuildTensorV3: {
      ABSL_ASSIGN_OR_RETURN(const Arguments tensor, given(7, 8));
      return RebuildTensorV3(pickle, tensor);
    }
    case What::kRebuildParameter: {
      ABSL_ASSIGN_OR_RETURN(const Arguments parameter, given(3, 3));
      ABSL_RETURN_IF_ERROR(parameter.Expect(0, Kind::kTensor, "a tensor"));
      ABSL_RETURN_IF_ERROR(CheckGradient(pickle, parameter, 1));
      return parameter.id(0);
    }
    default:  // a storage or a type
      return Wrong("expected a function to call, found ", pickle.Describe(function));
  }
}

}  // namespace graft
