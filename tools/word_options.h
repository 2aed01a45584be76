// The options of `graft train classify` for models over word vectors.
#ifndef GRAFT_TOOLS_WORD_OPTIONS_H_
#define GRAFT_TOOLS_WORD_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/training.h"
#include "tasks/word_start.h"
#include "tools/options.h"

namespace graft::tools {

struct WordOptions {
  std::string vectors;     // paths, separated by commas
  std::string classifier;  // empty: average
  std::string init = "pretrained";
  std::string train_rows;  // empty: all
  std::string split;       // empty: as the vectors' words tell
  std::string letter_case;
  std::string unknown = "none";
  std::string windows = "3,4,5";
  std::optional<int64_t> width;
  std::optional<double> dropout;
  int64_t channels = 1;
  int64_t filters = 100;
  int64_t lstm_size = 150;
  double sif_a = 1e-3;
  bool repair = false;
};

void DeclareWords(WordOptions& o, OptionList& list);

// Whether the command line asks for word vectors in place of an encoder.
bool UsesWords(const WordOptions& o);

// Mistakes between options; `freeze` is that of --freeze.
absl::Status CheckWords(const WordOptions& o, std::string_view freeze);

// Reads the vectors and makes the start from the training texts.
absl::StatusOr<WordStart> StartWords(const WordOptions& o, std::string_view freeze, uint64_t seed,
                                     absl::Span<const std::string_view> texts);

// What trains well over word vectors, where the command line does not say otherwise.
struct TrainingDefaults {
  int epochs;
  double learning_rate;
  int64_t batch_size;
};
TrainingDefaults WordTrainingDefaults(const WordOptions& o);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_WORD_OPTIONS_H_
