#include "embeddings/words_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/checked_size.h"
#include "base/durable.h"
#include "base/file.h"
#include "embeddings/file_bytes.h"

namespace graft {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char kMagic[8] = {'g', 'r', 'a', 'f', 't', 'w', 'd', 'x'};
constexpr uint64_t kVersion = 1;

// The first 64 bytes of words.index; behind them rows + 1 offsets and the slots, 8 bytes each.
struct Header {
  char magic[8];
  uint64_t version;
  uint64_t rows;
  uint64_t slots;
  uint64_t words_bytes;
  uint64_t words_hash;  // XXH3
  uint64_t matrix_hash;
  uint64_t hash;  // XXH3 of the 56 bytes before
};
static_assert(sizeof(Header) == 64);

uint64_t HeaderHash(const Header& header) {
  return HashWord({reinterpret_cast<const char*>(&header), offsetof(Header, hash)});
}

template <typename T>
std::string_view BytesOf(absl::Span<const T> numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

template <typename... Parts>
absl::Status Error(const std::string& path, uint64_t at, const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(path, ": byte ", at, ": expected ", parts...));
}

absl::Status CheckHeader(const Header& header, const std::string& path, uint64_t size,
                         uint64_t words_bytes) {
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0 || header.version != kVersion) {
    return Error(path, 0, "an index of words of version ", kVersion, ", found another file");
  }
  if (header.hash != HeaderHash(header)) {
    return Error(path, 56, "a header with its own check sum, found another");
  }
  const auto numbers = (CheckedSize(header.rows) + 1 + header.slots).value();
  const auto whole = numbers ? (CheckedSize(*numbers) * 8 + sizeof(Header)).value() : numbers;
  if (!whole || *whole != size || !std::has_single_bit(header.slots)) {
    return Error(path, 16, "numbers of rows and slots that fill the file of ", size,
                 " bytes, found ", header.rows, " and ", header.slots);
  }
  if (header.words_bytes != words_bytes) {
    return Error(path, 32, "the size of ", kWordsName, ", ", words_bytes, " bytes, found ",
                 header.words_bytes);
  }
  return absl::OkStatus();
}

}  // namespace

std::string WordsHash(const Words& words) {
  return absl::StrFormat("%016x", HashWord(words.parts().bytes));
}

absl::Status WriteWords(const std::string& folder, const Words& words,
                        std::string_view matrix_hash) {
  const Words::Parts& parts = words.parts();
  ABSL_RETURN_IF_ERROR(WriteFileDurably(JoinPath(folder, kWordsName), parts.bytes));
  // An object without words has no parts.
  static constexpr uint64_t kNoOffsets[1] = {0}, kNoSlots[16] = {};
  const auto offsets = parts.offsets.empty() ? absl::MakeConstSpan(kNoOffsets) : parts.offsets;
  const auto slots = parts.slots.empty() ? absl::MakeConstSpan(kNoSlots) : parts.slots;
  Header header = {.magic = {},
                   .version = kVersion,
                   .rows = offsets.size() - 1,
                   .slots = slots.size(),
                   .words_bytes = parts.bytes.size(),
                   .words_hash = HashWord(parts.bytes),
                   .matrix_hash = 0,
                   .hash = 0};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  ABSL_CHECK(absl::SimpleHexAtoi(matrix_hash, &header.matrix_hash));
  header.hash = HeaderHash(header);
  ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(JoinPath(folder, kIndexName)));
  ABSL_RETURN_IF_ERROR(file.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  ABSL_RETURN_IF_ERROR(file.Append(BytesOf(offsets)));
  ABSL_RETURN_IF_ERROR(file.Append(BytesOf(slots)));
  return file.Commit();
}

absl::StatusOr<OpenedWords> OpenWords(const std::string& folder) {
  ABSL_ASSIGN_OR_RETURN(const InputFile text, InputFile::Open(JoinPath(folder, kWordsName)));
  ABSL_ASSIGN_OR_RETURN(const InputFile index, InputFile::Open(JoinPath(folder, kIndexName)));
  Header header;
  if (index.size() < sizeof(header)) {
    return Error(index.path(), 0, "a header of ", sizeof(header), " bytes, found a file of ",
                 index.size());
  }
  ABSL_RETURN_IF_ERROR(
      index.ReadAt(0, absl::MakeSpan(reinterpret_cast<char*>(&header), sizeof(header))));
  ABSL_RETURN_IF_ERROR(CheckHeader(header, index.path(), index.size(), text.size()));
  struct Both {
    OwnedBytes text, index;
  };
  auto both = std::make_shared<Both>();
  ABSL_ASSIGN_OR_RETURN(both->text, MapOrRead(text));
  ABSL_ASSIGN_OR_RETURN(both->index, MapOrRead(index));
  const auto* const numbers =
      reinterpret_cast<const uint64_t*>(both->index.bytes.data() + sizeof(header));
  const Words::Parts parts = {{both->text.bytes.data(), both->text.bytes.size()},
                              absl::MakeConstSpan(numbers, header.rows + 1),
                              absl::MakeConstSpan(numbers + header.rows + 1, header.slots)};
  return OpenedWords{Words(parts, std::move(both)), absl::StrFormat("%016x", header.words_hash),
                     absl::StrFormat("%016x", header.matrix_hash)};
}

absl::Status VerifyWords(const std::string& folder, const OpenedWords& opened) {
  const Words& words = opened.words;
  const std::string text = JoinPath(folder, kWordsName), index = JoinPath(folder, kIndexName);
  if (WordsHash(words) != opened.hash) {
    return Error(text, 0, "bytes with check sum ", opened.hash, " as ", kIndexName, " says, found ",
                 WordsHash(words));
  }
  const Words::Parts& parts = words.parts();
  for (size_t i = 0; i < parts.offsets.size(); ++i) {
    const uint64_t at = parts.offsets[i];
    const bool first = i == 0, last = i + 1 == parts.offsets.size();
    if ((first ? at != 0
               : at <= parts.offsets[i - 1] || at > parts.bytes.size() ||
                     parts.bytes[at - 1] != '\n') ||
        (last && at != parts.bytes.size())) {
      return Error(index, sizeof(Header) + 8 * i, "places of words in order, found ", at);
    }
  }
  for (int64_t row = 0; row < words.size(); ++row) {
    if (words.Find(words[row]) != row) {
      return Error(index, sizeof(Header) + 8 * parts.offsets.size(),
                   "slots that lead to every word, found none for row ", row);
    }
  }
  return absl::OkStatus();
}

}  // namespace graft
