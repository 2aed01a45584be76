#include "models/checkpoint.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "models/catch_errors.h"
#include "models/weights/safetensors.h"

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

const TensorInfo* FindTensor(const WeightFiles& file, std::string_view name,
                             std::string_view prefix) {
  for (const std::string& candidate : {absl::StrCat(prefix, name), std::string(name)}) {
    if (const TensorInfo* tensor = file.Find(candidate)) return tensor;
    if (const auto old = OldName(candidate)) {
      if (const TensorInfo* tensor = file.Find(*old)) return tensor;
    }
  }
  return nullptr;
}

// The tensor of every part, or one error that lists all that is wrong.
absl::StatusOr<std::vector<const TensorInfo*>> ResolveParts(const WeightFiles& file,
                                                            absl::Span<const SlotLayout> slots,
                                                            std::string_view prefix) {
  std::vector<const TensorInfo*> found;
  std::vector<std::string> missing, mismatched;
  for (const SlotLayout& slot : slots) {
    for (const PartLayout& part : slot.parts) {
      const TensorInfo* tensor = FindTensor(file, part.name, prefix);
      found.push_back(tensor);
      if (tensor == nullptr) {
        missing.push_back(part.name);
      } else if (tensor->shape != part.shape) {
        mismatched.push_back(absl::StrCat(tensor->name, " (expected ", ShapeText(part.shape),
                                          ", found ", ShapeText(tensor->shape), ")"));
      }
    }
  }
  if (missing.empty() && mismatched.empty()) return found;
  std::string message = absl::StrCat(file.path(), ": the tensors do not fit config.json:");
  if (!missing.empty())
    absl::StrAppend(&message, " ", missing.size(), " missing: ", NameList(missing));
  if (!mismatched.empty()) {
    absl::StrAppend(&message, missing.empty() ? " " : "; ", mismatched.size(),
                    " of another shape: ", NameList(mismatched));
  }
  return absl::InvalidArgumentError(message);
}

std::vector<std::string> UnusedNames(const WeightFiles& file,
                                     const std::vector<const TensorInfo*>& used) {
  const std::set<const TensorInfo*> taken(used.begin(), used.end());
  std::vector<std::string> names;
  for (const TensorInfo& tensor : file.tensors()) {
    if (!taken.contains(&tensor)) names.push_back(tensor.name);
  }
  return names;
}

// True when the parts lie one after the other as float32, so that the slot is one block of the
// file.
bool Adjacent(absl::Span<const TensorInfo* const> parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i]->dtype != DType::kF32) return false;
    if (i > 0 && parts[i]->begin != parts[i - 1]->end) return false;
  }
  return parts.front()->begin % sizeof(float) == 0;
}

absl::StatusOr<at::Tensor> ReadSlot(const WeightFiles& file, const SlotLayout& slot,
                                    absl::Span<const TensorInfo* const> parts) {
  at::Tensor tensor = at::empty(slot.shape(), at::kFloat);
  float* out = tensor.data_ptr<float>();
  for (const TensorInfo* part : parts) {
    const auto count = static_cast<size_t>(part->elements());
    ABSL_RETURN_IF_ERROR(file.ReadAsFloat(*part, absl::MakeSpan(out, count)));
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

absl::StatusOr<LoadedTensors> ReadTensors(const std::string& path,
                                          absl::Span<const SlotLayout> slots,
                                          std::string_view prefix) {
  ABSL_ASSIGN_OR_RETURN(const WeightFiles file, WeightFiles::Open(path));
  ABSL_ASSIGN_OR_RETURN(const std::vector<const TensorInfo*> parts,
                        ResolveParts(file, slots, prefix));
  LoadedTensors loaded;
  loaded.unused = UnusedNames(file, parts);
  loaded.file_bytes = file.size();
  std::shared_ptr<const MappedFile> mapped;
  if (file.written_by_graft()) {
    ABSL_ASSIGN_OR_RETURN(MappedFile opened, MappedFile::Open(path));
    if (opened.bytes().size() != file.size())
      return absl::DataLossError(absl::StrCat(path, ": changed while it was read"));
    mapped = std::make_shared<const MappedFile>(std::move(opened));
    loaded.mapped = true;
  }
  absl::Span<const TensorInfo* const> rest = parts;
  for (const SlotLayout& slot : slots) {
    const auto own = rest.first(slot.parts.size());
    rest.remove_prefix(slot.parts.size());
    if (mapped != nullptr && Adjacent(own)) {
      loaded.tensors.push_back(MapSlot(mapped, slot, own));
    } else {
      ABSL_ASSIGN_OR_RETURN(at::Tensor tensor, ReadSlot(file, slot, own));
      loaded.tensors.push_back(std::move(tensor));
    }
  }
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
  return WriteSafetensors(path, std::move(writes), {});
}

}  // namespace

absl::StatusOr<LoadedTensors> LoadTensors(const std::string& path,
                                          absl::Span<const SlotLayout> slots,
                                          std::string_view prefix) {
  return CatchErrors(path, [&] { return ReadTensors(path, slots, prefix); });
}

absl::Status SaveTensors(const std::string& path, absl::Span<const NamedTensor> tensors) {
  return CatchErrors(path, [&] { return WriteTensors(path, tensors); });
}

}  // namespace graft
