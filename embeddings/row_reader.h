// Files of word vectors that stand row by row: what their readers and the loader agree on.
// Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_ROW_READER_H_
#define GRAFT_EMBEDDINGS_ROW_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/byte_source.h"
#include "embeddings/load.h"

namespace graft {

// Some rows that follow each other in the file.
struct RowBatch {
  struct Place {
    uint32_t line;    // from the first line of the batch on
    uint64_t offset;  // from the first byte of the batch on
  };
  struct Problem {
    int64_t line;
    uint64_t offset;
    std::string text;
  };

  std::vector<char> bytes;  // as in the file, with padding
  size_t size = 0;          // of bytes, without the padding
  int64_t first_line = 0;   // 0: the format has no lines
  uint64_t offset = 0;      // of the first byte in the file
  int64_t lines = 0;        // rows, sound or not
  int64_t capacity = 0;     // at most so many of them are sound
  // word2vec-binary: where the blank behind each word stands.
  std::vector<uint32_t> blanks;

  // What Parse finds: the sound rows in order, and the others.
  std::string words;  // each followed by one LF
  std::vector<WordsBuilder::Key> keys;
  std::vector<Place> places;
  std::vector<size_t> broken_utf8;  // rows whose words are no UTF-8
  std::vector<Problem> problems;

  void ClearParsed() {
    words.clear();
    keys.clear();
    places.clear();
    broken_utf8.clear();
    problems.clear();
  }
};

// Take() by one thread at a time, in the order of the file; Parse() is const and thread-safe.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual int64_t width() const = 0;
  // What the file says.
  virtual std::optional<int64_t> declared_rows() const = 0;
  // No file of this size has more sound rows.
  virtual int64_t max_rows() const = 0;
  // Of floret, whose rows are buckets and not words; nullptr: words.
  virtual const SubWordRules* floret() const { return nullptr; }
  // Text, after the last Take: whether bytes stood behind the last line end.
  virtual bool lacks_line_end() const { return false; }
  // The next bytes; false at the end.
  virtual absl::StatusOr<bool> Take(RowBatch& batch) = 0;
  // Reads them: row i of the batch into floats [i * width, (i + 1) * width), of which there is
  // room for `capacity` rows.
  virtual void Parse(RowBatch& batch, float* floats) const = 0;
};

// A word as every format takes it: hashed, and looked at for broken UTF-8. Empty when it is sound,
// else what is expected and found.
std::string AddWord(std::string_view word, uint32_t line, uint64_t offset, size_t max_bytes,
                    RowBatch& batch);

// The message for component i (from 0 on), which is no finite number.
std::string ComponentError(int64_t i, std::string_view found);
// "path:17: byte 1234: text".
std::string PlacedMessage(const std::string& name, int64_t line, uint64_t offset,
                          std::string_view text);

// word2vec text, GloVe and floret. The source stands at the first byte.
struct TextLayout {
  VectorFormat format = VectorFormat::kGlove;
  size_t header_bytes = 0;  // with byte-order mark and line end
  std::optional<int64_t> declared_rows;
  int64_t width = 0;
  SubWordRules floret;
  bool has_mark = false;  // a byte-order mark stands first
};
// From the front of the file; nullopt when it looks like no text but begins like word2vec's binary
// format. Refuses (DataLoss) what is neither.
absl::StatusOr<std::optional<TextLayout>> FindTextLayout(const std::string& name,
                                                         std::string_view front, bool is_all,
                                                         std::optional<VectorFormat> wanted);
absl::StatusOr<std::unique_ptr<RowReader>> OpenTextRows(ByteSource& source,
                                                        const TextLayout& layout,
                                                        const LoadOptions& options);
absl::StatusOr<std::unique_ptr<RowReader>> OpenBinaryRows(ByteSource& source,
                                                          const LoadOptions& options);

// "V D", with blanks around, as the first line of word2vec's formats: nullopt for all else.
struct CountLine {
  int64_t rows = 0;
  int64_t width = 0;
};
std::optional<CountLine> ParseCountLine(std::string_view line);
// That both are at least one, the width at most 65,536, and that so many rows of `row_bytes` at
// least can stand in the file.
absl::Status CheckCountLine(const std::string& name, const CountLine& line, uint64_t row_bytes,
                            uint64_t file_bytes, bool allow_count_mismatch);

inline constexpr int64_t kMaxVectorWidth = 65'536;

// Reads all rows into memory: words, matrix and what the report says of them.
struct CollectedRows {
  Words words;
  VectorMatrix matrix;
};
absl::StatusOr<CollectedRows> CollectRows(RowReader& reader, const std::string& name,
                                          const LoadOptions& options, LoadReport& report);

// Reads all rows and keeps their words alone: each row that counts goes to `consume`, in order.
absl::StatusOr<Words> StreamRows(RowReader& reader, const std::string& name,
                                 const LoadOptions& options, const ConsumeRow& consume,
                                 LoadReport& report);

// Options that a folder has no use for, and a list of words for another format than numpy:
// InvalidArgument.
absl::Status CheckLoadOptions(const std::string& path, const LoadOptions& options);
absl::Status CheckNoWordList(const std::string& path, const LoadOptions& options,
                             VectorFormat format);

// The reader of a file whose vectors stand row by row; nullptr for the other formats, and then the
// report has the format as far as it is known.
absl::StatusOr<std::unique_ptr<RowReader>> OpenRows(ByteSource& source, const LoadOptions& options,
                                                    LoadReport& report);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_ROW_READER_H_
