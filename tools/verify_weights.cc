// graft verify weights: are two sets of weights the same?
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "models/weights/compare_weights.h"
#include "nlohmann/json.hpp"
#include "tasks/weight_sets.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::vector<std::string> models;
  bool all = false;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  list.Arguments("A B", &o.models, "two model folders or weight files");
  list.Flag("--all", &o.all, "also show the tensors that are equal");
  list.Flag("--json", &o.json, "print one JSON object");
}

absl::Status Check(const Options& o) {
  if (o.models.size() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("A B: expected two folders or files, found ", o.models.size()));
}

// A folder, or a file by itself.
absl::StatusOr<std::vector<WeightSet>> Open(const std::string& path) {
  if (IsFolder(path)) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<SentenceModule> modules, FindSentenceModules(path));
    return OpenWeightSets(path, modules);
  }
  ABSL_ASSIGN_OR_RETURN(WeightFiles files, WeightFiles::Open(path));
  std::vector<WeightSet> sets;
  sets.push_back({"", "", std::move(files)});
  return sets;
}

std::string TypeAndShape(const TensorInfo* tensor) {
  return tensor == nullptr ? "" : Describe(tensor->dtype, tensor->shape);
}

ordered_json Side(const TensorInfo* tensor, const std::string& sum) {
  if (tensor == nullptr) return nullptr;
  return {{"dtype", DTypeName(tensor->dtype)}, {"shape", tensor->shape}, {"sum", sum}};
}

ordered_json ToJson(const TensorComparison& c) {
  ordered_json json{{"name", c.name},
                    {"verdict", TensorVerdictName(c.verdict)},
                    {"a", Side(c.first, c.first_sum)},
                    {"b", Side(c.second, c.second_sum)}};
  if (c.verdict == TensorVerdict::kOtherValues) {
    json["different"] = c.different;
    json["first_different"] = c.first_different;
    json["largest_difference"] = nullptr;  // also what JSON has for a NaN
    if (c.largest_difference && std::isfinite(*c.largest_difference)) {
      json["largest_difference"] = *c.largest_difference;
    }
  }
  return json;
}

std::string Text(const TensorComparison& c) {
  switch (c.verdict) {
    case TensorVerdict::kOtherType:
    case TensorVerdict::kOtherShape:
      return absl::StrCat(TypeAndShape(c.first), " and ", TypeAndShape(c.second));
    case TensorVerdict::kOtherValues:
      return absl::StrCat(
          WithThousands(c.different), " of ", WithThousands(c.first->elements()),
          ", first element ", c.first_different,
          c.largest_difference ? absl::StrFormat(", by up to %.3g", *c.largest_difference) : "");
    default:
      return TypeAndShape(c.first != nullptr ? c.first : c.second);
  }
}

absl::StatusOr<int> Verify(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const std::vector<WeightSet> first, Open(o.models[0]));
  ABSL_ASSIGN_OR_RETURN(const std::vector<WeightSet> second, Open(o.models[1]));
  const WeightFiles &a = first[0].files, &b = second[0].files;
  std::map<std::string_view, int64_t> counts;
  ordered_json rows = ordered_json::array();
  Table table({{"tensor"}, {"sum"}, {"verdict"}, {""}});
  int64_t tensors = 0;
  ABSL_RETURN_IF_ERROR(
      CompareWeights(AllWeights(first), AllWeights(second), [&](const TensorComparison& c) {
        ++tensors;
        ++counts[TensorVerdictName(c.verdict)];
        if (o.json) rows.push_back(ToJson(c));
        if (!o.all && c.verdict == TensorVerdict::kEqual) return;
        constexpr size_t kShownSum = 16;  // of 32 digits
        table.AddRow({Printable(c.name), c.first_sum.substr(0, kShownSum),
                      std::string(TensorVerdictName(c.verdict)), Text(c)});
      }));
  const int64_t different = tensors - counts[TensorVerdictName(TensorVerdict::kEqual)];
  if (o.json) {
    const ordered_json json{{"format", "graft verify weights"},
                            {"version", 1},
                            {"a", {{"path", a.path()}, {"weights", WeightFormatName(a.format())}}},
                            {"b", {{"path", b.path()}, {"weights", WeightFormatName(b.format())}}},
                            {"tensors", tensors},
                            {"different", different},
                            {"comparisons", std::move(rows)}};
    std::cout << JsonText(json, 2) << '\n';
  } else {
    if (different > 0 || o.all) std::cout << table.ToString() << '\n';
    std::cout << WithThousands(tensors) << " tensors, " << WithThousands(different)
              << " different\n";
  }
  if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  if (different == 0) return kExitOk;
  return absl::FailedPreconditionError(absl::StrCat(b.path(), ": expected the weights of ",
                                                    a.path(), ", found ", different, " of ",
                                                    tensors, " tensors different"));
}

}  // namespace

Verb VerifyWeightsVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "verify weights",
          .summary = "Say whether two models have the same weights, tensor by tensor",
          .example = "graft verify weights downloaded my-model",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return Verify(*options); }};
}

}  // namespace graft::tools
