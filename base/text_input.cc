#include "base/text_input.h"

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/input_stream.h"
#include "base/utf8.h"

namespace graft {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

}  // namespace

struct TextInput::State {
  std::unique_ptr<InputStream> stream;
  TextInputOptions options;
  std::vector<char> buffer = std::vector<char>(kBufferBytes);
  size_t begin = 0;  // unread bytes: [begin, end)
  size_t end = 0;
  bool at_end = false;
  int64_t line_number = 0;
  uint64_t line_offset = 0;
  uint64_t next_offset = 0;  // place of buffer[begin] in the text
  int64_t replaced = 0;
  absl::Status status;

  absl::StatusOr<bool> Fill();
  bool HasLine() const { return std::memchr(buffer.data() + begin, '\n', end - begin) != nullptr; }
  absl::Status SkipMark();
  absl::StatusOr<bool> ReadLine(std::string& line);
  absl::Status CheckLine(std::string& line);
  absl::Status Replace(std::string& line);
  std::string Place(uint64_t offset) const {
    return absl::StrCat(stream->name(), ":", line_number, ": byte ", offset, ": ");
  }
};

// Reads more bytes behind the unread ones; false at the end of the text.
absl::StatusOr<bool> TextInput::State::Fill() {
  if (at_end) return false;  // a terminal would wait for a second end
  std::memmove(buffer.data(), buffer.data() + begin, end - begin);
  end -= begin;
  begin = 0;
  ABSL_ASSIGN_OR_RETURN(const size_t got, stream->Read(absl::MakeSpan(buffer).subspan(end)));
  end += got;
  at_end = got == 0;
  return !at_end;
}

absl::Status TextInput::State::SkipMark() {
  while (end < kUtf8Mark.size()) {
    ABSL_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) break;
  }
  const std::string_view front(buffer.data(), end);
  if (front.starts_with("\xFF\xFE") || front.starts_with("\xFE\xFF")) {
    return absl::DataLossError(
        absl::StrCat(Place(0), "expected UTF-8, found a UTF-16 byte-order mark"));
  }
  if (front.starts_with(kUtf8Mark)) begin = next_offset = kUtf8Mark.size();
  return absl::OkStatus();
}

absl::StatusOr<bool> TextInput::State::ReadLine(std::string& line) {
  line.clear();
  ++line_number;
  if (line_number == 1) {
    ABSL_RETURN_IF_ERROR(SkipMark());
  }
  line_offset = next_offset;
  bool complete = false;
  while (!complete) {
    if (begin == end) {
      ABSL_ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) break;
    }
    const char* front = buffer.data() + begin;
    const void* newline = std::memchr(front, '\n', end - begin);
    complete = newline != nullptr;
    const size_t count =
        complete ? static_cast<size_t>(static_cast<const char*>(newline) - front) : end - begin;
    line.append(front, count);
    begin += count + complete;
    next_offset += count + complete;
    // One byte more, because the last may be the CR of the line end.
    if (line.size() > options.max_line_bytes + 1) break;
  }
  if (!complete && line.empty()) {
    --line_number;
    return false;
  }
  if (line.ends_with('\r')) line.pop_back();
  ABSL_RETURN_IF_ERROR(CheckLine(line));
  return true;
}

absl::Status TextInput::State::CheckLine(std::string& line) {
  if (line.size() > options.max_line_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(Place(line_offset), "expected a line of at most ", options.max_line_bytes,
                     " bytes, found a longer one"));
  }
  if (const size_t nul = line.find('\0'); nul != std::string::npos) {
    return absl::DataLossError(
        absl::StrCat(Place(line_offset + nul), "expected text, found a NUL byte"));
  }
  const auto invalid = FindInvalidUtf8(line);
  if (!invalid) return absl::OkStatus();
  if (options.invalid_utf8 == InvalidUtf8::kReplace) return Replace(line);
  return absl::DataLossError(
      absl::StrCat(Place(line_offset + *invalid), "expected UTF-8, found an ill-formed sequence"));
}

absl::Status TextInput::State::Replace(std::string& line) {
  std::string well_formed;
  well_formed.reserve(line.size() + line.size() / 4);
  for (std::string_view rest = line; !rest.empty();) {
    const Utf8Char c = DecodeUtf8(rest);
    if (c.valid) {
      well_formed.append(rest.substr(0, c.length));
    } else {
      AppendUtf8(kReplacementCharacter, well_formed);
      ++replaced;
    }
    rest.remove_prefix(c.length);
  }
  line = std::move(well_formed);
  return absl::OkStatus();
}

absl::StatusOr<TextInput> TextInput::Open(const std::string& path,
                                          const TextInputOptions& options) {
  auto state = std::make_unique<State>();
  ABSL_ASSIGN_OR_RETURN(state->stream, InputStream::Open(path, options.stop));
  state->options = options;
  return TextInput(std::move(state));
}

TextInput::TextInput(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextInput::TextInput(TextInput&& other) noexcept = default;
TextInput& TextInput::operator=(TextInput&& other) noexcept = default;
TextInput::~TextInput() = default;

absl::StatusOr<bool> TextInput::Next(std::string& line) {
  if (!state_->status.ok()) return state_->status;
  absl::StatusOr<bool> more = state_->ReadLine(line);
  if (!more.ok()) state_->status = more.status();
  return more;
}

bool TextInput::Ready() {
  State& s = *state_;
  while (s.status.ok() && !s.at_end && !s.HasLine() && s.end - s.begin < s.buffer.size()) {
    if (!s.stream->Ready()) return false;
    if (const auto more = s.Fill(); !more.ok()) s.status = more.status();
  }
  return true;
}

int64_t TextInput::line_number() const { return state_->line_number; }
uint64_t TextInput::byte_offset() const { return state_->line_offset; }
uint64_t TextInput::file_offset() const { return state_->stream->file_offset(); }
const std::string& TextInput::name() const { return state_->stream->name(); }
int64_t TextInput::replaced() const { return state_->replaced; }

}  // namespace graft
