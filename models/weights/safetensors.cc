#include "models/weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/weights/safetensors_limits.h"

namespace graft {
namespace {

static_assert(std::endian::native == std::endian::little);

absl::StatusOr<DType> ParseDType(const JsonValue& tensor) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, tensor.GetString("dtype"));
  if (const auto dtype = DTypeOfName(name)) return *dtype;
  return tensor.Error(absl::StrCat("expected an element type of ", DTypeNames(), "; found ",
                                   Quoted(name), WhyTypeIsNotRead(name)));
}

absl::StatusOr<std::vector<int64_t>> ParseShape(const JsonValue& tensor) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue member, tensor.Get("shape"));
  if (member.size() > kMaxTensorRank) {
    return member.Error(
        absl::StrCat("expected at most ", kMaxTensorRank, " dimensions, found ", member.size()));
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> sizes, member.AsArray());
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
                 header_size,
                 header_size > kMaxSafetensorsHeaderOfFormat
                     ? ""
                     : ", which the format allows and graft does not read");
  }
  const uint64_t data_begin = sizeof(header_size) + header_size;
  if (data_begin > file.size()) {
    return error("a header that ends in the file of ", file.size(), " bytes, found one of ",
                 header_size);
  }
  return Layout{header_size, data_begin, file.size() - data_begin};
}

// No file is larger, and behind any header it is a number of 64 bits.
constexpr int64_t kMaxOffset = INT64_MAX - static_cast<int64_t>(kMaxSafetensorsHeader) - 8;

// One entry of the header; the offsets are checked against the shape, not yet against the other
// tensors and the file.
absl::StatusOr<TensorInfo> ParseTensor(std::string_view name, const JsonValue& tensor,
                                       const Layout& layout) {
  if (name.size() > kMaxTensorName) {
    return tensor.Error(absl::StrCat("expected a name of at most ", kMaxTensorName,
                                     " bytes, found one of ", name.size()));
  }
  TensorInfo info{.name = std::string(name), .dtype = {}, .shape = {}};
  ABSL_ASSIGN_OR_RETURN(info.dtype, ParseDType(tensor));
  ABSL_ASSIGN_OR_RETURN(info.shape, ParseShape(tensor));
  const std::string shown = Describe(info.dtype, info.shape);
  const std::optional<uint64_t> wanted = ShapeBytes(info.dtype, info.shape);
  if (!wanted) {
    return tensor.Error(absl::StrCat("expected a size below 2^63 bytes, found ", shown));
  }
  ABSL_ASSIGN_OR_RETURN(const JsonValue member, tensor.Get("data_offsets"));
  if (member.is_array() && member.size() != 2) {
    return member.Error(absl::StrCat("expected [begin, end], found ", member.size(), " entries"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> offsets, member.AsArray());
  ABSL_ASSIGN_OR_RETURN(const int64_t begin, offsets[0].AsInt(0, kMaxOffset));
  ABSL_ASSIGN_OR_RETURN(const int64_t end, offsets[1].AsInt(begin, kMaxOffset));
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
  if (covered > file_size) {
    return absl::DataLossError(
        absl::StrCat(path, ": byte ", file_size, ": expected a file of ", covered,
                     " bytes, as its header describes, found its end: the file was cut short"));
  }
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

absl::StatusOr<WeightTable> ParseHeader(std::string_view text, const Layout& layout,
                                        const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(
      const JsonDocument document,
      JsonDocument::Parse(text, absl::StrCat(path, ": header"), kMaxSafetensorsEntries));
  if (const size_t count = document.root().size(); count > kMaxTensors + 1) {
    return document.root().Error(
        absl::StrCat("expected at most ", kMaxTensors, " tensors, found ", count));
  }
  ABSL_ASSIGN_OR_RETURN(const auto members, document.root().AsObject());
  WeightTable header;
  header.tensors.reserve(members.size());
  for (const auto& [name, value] : members) {
    if (name == kSafetensorsMetadata) {
      ABSL_ASSIGN_OR_RETURN(header.metadata, ParseMetadata(value));
      continue;
    }
    ABSL_ASSIGN_OR_RETURN(TensorInfo tensor, ParseTensor(name, value, layout));
    header.tensors.push_back(std::move(tensor));
  }
  if (header.tensors.size() > kMaxTensors) {
    return document.root().Error(
        absl::StrCat("expected at most ", kMaxTensors, " tensors, found ", header.tensors.size()));
  }
  ABSL_RETURN_IF_ERROR(CheckCover(header.tensors, layout, path));
  return header;
}

bool PlacedByGraft(const WeightTable& header) {
  const auto mark = header.metadata.find(std::string(kGraftMark));
  if (mark == header.metadata.end() || mark->second != kGraftVersion) return false;
  return std::all_of(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& tensor) {
    const bool whole_lines = (tensor.end - tensor.begin) % kSafetensorsAlignment == 0;
    return tensor.begin % (whole_lines ? kSafetensorsAlignment : DTypeSize(tensor.dtype)) == 0;
  });
}

}  // namespace

absl::StatusOr<WeightTable> ReadSafetensors(const InputFile& file) {
  ABSL_ASSIGN_OR_RETURN(const Layout layout, ReadLayout(file));
  std::string text(layout.header_size, '\0');
  ABSL_RETURN_IF_ERROR(file.ReadAt(sizeof(uint64_t), absl::MakeSpan(text)));
  absl::StatusOr<WeightTable> table = ParseHeader(text, layout, file.path());
  if (!table.ok()) return absl::DataLossError(table.status().message());
  table->written_by_graft = PlacedByGraft(*table);
  return table;
}

}  // namespace graft
