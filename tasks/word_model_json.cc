#include "tasks/word_model_json.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tasks/pooling_name.h"

namespace graft {
namespace {

using nlohmann::ordered_json;
using Last = UnknownWordOptions::Last;

constexpr int64_t kMaxWidth = 100'000;
constexpr int64_t kMaxSets = 64;
constexpr int64_t kMaxTable = INT32_MAX;
constexpr int64_t kMaxFilters = 100'000;
constexpr int64_t kMaxWindow = 1000;
constexpr int64_t kMaxLstm = 100'000;

constexpr std::pair<Last, std::string_view> kLasts[] = {
    {Last::kNone, "none"}, {Last::kZero, "zero"}, {Last::kRareMean, "rare"}};

std::string_view LastName(Last last) {
  for (const auto& [known, name] : kLasts) {
    if (known == last) return name;
  }
  return "none";
}

absl::StatusOr<std::vector<int64_t>> ReadIntegers(const JsonValue& json, int64_t most_entries,
                                                  int64_t most) {
  if (json.size() > static_cast<size_t>(most_entries)) {
    return json.Error(
        absl::StrCat("expected at most ", most_entries, " entries, found ", json.size()));
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, json.AsArray());
  std::vector<int64_t> integers;
  for (const JsonValue& item : items) {
    ABSL_ASSIGN_OR_RETURN(const int64_t integer, item.AsInt(1, most));
    integers.push_back(integer);
  }
  return integers;
}

absl::Status ReadTokenizer(const JsonValue& words, WordTokenizerOptions& options) {
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, words.GetString("split"));
  const auto split = WordSplitOfName(name);
  if (!split) {
    return words.Error(
        absl::StrCat("split: expected whitespace, unicode or treebank, found '", name, "'"));
  }
  options.split = *split;
  ABSL_ASSIGN_OR_RETURN(options.lower_case, words.GetBool("lower_case", false));
  return absl::OkStatus();
}

absl::Status ReadUnknown(const JsonValue& words, UnknownWordOptions& options) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue json, words.Get("unknown"));
  ABSL_ASSIGN_OR_RETURN(options.sub_words, json.GetBool("sub_words", true));
  ABSL_ASSIGN_OR_RETURN(options.lower_case, json.GetBool("lower_case", true));
  ABSL_ASSIGN_OR_RETURN(options.rare_rows, json.GetInt("rare_rows", 1, kMaxTable, 100));
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, json.GetString("last", "none"));
  for (const auto& [last, known] : kLasts) {
    if (known != name) continue;
    options.last = last;
    return absl::OkStatus();
  }
  return json.Error(absl::StrCat("last: expected none, zero or rare, found '", name, "'"));
}

bool HasRepeated(std::vector<int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return std::adjacent_find(numbers.begin(), numbers.end()) != numbers.end();
}

// The sizes of table and vectors, which hang on one another.
absl::Status ReadSizes(const JsonValue& words, WordModelSettings& s) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue sets, words.Get("sets"));
  ABSL_ASSIGN_OR_RETURN(s.set_widths, ReadIntegers(sets, kMaxSets, kMaxWidth));
  ABSL_ASSIGN_OR_RETURN(s.backbone.width, words.GetInt("width", 1, kMaxWidth));
  const int64_t in_sets = std::accumulate(s.set_widths.begin(), s.set_widths.end(), int64_t{0});
  if (!s.set_widths.empty() && in_sets != s.backbone.width) {
    return words.Error(
        absl::StrCat("width: expected ", in_sets, " as the sets have, found ", s.backbone.width));
  }
  ABSL_ASSIGN_OR_RETURN(s.vocabulary, words.GetInt("vocabulary", 0, kMaxTable));
  ABSL_ASSIGN_OR_RETURN(s.backbone.table_rows, words.GetInt("table_rows", 0, s.vocabulary));
  ABSL_ASSIGN_OR_RETURN(const int64_t channels, words.GetInt("channels", 1, 2, 1));
  s.backbone.channels = static_cast<int>(channels);
  if (s.set_widths.empty() && s.backbone.table_rows == 0) {
    return words.Error("sets: expected vectors or a table, found neither");
  }
  if (channels == 2 && (s.set_widths.empty() || s.backbone.table_rows == 0)) {
    return words.Error("channels: expected vectors and a table for 2, found one of them");
  }
  return absl::OkStatus();
}

absl::Status ReadComposer(const JsonValue& root, WordModelSettings& s) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue json, root.Get("composer"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, json.GetString("kind"));
  const auto kind = ComposerOfName(name);
  if (!kind) {
    return json.Error(absl::StrCat("kind: expected average, sif, cnn or lstm, found '", name, "'"));
  }
  Composer& c = s.composer;
  c.kind = *kind;
  c.input_size = s.backbone.channels * s.backbone.width;
  s.weighted = c.kind == ComposerKind::kSif;
  if (c.kind == ComposerKind::kCnn) {
    ABSL_ASSIGN_OR_RETURN(c.convolution.filters, json.GetInt("filters", 1, kMaxFilters));
    ABSL_ASSIGN_OR_RETURN(const JsonValue widths, json.Get("widths"));
    ABSL_ASSIGN_OR_RETURN(c.convolution.widths, ReadIntegers(widths, kMaxWindow, kMaxWindow));
    if (c.convolution.widths.empty()) return widths.Error("expected a width, found none");
    if (HasRepeated(c.convolution.widths)) {
      return widths.Error("expected different widths, found one twice");
    }
  } else if (c.kind == ComposerKind::kLstm) {
    ABSL_ASSIGN_OR_RETURN(c.lstm_size, json.GetInt("size", 1, kMaxLstm));
    ABSL_ASSIGN_OR_RETURN(const std::string_view pooling, json.GetString("pooling"));
    const absl::StatusOr<Pooling> parsed = ParsePooling(pooling);
    if (!parsed.ok()) return json.Error(parsed.status().message());
    c.pooling = *parsed;
  }
  return absl::OkStatus();
}

ordered_json ComposerJson(const Composer& c) {
  ordered_json json = {{"kind", ComposerName(c.kind)}};
  if (c.kind == ComposerKind::kCnn) {
    json["filters"] = c.convolution.filters;
    json["widths"] = c.convolution.widths;
  } else if (c.kind == ComposerKind::kLstm) {
    json["size"] = c.lstm_size;
    json["pooling"] = PoolingName(c.pooling);
  }
  return json;
}

}  // namespace

absl::StatusOr<WordModelSettings> ReadWordModelSettings(const JsonValue& root) {
  WordModelSettings settings;
  ABSL_ASSIGN_OR_RETURN(const JsonValue words, root.Get("words"));
  ABSL_RETURN_IF_ERROR(ReadTokenizer(words, settings.tokenizer));
  ABSL_RETURN_IF_ERROR(ReadUnknown(words, settings.unknown));
  ABSL_RETURN_IF_ERROR(ReadSizes(words, settings));
  ABSL_RETURN_IF_ERROR(ReadComposer(root, settings));
  ABSL_ASSIGN_OR_RETURN(settings.dropout, root.GetDouble("dropout", 0, 0.99, 0));
  return settings;
}

void AddWordModelSettings(const WordModelSettings& s, ordered_json& json) {
  json["words"] = {{"split", WordSplitName(s.tokenizer.split)},
                   {"lower_case", s.tokenizer.lower_case},
                   {"icu", WordTokenizer::IcuVersion()},
                   {"unknown",
                    {{"sub_words", s.unknown.sub_words},
                     {"lower_case", s.unknown.lower_case},
                     {"last", LastName(s.unknown.last)},
                     {"rare_rows", s.unknown.rare_rows}}},
                   {"sets", s.set_widths},
                   {"width", s.backbone.width},
                   {"vocabulary", s.vocabulary},
                   {"table_rows", s.backbone.table_rows},
                   {"channels", s.backbone.channels}};
  json["composer"] = ComposerJson(s.composer);
  json["dropout"] = s.dropout;
}

}  // namespace graft
