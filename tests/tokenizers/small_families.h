// A small tokenizer.json of each family, laid out as the family's published ones.
#ifndef GRAFT_TESTS_TOKENIZERS_SMALL_FAMILIES_H_
#define GRAFT_TESTS_TOKENIZERS_SMALL_FAMILIES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/utf8.h"
#include "tests/tokenizers/sentencepiece_files.h"
#include "tests/tokenizers/tokenizer_files.h"
#include "tokenizers/byte_alphabet.h"

namespace graft::testing {

// How the tokens of a family spell the text.
enum class Spelling {
  kOther,      // normalized, or with unknown tokens
  kByteLevel,  // characters of the byte alphabet
  kMarks,      // U+2581 for a space, <0x41> for a byte
};

struct SmallFamily {
  const char* name;
  Json json;
  Spelling spelling = Spelling::kOther;
};

namespace families_internal {

inline const std::string kMark = "\u2581";

inline Json Typed(const char* type, Json more = Json::object()) {
  more["type"] = type;
  return more;
}

inline Json Steps(const char* key, Json steps) {
  return Typed("Sequence", {{key, std::move(steps)}});
}

inline Json Replace(const char* kind, const std::string& from, const std::string& to) {
  return Typed("Replace", {{"pattern", {{kind, from}}}, {"content", to}});
}

// Pieces of English letters and of the parts that RandomTexts has.
inline std::vector<std::string> Letters() {
  std::vector<std::string> letters;
  for (char c = 'a'; c <= 'z'; ++c) letters.emplace_back(1, c);
  return letters;
}

// Merges of letters, each with its result: (first, second).
inline std::vector<std::pair<std::string, std::string>> LetterMerges(const std::string& space) {
  return {{"h", "e"},  {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {space, "hello"},
          {"u", "n"},  {"a", "b"}, {"ab", "l"},  {"abl", "e"},  {"d", "o"},
          {"do", "n"}, {"'", "t"}, {space, "a"}, {space, "un"}, {space, space}};
}

inline std::string ByteCharacter(size_t byte) {
  std::string text;
  AppendUtf8(kByteCharacters[byte], text);
  return text;
}

// A BPE model: `tokens`, then what the merges make.
inline Json BpeModel(std::vector<std::string> tokens, const std::string& space, Json options) {
  Json merges = Json::array();
  for (const auto& [first, second] : LetterMerges(space)) {
    merges.push_back({first, second});
    tokens.push_back(first + second);
  }
  Json vocab = Json::object();
  for (const std::string& token : tokens) vocab[token] = vocab.size();
  options["vocab"] = vocab;
  options["merges"] = merges;
  return Typed("BPE", std::move(options));
}

inline Json ByteLevelModel() {
  std::vector<std::string> tokens = {"<s>", "</s>"};
  for (size_t byte = 0; byte < 256; ++byte) tokens.push_back(ByteCharacter(byte));
  Json model = BpeModel(std::move(tokens), ByteCharacter(' '), Json::object());
  // Both bytes of é.
  const std::string first = ByteCharacter(0xC3), second = ByteCharacter(0xA9);
  model["merges"].push_back({first, second});
  model["vocab"][first + second] = model["vocab"].size();
  return model;
}

inline Json ByteFallbackModel() {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(ByteName(byte));
  tokens.insert(tokens.end(), {kMark, "'", "é"});
  for (std::string& letter : Letters()) tokens.push_back(std::move(letter));
  return BpeModel(std::move(tokens), kMark,
                  {{"unk_token", "<unk>"}, {"fuse_unk", true}, {"byte_fallback", true}});
}

inline Json UnigramModel() {
  Json vocab = Json::array({{"<s>", 0}, {"</s>", 0}, {"<unk>", 0}, {kMark, -2.5}});
  double score = -3;
  for (const char* piece : {"hello", "un", "able", "don", "'t", "é", "e\u0301", "中", ","}) {
    vocab.push_back({kMark + piece, score -= 0.25});
    vocab.push_back({piece, score -= 0.25});
  }
  for (const std::string& letter : Letters()) vocab.push_back({letter, score -= 0.1});
  return Typed("Unigram", {{"unk_id", 2}, {"vocab", vocab}, {"byte_fallback", false}});
}

inline Json Precompiled() {
  CharsmapBuilder builder;
  builder.Add({{"\u00a0", " "}, {"\ufb01", "fi"}, {"e\u0301", "é"}, {"\t", " "}, {"\x01", ""}});
  return Typed("Precompiled", {{"precompiled_charsmap", absl::Base64Escape(builder.Bytes())}});
}

inline Json ByteLevel(bool use_regex, bool trim) {
  return Typed("ByteLevel",
               {{"add_prefix_space", false}, {"trim_offsets", trim}, {"use_regex", use_regex}});
}

inline Json Metaspace(const char* scheme, bool split = true) {
  return Typed("Metaspace", {{"replacement", kMark}, {"prepend_scheme", scheme}, {"split", split}});
}

inline Json WordsAndMetaspace() {
  return Steps("pretokenizers", {Typed("WhitespaceSplit"), Metaspace("always")});
}

// <s> A </s>, <s> A </s> B:1 </s>:1, of a model that has both.
inline Json Template(const Json& model) {
  Json processor = TokenizerJson()["post_processor"];
  std::string text = processor.dump();
  for (const auto& [from, to] : {std::pair{"[CLS]", "<s>"}, std::pair{"[SEP]", "</s>"}}) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;) {
      text.replace(at, 5, to);
    }
  }
  processor = Json::parse(text);
  const Json& vocab = model["vocab"];
  for (const auto& [token, place] : {std::pair{"<s>", 0}, std::pair{"</s>", 1}}) {
    const Json id = vocab.is_object() ? vocab[token] : Json(place);
    processor["special_tokens"][token]["ids"] = Json::array({id});
  }
  return processor;
}

inline Json File(Json model, Json normalizer, Json pre_tokenizer, Json post_processor) {
  return {{"added_tokens", Json::array()},
          {"normalizer", std::move(normalizer)},
          {"pre_tokenizer", std::move(pre_tokenizer)},
          {"post_processor", std::move(post_processor)},
          {"decoder", nullptr},
          {"model", std::move(model)}};
}

// Added tokens that take the spaces beside them, and some that are such: neighbours ask for the
// same ones, in the text and in the normalized text.
inline Json WithSpaceTakers(Json file) {
  const Json vocab = file["model"]["vocab"];
  int next = static_cast<int>(vocab.size());
  const auto add = [&](const char* content, bool lstrip, bool rstrip, bool normalized) {
    const int id = vocab.contains(content) ? vocab[content].get<int>() : next++;
    file["added_tokens"].push_back({{"id", id},
                                    {"content", content},
                                    {"lstrip", lstrip},
                                    {"rstrip", rstrip},
                                    {"normalized", normalized}});
  };
  add("<", false, true, false);
  add(" ", true, false, false);
  add("\t", true, true, false);
  add(",", false, true, true);
  add("\u2003", true, true, true);
  add("[M", true, false, true);
  return file;
}

inline void AppendByteLevel(std::vector<SmallFamily>& families) {
  const Json model = ByteLevelModel();
  const Json ends = Template(model);
  const Json roberta = Typed("RobertaProcessing", {{"sep", {"</s>", 1}},
                                                   {"cls", {"<s>", 0}},
                                                   {"trim_offsets", true},
                                                   {"add_prefix_space", false}});
  families.push_back({"GPT2", File(model, nullptr, ByteLevel(true, true), ByteLevel(true, true)),
                      Spelling::kByteLevel});
  families.push_back(
      {"RoBERTa", File(model, nullptr, ByteLevel(true, true), roberta), Spelling::kByteLevel});
  const Json split =
      Typed("Split",
            {{"pattern",
              {{"Regex",
                R"((?i:'s|'t|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
                R"(\s*[\r\n]+|\s+(?!\S)|\s+)"}}},
             {"behavior", "Isolated"},
             {"invert", false}});
  families.push_back({"Llama3",
                      File(model, nullptr, Steps("pretokenizers", {split, ByteLevel(false, false)}),
                           Steps("processors", {ByteLevel(true, false), ends})),
                      Spelling::kByteLevel});
  Json modern = File(model, Typed("NFC"), ByteLevel(true, true), ends);
  const int size = static_cast<int>(model["vocab"].size());
  modern["added_tokens"] = {
      {{"id", size}, {"content", "   "}, {"normalized", true}},
      {{"id", size + 1}, {"content", "[MASK]"}, {"lstrip", true}, {"special", true}}};
  families.push_back({"ModernBERT", std::move(modern)});
}

inline void AppendUnigram(std::vector<SmallFamily>& families) {
  const Json model = UnigramModel();
  const Json ends = Template(model);
  const Json spaces = Replace("Regex", " {2,}", " ");
  families.push_back({"T5", File(model, Precompiled(), WordsAndMetaspace(), ends)});
  families.push_back({"XLMR", File(model, Steps("normalizers", {Precompiled(), spaces}),
                                   Metaspace("always"), ends)});
  families.push_back({"ALBERT", File(model,
                                     Steps("normalizers", {Replace("String", "``", "\""),
                                                           Typed("NFKD"), Typed("StripAccents"),
                                                           Typed("Lowercase"), Precompiled()}),
                                     WordsAndMetaspace(), ends)});
  families.push_back(
      {"DeBERTaV3",
       File(model,
            Steps("normalizers", {Typed("Strip", {{"strip_left", true}, {"strip_right", true}}),
                                  Precompiled(), spaces}),
            Steps("pretokenizers", Json::array({Metaspace("always")})), ends)});
  Json xlnet = File(model, Precompiled(), WordsAndMetaspace(), ends);
  std::swap(xlnet["post_processor"]["single"][0], xlnet["post_processor"]["single"][1]);
  families.push_back({"XLNet", std::move(xlnet)});
}

inline void AppendByteFallback(std::vector<SmallFamily>& families) {
  const Json model = ByteFallbackModel();
  const Json ends = Template(model);
  const Json marks = Replace("String", " ", kMark);
  families.push_back(
      {"Llama",
       File(model, Steps("normalizers", {Typed("Prepend", {{"prepend", kMark}}), marks}), nullptr,
            ends),
       Spelling::kMarks});
  families.push_back(
      {"LlamaMetaspace", File(model, nullptr, Metaspace("first", false), ends), Spelling::kMarks});
  const Json split = Typed(
      "Split",
      {{"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}});
  families.push_back({"Gemma", File(model, marks, split, ends), Spelling::kMarks});
}

inline void AppendWords(std::vector<SmallFamily>& families) {
  Json words = Json::object();
  for (const char* word : {"<s>", "</s>", "[UNK]", "hello", "don", "unaffable", "e", "中", ","}) {
    words[word] = words.size();
  }
  const Json model = Typed("WordLevel", {{"vocab", words}, {"unk_token", "[UNK]"}});
  families.push_back(
      {"WordLevel",
       File(model, Steps("normalizers", {Typed("NFD"), Typed("Lowercase"), Typed("StripAccents")}),
            Typed("Whitespace"), Template(model))});
  std::vector<std::string> letters = {"<s>", "</s>", "<unk>", "'", "e</w>"};
  for (std::string& letter : Letters()) letters.push_back(std::move(letter));
  Json bpe = BpeModel(letters, "u", {{"unk_token", "<unk>"}, {"end_of_word_suffix", "</w>"}});
  const Json bert = TokenizerJson();
  families.push_back(
      {"CharBPE", File(bpe, bert["normalizer"], Typed("BertPreTokenizer"), Template(bpe))});
  families.push_back({"SpacesWordLevel",
                      WithSpaceTakers(File(model, nullptr, Typed("WhitespaceSplit"), nullptr))});
  families.push_back({"SpacesBERT", WithSpaceTakers(bert)});
  Json mpnet = bert;
  mpnet["post_processor"] = Typed("RobertaProcessing", {{"sep", {"[SEP]", 3}},
                                                        {"cls", {"[CLS]", 2}},
                                                        {"trim_offsets", true},
                                                        {"add_prefix_space", false}});
  families.push_back({"MPNet", std::move(mpnet)});
}

}  // namespace families_internal

inline std::vector<SmallFamily> SmallFamilies() {
  std::vector<SmallFamily> families;
  families_internal::AppendByteLevel(families);
  families_internal::AppendUnigram(families);
  families_internal::AppendByteFallback(families);
  families_internal::AppendWords(families);
  return families;
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_TOKENIZERS_SMALL_FAMILIES_H_
