// Model folders without tokenizer.json. Internal: not part of the installed headers.
#ifndef GRAFT_TOKENIZERS_FILES_FOLDER_TOKENIZER_H_
#define GRAFT_TOKENIZERS_FILES_FOLDER_TOKENIZER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "tokenizers/files/folder_tokens.h"
#include "tokenizers/files/sentencepiece_model.h"
#include "tokenizers/vocabulary.h"

namespace graft {

// The pieces of a Unigram model in the order of their ids, which are not always those of the
// `.model` file.
struct UnigramVocabulary {
  Vocabulary pieces;
  std::vector<float> scores;
  int32_t unknown_id = 0;
};

// vocab.json as it was read, and where the merges stand.
struct BpeVocabulary {
  Vocabulary tokens;
  std::string merges_path;
};

// A vocab.txt; the unknown token is in it.
struct WordPieceVocabulary {
  Vocabulary tokens;
  int32_t unknown_id = 0;
};

// What transformers 5.23 makes of a folder without tokenizer.json: the tokenizer.json that it would
// write, in two parts.
struct FolderTokenizer {
  std::string_view family;  // "ALBERT"
  std::variant<UnigramVocabulary, BpeVocabulary, WordPieceVocabulary> model;
  // A tokenizer.json without its member `model`: normalizer, pre_tokenizer, post_processor, decoder
  // and added_tokens.
  std::string components;
  // Whatever was read, the vocabulary first.
  std::vector<std::string> files;
};

// The folder's class of tokenizer is what tokenizer_config.json names, else config.json
// (tokenizer_class, then model_type), else BertTokenizer where there is a vocab.txt. It says which
// vocabulary must be there:
//   BertTokenizer and its like, MPNetTokenizer       vocab.txt
//   AlbertTokenizer, XLNetTokenizer, T5Tokenizer     spiece.model
//   XLMRobertaTokenizer, CamembertTokenizer          sentencepiece.bpe.model
//   DebertaV2Tokenizer                               spm.model
//   GPT2Tokenizer, RobertaTokenizer, DebertaTokenizer  vocab.json and merges.txt
// NotFound when a file that is needed is missing; InvalidArgument when nothing names a class, for a
// class that is none of these and for settings that are not what they should be; DataLoss for
// malformed vocabularies. Thread-safe.
absl::StatusOr<FolderTokenizer> ReadFolderTokenizer(const std::string& folder);

// The one file NAME.model of a folder in which nothing says what to make of it: no class, no
// model_type, no tokens that are to be added. It then stands for what the `sentencepiece` library
// makes of texts. nullopt for any other folder; InvalidArgument when there are several.
absl::StatusOr<std::optional<std::string>> FindModelAlone(const std::string& folder);

// The class as above, without "Fast" at its end; nullopt when nothing names one.
absl::StatusOr<std::optional<std::string>> TokenizerClassOf(const FolderFiles& files);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_FILES_FOLDER_TOKENIZER_H_
