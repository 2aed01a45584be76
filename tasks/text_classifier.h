// The door for applications: texts in, labels out.
#ifndef GRAFT_TASKS_TEXT_CLASSIFIER_H_
#define GRAFT_TASKS_TEXT_CLASSIFIER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/threads.h"  // IWYU pragma: export

namespace graft {

struct Classification {
  int label_index = 0;         // into TextClassifier::labels()
  std::string label;           // the most probable one; the first of equals
  double score = 0;            // its probability
  std::vector<double> scores;  // of every label, sum 1
  size_t tokens = 0;           // tokens that were read, special tokens counted
  size_t cut_off = 0;          // tokens beyond the longest input, not read
};

// A trained classifier. Immutable; all methods are thread-safe. Concurrent calls of Predict take
// turns in the computation, each with all threads (SetThreads).
class TextClassifier {
 public:
  // Opens a folder that graft or transformers saved. FailedPrecondition when it holds an encoder
  // without a trained head; else the errors of OpenModelFolder and LoadModel, which name file,
  // place, expected and found.
  static absl::StatusOr<TextClassifier> Load(const std::string& folder);

  TextClassifier(TextClassifier&&) noexcept;
  TextClassifier& operator=(TextClassifier&&) noexcept;
  ~TextClassifier();

  // One result a text, in order. A text's result does not depend on the others, bit for bit (CPU).
  // Ill-formed UTF-8 is read as U+FFFD. InvalidArgument for a text without a token (an empty one,
  // where the tokenizer adds none of its own) and for weights that give no finite numbers, which
  // quote the text. ResourceExhausted when memory runs out, Internal
  // when LibTorch fails otherwise.
  absl::StatusOr<std::vector<Classification>> Predict(absl::Span<const std::string> texts) const;
  absl::StatusOr<std::vector<Classification>> Predict(
      absl::Span<const std::string_view> texts) const;
  absl::StatusOr<Classification> Predict(std::string_view text) const;

  // Labels by class.
  const std::vector<std::string>& labels() const;
  // Longest input in tokens, special tokens counted.
  size_t max_length() const;

  // Writes the classifier as a folder of its own, all or nothing. AlreadyExists when `folder` is
  // there.
  absl::Status Save(const std::string& folder) const;

 private:
  struct Impl;
  explicit TextClassifier(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace graft

#endif  // GRAFT_TASKS_TEXT_CLASSIFIER_H_
