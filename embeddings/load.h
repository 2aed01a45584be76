// Reading word vectors of every format.
#ifndef GRAFT_EMBEDDINGS_LOAD_H_
#define GRAFT_EMBEDDINGS_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/load_report.h"
#include "embeddings/vector_format.h"
#include "embeddings/word_vectors.h"

namespace graft {

struct LoadOptions {
  // Overrules what the bytes look like. gzip and zip around a file are always told by its bytes.
  std::optional<VectorFormat> format;
  int64_t threads = 1;
  // Rows that are not sound are left out, each with a finding, and a file that was cut gives the
  // rows before the cut. Formats whose rows lie in one piece (fastText, NumPy, finalfusion, graft)
  // are refused all the same.
  bool repair = false;
  // The number of rows may differ from the one that the first line says; the report says so.
  bool allow_count_mismatch = false;
  // NumPy: the file with the words, one in a line, as many as rows. Without it the .npy's name with
  // .txt in its place.
  std::string words_path;
  // zip: the file in the archive, where there are several.
  std::string zip_entry;
  // Longer lines of text are refused (ResourceExhausted), and longer words (DataLoss).
  size_t max_line_bytes = size_t{16} << 20;
  size_t max_word_bytes = size_t{64} << 10;
  // Called now and then, on any thread but on one at a time, with the bytes of the file that were
  // read (packed ones of packed files): for a share of its size. Of graft's folder never.
  std::function<void(uint64_t file_bytes)> progress = nullptr;
};

struct LoadedVectors {
  WordVectors vectors;
  LoadReport report;
};

// Reads a file, or graft's own folder. Words are kept byte for byte, the first of duplicates wins;
// both, and all that is not as one would expect, stand in the report. Refused, with line (where the
// format has lines) and byte offset of the unpacked file: what is of no known format or contradicts
// itself, rows of another length, components that are no finite float32, words with NUL. Sizes that
// a file claims are compared with its length before memory is taken for them. Float text is read as
// strtof reads it. Takes the matrix, the words with their index, and some MiB for each thread.
absl::StatusOr<LoadedVectors> LoadWordVectors(const std::string& path, const LoadOptions& options);

// Takes a row that counts; an error ends the reading and is what the reader gives.
using ConsumeRow = std::function<absl::Status(std::string_view word, absl::Span<const float> row)>;

// Reads as LoadWordVectors does and gives the rows to `consume`, in order, on any thread but one at
// a time. Formats that stand row by row (word2vec, GloVe) are not held: only their words are.
absl::StatusOr<LoadReport> ScanWordVectors(const std::string& path, const LoadOptions& options,
                                           const ConsumeRow& consume);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_LOAD_H_
