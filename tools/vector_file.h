// A file of word vectors as the verbs of `graft vectors` take it.
#ifndef GRAFT_TOOLS_VECTOR_FILE_H_
#define GRAFT_TOOLS_VECTOR_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embeddings/load.h"
#include "nlohmann/json.hpp"
#include "tools/options.h"

namespace graft::tools {

struct VectorFileOptions {
  std::string path;
  std::string format;  // "": found from the bytes
  std::string words;
  std::string zip_entry;
  bool repair = false;
  bool allow_count_mismatch = false;
  int threads = 0;
};

// --vectors, --format, --words, --zip-entry, --threads, and with `repairs` --repair and
// --allow-count-mismatch.
void DeclareVectorFile(VectorFileOptions& o, OptionList& list, bool repairs = true);

// With the threads chosen.
absl::StatusOr<LoadOptions> MakeLoadOptions(const VectorFileOptions& o);

// What was left out, and a count that is not right: a line each on standard error.
void TellRepairs(const std::string& path, const LoadReport& report);

// Loads, with progress on standard error where that takes long, and tells repairs.
absl::StatusOr<LoadedVectors> LoadVectorFile(const VectorFileOptions& o);

// Progress over a file on standard error; none (nullptr) for one that is read in no time.
std::function<void(uint64_t file_bytes)> FileProgress(const std::string& path,
                                                      std::string_view title);

// A word as JSON's "word", and where it is no UTF-8 its bytes as "word_hex": the member of a record
// named `key`.
void AddWordJson(std::string_view key, std::string_view word, nlohmann::ordered_json& record);

// "12.5 MB", "0.3 kB".
std::string ByteCount(uint64_t bytes);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_VECTOR_FILE_H_
