// What a reader of word vectors found.
#ifndef GRAFT_EMBEDDINGS_LOAD_REPORT_H_
#define GRAFT_EMBEDDINGS_LOAD_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "embeddings/vector_format.h"

namespace graft {

// A place in the file, and what is there. Kept as it is, but for what is skipped.
struct LoadFinding {
  enum class Kind {
    kDuplicate,   // a word that was there before: the first one's row counts
    kBrokenUtf8,  // a word that is no UTF-8, kept byte for byte
    kSkippedRow,  // repair: a row that is not sound
    kCount,       // the number of rows is not the one that the file says
    kCut,         // repair: from some place on nothing can be read
    kNote,        // anything else that a reader should know
  };
  Kind kind;
  int64_t line = 0;                // from 1 on; 0: the format has none
  std::optional<uint64_t> offset;  // bytes from the start of the file, unpacked
  std::string text;                // "component 2: expected a finite number, found 'nan'"
};

// Counts are complete; of findings, the first kMaxListed of each kind are listed, of skipped rows
// the first kMaxListedRows.
struct LoadReport {
  static constexpr int64_t kMaxListed = 100, kMaxListedRows = 100'000;

  VectorFormat format = VectorFormat::kGlove;
  std::string source;       // the file, and the entry of an archive
  std::string packing;      // "", "gzip" or "zip"
  std::string description;  // what the format says of the model: "supervised, 4 labels, ..."
  int64_t rows = 0;         // of the result
  int64_t width = 0;
  std::optional<int64_t> declared_rows;  // where the format says so
  int64_t duplicates = 0;
  int64_t broken_utf8 = 0;
  int64_t skipped = 0;
  int64_t sub_words = 0;              // rows of n-grams
  std::vector<LoadFinding> findings;  // in the order of the file
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_LOAD_REPORT_H_
