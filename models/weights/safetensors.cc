#include "models/weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/checked_size.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/weights/float_conversion.h"
#include "models/weights/safetensors_limits.h"

namespace graft {
namespace {

static_assert(std::endian::native == std::endian::little);

struct DTypeEntry {
  DType dtype;
  std::string_view name;
  size_t size;
};

// In the order of the enumeration.
constexpr DTypeEntry kDTypes[] = {
    {DType::kF64, "F64", 8},   {DType::kF32, "F32", 4}, {DType::kF16, "F16", 2},
    {DType::kBF16, "BF16", 2}, {DType::kI64, "I64", 8}, {DType::kI32, "I32", 4},
    {DType::kI16, "I16", 2},   {DType::kI8, "I8", 1},   {DType::kU64, "U64", 8},
    {DType::kU32, "U32", 4},   {DType::kU16, "U16", 2}, {DType::kU8, "U8", 1},
    {DType::kBool, "BOOL", 1}};

const DTypeEntry& Entry(DType dtype) {
  const DTypeEntry& entry = kDTypes[static_cast<size_t>(dtype)];
  ABSL_CHECK(entry.dtype == dtype);
  return entry;
}

absl::StatusOr<DType> ParseDType(const JsonValue& tensor) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, tensor.GetString("dtype"));
  for (const DTypeEntry& entry : kDTypes) {
    if (entry.name == name) return entry.dtype;
  }
  return tensor.Error(absl::StrCat("expected an element type of ",
                                   absl::StrJoin(kDTypes, ", ",
                                                 [](std::string* out, const DTypeEntry& entry) {
                                                   absl::StrAppend(out, entry.name);
                                                 }),
                                   "; found ", Quoted(name)));
}

absl::StatusOr<std::vector<int64_t>> ParseShape(const JsonValue& tensor) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue member, tensor.Get("shape"));
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> sizes, member.AsArray());
  if (sizes.size() > kMaxSafetensorsRank) {
    return member.Error(absl::StrCat("expected at most ", kMaxSafetensorsRank,
                                     " dimensions, found ", sizes.size()));
  }
  std::vector<int64_t> shape;
  for (const JsonValue& size : sizes) {
    ABSL_ASSIGN_OR_RETURN(const int64_t value, size.AsInt(0, INT64_MAX));
    shape.push_back(value);
  }
  return shape;
}

// Where the header stands and how many bytes of data follow it.
struct Layout {
  uint64_t header_size;
  uint64_t data_begin;
  uint64_t data_size;
};

absl::StatusOr<Layout> ReadLayout(const InputFile& file) {
  const auto error = [&](const auto&... parts) {
    return absl::DataLossError(absl::StrCat(file.path(), ": byte 0: expected ", parts...));
  };
  uint64_t header_size = 0;
  if (file.size() < sizeof(header_size)) {
    return error("8 bytes of header length, found a file of ", file.size(), " bytes");
  }
  ABSL_RETURN_IF_ERROR(
      file.ReadAt(0, absl::MakeSpan(reinterpret_cast<char*>(&header_size), sizeof(header_size))));
  if (header_size > kMaxSafetensorsHeader) {
    return error("a header of at most ", kMaxSafetensorsHeader, " bytes, found one of ",
                 header_size);
  }
  const uint64_t data_begin = sizeof(header_size) + header_size;
  if (data_begin > file.size()) {
    return error("a header that ends in the file of ", file.size(), " bytes, found one of ",
                 header_size);
  }
  return Layout{header_size, data_begin, file.size() - data_begin};
}

// One entry of the header; the offsets are checked against the shape and the file, not yet against
// the other tensors.
absl::StatusOr<TensorInfo> ParseTensor(std::string_view name, const JsonValue& tensor,
                                       const Layout& layout) {
  if (name.size() > kMaxSafetensorsName) {
    return tensor.Error(absl::StrCat("expected a name of at most ", kMaxSafetensorsName,
                                     " bytes, found one of ", name.size()));
  }
  TensorInfo info{.name = std::string(name), .dtype = {}, .shape = {}, .begin = 0, .end = 0};
  ABSL_ASSIGN_OR_RETURN(info.dtype, ParseDType(tensor));
  ABSL_ASSIGN_OR_RETURN(info.shape, ParseShape(tensor));
  CheckedSize bytes = DTypeSize(info.dtype);
  for (const int64_t size : info.shape) bytes *= static_cast<uint64_t>(size);
  const std::string shown =
      absl::StrCat(DTypeName(info.dtype), " of shape [", absl::StrJoin(info.shape, ", "), "]");
  const std::optional<uint64_t> wanted = bytes.value();
  if (!wanted) {
    return tensor.Error(absl::StrCat("expected a size below 2^64 bytes, found ", shown));
  }
  ABSL_ASSIGN_OR_RETURN(const JsonValue member, tensor.Get("data_offsets"));
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> offsets, member.AsArray());
  if (offsets.size() != 2) {
    return member.Error(absl::StrCat("expected [begin, end], found ", offsets.size(), " entries"));
  }
  const int64_t data_size = static_cast<int64_t>(layout.data_size);
  ABSL_ASSIGN_OR_RETURN(const int64_t begin, offsets[0].AsInt(0, data_size));
  ABSL_ASSIGN_OR_RETURN(const int64_t end, offsets[1].AsInt(begin, data_size));
  if (static_cast<uint64_t>(end - begin) != *wanted) {
    return member.Error(
        absl::StrCat("expected ", *wanted, " bytes for ", shown, ", found ", end - begin));
  }
  info.begin = layout.data_begin + static_cast<uint64_t>(begin);
  info.end = layout.data_begin + static_cast<uint64_t>(end);
  return info;
}

// The tensors, in any order, must cover the bytes behind the header once.
absl::Status CheckCover(std::vector<TensorInfo>& tensors, const Layout& layout,
                        const std::string& path) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t covered = layout.data_begin;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.begin != covered) {
      return absl::DataLossError(absl::StrCat(
          path, ": header: ", Quoted(tensor.name), ": expected tensors without ",
          tensor.begin > covered ? "holes" : "overlaps", ", the next at offset ",
          covered - layout.data_begin, ", found it at ", tensor.begin - layout.data_begin));
    }
    covered = tensor.end;
  }
  const uint64_t file_size = layout.data_begin + layout.data_size;
  if (covered != file_size) {
    return absl::DataLossError(absl::StrCat(path, ": byte ", covered,
                                            ": expected the end of the file, found ",
                                            file_size - covered, " bytes of no tensor"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> ParseMetadata(const JsonValue& value) {
  std::map<std::string, std::string> metadata;
  if (value.is_null()) return metadata;
  ABSL_ASSIGN_OR_RETURN(const auto members, value.AsObject());
  for (const auto& [key, member] : members) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, member.AsString());
    metadata.emplace(key, text);
  }
  return metadata;
}

struct Header {
  std::vector<TensorInfo> tensors;
  std::map<std::string, std::string> metadata;
};

absl::StatusOr<Header> ParseHeader(std::string_view text, const Layout& layout,
                                   const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(text, absl::StrCat(path, ": header")));
  ABSL_ASSIGN_OR_RETURN(const auto members, document.root().AsObject());
  if (members.size() > kMaxSafetensorsTensors + 1) {
    return document.root().Error(absl::StrCat("expected at most ", kMaxSafetensorsTensors,
                                              " tensors, found ", members.size()));
  }
  Header header;
  for (const auto& [name, value] : members) {
    if (name == kSafetensorsMetadata) {
      ABSL_ASSIGN_OR_RETURN(header.metadata, ParseMetadata(value));
      continue;
    }
    ABSL_ASSIGN_OR_RETURN(TensorInfo tensor, ParseTensor(name, value, layout));
    header.tensors.push_back(std::move(tensor));
  }
  if (header.tensors.size() > kMaxSafetensorsTensors) {
    return document.root().Error(absl::StrCat("expected at most ", kMaxSafetensorsTensors,
                                              " tensors, found ", header.tensors.size()));
  }
  ABSL_RETURN_IF_ERROR(CheckCover(header.tensors, layout, path));
  return header;
}

bool PlacedByGraft(const Header& header) {
  const auto mark = header.metadata.find(std::string(kGraftMark));
  if (mark == header.metadata.end() || mark->second != kGraftVersion) return false;
  return std::all_of(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& tensor) {
    const bool whole_lines = (tensor.end - tensor.begin) % kSafetensorsAlignment == 0;
    return tensor.begin % (whole_lines ? kSafetensorsAlignment : DTypeSize(tensor.dtype)) == 0;
  });
}

// Reads numbers of type T in pieces that stay in the cache and hands each to `convert`.
template <typename T>
absl::Status ReadConverted(const InputFile& file, uint64_t offset, absl::Span<float> out,
                           void (*convert)(const T*, float*, size_t)) {
  constexpr size_t kPiece = (size_t{256} << 10) / sizeof(T);
  std::vector<T> piece(std::min(kPiece, out.size()));
  for (size_t done = 0; done < out.size(); done += piece.size()) {
    piece.resize(std::min(piece.size(), out.size() - done));
    ABSL_RETURN_IF_ERROR(file.ReadAt(
        offset + done * sizeof(T),
        absl::MakeSpan(reinterpret_cast<char*>(piece.data()), piece.size() * sizeof(T))));
    convert(piece.data(), out.data() + done, piece.size());
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view DTypeName(DType dtype) { return Entry(dtype).name; }
size_t DTypeSize(DType dtype) { return Entry(dtype).size; }

int64_t TensorInfo::elements() const {
  return static_cast<int64_t>((end - begin) / DTypeSize(dtype));
}

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(InputFile input, InputFile::Open(path));
  SafetensorsFile file(std::move(input));
  ABSL_ASSIGN_OR_RETURN(const Layout layout, ReadLayout(file.file_));
  std::string text(layout.header_size, '\0');
  ABSL_RETURN_IF_ERROR(file.file_.ReadAt(sizeof(uint64_t), absl::MakeSpan(text)));
  absl::StatusOr<Header> header = ParseHeader(text, layout, path);
  if (!header.ok()) return absl::DataLossError(header.status().message());
  file.written_by_graft_ = PlacedByGraft(*header);
  file.tensors_ = std::move(header->tensors);
  file.metadata_ = std::move(header->metadata);
  std::sort(file.tensors_.begin(), file.tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  return file;
}

const TensorInfo* SafetensorsFile::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

absl::Status SafetensorsFile::ReadAsFloat(const TensorInfo& tensor, absl::Span<float> out) const {
  ABSL_CHECK(static_cast<int64_t>(out.size()) == tensor.elements());
  switch (tensor.dtype) {
    case DType::kF32:
      return ReadBytes(
          tensor, absl::MakeSpan(reinterpret_cast<char*>(out.data()), out.size() * sizeof(float)));
    case DType::kF16:
      return ReadConverted<uint16_t>(file_, tensor.begin, out, HalfToFloat);
    case DType::kBF16:
      return ReadConverted<uint16_t>(file_, tensor.begin, out, BFloat16ToFloat);
    case DType::kF64:
      return ReadConverted<double>(file_, tensor.begin, out, DoubleToFloat);
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          path(), ": ", Quoted(tensor.name), ": expected elements of F32, F16, BF16 or F64, found ",
          DTypeName(tensor.dtype)));
  }
}

absl::Status SafetensorsFile::ReadBytes(const TensorInfo& tensor, absl::Span<char> out) const {
  ABSL_CHECK(out.size() == tensor.end - tensor.begin);
  return file_.ReadAt(tensor.begin, out);
}

}  // namespace graft
