// A model folder in the layout of the Hugging Face ecosystem.
#ifndef GRAFT_TASKS_MODEL_FOLDER_H_
#define GRAFT_TASKS_MODEL_FOLDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/backbone.h"
#include "models/encoder_config.h"
#include "models/families/families.h"
#include "models/weights/weight_files.h"
#include "tasks/language_head.h"
#include "tasks/sentence_modules.h"
#include "tasks/sequence_classifier.h"
#include "tasks/token_classifier.h"
#include "tasks/word_model.h"
#include "tokenizers/tokenizer.h"

namespace graft {

// What the files of a folder say, without the weights. Three layouts are read:
//   transformers           config.json, weights (models/weights/weight_files.h), tokenizer files; a
//                          head inside
//   sentence-transformers  the same and modules.json: Transformer and others. With graft.json they
//                          are Transformer, Pooling and Dense, which is the head; without it only
//                          the encoder and the mode of a Pooling module behind it are taken
//   words                  graft.json, weights, words.txt and folders of word vectors: graft's own
// graft.json (docs/formats.md) says what these formats cannot.
struct ModelFolder {
  std::string path;
  std::string transformer;  // folder of config.json and the weights: `path`, or a folder in it
  std::string config_file;  // config.json there, or bert_config.json
  FamilyArchitecture architecture;
  EncoderConfig config;  // the architecture's
  // Of modules.json; empty in the layout of transformers.
  std::vector<SentenceModule> modules;
  // What the Pooling module says; CLS from there is the first token without pooler.
  std::optional<Pooling> pooling;
  // The head, when the folder has one that graft understands: one of the three at most.
  std::optional<SequenceClassifierConfig> head;
  std::optional<TokenClassifierConfig> token_head;
  // By its class in config.json. Many an encoder without a head goes by such a name: whether the
  // weights have it, LoadModel finds.
  std::optional<LanguageHeadConfig> language_head;
  // Of the layout of words, which has no config.json and no tokenizer.
  std::optional<WordModelSettings> words;
  std::string head_file;  // weights of a Dense module; empty when the head is in the main file
  std::vector<std::string> labels;  // of texts or tokens, by class
  // Longest input in tokens, special tokens counted: what graft.json says, else the smallest of the
  // positions and what the other files name.
  int64_t max_length = 0;
  bool max_length_is_set = false;               // by graft.json
  std::map<std::string, std::string> training;  // of graft.json
  // config.json and the tokenizer's files by name, as they were read: what a saved folder takes
  // over.
  std::map<std::string, std::string> carried_files;
  std::vector<std::string> files;  // paths of what was read
  // Files of Python, and auto_map where config.json names classes in them. graft runs none.
  std::vector<std::string> programs;
};

// The path of config.json, or of bert_config.json where only the original BERT release's file is.
std::string ConfigFile(const std::string& folder);

// Reads and checks all but the weights. Errors name file, place, expected and found. Thread-safe.
absl::StatusOr<ModelFolder> OpenModelFolder(const std::string& path);

// A model in memory.
struct LoadedModel {
  ModelFolder folder;
  std::unique_ptr<const Tokenizer> tokenizer;  // null in the layout of words
  std::shared_ptr<const WordModel> words;      // in its place there
  std::shared_ptr<const Backbone> backbone;
  std::optional<SequenceClassifier> head;
  std::optional<TokenClassifier> token_head;
  std::optional<LanguageHead> language_head;
  // The pretrained pooler (weight, bias) that is no part of a head; empty when there is none, or
  // when the family's own head does not begin with it.
  std::vector<at::Tensor> pooler;
  // Tensors of the files that no part of the model reads; those of a Dense module with its folder
  // in front. `pooler` is among them unless a new head starts from it by default: where there is
  // neither a head nor a Pooling module. Copies of what is read are not: a tied language head's.
  std::vector<std::string> unused_tensors;
  WeightFormat weight_format = WeightFormat::kSafetensors;
  uint64_t weight_bytes = 0;  // size of the weight files
  bool mapped = false;        // the weights are shared, read-only memory
};

// Opens the folder with weights, tokenizer and word vectors. A vocabulary that does not fit the
// embedding table is refused. Thread-safe.
absl::StatusOr<LoadedModel> LoadModel(const std::string& path);

// The head for people: "text classification, cls pooling with pooler", "token classification, 9
// labels", "masked language model", "causal language model", "none".
std::string DescribeHead(const LoadedModel& model);

// A classifier to be saved.
struct ClassifierToSave {
  const ModelFolder* source;  // config.json and the tokenizer files come from there
  const Backbone* backbone;
  const SequenceClassifier* head;
  const std::vector<std::string>* labels;
  int64_t max_length = 0;
  std::map<std::string, std::string>
      training;                      // how it was trained, for people: stands in graft.json
  const WordModel* words = nullptr;  // of a model over word vectors
};

// Whether SaveClassifier could write there: creates and removes a temporary folder. AlreadyExists
// when something is there that is neither an empty folder nor, with `replace`, one that graft wrote
// and that has nothing else in it (CheckReplaceable in converted_folder.h).
absl::Status CheckSavePath(const std::string& path, bool replace);

// Writes the folder, all or nothing (base/durable.h). With the family's own head it opens in
// transformers' AutoModelForSequenceClassification, else it is a sentence-transformers folder whose
// Dense module gives the logits; a model over word vectors is a folder of graft's own. `replace`: a
// folder that graft wrote is exchanged for the new one; anything else that is there is
// AlreadyExists, as CheckSavePath says.
absl::Status SaveClassifier(const std::string& path, const ClassifierToSave& model, bool replace);

// A classifier of tokens to be saved.
struct TokenClassifierToSave {
  const ModelFolder* source;  // config.json and the tokenizer files come from there
  const Backbone* backbone;
  const TokenClassifier* head;
  const std::vector<std::string>* labels;
  int64_t max_length = 0;
};

// Writes the folder, all or nothing, which opens in transformers' AutoModelForTokenClassification.
// It has no graft.json: config.json says all of the head, tokenizer_config.json the longest text.
// `replace`: as SaveClassifier.
absl::Status SaveTokenClassifier(const std::string& path, const TokenClassifierToSave& model,
                                 bool replace);

}  // namespace graft

#endif  // GRAFT_TASKS_MODEL_FOLDER_H_
