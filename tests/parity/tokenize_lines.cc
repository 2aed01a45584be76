// Tokenizes what tokenizer_parity.py sends, in binary form, since the texts hold every character.
//
//   tokenize_lines FOLDER encode|pair|words|batch|decode|tokens|windows|pair-windows MAX_LENGTH
//       THREADS STRIDE right|left longest_first|only_first|only_second < in > out
//
// All numbers are 32-bit little-endian. A text is its length and its bytes. In: `encode`, `windows`
// and `batch` texts; `pair` and `pair-windows` two texts each; `words` a count and that many texts
// each; `decode` and `tokens` a count and that many ids each. Out: per input a count n and n ids,
// and but for `batch` n each of type ids, word ids, begins, ends and special tokens; the modes of
// windows begin with a count of them; `decode` gives two texts, with and without special tokens,
// `tokens` the text of every id, empty where there is none.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/parity/records.h"
#include "tokenizers/tokenizer.h"

namespace {

using graft::parity::RecordReader;

std::string output;

void PutNumber(uint32_t value) { graft::parity::PutNumber(value, output); }
void PutText(std::string_view text) { graft::parity::PutText(text, output); }

void PutEncoding(const graft::Encoding& encoding) {
  PutNumber(static_cast<uint32_t>(encoding.size()));
  for (const int32_t id : encoding.ids) PutNumber(static_cast<uint32_t>(id));
  for (const int32_t id : encoding.type_ids) PutNumber(static_cast<uint32_t>(id));
  for (const int32_t id : encoding.word_ids) PutNumber(static_cast<uint32_t>(id));
  for (const graft::Span span : encoding.offsets) PutNumber(span.begin);
  for (const graft::Span span : encoding.offsets) PutNumber(span.end);
  for (const uint8_t mask : encoding.special_tokens_mask) PutNumber(mask);
}

void TokenizeBatch(const graft::Tokenizer& tokenizer, const graft::EncodeOptions& options,
                   int threads, RecordReader& input) {
  std::vector<std::string_view> texts;
  while (!input.empty()) texts.push_back(input.Text());
  const graft::EncodedBatch batch = tokenizer.EncodeBatch(texts, options, threads);
  for (size_t i = 0; i + 1 < batch.starts.size(); ++i) {
    PutNumber(static_cast<uint32_t>(batch.starts[i + 1] - batch.starts[i]));
    for (int32_t j = batch.starts[i]; j < batch.starts[i + 1]; ++j) {
      PutNumber(static_cast<uint32_t>(batch.ids[static_cast<size_t>(j)]));
    }
  }
}

void TokenizeNext(const graft::Tokenizer& tokenizer, const graft::EncodeOptions& options,
                  std::string_view mode, RecordReader& input) {
  if (mode.ends_with("windows")) {
    const std::string_view first = input.Text();
    const graft::Encoding encoding = mode == "windows"
                                         ? tokenizer.Encode(first, options)
                                         : tokenizer.EncodePair(first, input.Text(), options);
    PutNumber(static_cast<uint32_t>(1 + encoding.overflowing.size()));
    PutEncoding(encoding);
    for (const graft::Encoding& window : encoding.overflowing) PutEncoding(window);
  } else if (mode == "encode") {
    PutEncoding(tokenizer.Encode(input.Text(), options));
  } else if (mode == "pair") {
    const std::string_view first = input.Text();
    PutEncoding(tokenizer.EncodePair(first, input.Text(), options));
  } else if (mode == "words") {
    std::vector<std::string_view> words(input.Number());
    for (std::string_view& word : words) word = input.Text();
    PutEncoding(tokenizer.EncodeWords(words, options));
  } else {
    std::vector<int32_t> ids(input.Number());
    for (int32_t& id : ids) id = static_cast<int32_t>(input.Number());
    if (mode == "tokens") {
      for (const int32_t id : ids) PutText(tokenizer.IdToToken(id).value_or(""));
      return;
    }
    PutText(tokenizer.Decode(ids, false));
    PutText(tokenizer.Decode(ids, true));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr,
                 "usage: tokenize_lines FOLDER MODE MAX_LENGTH THREADS STRIDE SIDE STRATEGY\n");
    return 2;
  }
  const auto tokenizer = graft::LoadTokenizer(argv[1]);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", std::string(tokenizer.status().message()).c_str());
    return 1;
  }
  const std::string_view mode = argv[2];
  graft::EncodeOptions options;
  options.max_length = std::strtoul(argv[3], nullptr, 10);
  options.stride = std::strtoul(argv[5], nullptr, 10);
  options.overflowing = mode.ends_with("windows");
  options.truncation_side = std::string_view(argv[6]) == "left" ? graft::TruncationSide::kLeft
                                                                : graft::TruncationSide::kRight;
  const std::string_view strategy = argv[7];
  options.truncation = strategy == "only_first"    ? graft::Truncation::kOnlyFirst
                       : strategy == "only_second" ? graft::Truncation::kOnlySecond
                                                   : graft::Truncation::kLongestFirst;
  RecordReader input(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  if (mode == "batch") {
    TokenizeBatch(**tokenizer, options, std::atoi(argv[4]), input);
  } else {
    while (!input.empty()) TokenizeNext(**tokenizer, options, mode, input);
  }
  return std::fwrite(output.data(), 1, output.size(), stdout) == output.size() ? 0 : 1;
}
