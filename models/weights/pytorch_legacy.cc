// The files of torch.save before 1.6: pickles of a magic number, a protocol number, facts about
// the system, the state and the list of storages, and then each storage as a count of elements and
// their bytes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/utf8.h"
#include "models/weights/pickle_bytes.h"
#include "models/weights/pickle_reader.h"
#include "models/weights/pytorch_file.h"
#include "models/weights/pytorch_state.h"

namespace graft {
namespace {

using Kind = PickleValue::Kind;

// PROTO 2, LONG1 of 10 bytes: no safetensors file begins so, its header would be too long.
constexpr std::string_view kLegacyBegin = "\x80\x02\x8A\x0A";
constexpr std::string_view kMagicNumber = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
constexpr int64_t kProtocol = 1001;

absl::Status CheckFirstBytes(const InputFile& file) {
  std::array<char, 512> first{};
  const size_t count = std::min<uint64_t>(first.size(), file.size());
  ABSL_RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(first).first(count)));
  const std::string_view bytes(first.data(), count);
  if (IsPyTorchLegacy(bytes)) return absl::OkStatus();
  const std::string_view other = DescribeOtherFile(bytes);
  return absl::DataLossError(
      absl::StrCat(file.path(), ": byte 0: expected the magic number of torch.save, found ",
                   count == 0 ? "an empty file"
                              : (other.empty() ? Quoted(bytes.substr(0, 8)) : std::string(other))));
}

absl::Status Wrong(const PickleBytes& bytes, size_t at, std::string_view expected,
                   std::string_view found) {
  return bytes.Error(
      at, absl::InvalidArgumentError(absl::StrCat("expected ", expected, ", found ", found)));
}

// What stands before the state.
absl::Status CheckPreamble(PickleBytes& bytes) {
  size_t at = bytes.at();
  ABSL_ASSIGN_OR_RETURN(const Pickle magic, ReadPickle(bytes, PersistentIds::kNone));
  if (!magic.Is(magic.root, Kind::kBigInt) || magic.Bytes(magic.root) != kMagicNumber) {
    return Wrong(bytes, at, "the magic number of torch.save", "another value");
  }
  at = bytes.at();
  ABSL_ASSIGN_OR_RETURN(const Pickle protocol, ReadPickle(bytes, PersistentIds::kNone));
  if (!protocol.Is(protocol.root, Kind::kInt) ||
      protocol.value(protocol.root).number != kProtocol) {
    return Wrong(bytes, at, absl::StrCat("protocol ", kProtocol), protocol.Describe(protocol.root));
  }
  at = bytes.at();
  ABSL_ASSIGN_OR_RETURN(const Pickle system, ReadPickle(bytes, PersistentIds::kNone));
  if (!system.IsDictionary(system.root)) {
    return Wrong(bytes, at, "a dictionary about the system", system.Describe(system.root));
  }
  int little = 0;
  for (const PickleItem& item : system.Items(system.root)) {
    if (!system.Is(item.key, Kind::kText) || system.Bytes(item.key) != "little_endian") continue;
    ++little;
    if (!system.Is(item.value, Kind::kBool) || system.value(item.value).number == 0) {
      return Wrong(bytes, at, "little_endian true", system.Describe(item.value));
    }
  }
  if (little == 1) return absl::OkStatus();
  return Wrong(bytes, at, "little_endian once", absl::StrCat("it ", little, " times"));
}

// The storages of `pickle` in the order of the list behind it.
absl::StatusOr<std::vector<uint32_t>> ReadStorageList(PickleBytes& bytes, const Pickle& pickle) {
  const size_t at = bytes.at();
  ABSL_ASSIGN_OR_RETURN(const Pickle list, ReadPickle(bytes, PersistentIds::kNone));
  if (!list.Is(list.root, Kind::kList)) {
    return Wrong(bytes, at, "the list of storages", list.Describe(list.root));
  }
  std::vector<uint32_t> order;
  std::vector<bool> listed(pickle.storages.size());
  for (const PickleItem& item : list.Items(list.root)) {
    const auto found = list.Is(item.value, Kind::kText)
                           ? pickle.storage_numbers.find(list.Bytes(item.value))
                           : pickle.storage_numbers.end();
    if (found == pickle.storage_numbers.end()) {
      return Wrong(bytes, at, "storages that the state uses", list.Describe(item.value));
    }
    if (listed[found->second]) {
      return Wrong(bytes, at, "each storage once",
                   absl::StrCat(list.Describe(item.value), " twice"));
    }
    listed[found->second] = true;
    order.push_back(found->second);
  }
  if (order.size() == pickle.storages.size()) return order;
  const auto missing = std::find(listed.begin(), listed.end(), false) - listed.begin();
  return Wrong(bytes, at, absl::StrCat("all ", pickle.storages.size(), " storages of the state"),
               absl::StrCat(order.size(), " without ",
                            Quoted(pickle.storages[static_cast<size_t>(missing)].key)));
}

// The storages follow each other up to the end of the file.
absl::StatusOr<std::vector<StoragePlace>> PlaceStorages(const InputFile& file, uint64_t at,
                                                        const std::vector<uint32_t>& order,
                                                        const Pickle& pickle) {
  std::vector<StoragePlace> places(pickle.storages.size());
  for (const uint32_t number : order) {
    const PickledStorage& storage = pickle.storages[number];
    const auto error = [&](const auto&... parts) {
      return absl::DataLossError(absl::StrCat(file.path(), ": byte ", at, ": storage ",
                                              Quoted(storage.key), ": expected ", parts...));
    };
    uint64_t elements = 0;
    const uint64_t bytes = storage.elements * DTypeSize(storage.dtype);
    if (file.size() - at < sizeof(elements) || file.size() - at - sizeof(elements) < bytes) {
      return error(sizeof(elements), " and ", bytes, " bytes, found ", file.size() - at,
                   " to the end of the file");
    }
    ABSL_RETURN_IF_ERROR(
        file.ReadAt(at, absl::MakeSpan(reinterpret_cast<char*>(&elements), sizeof(elements))));
    if (elements != storage.elements) {
      return error(storage.elements, " elements as in the state, found ", elements);
    }
    places[number].begin = at + sizeof(elements);
    at += sizeof(elements) + bytes;
  }
  if (at == file.size()) return places;
  return absl::DataLossError(absl::StrCat(file.path(), ": byte ", at,
                                          ": expected the end of the file, found ",
                                          file.size() - at, " bytes of no storage"));
}

}  // namespace

bool IsPyTorchLegacy(std::string_view first_bytes) {
  return absl::StartsWith(first_bytes, kLegacyBegin);
}

absl::StatusOr<WeightTable> ReadPyTorchLegacy(const InputFile& file) {
  ABSL_RETURN_IF_ERROR(CheckFirstBytes(file));
  PickleBytes bytes(file);
  ABSL_RETURN_IF_ERROR(CheckPreamble(bytes));
  const std::string place = absl::StrCat(file.path(), ": byte ", bytes.at());
  ABSL_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle(bytes, PersistentIds::kLegacyStorages));
  ABSL_ASSIGN_OR_RETURN(const std::vector<uint32_t> order, ReadStorageList(bytes, pickle));
  ABSL_ASSIGN_OR_RETURN(const std::vector<StoragePlace> places,
                        PlaceStorages(file, bytes.at(), order, pickle));
  WeightTable table;
  ABSL_RETURN_IF_ERROR(AddState(pickle, places, place, table));
  return table;
}

}  // namespace graft
