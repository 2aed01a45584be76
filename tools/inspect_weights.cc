#include "tools/inspect_weights.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/file.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

std::string NameOfFile(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "2_Dense/model.safetensors"
std::string FileOf(const WeightSet& set, const TensorInfo& tensor) {
  const std::string name = NameOfFile(set.files.files()[tensor.file].path());
  return set.folder.empty() ? name : JoinPath(set.folder, name);
}

template <typename T>
bool AllFinite(const std::vector<T>& values) {
  return std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
}

// Doubles beyond float32 are finite.
absl::StatusOr<bool> IsFinite(const WeightFiles& weights, const TensorInfo& tensor) {
  const auto count = static_cast<size_t>(tensor.elements());
  if (tensor.dtype == DType::kF64) {
    std::vector<double> values(count);
    const absl::Span<char> bytes(reinterpret_cast<char*>(values.data()), tensor.bytes());
    ABSL_RETURN_IF_ERROR(weights.ReadBytes(tensor, bytes));
    return AllFinite(values);
  }
  std::vector<float> values(count);
  ABSL_RETURN_IF_ERROR(weights.ReadAsFloat(tensor, absl::MakeSpan(values)));
  return AllFinite(values);
}

absl::Status AddFacts(const WeightSet& set, WeightFacts& facts) {
  std::set<std::tuple<size_t, uint64_t, uint64_t>> places;
  for (const TensorInfo& tensor : set.files.tensors()) {
    const std::string name = absl::StrCat(set.prefix, tensor.name);
    ++facts.tensors_by_dtype[std::string(DTypeName(tensor.dtype))];
    if (tensor.begin < tensor.end &&
        !places.emplace(tensor.file, tensor.begin, tensor.end).second) {
      facts.shared.push_back(name);
    }
    if (!IsFloatingPoint(tensor.dtype)) continue;
    ABSL_ASSIGN_OR_RETURN(const bool finite, IsFinite(set.files, tensor));
    if (!finite) facts.not_finite.push_back(name);
  }
  return absl::OkStatus();
}

std::vector<std::string> Others(const std::vector<WeightSet>& sets) {
  std::vector<std::string> names;
  for (const WeightSet& set : sets) {
    for (const std::string& name : set.files.others()) {
      names.push_back(absl::StrCat(set.prefix, name));
    }
  }
  return names;
}

uint64_t Bytes(const std::vector<WeightSet>& sets) {
  uint64_t bytes = 0;
  for (const WeightSet& set : sets) bytes += set.files.size();
  return bytes;
}

}  // namespace

absl::StatusOr<WeightFacts> FindWeightFacts(const std::vector<WeightSet>& sets) {
  WeightFacts facts;
  for (const WeightSet& set : sets) ABSL_RETURN_IF_ERROR(AddFacts(set, facts));
  return facts;
}

ordered_json WeightsJson(const std::vector<WeightSet>& sets, const WeightFacts& facts) {
  std::vector<std::string> files;
  size_t tensors = 0;
  bool written_by_graft = true;
  for (const WeightSet& set : sets) {
    const std::vector<std::string> paths = set.files.paths();
    files.insert(files.end(), paths.begin(), paths.end());
    tensors += set.files.tensors().size();
    written_by_graft &= set.files.written_by_graft();
  }
  return {{"format", WeightFormatName(sets[0].files.format())},
          {"files", files},
          {"bytes", Bytes(sets)},
          {"tensors", tensors},
          {"tensors_by_dtype", facts.tensors_by_dtype},
          {"written_by_graft", written_by_graft},
          {"shared_tensors", facts.shared},
          {"not_finite", facts.not_finite},
          {"no_tensors", Others(sets)}};
}

void AddWeightRows(const std::vector<WeightSet>& sets, const WeightFacts& facts, Table& table) {
  constexpr double kMegabyte = 1e6;
  std::vector<std::string> counts;
  for (const auto& [dtype, count] : facts.tensors_by_dtype) {
    counts.push_back(absl::StrCat(count, " ", dtype));
  }
  size_t files = 0;
  for (const WeightSet& set : sets) files += set.files.files().size();
  table.AddRow(
      {"weights",
       absl::StrFormat("%s, %d file%s, %.1f MB", WeightFormatName(sets[0].files.format()), files,
                       files == 1 ? "" : "s", static_cast<double>(Bytes(sets)) / kMegabyte)});
  table.AddRow({"tensors", counts.empty() ? "none" : absl::StrJoin(counts, ", ")});
  const auto add = [&](const char* title, const std::vector<std::string>& names) {
    constexpr size_t kShown = 5;
    for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
      table.AddRow({i == 0 ? title : "", Printable(names[i])});
    }
    if (names.size() > kShown) {
      table.AddRow({"", absl::StrCat("and ", names.size() - kShown, " more (--json lists them)")});
    }
  };
  add("shared", facts.shared);
  add("not finite", facts.not_finite);
  add("no tensors", Others(sets));
}

ordered_json TensorsJson(const std::vector<WeightSet>& sets) {
  ordered_json tensors = ordered_json::array();
  for (const WeightSet& set : sets) {
    for (const TensorInfo& tensor : set.files.tensors()) {
      tensors.push_back({{"name", absl::StrCat(set.prefix, tensor.name)},
                         {"dtype", DTypeName(tensor.dtype)},
                         {"shape", tensor.shape},
                         {"file", FileOf(set, tensor)}});
    }
  }
  return tensors;
}

std::string TensorTable(const std::vector<WeightSet>& sets) {
  Table table({{"tensor"}, {"type"}, {"shape"}, {"file"}});
  for (const WeightSet& set : sets) {
    for (const TensorInfo& tensor : set.files.tensors()) {
      table.AddRow({Printable(absl::StrCat(set.prefix, tensor.name)),
                    std::string(DTypeName(tensor.dtype)),
                    absl::StrCat("[", absl::StrJoin(tensor.shape, ", "), "]"),
                    Printable(FileOf(set, tensor))});
    }
  }
  return table.ToString();
}

}  // namespace graft::tools
