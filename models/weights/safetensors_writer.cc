#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/utf8.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_limits.h"
#include "nlohmann/json.hpp"

namespace graft {
namespace {

absl::Status CheckTensor(const TensorHeader& tensor, const std::string& path) {
  const auto error = [&](const auto&... parts) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", Quoted(tensor.name), ": expected ", parts...));
  };
  if (tensor.name == kSafetensorsMetadata) return error("another name, found that of the metadata");
  if (tensor.name.size() > kMaxTensorName) {
    return error("a name of at most ", kMaxTensorName, " bytes, found one of ", tensor.name.size());
  }
  if (FindInvalidUtf8(tensor.name)) return error("a name in UTF-8, found ill-formed bytes");
  if (tensor.shape.size() > kMaxTensorRank) {
    return error("at most ", kMaxTensorRank, " dimensions, found ", tensor.shape.size());
  }
  for (const int64_t size : tensor.shape) {
    if (size < 0) return error("sizes from 0 up, found ", size);
  }
  if (!ShapeBytes(tensor.dtype, tensor.shape)) {
    return error("a size below 2^63 bytes, found ", Describe(tensor.dtype, tensor.shape));
  }
  return absl::OkStatus();
}

uint64_t BytesOf(const TensorHeader& tensor) {
  return ShapeBytes(tensor.dtype, tensor.shape).value_or(0);  // checked
}

absl::Status CheckBytes(const TensorHeader& tensor, uint64_t found, const std::string& path) {
  if (BytesOf(tensor) == found) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", Quoted(tensor.name), ": expected ", BytesOf(tensor), " bytes for ",
                   Describe(tensor.dtype, tensor.shape), ", found ", found));
}

absl::Status CheckAll(const std::vector<TensorHeader>& tensors,
                      const std::map<std::string, std::string>& metadata, const std::string& path) {
  if (tensors.size() > kMaxTensors) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected at most ", kMaxTensors, " tensors, found ", tensors.size()));
  }
  // graft adds two of its own.
  if (metadata.size() + 2 > kMaxSafetensorsEntries) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": metadata: expected at most ",
                                                   kMaxSafetensorsEntries - 2, " entries, found ",
                                                   metadata.size()));
  }
  absl::flat_hash_set<std::string_view> names;
  for (const TensorHeader& tensor : tensors) {
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
std::vector<size_t> OrderForAlignment(const std::vector<TensorHeader>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  const auto others = std::stable_partition(order.begin(), order.end(), [&](size_t i) {
    return BytesOf(tensors[i]) % kSafetensorsAlignment == 0;
  });
  std::stable_sort(others, order.end(), [&](size_t a, size_t b) {
    return DTypeSize(tensors[a].dtype) > DTypeSize(tensors[b].dtype);
  });
  return order;
}

// Joined entry by entry, because an ordered_json object looks through all its keys at each
// insertion.
std::string Header(const std::vector<TensorHeader>& tensors, const std::vector<size_t>& order,
                   std::map<std::string, std::string> metadata) {
  metadata.insert_or_assign("format", std::string("pt"));
  metadata.insert_or_assign(std::string(kGraftMark), std::string(kGraftVersion));
  std::string header =
      absl::StrCat("{\"", kSafetensorsMetadata, "\":", nlohmann::ordered_json(metadata).dump());
  uint64_t offset = 0;
  for (const size_t i : order) {
    const TensorHeader& tensor = tensors[i];
    const uint64_t end = offset + BytesOf(tensor);
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

// With its length in front, as the file begins.
std::string WithLength(std::string header) {
  const uint64_t size = header.size();
  header.insert(0, reinterpret_cast<const char*>(&size), sizeof(size));
  return header;
}

}  // namespace

absl::Status WriteSafetensors(const std::string& path, const std::vector<TensorHeader>& tensors,
                              const TensorBytes& bytes,
                              const std::map<std::string, std::string>& metadata) {
  ABSL_RETURN_IF_ERROR(CheckAll(tensors, metadata, path));
  const std::vector<size_t> order = OrderForAlignment(tensors);
  std::string header = Header(tensors, order, metadata);
  if (header.size() > kMaxSafetensorsHeader) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a header of at most ",
                                                   kMaxSafetensorsHeader, " bytes, found one of ",
                                                   header.size()));
  }
  ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
  ABSL_RETURN_IF_ERROR(file.Append(WithLength(std::move(header))));
  for (const size_t i : order) {
    ABSL_ASSIGN_OR_RETURN(const absl::Span<const char> data, bytes(i));
    ABSL_RETURN_IF_ERROR(CheckBytes(tensors[i], data.size(), path));
    ABSL_RETURN_IF_ERROR(file.Append({data.data(), data.size()}));
  }
  return file.Commit();
}

absl::Status WriteSafetensors(const std::string& path, const std::vector<TensorToWrite>& tensors,
                              const std::map<std::string, std::string>& metadata) {
  std::vector<TensorHeader> headers;
  headers.reserve(tensors.size());
  for (const TensorToWrite& tensor : tensors) {
    headers.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  ABSL_RETURN_IF_ERROR(CheckAll(headers, metadata, path));
  for (size_t i = 0; i < tensors.size(); ++i) {
    ABSL_RETURN_IF_ERROR(CheckBytes(headers[i], tensors[i].bytes.size(), path));
  }
  return WriteSafetensors(path, headers, [&](size_t i) { return tensors[i].bytes; }, metadata);
}

struct SafetensorsMatrix::State {
  DurableFile file;
  std::string path;
  std::string name;
  int64_t columns;
  uint64_t data_begin;  // in the file
};

SafetensorsMatrix::SafetensorsMatrix(std::unique_ptr<State> state) : state_(std::move(state)) {}
SafetensorsMatrix::SafetensorsMatrix(SafetensorsMatrix&&) noexcept = default;
SafetensorsMatrix& SafetensorsMatrix::operator=(SafetensorsMatrix&&) noexcept = default;
SafetensorsMatrix::~SafetensorsMatrix() = default;

absl::StatusOr<SafetensorsMatrix> SafetensorsMatrix::Create(const std::string& path,
                                                            const std::string& name,
                                                            int64_t columns) {
  if (columns < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected at least one column, found ", columns));
  }
  // Room for the header of as many rows as there can be.
  constexpr int64_t kMostNumbers = std::numeric_limits<int64_t>::max() / sizeof(float);
  const TensorHeader longest = {name, DType::kF32, {kMostNumbers / columns, columns}};
  ABSL_RETURN_IF_ERROR(CheckAll({longest}, {}, path));
  const std::string room = WithLength(Header({longest}, {0}, {}));
  ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
  ABSL_RETURN_IF_ERROR(file.Append(room));
  return SafetensorsMatrix(
      std::unique_ptr<State>(new State{std::move(file), path, name, columns, room.size()}));
}

absl::Status SafetensorsMatrix::Append(absl::Span<const float> rows) {
  State& s = *state_;
  if (rows.size() % static_cast<size_t>(s.columns) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(s.path, ": expected rows of ", s.columns,
                                                   " numbers, found ", rows.size(), " numbers"));
  }
  return s.file.Append({reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float)});
}

absl::Status SafetensorsMatrix::Commit() {
  State& s = *state_;
  const uint64_t row_bytes = static_cast<uint64_t>(s.columns) * sizeof(float);
  const auto rows = static_cast<int64_t>((s.file.size() - s.data_begin) / row_bytes);
  std::string header = Header({{s.name, DType::kF32, {rows, s.columns}}}, {0}, {});
  header.resize(s.data_begin - sizeof(uint64_t), ' ');
  ABSL_RETURN_IF_ERROR(s.file.WriteOver(0, WithLength(std::move(header))));
  return s.file.Commit();
}

}  // namespace graft
