// Encodes what sentencepiece_parity.py sends with a SentencePiece model, in binary form.
//
//   sentencepiece_lines MODEL encode|decode|batch < in > out
//   sentencepiece_lines FOLDER encode|decode|batch < in > out
//
// A model goes through the library, a folder with a model alone through LoadTokenizer; `batch` is
// for a folder, and gives its ids alone. All numbers are 32-bit little-endian. A text is its length
// and its bytes. In: `encode` texts; `decode` a count and that many ids each. Out: per input of
// `encode` a count n, n ids, n begins, n ends and n texts, the pieces (those of a folder are
// empty); per input of `decode` a text; per input of `batch` a count n and n ids.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tests/parity/records.h"
#include "tokenizers/models/sentencepiece_encoder.h"
#include "tokenizers/tokenizer.h"

namespace {

[[noreturn]] void Fail(std::string_view message) {
  std::fprintf(stderr, "sentencepiece_lines: %.*s\n", static_cast<int>(message.size()),
               message.data());
  std::exit(1);
}

using graft::parity::RecordReader;

std::string output;

void PutNumber(uint32_t value) { graft::parity::PutNumber(value, output); }
void PutText(std::string_view text) { graft::parity::PutText(text, output); }

void EncodeNext(const graft::SentencePieceEncoder& encoder, RecordReader& input) {
  std::vector<graft::ModelToken> tokens;
  std::vector<std::string> pieces;
  const absl::Status status = encoder.Encode(input.Text(), tokens, pieces);
  if (!status.ok()) Fail(status.message());
  PutNumber(static_cast<uint32_t>(tokens.size()));
  for (const graft::ModelToken& token : tokens) PutNumber(static_cast<uint32_t>(token.id));
  for (const graft::ModelToken& token : tokens) PutNumber(token.span.begin);
  for (const graft::ModelToken& token : tokens) PutNumber(token.span.end);
  for (const std::string& piece : pieces) PutText(piece);
}

void DecodeNext(const graft::SentencePieceEncoder& encoder, RecordReader& input) {
  std::vector<int32_t> ids(input.Number());
  for (int32_t& id : ids) id = static_cast<int32_t>(input.Number());
  const auto text = encoder.Decode(ids);
  if (!text.ok()) Fail(text.status().message());
  PutText(*text);
}

void PutTokens(const graft::Encoding& encoding) {
  PutNumber(static_cast<uint32_t>(encoding.size()));
  for (const int32_t id : encoding.ids) PutNumber(static_cast<uint32_t>(id));
  for (const graft::Span span : encoding.offsets) PutNumber(span.begin);
  for (const graft::Span span : encoding.offsets) PutNumber(span.end);
  for (size_t i = 0; i < encoding.size(); ++i) PutText("");
}

void PutBatch(const graft::Tokenizer& tokenizer, RecordReader& input) {
  std::vector<std::string_view> texts;
  while (!input.empty()) texts.push_back(input.Text());
  const graft::EncodedBatch batch = tokenizer.EncodeBatch(texts, {}, 2);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto begin = static_cast<size_t>(batch.starts[i]);
    const auto end = static_cast<size_t>(batch.starts[i + 1]);
    PutNumber(static_cast<uint32_t>(end - begin));
    for (size_t at = begin; at < end; ++at) PutNumber(static_cast<uint32_t>(batch.ids[at]));
  }
}

void RunFolder(const std::string& folder, std::string_view mode, RecordReader& input) {
  const auto tokenizer = graft::LoadTokenizer(folder);
  if (!tokenizer.ok()) Fail(tokenizer.status().message());
  if (mode == "batch") return PutBatch(**tokenizer, input);
  while (!input.empty()) {
    if (mode == "encode") {
      PutTokens((*tokenizer)->Encode(input.Text()));
      continue;
    }
    std::vector<int32_t> ids(input.Number());
    for (int32_t& id : ids) id = static_cast<int32_t>(input.Number());
    PutText((*tokenizer)->Decode(ids, true));
  }
}

void RunModel(const std::string& path, std::string_view mode, RecordReader& input) {
  const auto encoder = graft::SentencePieceEncoder::Load(path);
  if (!encoder.ok()) Fail(encoder.status().message());
  while (!input.empty()) {
    if (mode == "encode") {
      EncodeNext(*encoder, input);
    } else {
      DecodeNext(*encoder, input);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[2] : "";
  const bool folder = argc == 3 && graft::IsFolder(argv[1]);
  if (mode != "encode" && mode != "decode" && !(folder && mode == "batch")) {
    std::fprintf(stderr, "usage: sentencepiece_lines MODEL|FOLDER encode|decode|batch\n");
    return 2;
  }
  RecordReader input(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  if (folder) {
    RunFolder(argv[1], mode, input);
  } else {
    RunModel(argv[1], mode, input);
  }
  return std::fwrite(output.data(), 1, output.size(), stdout) == output.size() ? 0 : 1;
}
