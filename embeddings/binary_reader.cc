#include "embeddings/binary_reader.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "embeddings/finite.h"

namespace graft {

absl::Status BinaryReader::Error(uint64_t at, std::string_view what, std::string_view expected,
                                 std::string_view found) const {
  return absl::DataLossError(
      absl::StrCat(name(), ": byte ", at, ": ", what, ": expected ", expected, ", found ", found));
}

absl::StatusOr<int64_t> BinaryReader::Checked(int64_t value, int64_t least, int64_t most,
                                              uint64_t at, std::string_view what) const {
  if (value >= least && value <= most) return value;
  return Error(at, what, absl::StrCat("a number from ", least, " to ", most), absl::StrCat(value));
}

absl::Status BinaryReader::Fill(absl::Span<char> out, std::string_view what) {
  const uint64_t at = position();
  if (out.size() > remaining()) {
    return Error(at, what, absl::StrCat(out.size(), " bytes"),
                 absl::StrCat("at most ", remaining(), " before the end of the file"));
  }
  ABSL_ASSIGN_OR_RETURN(const size_t got, source_.Read(out));
  if (got == out.size()) return absl::OkStatus();
  ABSL_RETURN_IF_ERROR(source_.fault());
  return Error(at, what, absl::StrCat(out.size(), " bytes"),
               absl::StrCat(got, " and the end of the file"));
}

absl::StatusOr<std::string> BinaryReader::Until(char terminator, size_t most,
                                                std::string_view what) {
  const uint64_t at = position();
  constexpr size_t kFirst = 64;
  for (size_t ahead = std::min(kFirst, most + 1);; ahead = std::min(2 * ahead, most + 1)) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view front, source_.Peek(ahead));
    if (const size_t end = front.find(terminator); end != std::string_view::npos) {
      std::string bytes(end + 1, '\0');
      ABSL_RETURN_IF_ERROR(source_.Read(absl::MakeSpan(bytes)).status());
      bytes.pop_back();
      return bytes;
    }
    if (front.size() < ahead) {
      ABSL_RETURN_IF_ERROR(source_.fault());
      return Error(at, what, "an end of the word", "the end of the file");
    }
    if (ahead == most + 1) {
      return Error(at, what, absl::StrCat("at most ", most, " bytes"), "more");
    }
  }
}

absl::StatusOr<std::shared_ptr<GrowingMemory>> BinaryReader::Floats(uint64_t count,
                                                                    std::string_view what) {
  const uint64_t at = position();
  if (count > remaining() / sizeof(float)) {
    return Error(at, what, absl::StrCat(count, " numbers of 4 bytes"),
                 absl::StrCat("at most ", remaining(), " bytes before the end of the file"));
  }
  ABSL_ASSIGN_OR_RETURN(GrowingMemory memory,
                        GrowingMemory::Reserve(count * sizeof(float), name()));
  // Of packed files it is not sure that the bytes come.
  constexpr uint64_t kStep = uint64_t{64} << 20;
  for (uint64_t done = 0, whole = count * sizeof(float); done < whole;) {
    const uint64_t next = std::min(whole, done + kStep);
    ABSL_RETURN_IF_ERROR(memory.Grow(next));
    ABSL_RETURN_IF_ERROR(
        Fill(absl::MakeSpan(reinterpret_cast<char*>(memory.data()) + done, next - done), what));
    done = next;
  }
  return std::make_shared<GrowingMemory>(std::move(memory));
}

absl::Status BinaryReader::Skip(uint64_t count, std::string_view what) {
  if (count > remaining()) {
    return Error(position(), what, absl::StrCat(count, " bytes"),
                 absl::StrCat("at most ", remaining(), " before the end of the file"));
  }
  std::string bytes(std::min<uint64_t>(count, 1 << 20), '\0');
  while (count > 0) {
    const size_t next = std::min<uint64_t>(count, bytes.size());
    ABSL_RETURN_IF_ERROR(Fill(absl::MakeSpan(bytes.data(), next), what));
    count -= next;
  }
  return absl::OkStatus();
}

absl::Status BinaryReader::ExpectEnd() {
  ABSL_ASSIGN_OR_RETURN(const std::string_view front, source_.Peek(1));
  if (front.empty()) return absl::OkStatus();
  return Error(position(), "end", "the end of the file", "more bytes");
}

PlaceOfNumber FloatsFrom(uint64_t begin, int64_t width) {
  return [begin, width](int64_t row, int64_t component) {
    return begin + static_cast<uint64_t>(row * width + component) * sizeof(float);
  };
}

absl::Status CheckFinite(const std::string& name, const float* floats, int64_t rows, int64_t width,
                         const PlaceOfNumber& place) {
  if (AllFinite(floats, rows * width)) return absl::OkStatus();
  for (int64_t row = 0; row < rows; ++row) {
    const float* const from = floats + row * width;
    if (AllFinite(from, width)) continue;
    int64_t i = 0;
    while (std::isfinite(from[i])) ++i;
    return absl::DataLossError(absl::StrCat(name, ": byte ", place(row, i), ": row ", row,
                                            ": component ", i + 1,
                                            ": expected a finite number, found ", from[i]));
  }
  return absl::OkStatus();
}

}  // namespace graft
