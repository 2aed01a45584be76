#include "models/checkpoint.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "models/catch_errors.h"
#include "models/families/families.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"

namespace graft {
namespace {

constexpr size_t kListedNames = 8;

std::string ShapeText(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// "a, b and 3 more".
std::string NameList(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kListedNames);
  std::string list = absl::StrJoin(names.begin(), names.begin() + shown, ", ");
  if (names.size() > shown) absl::StrAppend(&list, " and ", names.size() - shown, " more");
  return list;
}

// TensorFlow-era checkpoints call the weight of a layer norm gamma and its bias beta.
std::optional<std::string> OldName(std::string_view name) {
  if (absl::ConsumeSuffix(&name, "LayerNorm.weight")) return absl::StrCat(name, "LayerNorm.gamma");
  if (absl::ConsumeSuffix(&name, "LayerNorm.bias")) return absl::StrCat(name, "LayerNorm.beta");
  return std::nullopt;
}

const TensorInfo* FindTensor(const WeightFiles& files, const std::string& name,
                             std::string_view prefix) {
  if (name.empty()) return nullptr;
  for (const std::string& candidate : {absl::StrCat(prefix, name), name}) {
    if (const TensorInfo* tensor = files.Find(candidate)) return tensor;
    if (const auto old = OldName(candidate)) {
      if (const TensorInfo* tensor = files.Find(*old)) return tensor;
    }
  }
  return nullptr;
}

// A tensor that a part is read from; nullptr when it is not there.
struct Source {
  std::string name;
  std::vector<int64_t> shape;
  const TensorInfo* tensor;
};

// The part as a whole, or its pieces where the files have the first of them.
std::vector<Source> FindPart(const WeightFiles& files, const PartLayout& part,
                             std::string_view prefix) {
  for (const std::string& name : {part.name, part.other_name}) {
    const TensorInfo* tensor = FindTensor(files, name, prefix);
    if (tensor != nullptr) return {{part.name, part.shape, tensor}};
  }
  std::vector<Source> pieces;
  for (const std::string& name : part.pieces) {
    std::vector<int64_t> shape = part.shape;
    shape[0] /= static_cast<int64_t>(part.pieces.size());
    pieces.push_back({name, std::move(shape), FindTensor(files, name, prefix)});
  }
  if (!pieces.empty() && pieces[0].tensor != nullptr) return pieces;
  return {{part.name, part.shape, nullptr}};
}

absl::Status MismatchError(const WeightFiles& files, const TensorMismatch& mismatch) {
  std::vector<std::string> parts;
  const auto add = [&](const std::vector<std::string>& names, std::string_view what) {
    if (!names.empty()) parts.push_back(absl::StrCat(names.size(), what, NameList(names)));
  };
  add(mismatch.missing, " missing: ");
  add(mismatch.other_shape, " of another shape: ");
  add(mismatch.of_more_layers, " of layers behind the last: ");
  if (parts.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      files.path(), ": the tensors do not fit the configuration: ", absl::StrJoin(parts, "; ")));
}

// Calls visit("encoder.layer.", 3) for "encoder.layer.3.output.dense.weight", and so for every
// number among the components of a name.
template <typename Visit>
void VisitNumbers(std::string_view name, const Visit& visit) {
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    int64_t number = 0;
    const std::string_view component = name.substr(begin, end - begin);
    if (absl::c_all_of(component, absl::ascii_isdigit) && absl::SimpleAtoi(component, &number)) {
      visit(name.substr(0, begin), number);
    }
    begin = end + 1;
  }
}

// Names of the files that have a number behind the largest that the slots have in its place.
std::vector<std::string> NamesOfMoreLayers(const WeightFiles& files,
                                           absl::Span<const SlotLayout> slots,
                                           std::string_view prefix) {
  std::map<std::string, int64_t, std::less<>> last;
  const auto count = [&](const std::string& name) {
    VisitNumbers(name, [&](std::string_view stem, int64_t number) {
      int64_t& largest = last.try_emplace(std::string(stem), number).first->second;
      largest = std::max(largest, number);
    });
  };
  for (const SlotLayout& slot : slots) {
    for (const PartLayout& part : slot.parts) {
      count(part.name);
      count(part.other_name);
      absl::c_for_each(part.pieces, count);
    }
  }
  std::vector<std::string> names;
  for (const TensorInfo& tensor : files.tensors()) {
    bool behind = false;
    VisitNumbers(absl::StripPrefix(tensor.name, prefix), [&](std::string_view stem, int64_t found) {
      const auto known = last.find(stem);
      behind |= known != last.end() && found > known->second;
    });
    if (behind) names.push_back(tensor.name);
  }
  return names;
}

// The tensors that a slot is read from, in order; nullptr where there is none.
std::vector<const TensorInfo*> FindSlot(const WeightFiles& files, const SlotLayout& slot,
                                        std::string_view prefix) {
  std::vector<const TensorInfo*> found;
  for (const PartLayout& part : slot.parts) {
    for (const Source& source : FindPart(files, part, prefix)) found.push_back(source.tensor);
  }
  return found;
}

std::vector<std::string> UnusedNames(const WeightFiles& files,
                                     const std::set<const TensorInfo*>& taken) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : files.tensors()) {
    if (!taken.contains(&tensor)) names.push_back(tensor.name);
  }
  return names;
}

// True when the parts lie one after the other as float32, so that the slot is one block of a
// mapped file.
bool Adjacent(absl::Span<const TensorInfo* const> parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i]->dtype != DType::kF32 || parts[i]->file != parts[0]->file) return false;
    if (i > 0 && parts[i]->begin != parts[i - 1]->end) return false;
  }
  return parts.front()->begin % sizeof(float) == 0;
}

absl::StatusOr<at::Tensor> ReadSlot(const WeightFiles& files, const SlotLayout& slot,
                                    absl::Span<const TensorInfo* const> parts) {
  at::Tensor tensor = at::empty(slot.shape(), at::kFloat);
  float* out = tensor.data_ptr<float>();
  for (const TensorInfo* part : parts) {
    ABSL_RETURN_IF_ERROR(files.CheckUnscaled(*part));
    const auto count = static_cast<size_t>(part->elements());
    ABSL_RETURN_IF_ERROR(files.ReadAsFloat(*part, absl::MakeSpan(out, count)));
    out += count;
  }
  return tensor;
}

at::Tensor MapSlot(const std::shared_ptr<const MappedFile>& mapped, const SlotLayout& slot,
                   absl::Span<const TensorInfo* const> parts) {
  // The tensor is const by contract (ARCHITECTURE.md, 2.3): nothing writes to a stage that is not a
  // trainable copy.
  char* data = const_cast<char*>(mapped->bytes().data()) + parts.front()->begin;
  return at::from_blob(
      data, slot.shape(), [mapped](void*) {}, at::TensorOptions().dtype(at::kFloat));
}

// By TensorInfo::file; none where files are read.
using Mappings = std::vector<std::shared_ptr<const MappedFile>>;

absl::StatusOr<Mappings> MapFiles(const WeightFiles& weights) {
  Mappings mappings;
  // That graft wrote a file is what the file says. What others may write to, they may change while
  // it is mapped.
  if (!weights.written_by_graft() || !absl::c_all_of(weights.files(), [](const InputFile& file) {
        return file.OnlyOwnerWrites();
      })) {
    return mappings;
  }
  for (const InputFile& file : weights.files()) {
    ABSL_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Map(file));
    mappings.push_back(std::make_shared<const MappedFile>(std::move(mapped)));
  }
  return mappings;
}

absl::StatusOr<LoadedTensors> ReadTensors(const WeightFiles& files,
                                          absl::Span<const SlotLayout> slots,
                                          std::string_view prefix) {
  ABSL_RETURN_IF_ERROR(MismatchError(files, CompareTensors(files, slots, prefix)));
  LoadedTensors loaded;
  std::set<const TensorInfo*> taken;
  ABSL_ASSIGN_OR_RETURN(const Mappings mappings, MapFiles(files));
  loaded.mapped = !mappings.empty();
  for (const SlotLayout& slot : slots) {
    const std::vector<const TensorInfo*> own = FindSlot(files, slot, prefix);
    taken.insert(own.begin(), own.end());
    if (loaded.mapped && Adjacent(own)) {
      loaded.tensors.push_back(MapSlot(mappings[own[0]->file], slot, own));
    } else {
      ABSL_ASSIGN_OR_RETURN(at::Tensor tensor, ReadSlot(files, slot, own));
      loaded.tensors.push_back(std::move(tensor));
    }
  }
  loaded.unused = UnusedNames(files, taken);
  return loaded;
}

absl::Status WriteTensors(const std::string& path, absl::Span<const NamedTensor> tensors) {
  std::vector<TensorToWrite> writes;
  std::vector<at::Tensor> kept;  // contiguous forms, alive while they are written
  for (const NamedTensor& tensor : tensors) {
    kept.push_back(tensor.value.detach().contiguous());
    const at::Tensor& value = kept.back();
    TORCH_CHECK(value.scalar_type() == at::kFloat, "SaveTensors: ", tensor.name, " is not float32");
    writes.push_back(
        {tensor.name, DType::kF32, value.sizes().vec(),
         absl::MakeConstSpan(static_cast<const char*>(value.const_data_ptr()), value.nbytes())});
  }
  return WriteSafetensors(path, writes, {});
}

}  // namespace

std::string_view PrefixIn(const WeightFiles& files, const EncoderFamily& family) {
  for (const std::string_view prefix : {family.prefix, family.other_prefix}) {
    if (!prefix.empty() && absl::c_any_of(files.tensors(), [&](const TensorInfo& tensor) {
          return absl::StartsWith(tensor.name, prefix);
        })) {
      return prefix;
    }
  }
  return family.prefix;
}

TensorMismatch CompareTensors(const WeightFiles& files, absl::Span<const SlotLayout> slots,
                              std::string_view prefix) {
  TensorMismatch mismatch;
  for (const SlotLayout& slot : slots) {
    for (const PartLayout& part : slot.parts) {
      for (const auto& [name, shape, tensor] : FindPart(files, part, prefix)) {
        if (tensor == nullptr) {
          mismatch.missing.push_back(name);
        } else if (tensor->shape != shape) {
          mismatch.other_shape.push_back(absl::StrCat(tensor->name, " (expected ", ShapeText(shape),
                                                      ", found ", ShapeText(tensor->shape), ")"));
        }
      }
    }
  }
  mismatch.of_more_layers = NamesOfMoreLayers(files, slots, prefix);
  return mismatch;
}

std::vector<std::string> NamesInOrder(const WeightFiles& files, absl::Span<const SlotLayout> slots,
                                      std::string_view prefix) {
  std::vector<std::string> names;
  for (const SlotLayout& slot : slots) {
    for (const TensorInfo* tensor : FindSlot(files, slot, prefix)) {
      if (tensor != nullptr) names.push_back(tensor->name);
    }
  }
  return names;
}

absl::StatusOr<LoadedTensors> LoadTensors(const WeightFiles& files,
                                          absl::Span<const SlotLayout> slots,
                                          std::string_view prefix) {
  return CatchErrors(files.path(), [&] { return ReadTensors(files, slots, prefix); });
}

absl::Status SaveTensors(const std::string& path, absl::Span<const NamedTensor> tensors) {
  return CatchErrors(path, [&] { return WriteTensors(path, tensors); });
}

}  // namespace graft
