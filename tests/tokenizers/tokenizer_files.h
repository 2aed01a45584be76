// Small tokenizer files for the tests of this folder.
#ifndef GRAFT_TESTS_TOKENIZERS_TOKENIZER_FILES_H_
#define GRAFT_TESTS_TOKENIZERS_TOKENIZER_FILES_H_

#include <string>

#include "nlohmann/json.hpp"

namespace graft::testing {

using Json = nlohmann::ordered_json;

// [PAD] [UNK] [CLS] [SEP] [MASK] are 0 to 4, "a" 5, "##a" 6, "b" 7, "##b" 8, "hello" 9, "," 10,
// "é" 11, "中" 12, "." 13, "don" 14, "'" 15, "t" 16.
inline const std::string kVocabTxt =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\nb\n##b\nhello\n,\né\n中\n.\ndon\n'\nt\n";

// The same as a tokenizer.json of BERT's type, lower case.
inline Json TokenizerJson() {
  Json vocab = Json::object();
  size_t begin = 0;
  for (int id = 0; begin < kVocabTxt.size(); ++id) {
    const size_t end = kVocabTxt.find('\n', begin);
    vocab[kVocabTxt.substr(begin, end - begin)] = id;
    begin = end + 1;
  }
  Json added = Json::array();
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    added.push_back({{"id", vocab[token]},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const auto special = [](const char* token, int type) {
    return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  const auto text = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  return {{"version", "1.0"},
          {"truncation", {{"max_length", 128}, {"strategy", "LongestFirst"}, {"stride", 0}}},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", Json::array({special("[CLS]", 0), text("A", 0), special("[SEP]", 0)})},
            {"pair", Json::array({special("[CLS]", 0), text("A", 0), special("[SEP]", 0),
                                  text("B", 1), special("[SEP]", 1)})},
            {"special_tokens",
             {{"[CLS]", {{"id", "[CLS]"}, {"ids", {2}}, {"tokens", {"[CLS]"}}}},
              {"[SEP]", {{"id", "[SEP]"}, {"ids", {3}}, {"tokens", {"[SEP]"}}}}}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocab}}}};
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_TOKENIZERS_TOKENIZER_FILES_H_
