// Encodes what sentencepiece_parity.py sends with a SentencePiece model, in binary form.
//
//   sentencepiece_lines MODEL encode|decode < in > out
//
// All numbers are 32-bit little-endian. A text is its length and its bytes. In: `encode` texts;
// `decode` a count and that many ids each. Out: per input of `encode` a count n, n ids, n begins,
// n ends and n texts, the pieces; per input of `decode` a text.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/models/sentencepiece_encoder.h"

namespace {

[[noreturn]] void Fail(std::string_view message) {
  std::fprintf(stderr, "sentencepiece_lines: %.*s\n", static_cast<int>(message.size()),
               message.data());
  std::exit(1);
}

class Input {
 public:
  explicit Input(std::string bytes) : bytes_(std::move(bytes)) {}

  bool empty() const { return at_ == bytes_.size(); }
  uint32_t Number() {
    uint32_t value;
    std::memcpy(&value, Take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  std::string_view Text() { return Take(Number()); }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size() - at_) Fail("the input ends within a record");
    at_ += size;
    return std::string_view(bytes_).substr(at_ - size, size);
  }

  std::string bytes_;
  size_t at_ = 0;
};

std::string output;

void PutNumber(uint32_t value) { output.append(reinterpret_cast<const char*>(&value), 4); }

void PutText(std::string_view text) {
  PutNumber(static_cast<uint32_t>(text.size()));
  output.append(text);
}

void EncodeNext(const graft::SentencePieceEncoder& encoder, Input& input) {
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

void DecodeNext(const graft::SentencePieceEncoder& encoder, Input& input) {
  std::vector<int32_t> ids(input.Number());
  for (int32_t& id : ids) id = static_cast<int32_t>(input.Number());
  const auto text = encoder.Decode(ids);
  if (!text.ok()) Fail(text.status().message());
  PutText(*text);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[2] : "";
  if (mode != "encode" && mode != "decode") {
    std::fprintf(stderr, "usage: sentencepiece_lines MODEL encode|decode\n");
    return 2;
  }
  const auto encoder = graft::SentencePieceEncoder::Load(argv[1]);
  if (!encoder.ok()) Fail(encoder.status().message());
  Input input(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  while (!input.empty()) {
    if (mode == "encode") {
      EncodeNext(*encoder, input);
    } else {
      DecodeNext(*encoder, input);
    }
  }
  return std::fwrite(output.data(), 1, output.size(), stdout) == output.size() ? 0 : 1;
}
