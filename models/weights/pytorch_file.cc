#include "models/weights/pytorch_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/utf8.h"
#include "models/weights/check_sum.h"
#include "models/weights/pickle_bytes.h"
#include "models/weights/pickle_reader.h"
#include "models/weights/pytorch_state.h"
#include "models/weights/zip_directory.h"

namespace graft {
namespace {

constexpr std::string_view kZipBegin = "PK\x03\x04";

absl::Status CheckFirstBytes(const InputFile& file) {
  std::array<char, 512> first{};
  const size_t count = std::min<uint64_t>(first.size(), file.size());
  ABSL_RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(first).first(count)));
  const std::string_view bytes(first.data(), count);
  if (IsPyTorchZip(bytes)) return absl::OkStatus();
  const std::string_view other = DescribeOtherFile(bytes);
  return absl::DataLossError(
      absl::StrCat(file.path(), ": byte 0: expected a zip archive as torch.save writes, found ",
                   other.empty() ? Quoted(bytes.substr(0, 8)) : std::string(other)));
}

// The archive as torch.save lays it out: everything in one folder.
class Archive {
 public:
  static absl::StatusOr<Archive> Open(const InputFile& file);
  // Its tables point at each other, which moving keeps.
  Archive(Archive&&) = default;

  // nullptr when there is no such record ("data/0").
  const ZipEntry* Find(std::string_view record) const;
  // A record's bytes, compared with their CRC-32.
  absl::StatusOr<std::string> Read(const ZipEntry& entry, size_t max_bytes) const;
  std::string Place(std::string_view record) const {
    return absl::StrCat(file_.path(), ": ", ShownName(folder_), record);
  }
  // The blocks of the storages, in their order.
  absl::StatusOr<std::vector<StoragePlace>> PlaceStorages(const Pickle& pickle,
                                                          WeightTable& table) const;

 private:
  Archive(const InputFile& file, ZipDirectory directory)
      : file_(file), directory_(std::move(directory)) {}
  absl::Status CheckFolder();
  absl::Status CheckFormat() const;

  const InputFile& file_;
  ZipDirectory directory_;
  std::string folder_;  // with the slash
  absl::flat_hash_map<std::string_view, const ZipEntry*> records_;
};

absl::StatusOr<Archive> Archive::Open(const InputFile& file) {
  ABSL_ASSIGN_OR_RETURN(ZipDirectory directory, ReadZipDirectory(file));
  Archive archive(file, std::move(directory));
  ABSL_RETURN_IF_ERROR(archive.CheckFolder());
  ABSL_RETURN_IF_ERROR(PlaceZipEntries(file, archive.directory_));
  ABSL_RETURN_IF_ERROR(archive.CheckFormat());
  return archive;
}

absl::Status Archive::CheckFolder() {
  if (directory_.entries.empty()) {
    return absl::DataLossError(
        absl::StrCat(file_.path(), ": expected an archive with data.pkl, found an empty one"));
  }
  folder_ = directory_.entries[0].name.substr(0, directory_.entries[0].name.find('/')) + "/";
  for (const ZipEntry& entry : directory_.entries) {
    if (!absl::StartsWith(entry.name, folder_)) {
      return absl::DataLossError(absl::StrCat(file_.path(), ": ", ShownName(entry.name),
                                              ": expected every entry in ", ShownName(folder_),
                                              ", found this"));
    }
    const std::string_view record = std::string_view(entry.name).substr(folder_.size());
    if (record == "constants.pkl" || absl::StartsWith(record, "code/")) {
      return absl::DataLossError(
          absl::StrCat(file_.path(), ": ", ShownName(entry.name),
                       ": expected a state of tensors, found TorchScript, which is a program"));
    }
    records_.emplace(record, &entry);
  }
  return absl::OkStatus();
}

// What the archive says of itself.
absl::Status Archive::CheckFormat() const {
  if (const ZipEntry* order = Find("byteorder"); order != nullptr) {
    ABSL_ASSIGN_OR_RETURN(const std::string text, Read(*order, 16));
    if (text != "little") {
      return absl::DataLossError(
          absl::StrCat(Place("byteorder"), ": expected 'little', found ", Quoted(text)));
    }
  }
  if (const ZipEntry* version = Find("version"); version != nullptr) {
    ABSL_ASSIGN_OR_RETURN(const std::string text, Read(*version, 16));
    const std::string_view number = absl::StripTrailingAsciiWhitespace(text);
    if (number.empty() || !std::all_of(number.begin(), number.end(), absl::ascii_isdigit)) {
      return absl::DataLossError(
          absl::StrCat(Place("version"), ": expected a number, found ", Quoted(text)));
    }
  }
  return absl::OkStatus();
}

const ZipEntry* Archive::Find(std::string_view record) const {
  const auto found = records_.find(record);
  return found == records_.end() ? nullptr : found->second;
}

absl::StatusOr<std::string> Archive::Read(const ZipEntry& entry, size_t max_bytes) const {
  const auto error = [&](const auto&... parts) {
    return absl::DataLossError(absl::StrCat(file_.path(), ": ", ShownName(entry.name), ": byte ",
                                            entry.begin, ": expected ", parts...));
  };
  if (entry.end - entry.begin > max_bytes) {
    return error("at most ", max_bytes, " bytes, found ", entry.end - entry.begin);
  }
  std::string bytes(static_cast<size_t>(entry.end - entry.begin), '\0');
  ABSL_RETURN_IF_ERROR(file_.ReadAt(entry.begin, absl::MakeSpan(bytes)));
  CheckSum sum(StoredBlock::Sum::kCrc32);
  sum.Add(bytes);
  const uint32_t crc = sum.value();
  if (crc != entry.crc) {
    return error("the check sum ", absl::StrFormat("%08x", entry.crc), ", found ",
                 absl::StrFormat("%08x", crc), ": the file is damaged");
  }
  return bytes;
}

absl::StatusOr<std::vector<StoragePlace>> Archive::PlaceStorages(const Pickle& pickle,
                                                                 WeightTable& table) const {
  std::vector<StoragePlace> places;
  for (const PickledStorage& storage : pickle.storages) {
    const std::string record = absl::StrCat("data/", storage.key);
    const ZipEntry* entry = Find(record);
    const uint64_t bytes = storage.elements * DTypeSize(storage.dtype);
    if (entry == nullptr || entry->end - entry->begin != bytes) {
      return absl::DataLossError(absl::StrCat(
          file_.path(), ": ", ShownName(folder_), ShownName(record), ": expected ", bytes,
          " bytes for ", storage.elements, " elements of ", DTypeName(storage.dtype), ", found ",
          entry == nullptr ? "no such entry" : absl::StrCat(entry->end - entry->begin)));
    }
    places.push_back({entry->begin, static_cast<int>(table.blocks.size())});
    table.blocks.push_back({.file = 0,
                            .begin = entry->begin,
                            .end = entry->end,
                            .kind = StoredBlock::Sum::kCrc32,
                            .sum = entry->crc,
                            .name = ShownName(entry->name)});
  }
  return places;
}

}  // namespace

bool IsPyTorchZip(std::string_view first_bytes) { return absl::StartsWith(first_bytes, kZipBegin); }

absl::StatusOr<WeightTable> ReadPyTorchZip(const InputFile& file) {
  ABSL_RETURN_IF_ERROR(CheckFirstBytes(file));
  ABSL_ASSIGN_OR_RETURN(const Archive archive, Archive::Open(file));
  const std::string place = archive.Place("data.pkl");
  const ZipEntry* state = archive.Find("data.pkl");
  if (state == nullptr) {
    return absl::DataLossError(absl::StrCat(place, ": expected this entry, found none"));
  }
  ABSL_ASSIGN_OR_RETURN(std::string text, archive.Read(*state, kMaxPickleBytes));
  PickleBytes bytes(place, std::move(text));
  ABSL_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle(bytes, PersistentIds::kZipStorages));
  if (!bytes.done()) {
    return bytes.Error(
        bytes.at(),
        absl::InvalidArgumentError("expected the end behind the opcode STOP, found more bytes"));
  }
  WeightTable table;
  ABSL_ASSIGN_OR_RETURN(const std::vector<StoragePlace> places,
                        archive.PlaceStorages(pickle, table));
  ABSL_RETURN_IF_ERROR(AddState(pickle, places, place, table));
  return table;
}

}  // namespace graft
