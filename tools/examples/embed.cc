#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "tasks/text_embedder.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: embed MODEL_FOLDER\n";
    return 2;
  }
  const auto embedder = graft::TextEmbedder::Load(argv[1], {.normalize = true});
  if (!embedder.ok()) {
    std::cerr << embedder.status().message() << "\n";
    return 1;
  }
  const std::vector<std::string> texts = {"A wonderful film.", "I liked this movie."};
  const auto embeddings = embedder->Embed(texts);
  if (!embeddings.ok()) {
    std::cerr << embeddings.status().message() << "\n";
    return 1;
  }
  const auto first = embeddings->row(0), second = embeddings->row(1);  // of length 1
  const double similarity = std::inner_product(first.begin(), first.end(), second.begin(), 0.0);
  std::cout << similarity << "  " << texts[0] << "  " << texts[1] << "\n";
  return 0;
}
