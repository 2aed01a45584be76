#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/checked_size.h"
#include "base/durable.h"
#include "base/utf8.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_limits.h"
#include "nlohmann/json.hpp"

namespace graft {
namespace {

absl::Status CheckTensor(const TensorToWrite& tensor, const std::string& path) {
  const auto error = [&](const auto&... parts) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", Quoted(tensor.name), ": expected ", parts...));
  };
  if (tensor.name == kSafetensorsMetadata) return error("another name, found that of the metadata");
  if (tensor.name.size() > kMaxSafetensorsName) {
    return error("a name of at most ", kMaxSafetensorsName, " bytes, found one of ",
                 tensor.name.size());
  }
  if (FindInvalidUtf8(tensor.name)) return error("a name in UTF-8, found ill-formed bytes");
  if (tensor.shape.size() > kMaxSafetensorsRank) {
    return error("at most ", kMaxSafetensorsRank, " dimensions, found ", tensor.shape.size());
  }
  CheckedSize bytes = DTypeSize(tensor.dtype);
  for (const int64_t size : tensor.shape) {
    if (size < 0) return error("sizes from 0 up, found ", size);
    bytes *= static_cast<uint64_t>(size);
  }
  const std::string shown =
      absl::StrCat(DTypeName(tensor.dtype), " of shape [", absl::StrJoin(tensor.shape, ", "), "]");
  const std::optional<uint64_t> wanted = bytes.value();
  if (!wanted) return error("a size below 2^64 bytes, found ", shown);
  if (*wanted != tensor.bytes.size()) {
    return error(*wanted, " bytes for ", shown, ", found ", tensor.bytes.size());
  }
  return absl::OkStatus();
}

absl::Status CheckAll(const std::vector<TensorToWrite>& tensors,
                      const std::map<std::string, std::string>& metadata, const std::string& path) {
  if (tensors.size() > kMaxSafetensorsTensors) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": expected at most ", kMaxSafetensorsTensors, " tensors, found ", tensors.size()));
  }
  absl::flat_hash_set<std::string_view> names;
  for (const TensorToWrite& tensor : tensors) {
    ABSL_RETURN_IF_ERROR(CheckTensor(tensor, path));
    if (!names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": ", Quoted(tensor.name), ": expected one tensor of this name, found a second"));
    }
  }
  for (const auto& [key, value] : metadata) {
    if (FindInvalidUtf8(key) || FindInvalidUtf8(value)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": metadata ", Quoted(key),
                                                     ": expected UTF-8, found ill-formed bytes"));
    }
  }
  return absl::OkStatus();
}

// Sizes that keep the alignment first, then by falling element size, a power of two: every tensor
// begins at a multiple of its own.
void OrderForAlignment(std::vector<TensorToWrite>& tensors) {
  const auto others = std::stable_partition(
      tensors.begin(), tensors.end(),
      [](const TensorToWrite& tensor) { return tensor.bytes.size() % kSafetensorsAlignment == 0; });
  std::stable_sort(others, tensors.end(), [](const TensorToWrite& a, const TensorToWrite& b) {
    return DTypeSize(a.dtype) > DTypeSize(b.dtype);
  });
}

// Joined entry by entry, because an ordered_json object looks through all its keys at each
// insertion.
std::string Header(const std::vector<TensorToWrite>& tensors,
                   std::map<std::string, std::string> metadata) {
  metadata.insert_or_assign("format", std::string("pt"));
  metadata.insert_or_assign(std::string(kGraftMark), std::string(kGraftVersion));
  std::string header =
      absl::StrCat("{\"", kSafetensorsMetadata, "\":", nlohmann::ordered_json(metadata).dump());
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const uint64_t end = offset + tensor.bytes.size();
    const nlohmann::ordered_json entry = {{"dtype", DTypeName(tensor.dtype)},
                                          {"shape", tensor.shape},
                                          {"data_offsets", {offset, end}}};
    absl::StrAppend(&header, ",", nlohmann::ordered_json(tensor.name).dump(), ":", entry.dump());
    offset = end;
  }
  header.push_back('}');
  const uint64_t over = (sizeof(uint64_t) + header.size()) % kSafetensorsAlignment;
  if (over > 0) header.append(kSafetensorsAlignment - over, ' ');
  return header;
}

}  // namespace

absl::Status WriteSafetensors(const std::string& path, std::vector<TensorToWrite> tensors,
                              const std::map<std::string, std::string>& metadata) {
  ABSL_RETURN_IF_ERROR(CheckAll(tensors, metadata, path));
  OrderForAlignment(tensors);
  const std::string header = Header(tensors, metadata);
  if (header.size() > kMaxSafetensorsHeader) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a header of at most ",
                                                   kMaxSafetensorsHeader, " bytes, found one of ",
                                                   header.size()));
  }
  const uint64_t size = header.size();
  ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
  ABSL_RETURN_IF_ERROR(
      file.Append(std::string_view(reinterpret_cast<const char*>(&size), sizeof(size))));
  ABSL_RETURN_IF_ERROR(file.Append(header));
  for (const TensorToWrite& tensor : tensors) {
    ABSL_RETURN_IF_ERROR(file.Append({tensor.bytes.data(), tensor.bytes.size()}));
  }
  return file.Commit();
}

}  // namespace graft
