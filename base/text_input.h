// Text from outside, line by line: from a file, a pipe or standard input, plain or gzip.
#ifndef GRAFT_BASE_TEXT_INPUT_H_
#define GRAFT_BASE_TEXT_INPUT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft {

// What to do with bytes that are no UTF-8.
enum class InvalidUtf8 {
  kRefuse,   // an error with line and byte offset
  kReplace,  // each maximal ill-formed part becomes U+FFFD and is counted
};

struct TextInputOptions {
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  // Longest line that is accepted, in bytes without the line end. It also bounds the memory that a
  // small gzip file can demand.
  uint64_t max_line_bytes = uint64_t{16} << 20;
  // Asked again and again while bytes are waited for, and before every read: true ends the input
  // with Cancelled. Without it nothing but the bytes ends a wait.
  std::function<bool()> stop = nullptr;
};

// Lines of a text. A line ends with LF or CR LF, the last one also with the end of the text; a CR
// elsewhere is a character like others. A UTF-8 byte-order mark at the start is skipped. Refused
// (DataLoss, with name, line and byte offset): NUL bytes, UTF-16 byte-order marks, truncated or
// damaged gzip data (there the offset is the one in the compressed file); a line that is too long
// is ResourceExhausted. gzip is told by its first two bytes; members may follow one another, zeros
// may pad the end. Move-only, one thread.
class TextInput {
 public:
  // `path` names a file or a pipe; "-" is standard input, which is not closed. NotFound when there
  // is no such file, InvalidArgument for a folder. Bytes are read by Next() only.
  static absl::StatusOr<TextInput> Open(const std::string& path, const TextInputOptions& options);

  TextInput(TextInput&& other) noexcept;
  TextInput& operator=(TextInput&& other) noexcept;
  ~TextInput();

  // The next line, without its line end; false at the end. After an error every further call gives
  // the same error.
  absl::StatusOr<bool> Next(std::string& line);

  // Whether Next() would not wait: a whole line is there, the end, or an error. Takes what is there
  // of a line that comes in pieces. gzip data counts as there.
  bool Ready();

  // Number of the line that Next() gave last, or failed at; the first is 1, before it 0.
  int64_t line_number() const;
  // Where that line begins: bytes of the text (of the decompressed one for gzip), its byte-order
  // mark counted, before any replacement. At the end: the size of the text.
  uint64_t byte_offset() const;
  // Bytes of the file that were read, as InputStream has it: for a share of its size. A buffer
  // ahead of the lines.
  uint64_t file_offset() const;
  // For messages: the path, or "standard input".
  const std::string& name() const;
  // Ill-formed parts replaced by U+FFFD so far.
  int64_t replaced() const;

 private:
  struct State;
  explicit TextInput(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace graft

#endif  // GRAFT_BASE_TEXT_INPUT_H_
