#include "models/weights/pytorch_state.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/utf8.h"

namespace graft {
namespace {

using Kind = PickleValue::Kind;

TensorInfo MakeInfo(std::string_view name, const Pickle& pickle, const PickledTensor& tensor,
                    const StoragePlace& place) {
  TensorInfo info{.name = std::string(name),
                  .dtype = pickle.storages[tensor.storage].dtype,
                  .shape = tensor.shape,
                  .strides = tensor.strides};
  const uint64_t size = DTypeSize(info.dtype);
  info.begin = place.begin + tensor.begin * size;
  info.end = place.begin + tensor.end * size;
  info.block = place.block;
  return info;
}

bool HoldsTensor(const Pickle& pickle, PickleId dictionary) {
  for (const PickleItem& item : pickle.Items(dictionary)) {
    if (pickle.Is(item.value, Kind::kTensor)) return true;
  }
  return false;
}

absl::Status CheckName(const Pickle& pickle, PickleId key, const std::string& place) {
  const auto error = [&](std::string_view expected, std::string_view found) {
    return absl::DataLossError(absl::StrCat(place, ": expected ", expected, ", found ", found));
  };
  if (!pickle.Is(key, Kind::kText)) {
    return error("a dictionary whose keys are names",
                 absl::StrCat("the key ", pickle.Describe(key)));
  }
  const std::string_view name = pickle.Bytes(key);
  if (name.size() > kMaxTensorName) {
    return error(absl::StrCat("names of at most ", kMaxTensorName, " bytes"),
                 absl::StrCat(Quoted(name), " of ", name.size()));
  }
  if (FindInvalidUtf8(name)) return error("names in UTF-8", Quoted(name));
  return absl::OkStatus();
}

}  // namespace

absl::Status AddState(const Pickle& pickle, absl::Span<const StoragePlace> places,
                      const std::string& place, WeightTable& table) {
  if (!pickle.IsDictionary(pickle.root)) {
    return absl::DataLossError(absl::StrCat(place, ": expected a dictionary of tensors, found ",
                                            pickle.Describe(pickle.root)));
  }
  absl::flat_hash_set<std::string_view> names;
  std::vector<std::string> inner;  // dictionaries of tensors
  for (const PickleItem& item : pickle.Items(pickle.root)) {
    ABSL_RETURN_IF_ERROR(CheckName(pickle, item.key, place));
    const std::string_view name = pickle.Bytes(item.key);
    if (!names.insert(name).second) {
      return absl::DataLossError(
          absl::StrCat(place, ": expected names that differ, found ", Quoted(name), " twice"));
    }
    if (pickle.Is(item.value, Kind::kTensor)) {
      const PickledTensor& tensor = pickle.tensors[pickle.value(item.value).first];
      table.tensors.push_back(MakeInfo(name, pickle, tensor, places[tensor.storage]));
      continue;
    }
    table.others.emplace_back(name);
    if (pickle.IsDictionary(item.value) && HoldsTensor(pickle, item.value)) {
      inner.push_back(Quoted(name));
    }
  }
  if (table.tensors.empty() && !inner.empty()) {
    return absl::DataLossError(absl::StrCat(
        place, ": expected the tensors of one model, found a checkpoint of a training run: its ",
        "dictionaries of tensors are ", absl::StrJoin(inner, ", "),
        "; save the one with the model's weights as a file of its own"));
  }
  return absl::OkStatus();
}

std::string_view DescribeOtherFile(std::string_view first_bytes) {
  constexpr size_t kTarMagic = 257;
  if (absl::StartsWith(first_bytes, "version https://git-lfs.github.com/spec/")) {
    return "a pointer of Git LFS: fetch the file itself";
  }
  if (first_bytes.size() > kTarMagic && absl::StartsWith(first_bytes.substr(kTarMagic), "ustar")) {
    return "a tar archive, as torch before 0.1.10 wrote: load and save it with a newer torch";
  }
  return "";
}

}  // namespace graft
