// The small JSON files of a model folder, damaged at every place: a Status that names the file.
#include "tests/support/damaged_json.h"

#include <string>
#include <vector>

#include "base/file.h"
#include "gtest/gtest.h"
#include "tasks/graft_json.h"
#include "tasks/module_configs.h"
#include "tasks/sentence_modules.h"

namespace graft {
namespace {

using testing::JsonKind;

std::string Golden(const char* name) {
  constexpr uint64_t kMaxBytes = 100'000;
  return *ReadFile(std::string(GRAFT_SOURCE_DIR) + "/tests/golden/bert-odd/" + name, kMaxBytes);
}

std::vector<JsonKind> Kinds() {
  const GraftJson settings{.labels = {"bad", "g\"o\\\u00f6d"},
                           .pooling = Pooling::kMean,
                           .pooler = false,
                           .max_length = 128,
                           .training = {{"epochs", "3"}, {"seed", "1"}}};
  GraftJson words = settings;
  words.words = WordModelSettings{.set_widths = {2, 3},
                                  .backbone = {.table_rows = 4, .width = 5, .channels = 2},
                                  .vocabulary = 6,
                                  .composer = {.kind = ComposerKind::kCnn},
                                  .dropout = 0.5};
  GraftJson recurrent = words;
  recurrent.words->composer.kind = ComposerKind::kLstm;
  const auto read = [](const std::string& path) { return ReadGraftJson(path).status(); };
  return {
      {"graft.json", FormatGraftJson(settings), read},
      {"graft.json of words", FormatGraftJson(words), read},
      {"graft.json of a recurrent net", FormatGraftJson(recurrent), read},
      {"modules.json", Golden("modules.json"),
       [](const std::string& path) { return ReadSentenceModules(path).status(); }},
      {"1_Pooling/config.json", Golden("1_Pooling/config.json"),
       [](const std::string& path) { return ReadPoolingConfig(path).status(); }},
      {"2_Dense/config.json",
       R"({"in_features": 8, "out_features": 2, "bias": true, )"
       R"("activation_function": "torch.nn.modules.linear.Identity"})",
       [](const std::string& path) { return CheckDenseConfig(path, 8, 2); }},
      {"2_Dense/config.json of an embedder",
       R"({"in_features": 8, "out_features": 2, "bias": false, "use_residual": true, )"
       R"("activation_function": "torch.nn.modules.activation.GELU"})",
       [](const std::string& path) { return ReadDenseModule(path, 8).status(); }},
      {"1_Pooling/config.json of an embedder",
       R"({"embedding_dimension": 8, "pooling_mode": ["cls", "weightedmean"], )"
       R"("include_prompt": false})",
       [](const std::string& path) { return ReadPoolingModule(path, 8).status(); }},
      {"config_sentence_transformers.json",
       R"({"prompts": {"query": "find ", "passage": null}, "default_prompt_name": "query", )"
       R"("similarity_fn_name": "dot", "truncate_dim": 4, "model_type": "SentenceTransformer"})",
       [](const std::string& path) { return ReadSentenceSettings(path).status(); }},
  };
}

TEST(DamagedJson, EveryFileThatIsCutOffIsRefused) {
  for (const JsonKind& kind : Kinds()) testing::CutEverywhere(kind);
}

TEST(DamagedJson, AChangedByteIsReadOrRefusedByName) {
  for (const JsonKind& kind : Kinds()) testing::ChangeEveryByte(kind);
}

}  // namespace
}  // namespace graft
