// Files by which word vectors are judged: pairs of words with a similarity that people gave them,
// and analogies.
#ifndef GRAFT_EMBEDDINGS_EVALUATION_SET_H_
#define GRAFT_EMBEDDINGS_EVALUATION_SET_H_

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace graft {

struct WordPair {
  std::string first, second;
  double score = 0;
};

struct WordPairSet {
  std::string name;  // of the file, for messages
  std::vector<WordPair> pairs;
};

// Words a, b, c, d: a is to b as c is to d.
using AnalogyWords = std::array<std::string, 4>;

struct AnalogySection {
  std::string name;
  std::vector<AnalogyWords> questions;
};

struct AnalogySet {
  std::string name;  // of the file, for messages
  std::vector<AnalogySection> sections;
};

using EvaluationSet = std::variant<WordPairSet, AnalogySet>;

// Reads a file of either kind, plain or gzip; "-" is standard input. Empty lines and those that
// begin with # are comments.
//
// Analogies, when the first line begins with a colon, or the first two have four words and no
// number: four words in a line between blanks; ": NAME" begins a section, as in word2vec's
// questions-words.txt. Lines before the first have a section of the name "".
//
// Else pairs: two words and a number in a line, as in WordSim353, SimLex-999 and SimVerb-3500.
// Between them stand tabs, if the first line has one, else commas, else blanks. The number is in
// the first column behind the words that has one in the first row (SimLex-999 has the part of
// speech before it); a first line without any is a header. Blanks around words are left out.
//
// DataLoss with file and line for a line that is neither, and for a file without any.
absl::StatusOr<EvaluationSet> ReadEvaluationSet(const std::string& path);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_EVALUATION_SET_H_
