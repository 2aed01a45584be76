#include "tools/inspect_weights.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

std::string NameOfFile(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string FileOf(const WeightFiles& weights, const TensorInfo& tensor) {
  return NameOfFile(weights.files()[tensor.file].path());
}

bool Finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::isfinite(value); });
}

}  // namespace

absl::StatusOr<WeightFacts> FindWeightFacts(const WeightFiles& weights) {
  WeightFacts facts;
  std::set<std::tuple<size_t, uint64_t, uint64_t>> places;
  std::vector<float> values;
  for (const TensorInfo& tensor : weights.tensors()) {
    ++facts.tensors_by_dtype[std::string(DTypeName(tensor.dtype))];
    if (tensor.begin < tensor.end &&
        !places.emplace(tensor.file, tensor.begin, tensor.end).second) {
      facts.shared.push_back(tensor.name);
    }
    if (!IsFloatingPoint(tensor.dtype)) continue;
    values.resize(static_cast<size_t>(tensor.elements()));
    ABSL_RETURN_IF_ERROR(weights.ReadAsFloat(tensor, absl::MakeSpan(values)));
    if (!Finite(values)) facts.not_finite.push_back(tensor.name);
  }
  return facts;
}

ordered_json WeightsJson(const WeightFiles& weights, const WeightFacts& facts) {
  return {{"format", WeightFormatName(weights.format())},
          {"files", weights.paths()},
          {"bytes", weights.size()},
          {"tensors", weights.tensors().size()},
          {"tensors_by_dtype", facts.tensors_by_dtype},
          {"written_by_graft", weights.written_by_graft()},
          {"shared_tensors", facts.shared},
          {"not_finite", facts.not_finite},
          {"no_tensors", weights.others()}};
}

void AddWeightRows(const WeightFiles& weights, const WeightFacts& facts, Table& table) {
  constexpr double kMegabyte = 1e6;
  std::vector<std::string> counts;
  for (const auto& [dtype, count] : facts.tensors_by_dtype) {
    counts.push_back(absl::StrCat(count, " ", dtype));
  }
  const size_t files = weights.files().size();
  table.AddRow(
      {"weights",
       absl::StrFormat("%s, %d file%s, %.1f MB", WeightFormatName(weights.format()), files,
                       files == 1 ? "" : "s", static_cast<double>(weights.size()) / kMegabyte)});
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
  add("no tensors", weights.others());
}

ordered_json TensorsJson(const WeightFiles& weights) {
  ordered_json tensors = ordered_json::array();
  for (const TensorInfo& tensor : weights.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", DTypeName(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"file", FileOf(weights, tensor)}});
  }
  return tensors;
}

std::string TensorTable(const WeightFiles& weights) {
  Table table({{"tensor"}, {"type"}, {"shape"}, {"file"}});
  for (const TensorInfo& tensor : weights.tensors()) {
    table.AddRow({Printable(tensor.name), std::string(DTypeName(tensor.dtype)),
                  absl::StrCat("[", absl::StrJoin(tensor.shape, ", "), "]"),
                  Printable(FileOf(weights, tensor))});
  }
  return table.ToString();
}

}  // namespace graft::tools
