#include "models/weights/pytorch_state.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/utf8.h"

namespace graft {
namespace {

using Kind = PickleValue::Kind;

TensorInfo MakeInfo(std::string_view name, const PickledTensor& tensor, const StoragePlace& place) {
  TensorInfo info{.name = std::string(name),
                  .dtype = tensor.dtype,
                  .shape = tensor.shape,
                  .strides = tensor.strides};
  const uint64_t size = DTypeSize(info.dtype);
  info.begin = place.begin + tensor.begin * size;
  info.end = place.begin + tensor.end * size;
  info.block = place.block;
  return info;
}

// Names beside the tensors: no bound that a state has met.
constexpr size_t kMaxEntries = 2 * kMaxTensors;

constexpr size_t kMaxShown = 8;  // names in a message

// Dictionaries with a tensor among their values. Each is searched once, however many names it has.
class TensorDictionaries {
 public:
  explicit TensorDictionaries(const Pickle& pickle) : pickle_(pickle) {}

  bool Has(PickleId id) {
    if (!pickle_.IsDictionary(id)) return false;
    const auto [known, fresh] = known_.try_emplace(id, false);
    if (fresh) {
      for (const PickleItem& item : pickle_.Items(id)) {
        known->second |= pickle_.Is(item.value, Kind::kTensor);
      }
    }
    return known->second;
  }

 private:
  const Pickle& pickle_;
  absl::flat_hash_map<PickleId, bool> known_;
};

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
  if (const uint32_t count = pickle.value(pickle.root).count; count > kMaxEntries) {
    return absl::DataLossError(
        absl::StrCat(place, ": expected at most ", kMaxEntries, " names, found ", count));
  }
  absl::flat_hash_set<std::string_view> names;
  TensorDictionaries dictionaries(pickle);
  std::vector<std::string> inner;  // names of dictionaries of tensors
  for (const PickleItem& item : pickle.Items(pickle.root)) {
    ABSL_RETURN_IF_ERROR(CheckName(pickle, item.key, place));
    const std::string_view name = pickle.Bytes(item.key);
    if (!names.insert(name).second) {
      return absl::DataLossError(
          absl::StrCat(place, ": expected names that differ, found ", Quoted(name), " twice"));
    }
    if (pickle.Is(item.value, Kind::kTensor)) {
      const PickledTensor& tensor = pickle.tensors[pickle.value(item.value).first];
      table.tensors.push_back(MakeInfo(name, tensor, places[tensor.storage]));
      continue;
    }
    table.others.emplace_back(name);
    if (inner.size() < kMaxShown && dictionaries.Has(item.value)) inner.push_back(Quoted(name));
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
  // What people have in place of weights: failed downloads, other formats, archives.
  constexpr std::pair<std::string_view, std::string_view> kBeginnings[] = {
      {"<", "text with markup, perhaps a web page: fetch the file itself"},
      {"{", "JSON text"},
      {"#!", "a program"},
      {"\x1F\x8B", "a gzip archive: unpack it"},
      {"\x89HDF", "an HDF5 file, which graft does not read"},
      {"GGUF", "a GGUF file, which graft does not read"},
  };
  constexpr size_t kTarMagic = 257;
  if (absl::StartsWith(first_bytes, "version https://git-lfs.github.com/spec/")) {
    return "a pointer of Git LFS: fetch the file itself";
  }
  if (first_bytes.size() > kTarMagic && absl::StartsWith(first_bytes.substr(kTarMagic), "ustar")) {
    return "a tar archive, as torch before 0.1.10 wrote: load and save it with a newer torch";
  }
  for (const auto& [beginning, description] : kBeginnings) {
    if (absl::StartsWith(first_bytes, beginning)) return description;
  }
  return "";
}

}  // namespace graft
