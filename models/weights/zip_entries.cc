#include <algorithm>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "models/weights/zip_directory.h"
#include "models/weights/zip_records.h"

namespace graft {
namespace {

constexpr uint32_t kLocalHeader = 0x04034B50;
constexpr uint32_t kDescriptor = 0x08074B50;
constexpr size_t kLocalSize = 30;
constexpr uint16_t kHasDescriptor = 1 << 3;
constexpr uint16_t kUtf8Name = 1 << 11;

template <typename... Parts>
absl::Status EntryError(const InputFile& file, const ZipEntry& entry, const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(file.path(), ": ", ShownName(entry.name), ": byte ",
                                          entry.header, ": expected ", parts...));
}

// What the directory alone says.
absl::Status CheckStored(const InputFile& file, const ZipEntry& entry) {
  if ((entry.flags & ~(kHasDescriptor | kUtf8Name)) != 0) {
    return EntryError(file, entry, "an entry without encryption, found flags ", entry.flags);
  }
  if (entry.method != 0) {
    return EntryError(file, entry, "a stored entry, found compression method ", entry.method);
  }
  if (entry.packed != entry.size) {
    return EntryError(file, entry, "a stored entry of ", entry.size, " bytes, found ",
                      entry.packed);
  }
  return absl::OkStatus();
}

absl::Status CheckLocalSizes(const InputFile& file, const ZipEntry& entry, std::string_view header,
                             std::string_view extra) {
  const uint32_t crc = ZipNumber<uint32_t>(header, 14);
  uint64_t packed = ZipNumber<uint32_t>(header, 18);
  uint64_t size = ZipNumber<uint32_t>(header, 22);
  // What torch.save writes: all of it stands in the descriptor behind the entry.
  const bool deferred = (entry.flags & kHasDescriptor) != 0;
  if (deferred && crc == 0 && packed == 0 && size == 0) return absl::OkStatus();
  std::string_view zip64 = FindZip64(extra);
  if (!ResolveZip64(size, zip64) || !ResolveZip64(packed, zip64)) {
    return EntryError(file, entry, "a zip64 field with the sizes, found none");
  }
  if (crc != entry.crc || packed != entry.size || size != entry.size) {
    return EntryError(file, entry, "a local header of ", entry.size, " bytes and CRC-32 ",
                      entry.crc, " as in the directory, found ", size, ", ", packed, " and ", crc);
  }
  return absl::OkStatus();
}

absl::Status CheckDescriptor(const InputFile& file, const ZipEntry& entry, uint64_t next) {
  constexpr size_t kPlain = 16;
  constexpr size_t kWide = 24;  // sizes of 64 bits
  const uint64_t gap = next - entry.end;
  const bool deferred = (entry.flags & kHasDescriptor) != 0;
  if (gap == 0 && (!deferred || entry.size == 0)) return absl::OkStatus();
  if (!deferred || (gap != kPlain && gap != kWide)) {
    return EntryError(file, entry, deferred ? "a descriptor" : "nothing",
                      " between the entry and byte ", next, ", found ", gap, " bytes");
  }
  ABSL_ASSIGN_OR_RETURN(const std::string bytes,
                        ZipBytes(file, entry.end, static_cast<size_t>(gap)));
  const bool wide = gap == kWide;
  const uint64_t packed = wide ? ZipNumber<uint64_t>(bytes, 8) : ZipNumber<uint32_t>(bytes, 8);
  const uint64_t size = wide ? ZipNumber<uint64_t>(bytes, 16) : ZipNumber<uint32_t>(bytes, 12);
  if (ZipNumber<uint32_t>(bytes, 0) != kDescriptor || ZipNumber<uint32_t>(bytes, 4) != entry.crc ||
      packed != entry.size || size != entry.size) {
    return EntryError(file, entry, "a descriptor at byte ", entry.end,
                      " that agrees with the directory, found another");
  }
  return absl::OkStatus();
}

absl::Status CheckLocal(const InputFile& file, ZipEntry& entry, uint64_t next) {
  const std::string& name = entry.name;
  if (next - entry.header < kLocalSize + name.size()) {
    return EntryError(file, entry, "a local header of at least ", kLocalSize + name.size(),
                      " bytes, found ", next - entry.header);
  }
  ABSL_ASSIGN_OR_RETURN(const std::string header,
                        ZipBytes(file, entry.header, kLocalSize + name.size()));
  const size_t extra_size = ZipNumber<uint16_t>(header, 28);
  if (ZipNumber<uint32_t>(header, 0) != kLocalHeader) {
    return EntryError(file, entry, "a local header, found other bytes");
  }
  if (ZipNumber<uint16_t>(header, 6) != entry.flags || ZipNumber<uint16_t>(header, 8) != 0 ||
      ZipNumber<uint16_t>(header, 26) != name.size() || header.substr(kLocalSize) != name) {
    return EntryError(file, entry, "the name, flags and method of the directory, found others");
  }
  const uint64_t room = next - entry.header - header.size();
  if (extra_size > room || entry.size > room - extra_size) {
    return EntryError(file, entry, "an entry that ends before byte ", next, ", found one of ",
                      entry.size, " bytes");
  }
  ABSL_ASSIGN_OR_RETURN(const std::string extra,
                        ZipBytes(file, entry.header + header.size(), extra_size));
  ABSL_RETURN_IF_ERROR(CheckLocalSizes(file, entry, header, extra));
  entry.begin = entry.header + header.size() + extra_size;
  entry.end = entry.begin + entry.size;
  return CheckDescriptor(file, entry, next);
}

}  // namespace

absl::Status PlaceZipEntries(const InputFile& file, ZipDirectory& directory) {
  std::vector<ZipEntry*> in_file;
  for (ZipEntry& entry : directory.entries) {
    ABSL_RETURN_IF_ERROR(CheckStored(file, entry));
    in_file.push_back(&entry);
  }
  std::sort(in_file.begin(), in_file.end(),
            [](const ZipEntry* a, const ZipEntry* b) { return a->header < b->header; });
  if (const uint64_t first = in_file.empty() ? directory.begin : in_file[0]->header; first != 0) {
    return absl::DataLossError(absl::StrCat(file.path(), ": byte 0: expected the first entry, ",
                                            "found ", first, " bytes before it"));
  }
  // Each entry ends where the next begins, so that nothing overlaps and nothing is hidden.
  for (size_t i = 0; i < in_file.size(); ++i) {
    ZipEntry& entry = *in_file[i];
    const uint64_t next = i + 1 < in_file.size() ? in_file[i + 1]->header : directory.begin;
    if (next <= entry.header || next > directory.begin) {
      return EntryError(file, entry, "entries without overlaps before the directory at byte ",
                        directory.begin, ", found the next at byte ", next);
    }
    ABSL_RETURN_IF_ERROR(CheckLocal(file, entry, next));
  }
  return absl::OkStatus();
}

}  // namespace graft
