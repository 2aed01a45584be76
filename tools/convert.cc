// graft convert: a model folder of any format as a clean one.
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "tasks/convert_model.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string model, out;
  std::string dtype = "keep";
  int64_t max_shard_bytes = 2'000'000'000;
  bool replace = false;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  list.Text("--model", &o.model, "DIR", "the model folder: safetensors, PyTorch or TensorFlow",
            Need::kRequired);
  list.Text("--out", &o.out, "DIR", "the folder to write", Need::kRequired);
  list.Choice("--dtype", &o.dtype, {"keep", "f32", "f16", "bf16"},
              "floating-point type of the tensors");
  list.Integer("--max-shard-bytes", &o.max_shard_bytes, 1, int64_t{1} << 50,
               "most bytes of tensors in one file");
  list.Flag("--replace", &o.replace, "replace a folder that graft wrote");
  list.Flag("--json", &o.json, "print one JSON object");
}

std::optional<DType> TypeOf(const std::string& name) {
  if (name == "f32") return DType::kF32;
  if (name == "f16") return DType::kF16;
  if (name == "bf16") return DType::kBF16;
  return std::nullopt;
}

void PrintJson(const Options& o, const ConvertedModel& model) {
  const ordered_json json{{"format", "graft convert"},
                          {"version", 1},
                          {"model", o.model},
                          {"out", o.out},
                          {"weights", WeightFormatName(model.format)},
                          {"dtype", o.dtype},
                          {"tensors", model.tensors},
                          {"bytes", model.bytes},
                          {"renamed_tensors", model.renamed},
                          {"files", model.files},
                          {"left_out", model.left_out},
                          {"no_tensors", model.others},
                          {"config_not_checked", model.config_not_checked.empty()
                                                     ? ordered_json(nullptr)
                                                     : ordered_json(model.config_not_checked)}};
  std::cout << JsonText(json, 2) << '\n';
}

void PrintList(std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  constexpr size_t kShown = 20;
  std::cout << title << '\n';
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    std::cout << "  " << Printable(names[i]) << '\n';
  }
  if (names.size() > kShown) {
    std::cout << "  and " << names.size() - kShown << " more (--json lists them)\n";
  }
}

void PrintText(const Options& o, const ConvertedModel& model) {
  constexpr double kMegabyte = 1e6;
  std::cout << Printable(o.model) << " (" << WeightFormatName(model.format) << ") to "
            << Printable(o.out) << ": " << WithThousands(static_cast<int64_t>(model.tensors))
            << " tensors, "
            << absl::StrFormat("%.1f MB", static_cast<double>(model.bytes) / kMegabyte) << '\n';
  if (model.renamed > 0) {
    std::cout << model.renamed << " tensors have today's names (LayerNorm.weight for .gamma)\n";
  }
  if (!model.config_not_checked.empty()) {
    std::cout << "configuration not checked: " << Printable(model.config_not_checked) << '\n';
  }
  PrintList("written", model.files);
  PrintList("not taken over", model.left_out);
  PrintList("no tensors", model.others);
}

absl::StatusOr<int> Convert(const Options& o) {
  const ConvertOptions options{.dtype = TypeOf(o.dtype),
                               .max_shard_bytes = static_cast<uint64_t>(o.max_shard_bytes),
                               .replace = o.replace};
  ABSL_ASSIGN_OR_RETURN(const ConvertedModel model, ConvertModel(o.model, o.out, options));
  if (o.json) {
    PrintJson(o, model);
  } else {
    PrintText(o, model);
  }
  if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  return kExitOk;
}

}  // namespace

Verb ConvertVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "convert",
          .summary = "Write a model folder anew, with its weights as safetensors",
          .example =
              "graft convert --model downloaded --out my-model\n"
              "graft convert --model downloaded --out my-model --dtype bf16",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = nullptr,
          .run = [options] { return Convert(*options); }};
}

}  // namespace graft::tools
