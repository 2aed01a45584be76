// The options of `graft train classify` for models over word vectors.
#ifndef GRAFT_TOOLS_WORD_OPTIONS_H_
#define GRAFT_TOOLS_WORD_OPTIONS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/training.h"
#include "tasks/word_start.h"
#include "tools/options.h"
#include "tools/vector_file.h"

namespace graft::tools {

struct WordOptions {
  // Empty and absent ones have the defaults that --help tells: what is given and of no use is
  // refused.
  std::string vectors;  // paths, separated by commas; one that is there with its commas is one
  std::string classifier, init, train_rows, split, letter_case, unknown, windows;
  std::optional<int64_t> width, channels, filters, lstm_size;
  std::optional<double> dropout, sif_a;
  // How the files of `vectors` are read: all but path and threads.
  VectorFileOptions reading;
};

void DeclareWords(WordOptions& o, OptionList& list);

// Whether the command line asks for word vectors in place of an encoder.
bool UsesWords(const WordOptions& o);

// Mistakes between options; `freeze` is that of --freeze. Of an encoder: nothing of this is given.
absl::Status CheckWords(const WordOptions& o, std::string_view freeze);
absl::Status CheckNoWords(const WordOptions& o);

// Reads the vectors and makes the start from the training texts.
struct StartSettings {
  std::string_view freeze;
  uint64_t seed = 1;
  std::optional<int64_t> max_length;  // words of a text
};
absl::StatusOr<WordStart> StartWords(const WordOptions& o, const StartSettings& settings,
                                     absl::Span<const std::string_view> texts);

// The options for graft.json, for people.
std::map<std::string, std::string> WordRecord(const WordOptions& o);

// What trains well over word vectors, where the command line does not say otherwise.
struct TrainingDefaults {
  int epochs;
  double learning_rate;
  int64_t batch_size;
  double max_norm;
};
TrainingDefaults WordTrainingDefaults(const WordOptions& o);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_WORD_OPTIONS_H_
