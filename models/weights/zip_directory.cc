#include "models/weights/zip_directory.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/utf8.h"
#include "models/weights/zip_records.h"

namespace graft {
namespace {

constexpr uint32_t kCentralHeader = 0x02014B50;
constexpr uint32_t kEndRecord = 0x06054B50;
constexpr uint32_t kEndRecord64 = 0x06064B50;
constexpr uint32_t kLocator64 = 0x07064B50;
constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kEndSize64 = 56;
constexpr size_t kLocatorSize = 20;

// Entries and place of the central directory.
struct Directory {
  uint64_t entries = 0;
  uint64_t begin = 0;
  uint64_t size = 0;
};

template <typename... Parts>
absl::Status Error(const InputFile& file, uint64_t at, const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(file.path(), ": byte ", at, ": expected ", parts...));
}

absl::Status CheckDirectory(const InputFile& file, const Directory& directory, uint64_t end) {
  if (directory.begin > end || directory.size != end - directory.begin) {
    return Error(file, end, "the directory to end here, found one of ", directory.size,
                 " bytes from byte ", directory.begin, " on");
  }
  if (directory.size > kMaxZipDirectory) {
    return Error(file, directory.begin, "a directory of at most ", kMaxZipDirectory,
                 " bytes, found ", directory.size);
  }
  if (directory.entries > kMaxZipEntries) {
    return Error(file, directory.begin, "at most ", kMaxZipEntries, " entries, found ",
                 directory.entries);
  }
  return absl::OkStatus();
}

absl::StatusOr<Directory> ReadEnd64(const InputFile& file, uint64_t locator,
                                    const Directory& plain) {
  ABSL_ASSIGN_OR_RETURN(const std::string place, ZipBytes(file, locator, kLocatorSize));
  if (ZipNumber<uint32_t>(place, 4) != 0 || ZipNumber<uint32_t>(place, 16) != 1) {
    return Error(file, locator, "an archive of one file, found a part of several");
  }
  const uint64_t at = ZipNumber<uint64_t>(place, 8);
  if (locator < kEndSize64 || at != locator - kEndSize64) {
    return Error(file, locator, "the zip64 end record in the ", kEndSize64,
                 " bytes before, found it at byte ", at);
  }
  ABSL_ASSIGN_OR_RETURN(const std::string end, ZipBytes(file, at, kEndSize64));
  if (ZipNumber<uint32_t>(end, 0) != kEndRecord64 ||
      ZipNumber<uint64_t>(end, 4) != kEndSize64 - 12) {
    return Error(file, at, "a zip64 end record of ", kEndSize64, " bytes, found other bytes");
  }
  if (ZipNumber<uint64_t>(end, 16) != 0 ||
      ZipNumber<uint64_t>(end, 24) != ZipNumber<uint64_t>(end, 32)) {
    return Error(file, at, "an archive of one file, found a part of several");
  }
  const Directory directory = {ZipNumber<uint64_t>(end, 32), ZipNumber<uint64_t>(end, 48),
                               ZipNumber<uint64_t>(end, 40)};
  const auto agree = [](uint64_t number, uint64_t short_number, uint64_t in64) {
    return short_number == number || short_number == in64;
  };
  if (!agree(directory.entries, plain.entries, UINT16_MAX) ||
      !agree(directory.begin, plain.begin, kZipIn64) ||
      !agree(directory.size, plain.size, kZipIn64)) {
    return Error(file, at, "both end records to agree, found ", directory.entries, " and ",
                 plain.entries, " entries in ", directory.size, " and ", plain.size,
                 " bytes from byte ", directory.begin, " and ", plain.begin, " on");
  }
  ABSL_RETURN_IF_ERROR(CheckDirectory(file, directory, at));
  return directory;
}

absl::StatusOr<Directory> ReadEnd(const InputFile& file) {
  if (file.size() < kEndSize) {
    return Error(file, 0, "a zip archive of at least ", kEndSize, " bytes, found ", file.size());
  }
  const uint64_t at = file.size() - kEndSize;
  ABSL_ASSIGN_OR_RETURN(const std::string end, ZipBytes(file, at, kEndSize));
  if (ZipNumber<uint32_t>(end, 0) != kEndRecord) {
    return Error(file, at, "the end record of a zip archive as the last ", kEndSize,
                 " bytes, found others: the file is cut off, or longer than the archive");
  }
  if (ZipNumber<uint32_t>(end, 4) != 0 ||
      ZipNumber<uint16_t>(end, 8) != ZipNumber<uint16_t>(end, 10)) {
    return Error(file, at, "an archive of one file, found a part of several");
  }
  if (ZipNumber<uint16_t>(end, 20) != 0) {
    return Error(file, at, "no comment, found one of ", ZipNumber<uint16_t>(end, 20), " bytes");
  }
  const Directory directory = {ZipNumber<uint16_t>(end, 10), ZipNumber<uint32_t>(end, 16),
                               ZipNumber<uint32_t>(end, 12)};
  if (at >= kLocatorSize) {
    ABSL_ASSIGN_OR_RETURN(const std::string locator,
                          ZipBytes(file, at - kLocatorSize, kLocatorSize));
    if (ZipNumber<uint32_t>(locator, 0) == kLocator64) {
      return ReadEnd64(file, at - kLocatorSize, directory);
    }
  }
  ABSL_RETURN_IF_ERROR(CheckDirectory(file, directory, at));
  return directory;
}

absl::StatusOr<ZipEntry> ParseEntry(const InputFile& file, std::string_view bytes, uint64_t at) {
  if (bytes.size() < kCentralSize || ZipNumber<uint32_t>(bytes, 0) != kCentralHeader) {
    return Error(file, at, "an entry of the directory, found other bytes");
  }
  const size_t name_size = ZipNumber<uint16_t>(bytes, 28);
  const size_t extra_size = ZipNumber<uint16_t>(bytes, 30);
  if (ZipNumber<uint16_t>(bytes, 32) != 0 || bytes.size() - kCentralSize < name_size + extra_size) {
    return Error(file, at, "a name of ", name_size, " and ", extra_size,
                 " bytes in the directory and no comment, found something else");
  }
  ZipEntry entry;
  entry.name = std::string(bytes.substr(kCentralSize, name_size));
  entry.flags = ZipNumber<uint16_t>(bytes, 8);
  entry.method = ZipNumber<uint16_t>(bytes, 10);
  entry.crc = ZipNumber<uint32_t>(bytes, 16);
  entry.packed = ZipNumber<uint32_t>(bytes, 20);
  entry.size = ZipNumber<uint32_t>(bytes, 24);
  entry.header = ZipNumber<uint32_t>(bytes, 42);
  std::string_view zip64 = FindZip64(bytes.substr(kCentralSize + name_size, extra_size));
  if (!ResolveZip64(entry.size, zip64) || !ResolveZip64(entry.packed, zip64) ||
      !ResolveZip64(entry.header, zip64)) {
    return Error(file, at, "a zip64 field with the sizes of ", ShownName(entry.name),
                 ", found none");
  }
  if (ZipNumber<uint16_t>(bytes, 34) != 0) {
    return Error(file, at, "an archive of one file, found a part of several");
  }
  // Readers that heed it (miniz, in torch) give no bytes of such an entry.
  constexpr uint32_t kFolder = 0x10;
  if ((ZipNumber<uint32_t>(bytes, 38) & kFolder) != 0) {
    return Error(file, at, "files, found ", ShownName(entry.name), " marked as a folder");
  }
  return entry;
}

absl::Status CheckNames(const InputFile& file, const ZipDirectory& directory) {
  absl::flat_hash_set<std::string_view> names;
  for (const ZipEntry& entry : directory.entries) {
    if (!names.insert(entry.name).second) {
      return Error(file, directory.begin, "names that differ, found ", ShownName(entry.name),
                   " twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ZipDirectory> ReadZipDirectory(const InputFile& file) {
  ABSL_ASSIGN_OR_RETURN(const Directory place, ReadEnd(file));
  ABSL_ASSIGN_OR_RETURN(const std::string bytes,
                        ZipBytes(file, place.begin, static_cast<size_t>(place.size)));
  ZipDirectory directory{.begin = place.begin, .entries = {}};
  size_t at = 0;
  while (at < bytes.size() && directory.entries.size() < place.entries) {
    ABSL_ASSIGN_OR_RETURN(ZipEntry entry,
                          ParseEntry(file, std::string_view(bytes).substr(at), place.begin + at));
    at += kCentralSize + entry.name.size() + ZipNumber<uint16_t>(bytes, at + 30);
    directory.entries.push_back(std::move(entry));
  }
  if (at != bytes.size() || directory.entries.size() != place.entries) {
    return Error(file, place.begin + at, place.entries, " entries in the ", place.size,
                 " bytes of the directory, found ", directory.entries.size(), " in ", at);
  }
  ABSL_RETURN_IF_ERROR(CheckNames(file, directory));
  return directory;
}

absl::StatusOr<std::string> ZipBytes(const InputFile& file, uint64_t at, size_t count) {
  std::string bytes(count, '\0');
  ABSL_RETURN_IF_ERROR(file.ReadAt(at, absl::MakeSpan(bytes)));
  return bytes;
}

std::string_view FindZip64(std::string_view extra) {
  constexpr uint16_t kZip64 = 1;
  while (extra.size() >= 4) {
    const size_t size = ZipNumber<uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    if (ZipNumber<uint16_t>(extra, 0) == kZip64) return extra.substr(4, size);
    extra.remove_prefix(4 + size);
  }
  return {};
}

bool ResolveZip64(uint64_t& number, std::string_view& zip64) {
  if (number != kZipIn64) return true;
  if (zip64.size() < sizeof(uint64_t)) return false;
  number = ZipNumber<uint64_t>(zip64, 0);
  zip64.remove_prefix(sizeof(uint64_t));
  return true;
}

std::string ShownName(std::string_view name) {
  const std::string quoted = Quoted(name, 200);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace graft
