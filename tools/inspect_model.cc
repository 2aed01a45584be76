// graft inspect model: what a model folder holds.
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "models/backbone.h"
#include "models/checkpoint.h"
#include "nlohmann/json.hpp"
#include "tasks/model_folder.h"
#include "tasks/weight_sets.h"
#include "tools/inspect_weights.h"
#include "tools/json_text.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string model;
  bool tensors = false;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  list.Argument("DIR", &o.model, "the model folder");
  list.Flag("--tensors", &o.tensors, "also list every tensor of the weight files");
  list.Flag("--json", &o.json, "print one JSON object");
}

// The weight files by themselves, which can be told also where they make no model.
struct Weights {
  std::vector<WeightSet> sets;
  WeightFacts facts;
  // Of the Transformer's against the model that the configuration describes; none without one that
  // graft reads.
  std::optional<TensorMismatch> mismatch;
};

absl::StatusOr<Weights> OpenWeights(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const std::vector<SentenceModule> modules, FindSentenceModules(path));
  Weights weights;
  ABSL_ASSIGN_OR_RETURN(weights.sets, OpenWeightSets(path, modules));
  ABSL_ASSIGN_OR_RETURN(weights.facts, FindWeightFacts(weights.sets));
  const auto folder = OpenModelFolder(path);
  if (!folder.ok()) return weights;
  std::vector<SlotLayout> slots = BackboneSlots(*folder->architecture.architecture);
  if (folder->head && folder->head_file.empty()) {
    for (SlotLayout& slot : SequenceClassifier::Layout(*folder->head)) slots.push_back(slot);
  }
  if (folder->token_head) {
    for (SlotLayout& slot : TokenClassifier::Layout(*folder->token_head)) slots.push_back(slot);
  }
  weights.mismatch =
      CompareTensors(weights.sets[0].files, slots, folder->architecture.family->prefix);
  return weights;
}

std::string StageName(int stage) {
  return stage == 0 ? "embeddings" : absl::StrCat("layer ", stage);
}

int64_t HeadParameters(const LoadedModel& model) {
  if (model.head) return CountParameters(SequenceClassifier::Layout(model.head->config()));
  if (model.token_head) return CountParameters(TokenClassifier::Layout(model.token_head->config()));
  if (!model.language_head) return 0;
  return CountParameters(LanguageHead::Layout(model.language_head->config()));
}

int64_t AllParameters(const LoadedModel& model) {
  int64_t count = HeadParameters(model);
  for (int s = 0; s < model.backbone->stages(); ++s)
    count += CountParameters(model.backbone->stage(s).layout);
  return count;
}

std::string Layout(const ModelFolder& folder) {
  if (folder.words) return "words";
  return folder.modules.empty() ? "transformers" : "sentence-transformers";
}

// What becomes of the pooler; empty when the files have none.
std::string PoolerUse(const LoadedModel& model) {
  if (model.head && model.head->config().layout.dense_is_pooler) return "head";
  if (model.pooler.empty()) return "";
  return model.folder.head || model.folder.pooling ? "not used" : "new head";
}

// "Dense (2_Dense)"
std::vector<std::string> UnusedModules(const ModelFolder& folder) {
  std::vector<std::string> names;
  for (const SentenceModule& module : folder.modules) {
    if (module.used) continue;
    names.push_back(module.path.empty() ? module.type
                                        : absl::StrCat(module.type, " (", module.path, ")"));
  }
  return names;
}

ordered_json HeadJson(const LoadedModel& model) {
  if (model.folder.words) {
    return {{"kind", "text classification"},
            {"classifier", ComposerName(model.folder.words->composer.kind)},
            {"labels", model.folder.labels},
            {"parameters", HeadParameters(model)}};
  }
  if (model.head) {
    return {{"kind", "text classification"},
            {"pooling", PoolingName(model.head->config().pooling())},
            {"pooler", model.head->config().of_family},
            {"labels", model.folder.labels},
            {"parameters", HeadParameters(model)}};
  }
  if (model.token_head) {
    return {{"kind", "token classification"},
            {"labels", model.folder.labels},
            {"parameters", HeadParameters(model)}};
  }
  if (!model.language_head) return nullptr;
  return {{"kind", DescribeHead(model)},
          {"tied", model.language_head->config().layout.tied},
          {"parameters", HeadParameters(model)}};
}

void AddTokenizer(const Tokenizer& tokenizer, ordered_json& json) {
  json["tokenizer"] = tokenizer.Describe();
  json["vocabulary_size"] = tokenizer.vocabulary_size();
  json["tokenizer_files"] = tokenizer.files();
  const size_t longest = tokenizer.model_max_length();
  json["tokenizer_max_length"] = longest > 0 ? ordered_json(longest) : ordered_json(nullptr);
}

void AddWords(const WordModel& words, ordered_json& json) {
  const WordModelSettings& s = words.settings();
  json["split"] = WordSplitName(s.tokenizer.split);
  json["lower_case"] = s.tokenizer.lower_case;
  json["vocabulary_size"] = words.vocabulary().size();
  json["trained_rows"] = s.backbone.table_rows;
  json["width"] = s.backbone.width;
  json["channels"] = s.backbone.channels;
  json["vectors"] = ordered_json::array();
  for (const UnknownWords& set : words.sets()) {
    const VectorMatrix& matrix = set.vectors().matrix();
    json["vectors"].push_back({{"rows", matrix.rows},
                               {"width", matrix.width},
                               {"storage", VectorStorageName(matrix.storage)},
                               {"sub_words", set.vectors().sub_words() != nullptr}});
  }
}

ordered_json ModelJson(const LoadedModel& model) {
  const ModelFolder& folder = model.folder;
  const EncoderConfig& c = folder.config;
  ordered_json stages = ordered_json::array();
  for (int s = 0; s < model.backbone->stages(); ++s) {
    stages.push_back({{"stage", s},
                      {"name", StageName(s)},
                      {"parameters", CountParameters(model.backbone->stage(s).layout)}});
  }
  ordered_json json{{"format", "graft inspect model"},
                    {"version", 1},
                    {"model", folder.path},
                    {"layout", Layout(folder)},
                    {"model_type", c.model_type},
                    {"architectures", c.architectures},
                    {"layers", c.layers},
                    {"hidden_size", c.hidden_size},
                    {"heads", c.heads},
                    {"intermediate_size", c.intermediate_size},
                    {"positions", c.max_positions},
                    {"max_length", folder.max_length},
                    {"stages", std::move(stages)},
                    {"parameters", AllParameters(model)}};
  if (model.words != nullptr) {
    AddWords(*model.words, json);
  } else {
    AddTokenizer(*model.tokenizer, json);
  }
  json["pooling"] =
      folder.pooling ? ordered_json(PoolingName(*folder.pooling)) : ordered_json(nullptr);
  const std::string pooler = PoolerUse(model);
  json["pooler"] = pooler.empty() ? ordered_json(nullptr) : ordered_json(pooler);
  json["head"] = HeadJson(model);
  json["weight_file_bytes"] = model.weight_bytes;
  json["memory_bytes"] = AllParameters(model) * static_cast<int64_t>(sizeof(float));
  json["mapped"] = model.mapped;
  json["files"] = folder.files;
  json["unused_modules"] = UnusedModules(folder);
  json["programs_not_run"] = folder.programs;
  json["unused_tensors"] = model.unused_tensors;
  return json;
}

void AddWeights(const Options& o, const Weights& weights, ordered_json& json) {
  json["weights"] = WeightsJson(weights.sets, weights.facts);
  json["missing_tensors"] = nullptr;
  json["tensors_of_other_shape"] = nullptr;
  json["tensors_of_more_layers"] = nullptr;
  if (weights.mismatch) {
    json["missing_tensors"] = weights.mismatch->missing;
    json["tensors_of_other_shape"] = weights.mismatch->other_shape;
    json["tensors_of_more_layers"] = weights.mismatch->of_more_layers;
  }
  if (o.tensors) json["tensors"] = TensorsJson(weights.sets);
}

void AddTokenizer(const Tokenizer& tokenizer, Table& facts) {
  facts.AddRow({"tokenizer", Printable(tokenizer.Describe())});
  std::vector<std::string> names;
  for (const std::string& path : tokenizer.files()) {
    names.push_back(Printable(path.substr(path.rfind('/') + 1)));
  }
  facts.AddRow({"tokenizer files", absl::StrJoin(names, ", ")});
  const size_t longest = tokenizer.model_max_length();
  facts.AddRow({"its longest input", longest > 0 ? absl::StrCat(longest, " tokens") : "not said"});
}

void AddVectors(const WordVectors& vectors, Table& facts) {
  constexpr double kMegabyte = 1e6;
  const VectorMatrix& matrix = vectors.matrix();
  const auto bytes =
      static_cast<double>(matrix.rows * matrix.width * VectorStorageBytes(matrix.storage));
  facts.AddRow({"vectors",
                absl::StrFormat("%s x %d %s, %.1f MB, mapped%s", WithThousands(matrix.rows),
                                matrix.width, VectorStorageName(matrix.storage), bytes / kMegabyte,
                                vectors.sub_words() != nullptr ? ", sub-words" : "")});
}

void PrintText(const LoadedModel& model, const Weights& weights) {
  constexpr double kMegabyte = 1e6;
  const ModelFolder& folder = model.folder;
  const EncoderConfig& c = folder.config;
  Table facts({{""}, {""}});
  facts.AddRow({"model", Printable(folder.path)});
  facts.AddRow({"layout", Layout(folder)});
  if (model.words != nullptr) {
    facts.AddRow({"architecture", absl::StrFormat("word vectors, hidden size %d", c.hidden_size)});
    facts.AddRow({"words", model.words->Describe()});
    for (const UnknownWords& set : model.words->sets()) AddVectors(set.vectors(), facts);
  } else {
    facts.AddRow({"architecture",
                  absl::StrFormat(
                      "%s: %d layers, hidden size %d, %d heads, intermediate size %d, %d positions",
                      c.model_type, c.layers, c.hidden_size, c.heads, c.intermediate_size,
                      c.max_positions)});
    AddTokenizer(*model.tokenizer, facts);
  }
  facts.AddRow({"longest text", absl::StrCat(folder.max_length, " tokens")});
  if (folder.pooling) facts.AddRow({"pooling file", std::string(PoolingName(*folder.pooling))});
  std::vector<std::string> labels;
  for (const std::string& label : folder.labels) labels.push_back(Printable(label));
  facts.AddRow({"head", DescribeHead(model)});
  if (!labels.empty()) facts.AddRow({"labels", absl::StrJoin(labels, ", ")});
  const std::string pooler = PoolerUse(model);
  if (pooler == "new head") facts.AddRow({"pooler", "pretrained; a new head starts from it"});
  if (pooler == "not used") facts.AddRow({"pooler", "pretrained; not used"});
  for (const std::string& module : UnusedModules(folder)) {
    facts.AddRow({"module not used", Printable(module)});
  }
  for (const std::string& program : folder.programs) {
    facts.AddRow({"program not run", Printable(program)});
  }
  AddWeightRows(weights.sets, weights.facts, facts);
  facts.AddRow(
      {"memory", absl::StrFormat("%.1f MB, %s", AllParameters(model) * sizeof(float) / kMegabyte,
                                 model.mapped ? "mapped and shared" : "read")});
  std::cout << facts.ToString() << '\n';

  Table stages({{"stage", Align::kRight}, {"name"}, {"parameters", Align::kRight}});
  for (int s = 0; s < model.backbone->stages(); ++s) {
    stages.AddRow({absl::StrCat(s), StageName(s),
                   WithThousands(CountParameters(model.backbone->stage(s).layout))});
  }
  if (DescribeHead(model) != "none") {
    stages.AddRow({"", "head", WithThousands(HeadParameters(model))});
  }
  stages.AddRule();
  stages.AddRow({"", "all", WithThousands(AllParameters(model))});
  std::cout << stages.ToString() << "\nfiles read\n";
  for (const std::string& file : folder.files) std::cout << "  " << Printable(file) << '\n';
  std::cout << "tensors not used: " << (model.unused_tensors.empty() ? "none" : "") << '\n';
  for (const std::string& name : model.unused_tensors) std::cout << "  " << Printable(name) << '\n';
}

void PrintNames(std::string_view title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::cout << title << '\n';
  for (const std::string& name : names) std::cout << "  " << Printable(name) << '\n';
}

// What can be said of weights where something else is wrong, or that make no model.
void PrintOnlyWeights(const Options& o, const Weights& weights, const absl::Status& why) {
  if (o.json) {
    ordered_json json{{"format", "graft inspect model"},
                      {"version", 1},
                      {"model", o.model},
                      {"error", why.message()}};
    AddWeights(o, weights, json);
    std::cout << JsonText(json, 2) << '\n';
    return;
  }
  Table facts({{""}, {""}});
  facts.AddRow({"model", Printable(o.model)});
  AddWeightRows(weights.sets, weights.facts, facts);
  std::cout << facts.ToString();
  if (weights.mismatch) {
    PrintNames("missing tensors", weights.mismatch->missing);
    PrintNames("tensors of another shape", weights.mismatch->other_shape);
    PrintNames("tensors of layers behind the last", weights.mismatch->of_more_layers);
  }
  if (o.tensors) std::cout << '\n' << TensorTable(weights.sets);
}

absl::StatusOr<int> Inspect(const Options& o) {
  const absl::StatusOr<LoadedModel> model = LoadModel(o.model);
  const absl::StatusOr<Weights> weights = OpenWeights(o.model);
  if (!model.ok()) {
    if (weights.ok()) PrintOnlyWeights(o, *weights, model.status());
    std::cout.flush();
    return model.status();
  }
  ABSL_RETURN_IF_ERROR(weights.status());
  if (o.json) {
    ordered_json json = ModelJson(*model);
    AddWeights(o, *weights, json);
    std::cout << JsonText(json, 2) << '\n';
  } else {
    PrintText(*model, *weights);
    if (o.tensors) std::cout << '\n' << TensorTable(weights->sets);
  }
  if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  return kExitOk;
}

}  // namespace

Verb InspectModelVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "inspect model",
          .summary = "Say what a model folder holds: stages, tokenizer, head, files",
          .example = "graft inspect model my-model",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = nullptr,
          .run = [options] { return Inspect(*options); }};
}

}  // namespace graft::tools
