#include "tasks/sentence_modules.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tasks/module_configs.h"

namespace graft {
namespace {

constexpr size_t kLongestType = 80;  // bytes of a message

// A name taken from a file may only name something inside the folder.
absl::Status CheckPlainName(const JsonValue& place, std::string_view name) {
  if (name == "." || name == ".." || absl::StrContains(name, '/') ||
      absl::StrContains(name, '\\') || absl::StrContains(name, '\0')) {
    return place.Error(
        absl::StrCat("expected a plain name inside the model folder, found '", name, "'"));
  }
  return absl::OkStatus();
}

// The modules that graft knows: their classes and the files of Python that have them.
constexpr std::pair<std::string_view, std::string_view> kModules[] = {
    {"Transformer", "transformer"},
    {"Pooling", "pooling"},
    {"Dense", "dense"},
    {"Normalize", "normalize"}};

// Whether sentence-transformers has the module there, up to 5.x or from 6.0 on. Another place
// would be another class, whatever its name.
bool IsPlaceOf(std::string_view type, std::string_view name, std::string_view file) {
  if (type == absl::StrCat("sentence_transformers.models.", name)) return true;
  for (const char* place : {"base", "sentence_transformer"}) {
    const std::string modules = absl::StrCat("sentence_transformers.", place, ".modules.");
    if (type == absl::StrCat(modules, file, ".", name) || type == absl::StrCat(modules, name)) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<SentenceModule>> ReadSentenceModules(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, document.root().AsArray());
  std::vector<SentenceModule> modules;
  for (const JsonValue& item : items) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view type, item.GetString("type"));
    ABSL_ASSIGN_OR_RETURN(const std::string_view folder, item.GetString("path", ""));
    ABSL_RETURN_IF_ERROR(CheckPlainName(item, folder));
    const auto* known = std::find_if(
        std::begin(kModules), std::end(kModules),
        [&](const auto& module) { return IsPlaceOf(type, module.first, module.second); });
    if (known == std::end(kModules)) {
      return item.Error(
          absl::StrCat("type: expected Transformer, Pooling, Dense or Normalize of "
                       "sentence_transformers, found ",
                       Quoted(type, kLongestType)));
    }
    modules.push_back({std::string(known->first), std::string(folder)});
  }
  if (modules.empty() || modules.front().type != "Transformer") {
    return document.root().Error("expected a Transformer module first");
  }
  return modules;
}

absl::StatusOr<Pooling> ReadPoolingConfig(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const PoolingModule module, ReadPoolingModule(path, /*width=*/0));
  const auto refuse = [&](std::string_view found) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": expected the one pooling mode cls, mean, max or lasttoken, found ", found));
  };
  if (module.modes.size() != 1) return refuse(absl::StrCat(module.modes.size()));
  switch (module.modes.front()) {
    case PoolingMode::kCls:
      return Pooling::kCls;
    case PoolingMode::kMean:
      return Pooling::kMean;
    case PoolingMode::kMax:
      return Pooling::kMax;
    case PoolingMode::kLast:
      return Pooling::kLast;
    default:
      return refuse(absl::StrCat("'", PoolingModeName(module.modes.front()), "'"));
  }
}

absl::Status CheckDenseConfig(const std::string& path, int64_t in, int64_t out) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  ABSL_RETURN_IF_ERROR(root.GetInt("in_features", in, in).status());
  ABSL_RETURN_IF_ERROR(root.GetInt("out_features", out, out).status());
  ABSL_ASSIGN_OR_RETURN(const bool bias, root.GetBool("bias", true));
  if (!bias) return root.Error("bias: expected true, found false");
  constexpr std::string_view kIdentity = "torch.nn.modules.linear.Identity";
  ABSL_ASSIGN_OR_RETURN(const std::string_view activation, root.GetString("activation_function"));
  if (activation != kIdentity) {
    return root.Error(
        absl::StrCat("activation_function: expected '", kIdentity, "', found '", activation, "'"));
  }
  // Newer versions can lead a module's input and output past the sentence's vector.
  for (const char* key : {"module_input_name", "module_output_name"}) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view name, root.GetString(key, "sentence_embedding"));
    if (name != "sentence_embedding") {
      return root.Error(absl::StrCat(key, ": expected 'sentence_embedding', found '", name, "'"));
    }
  }
  return absl::OkStatus();
}

}  // namespace graft
