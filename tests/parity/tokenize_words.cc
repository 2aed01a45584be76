// Puts words through a bare model for model_parity.py, in binary form.
//
//   tokenize_words TOKENIZER_JSON tokenizers|sentencepiece|parts < in > out
//   tokenize_words VOCAB_JSON MERGES_TXT < in > out
//
// `tokenizers` reads `model` of the file as that peer does. `sentencepiece` takes the same list for
// the pieces of a .model, whose types stand in a member `types` (see PieceType); `parts` does so
// word by word, cut before each U+2581. All numbers are 32-bit little-endian. In: words, each its
// length and its bytes. Out: for each a count n, n ids, n begins and n ends.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status_macros.h"
#include "base/file.h"
#include "base/json.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/load_tokenizer.h"
#include "tokenizers/models/model_reader.h"

namespace graft {
namespace {

using ModelPointer = std::unique_ptr<const TokenModel>;

absl::StatusOr<ModelPointer> LoadSentencePiece(const JsonValue& model) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue vocab, model.Get("vocab"));
  ABSL_ASSIGN_OR_RETURN(const JsonValue types, model.Get("types"));
  ABSL_ASSIGN_OR_RETURN(const auto entries, vocab.AsArray());
  ABSL_ASSIGN_OR_RETURN(const auto type_values, types.AsArray());
  UnigramPieces pieces;
  for (size_t i = 0; i < entries.size(); ++i) {
    ABSL_ASSIGN_OR_RETURN(const auto pair, entries[i].AsArray());
    ABSL_ASSIGN_OR_RETURN(const std::string_view piece, pair[0].AsString());
    ABSL_ASSIGN_OR_RETURN(const double score, pair[1].AsDouble(-1e9, 1e9));
    ABSL_ASSIGN_OR_RETURN(const int64_t type, type_values[i].AsInt(0, 5));
    pieces.Add(piece, score, static_cast<PieceType>(type));
  }
  Unigram::Options options;
  options.peer = UnigramPeer::kSentencePiece;
  ABSL_ASSIGN_OR_RETURN(const int64_t unknown, model.GetInt("unk_id", 0, 1 << 22));
  options.unknown_id = static_cast<int32_t>(unknown);
  ABSL_ASSIGN_OR_RETURN(options.byte_fallback, model.GetBool("byte_fallback", false));
  return Unigram::Create(std::move(pieces), options, "model.vocab");
}

absl::StatusOr<ModelPointer> LoadModel(const std::string& path, std::string_view peer) {
  ABSL_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxVocabularyFileBytes));
  if (peer == "tokenizers") {
    ABSL_ASSIGN_OR_RETURN(TokenizerParts parts, ParseTokenizerJson(std::move(text), path));
    return std::move(parts.model);
  }
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(std::move(text), path));
  ABSL_ASSIGN_OR_RETURN(const JsonValue model, document.root().Get("model"));
  return LoadSentencePiece(model);
}

absl::StatusOr<ModelPointer> LoadFiles(const std::string& vocab_json, const std::string& merges) {
  ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary, LoadVocabJson(vocab_json));
  return LoadBpe(merges, std::move(vocabulary), {});
}

// What Tokenize gives, word by word: with the tokens that fit everywhere where there are some.
void TokenizeParts(const Unigram& model, std::string_view text, std::vector<ModelToken>& tokens) {
  float score = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find("\xE2\x96\x81", begin + 1), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    std::vector<ModelToken> found;
    if (model.TokenizeAnywhere(word, found) && score > -Unigram::kScoreLimit / 2) {
      for (const ModelToken& token : found) score += model.score(token.id);
    } else {
      found.clear();
      model.TokenizeNext(word, score, found);
    }
    const auto shift = static_cast<uint32_t>(begin);
    for (const ModelToken& token : found) {
      const Span span{token.span.begin + shift, token.span.end + shift};
      // A row of unknown characters is one token, though words end in it.
      const bool unknown = token.id == model.options().unknown_id;
      if (unknown && !tokens.empty() && tokens.back().id == token.id) {
        tokens.back().span.end = span.end;
      } else {
        tokens.push_back({token.id, span});
      }
    }
    begin = end;
  }
}

void Put(uint32_t number) { std::fwrite(&number, sizeof(number), 1, stdout); }

int Run(const std::string& first, std::string_view second) {
  const bool files = second.ends_with(".txt");
  const auto model = files ? LoadFiles(first, std::string(second)) : LoadModel(first, second);
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", std::string(model.status().message()).c_str());
    return 1;
  }
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  std::vector<ModelToken> tokens;
  for (size_t at = 0; at + sizeof(uint32_t) <= input.size();) {
    uint32_t size;
    std::memcpy(&size, input.data() + at, sizeof(size));
    at += sizeof(size);
    const auto word = std::string_view(input).substr(at, size);
    at += size;
    tokens.clear();
    if (second == "parts") {
      TokenizeParts(static_cast<const Unigram&>(**model), word, tokens);
    } else {
      (*model)->Tokenize(word, tokens);
    }
    Put(static_cast<uint32_t>(tokens.size()));
    for (const ModelToken& token : tokens) Put(static_cast<uint32_t>(token.id));
    for (const ModelToken& token : tokens) Put(token.span.begin);
    for (const ModelToken& token : tokens) Put(token.span.end);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace graft

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: tokenize_words TOKENIZER_JSON PEER | VOCAB_JSON MERGES_TXT\n");
    return 2;
  }
  return graft::Run(argv[1], argv[2]);
}
