// The words nearest to others, in word vectors of any format.
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "embeddings/load.h"
#include "embeddings/search.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: nearest_words VECTORS WORD...\n";
    return 2;
  }
  const auto loaded = graft::LoadWordVectors(argv[1], {});
  if (!loaded.ok()) {
    std::cerr << loaded.status().message() << "\n";
    return 1;
  }
  const graft::WordVectors& vectors = loaded->vectors;
  const graft::VectorSearch search(vectors, {});
  std::vector<float> query(static_cast<size_t>(vectors.width()));
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!vectors.Vector(word, absl::MakeSpan(query))) {
      std::cout << word << ": unknown\n";
      continue;
    }
    std::vector<int64_t> itself;
    if (const auto row = vectors.Find(word)) itself.push_back(*row);
    std::cout << word << ":";
    for (const graft::Neighbor& neighbor : search.Nearest(query, 3, itself)) {
      std::cout << " " << vectors.words()[neighbor.row] << " " << neighbor.score;
    }
    std::cout << "\n";
  }
  return 0;
}
