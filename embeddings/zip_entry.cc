#include "embeddings/zip_entry.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/utf8.h"
#include "models/weights/zip_records.h"

namespace graft {
namespace {

constexpr uint64_t kEndSize = 22, kLocatorSize = 20, kEndSize64 = 56;
constexpr uint64_t kCentralSize = 46, kLocalSize = 30;
constexpr uint64_t kMaxDirectory = uint64_t{16} << 20, kMaxEntries = 65'536;
constexpr std::string_view kEndMark = "PK\x05\x06", kCentralMark = "PK\x01\x02";

template <typename... Parts>
absl::Status Error(const InputFile& file, uint64_t at, const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(file.path(), ": byte ", at, ": expected ", parts...));
}

struct Place {
  uint64_t begin = 0, size = 0, entries = 0;
};

// Leaves the place as it is when there are no zip64 records.
absl::Status FindDirectory64(const InputFile& file, uint64_t locator_at, Place& place) {
  std::string bytes(kEndSize64, '\0');
  ABSL_RETURN_IF_ERROR(file.ReadAt(locator_at, absl::MakeSpan(bytes.data(), kLocatorSize)));
  const uint64_t end64 = ZipNumber<uint64_t>(bytes, 8);
  if (!bytes.starts_with("PK\x06\x07") || end64 > file.size() - kEndSize64) {
    return absl::OkStatus();
  }
  ABSL_RETURN_IF_ERROR(file.ReadAt(end64, absl::MakeSpan(bytes)));
  if (bytes.starts_with("PK\x06\x06")) {
    place = {ZipNumber<uint64_t>(bytes, 48), ZipNumber<uint64_t>(bytes, 40),
             ZipNumber<uint64_t>(bytes, 32)};
  }
  return absl::OkStatus();
}

// The end record stands before a comment of at most 64 KiB.
absl::StatusOr<Place> FindDirectory(const InputFile& file) {
  const uint64_t tail_size = std::min<uint64_t>(file.size(), kEndSize + UINT16_MAX);
  const uint64_t tail_begin = file.size() - tail_size;
  ABSL_ASSIGN_OR_RETURN(const std::string tail,
                        ZipBytes(file, tail_begin, static_cast<size_t>(tail_size)));
  size_t at = tail.rfind(kEndMark);
  while (at != std::string::npos &&
         (tail.size() - at < kEndSize ||
          at + kEndSize + ZipNumber<uint16_t>(tail, at + 20) != tail.size())) {
    at = at == 0 ? std::string::npos : tail.rfind(kEndMark, at - 1);
  }
  if (at == std::string::npos) {
    return Error(file, file.size(),
                 "the end record of a zip archive before, found none: ", "the file was cut short");
  }
  const std::string_view end = std::string_view(tail).substr(at);
  Place place = {ZipNumber<uint32_t>(end, 16), ZipNumber<uint32_t>(end, 12),
                 ZipNumber<uint16_t>(end, 10)};
  const bool wide =
      place.begin == kZipIn64 || place.size == kZipIn64 || place.entries == UINT16_MAX;
  if (wide && tail_begin + at >= kLocatorSize + kEndSize64) {
    ABSL_RETURN_IF_ERROR(FindDirectory64(file, tail_begin + at - kLocatorSize, place));
  }
  if (place.begin > file.size() || place.size > file.size() - place.begin ||
      place.size > kMaxDirectory || place.entries > kMaxEntries) {
    return Error(file, tail_begin + at, "a directory of at most ", kMaxEntries, " entries and ",
                 kMaxDirectory, " bytes in the file, found one of ", place.entries, " entries and ",
                 place.size, " bytes at byte ", place.begin);
  }
  return place;
}

}  // namespace

absl::StatusOr<std::vector<PackedEntry>> ListZipEntries(const InputFile& file) {
  ABSL_ASSIGN_OR_RETURN(const Place place, FindDirectory(file));
  ABSL_ASSIGN_OR_RETURN(const std::string directory,
                        ZipBytes(file, place.begin, static_cast<size_t>(place.size)));
  std::vector<PackedEntry> entries;
  std::string_view rest = directory;
  for (uint64_t i = 0; i < place.entries; ++i) {
    const uint64_t at = place.begin + (directory.size() - rest.size());
    if (rest.size() < kCentralSize || !rest.starts_with(kCentralMark)) {
      return Error(file, at, "an entry of the directory, found other bytes");
    }
    const size_t name_size = ZipNumber<uint16_t>(rest, 28),
                 extra_size = ZipNumber<uint16_t>(rest, 30);
    const size_t whole = kCentralSize + name_size + extra_size + ZipNumber<uint16_t>(rest, 32);
    if (whole > rest.size()) {
      return Error(file, at, "an entry that ends in the directory, found one of ", whole, " bytes");
    }
    PackedEntry entry = {.name = std::string(rest.substr(kCentralSize, name_size)),
                         .method = ZipNumber<uint16_t>(rest, 10),
                         .crc = ZipNumber<uint32_t>(rest, 16),
                         .packed = ZipNumber<uint32_t>(rest, 20),
                         .size = ZipNumber<uint32_t>(rest, 24),
                         .header = ZipNumber<uint32_t>(rest, 42)};
    std::string_view zip64 = FindZip64(rest.substr(kCentralSize + name_size, extra_size));
    if (!ResolveZip64(entry.size, zip64) || !ResolveZip64(entry.packed, zip64) ||
        !ResolveZip64(entry.header, zip64)) {
      return Error(file, at, "a zip64 field with the sizes, found none");
    }
    if ((ZipNumber<uint16_t>(rest, 8) & 1u) != 0) {
      return Error(file, at, "an entry without encryption, found ", Quoted(entry.name), " with it");
    }
    if (!entry.name.ends_with('/')) entries.push_back(std::move(entry));
    rest.remove_prefix(whole);
  }
  return entries;
}

absl::StatusOr<uint64_t> FindZipData(const InputFile& file, const PackedEntry& entry) {
  constexpr uint16_t kStored = 0, kDeflate = 8;
  if (entry.method != kStored && entry.method != kDeflate) {
    return Error(file, entry.header, "an entry that is stored or deflated, found ",
                 Quoted(entry.name), " with method ", entry.method);
  }
  if (entry.header > file.size() || file.size() - entry.header < kLocalSize) {
    return Error(file, entry.header, "the local header of ", Quoted(entry.name),
                 ", found the end of the file");
  }
  ABSL_ASSIGN_OR_RETURN(const std::string local, ZipBytes(file, entry.header, kLocalSize));
  if (!local.starts_with("PK\x03\x04")) {
    return Error(file, entry.header, "the local header of ", Quoted(entry.name),
                 ", found other bytes");
  }
  const uint64_t begin =
      entry.header + kLocalSize + ZipNumber<uint16_t>(local, 26) + ZipNumber<uint16_t>(local, 28);
  if (begin > file.size() || entry.packed > file.size() - begin ||
      (entry.method == kStored && entry.packed != entry.size)) {
    return Error(file, begin, Quoted(entry.name), " in the file of ", file.size(),
                 " bytes, found one of ", entry.packed, " bytes for ", entry.size);
  }
  return begin;
}

}  // namespace graft
