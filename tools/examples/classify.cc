#include <iostream>
#include <string>
#include <vector>

#include "tasks/text_classifier.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: classify MODEL_FOLDER\n";
    return 2;
  }
  const auto classifier = graft::TextClassifier::Load(argv[1]);
  if (!classifier.ok()) {
    std::cerr << classifier.status().message() << "\n";
    return 1;
  }
  const std::vector<std::string> texts = {"A wonderful film.", "I want my two hours back."};
  const auto results = classifier->Predict(texts);
  if (!results.ok()) {
    std::cerr << results.status().message() << "\n";
    return 1;
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    std::cout << (*results)[i].label << "  " << (*results)[i].score << "  " << texts[i] << "\n";
  }
  return 0;
}
