// For vectors_parity.py: loads word vectors and gives what it is asked for.
//
//   vectors_worker PATH [--format F] [--words FILE] [--threads N] < words > answers
//
// The answer: V and D (int64); for each row its word's size (int32), its bytes and D float32; and
// for each line of standard input, a word, 1 when it has a vector (int32) and D float32.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "embeddings/load.h"

namespace {

template <typename T>
void Put(const T* values, size_t count) {
  std::fwrite(values, sizeof(T), count, stdout);
}

int Run(int argc, char** argv) {
  graft::LoadOptions options;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--format") options.format = graft::VectorFormatOfName(value);
    if (name == "--words") options.words_path = value;
    if (name == "--threads") options.threads = std::stoi(value);
  }
  const auto loaded = graft::LoadWordVectors(argv[1], options);
  if (!loaded.ok()) {
    std::cerr << loaded.status().message() << '\n';
    return 1;
  }
  const graft::WordVectors& vectors = loaded->vectors;
  const int64_t sizes[2] = {vectors.size(), vectors.width()};
  Put(sizes, 2);
  std::vector<float> row(static_cast<size_t>(vectors.width()));
  for (int64_t i = 0; i < vectors.size(); ++i) {
    const std::string_view word = vectors.words()[i];
    const auto size = static_cast<int32_t>(word.size());
    Put(&size, 1);
    Put(word.data(), word.size());
    vectors.Row(i, absl::MakeSpan(row));
    Put(row.data(), row.size());
  }
  for (std::string word; std::getline(std::cin, word);) {
    const int32_t found = vectors.Vector(word, absl::MakeSpan(row)) ? 1 : 0;
    Put(&found, 1);
    Put(row.data(), row.size());
  }
  std::cerr << graft::VectorFormatName(loaded->report.format) << ": " << loaded->report.description
            << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return argc < 2 ? 2 : Run(argc, argv); }
