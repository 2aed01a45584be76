#include "tasks/graft_json.h"

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "nlohmann/json.hpp"
#include "tasks/data_set.h"
#include "tasks/pooling_name.h"
#include "tasks/word_model_json.h"

namespace graft {
namespace {

constexpr std::string_view kFormat = "graft model";
constexpr std::string_view kTask = "text-classification";
constexpr int64_t kMinTokens = 3;  // [CLS], one token, [SEP]; of words 1
constexpr int64_t kMaxTokens = 1'000'000;

absl::Status CheckHeader(const JsonValue& root) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view format, root.GetString("format"));
  if (format != kFormat)
    return root.Error(absl::StrCat("format: expected '", kFormat, "', found '", format, "'"));
  ABSL_ASSIGN_OR_RETURN(const int64_t version, root.GetInt("version", 0, INT32_MAX));
  if (version != kGraftJsonVersion) {
    return root.Error(
        absl::StrCat("version: expected ", kGraftJsonVersion, ", found ", version,
                     version > kGraftJsonVersion ? " (written by a newer graft)" : ""));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view task, root.GetString("task"));
  if (task != kTask)
    return root.Error(absl::StrCat("task: expected '", kTask, "', found '", task, "'"));
  return absl::OkStatus();
}

absl::Status ReadLabels(const JsonValue& root, GraftJson& settings) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue labels, root.Get("labels"));
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, labels.AsArray());
  absl::flat_hash_set<std::string_view> seen;
  for (const JsonValue& item : items) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view label, item.AsString());
    if (!seen.insert(label).second)
      return item.Error(absl::StrCat("expected different labels, found '", label, "' twice"));
    settings.labels.emplace_back(label);
  }
  const auto count = static_cast<int64_t>(settings.labels.size());
  if (count < 2 || count > kMaxLabels) {
    return labels.Error(absl::StrCat("expected 2 to ", kMaxLabels, " labels, found ", count));
  }
  return absl::OkStatus();
}

absl::Status ReadPooling(const JsonValue& root, GraftJson& settings) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view pooling, root.GetString("pooling"));
  const absl::StatusOr<Pooling> parsed = ParsePooling(pooling);
  if (!parsed.ok()) return root.Error(parsed.status().message());
  settings.pooling = *parsed;
  ABSL_ASSIGN_OR_RETURN(const JsonValue pooler, root.Get("pooler"));
  ABSL_ASSIGN_OR_RETURN(settings.pooler, pooler.AsBool());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GraftJson> ReadGraftJson(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  const JsonValue root = document.root();
  ABSL_RETURN_IF_ERROR(CheckHeader(root));
  GraftJson settings;
  ABSL_RETURN_IF_ERROR(ReadLabels(root, settings));
  if (root.Find("words")) {
    ABSL_ASSIGN_OR_RETURN(settings.words, ReadWordModelSettings(root));
  } else {
    ABSL_RETURN_IF_ERROR(ReadPooling(root, settings));
  }
  ABSL_ASSIGN_OR_RETURN(settings.max_length,
                        root.GetInt("max_length", settings.words ? 1 : kMinTokens, kMaxTokens));
  if (const auto training = root.Find("training")) {
    ABSL_ASSIGN_OR_RETURN(const auto members, training->AsObject());
    for (const auto& [key, value] : members) {
      ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
      settings.training.emplace(key, text);
    }
  }
  return settings;
}

std::string FormatGraftJson(const GraftJson& settings) {
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["version"] = kGraftJsonVersion;
  json["task"] = kTask;
  json["labels"] = settings.labels;
  if (settings.words) {
    AddWordModelSettings(*settings.words, json);
  } else {
    json["pooling"] = PoolingName(settings.pooling);
    json["pooler"] = settings.pooler;
  }
  json["max_length"] = settings.max_length;
  json["training"] = settings.training;
  return json.dump(2) + "\n";
}

}  // namespace graft
