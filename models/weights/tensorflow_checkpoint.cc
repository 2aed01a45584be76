// The messages are BundleHeaderProto and BundleEntryProto of
// tensorflow/core/protobuf/tensor_bundle.proto; the fields below are named as there.
#include "models/weights/tensorflow_checkpoint.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "base/wire_format.h"
#include "models/weights/leveldb_table.h"
#include "models/weights/shard_index.h"

namespace graft {
namespace {

using Type = WireField::Type;

// Indexes of BERT models have some 20 kB. Names are kept several times while they are read.
constexpr uint64_t kMaxIndexBytes = 16'000'000;
constexpr size_t kMaxNameBytes = 16'000'000;  // of all names
// The format of TensorFlow 1 and 2; there has been no other.
constexpr uint64_t kVersion = 1;
// From 101 on come references, which are not stored.
constexpr uint64_t kMaxDataType = 100;

// The numbers of tensorflow/core/framework/types.proto.
constexpr std::pair<uint64_t, DType> kDataTypes[] = {
    {1, DType::kF32},  {2, DType::kF64},  {3, DType::kI32},   {4, DType::kU8},    {5, DType::kI16},
    {6, DType::kI8},   {9, DType::kI64},  {10, DType::kBool}, {14, DType::kBF16}, {17, DType::kU16},
    {19, DType::kF16}, {22, DType::kU32}, {23, DType::kU64}};

std::optional<DType> DTypeOfNumber(uint64_t number) {
  for (const auto& [known, dtype] : kDataTypes) {
    if (known == number) return dtype;
  }
  return std::nullopt;
}

// Names end with what tells them apart.
std::string QuotedName(std::string_view name) { return Quoted(name, 200); }

// What the index says of a tensor.
struct BundleEntry {
  uint64_t dtype = 0;
  std::vector<int64_t> shape;
  uint64_t shard = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
  uint32_t masked_sum = 0;
};

// Bytes of a shard that a tensor takes.
struct Piece {
  uint64_t shard;
  uint64_t begin;
  uint64_t end;
  const TableEntry* entry;
};

class IndexReader {
 public:
  // Both outlive the reader.
  IndexReader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  // The number of shards.
  absl::StatusOr<size_t> ReadHeader() {
    ABSL_ASSIGN_OR_RETURN(
        entries_,
        ReadLevelDbTable(bytes_, path_, {kMaxTensors + 1, kMaxTensorName, kMaxNameBytes}));
    if (entries_.empty()) return Error(0, "the entry '' with the header", "no entries");
    const TableEntry& header = entries_.front();
    if (!header.key.empty()) {
      return Error(header.begin, "the entry '' with the header", QuotedName(header.key));
    }
    uint64_t shards = 0;
    WireReader reader(header.value, path_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number == 1) {
        ABSL_ASSIGN_OR_RETURN(shards, Number(field, "num_shards", "", kMaxShards));
      } else if (field.number == 2) {
        ABSL_ASSIGN_OR_RETURN(const uint64_t order, Number(field, "endianness", "", 1));
        if (order != 0) return Error(field.begin, "little-endian numbers", "big-endian ones");
      } else if (field.number == 3) {
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, "version", ""));
        ABSL_RETURN_IF_ERROR(CheckVersion(field.bytes));
      }
    }
    if (shards == 0) {
      return Error(header.value.begin, absl::StrCat("num_shards from 1 to ", kMaxShards), "0");
    }
    return shards;
  }

  // After ReadHeader.
  absl::StatusOr<WeightTable> ReadTensors(absl::Span<const InputFile> data) {
    WeightTable table;
    std::vector<Piece> pieces;
    for (size_t i = 1; i < entries_.size(); ++i) {
      const TableEntry& entry = entries_[i];
      ABSL_RETURN_IF_ERROR(CheckName(entry));
      ABSL_ASSIGN_OR_RETURN(BundleEntry stored, ParseEntry(entry, data.size()));
      ABSL_RETURN_IF_ERROR(CheckPlace(entry, stored, data[stored.shard]));
      const uint64_t end = stored.offset + stored.size;
      pieces.push_back({stored.shard, stored.offset, end, &entry});
      const std::optional<DType> dtype = DTypeOfNumber(stored.dtype);
      if (!dtype) {
        table.others.push_back(entry.key);
        continue;
      }
      table.blocks.push_back({.file = stored.shard,
                              .begin = stored.offset,
                              .end = end,
                              .kind = StoredBlock::Sum::kCrc32c,
                              .sum = UnmaskCrc32c(stored.masked_sum),
                              .name = entry.key});
      table.tensors.push_back({.name = entry.key,
                               .dtype = *dtype,
                               .shape = std::move(stored.shape),
                               .begin = stored.offset,
                               .end = end,
                               .file = stored.shard,
                               .block = static_cast<int>(table.blocks.size() - 1)});
    }
    ABSL_RETURN_IF_ERROR(CheckOverlaps(std::move(pieces)));
    return table;
  }

  absl::Status Error(size_t at, std::string_view expected, std::string_view found) const {
    return absl::DataLossError(
        absl::StrCat(path_, ": byte ", at, ": expected ", expected, ", found ", found));
  }

 private:
  // "shard_id of 'bert/pooler/dense/bias'"; without a tensor it is the header's.
  static std::string Of(std::string_view field, std::string_view tensor) {
    return tensor.empty() ? std::string(field) : absl::StrCat(field, " of ", QuotedName(tensor));
  }

  absl::Status Expect(const WireField& field, Type type, std::string_view name,
                      std::string_view tensor) const {
    if (field.type == type) return absl::OkStatus();
    return Error(field.begin, absl::StrCat(Of(name, tensor), " as wire type ", type),
                 absl::StrCat("wire type ", field.type));
  }

  absl::StatusOr<uint64_t> Number(const WireField& field, std::string_view name,
                                  std::string_view tensor, uint64_t max) const {
    ABSL_RETURN_IF_ERROR(Expect(field, Type::kVarint, name, tensor));
    if (field.value > max) {
      return Error(field.begin, absl::StrCat(Of(name, tensor), " from 0 to ", max),
                   absl::StrCat(static_cast<int64_t>(field.value)));  // they are signed
    }
    return field.value;
  }

  // VersionDef.
  absl::Status CheckVersion(FileBytes message) const {
    WireReader reader(message, path_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number == 2) {
        ABSL_RETURN_IF_ERROR(Number(field, "min_consumer", "", kVersion).status());
      } else if (field.number == 3) {
        // Written as one string of varints or one by one. There is no version that readers of
        // this one must refuse.
        return Error(field.begin, "a version without bad_consumers", "some");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckName(const TableEntry& entry) const {
    // TensorFlow's OrderedCode puts the number 0 in front of the names of parts.
    if (entry.key.starts_with('\0')) {
      return Error(entry.begin, "tensors in one piece", "a part of a partitioned tensor");
    }
    if (FindInvalidUtf8(entry.key)) {
      return Error(entry.begin, "a name in UTF-8", QuotedName(entry.key));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<BundleEntry> ParseEntry(const TableEntry& entry, size_t shards) const {
    BundleEntry stored;
    const std::string_view tensor = entry.key;
    WireReader reader(entry.value, path_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      switch (field.number) {
        case 1: {
          ABSL_ASSIGN_OR_RETURN(stored.dtype, Number(field, "dtype", tensor, kMaxDataType));
          break;
        }
        case 2:
          ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, "shape", tensor));
          ABSL_RETURN_IF_ERROR(ParseShape(field.bytes, tensor, stored.shape));
          break;
        case 3: {
          ABSL_ASSIGN_OR_RETURN(stored.shard, Number(field, "shard_id", tensor, shards - 1));
          break;
        }
        case 4: {
          ABSL_ASSIGN_OR_RETURN(stored.offset, Number(field, "offset", tensor, INT64_MAX));
          break;
        }
        case 5: {
          ABSL_ASSIGN_OR_RETURN(stored.size, Number(field, "size", tensor, INT64_MAX));
          break;
        }
        case 6:
          ABSL_RETURN_IF_ERROR(Expect(field, Type::kFixed32, "crc32c", tensor));
          stored.masked_sum = static_cast<uint32_t>(field.value);
          break;
        case 7:
          return Error(field.begin, absl::StrCat(QuotedName(tensor), " in one piece"),
                       "a partitioned tensor");
        default:
          break;
      }
    }
    if (stored.dtype == 0) return Error(entry.value.begin, Of("dtype", tensor), "none");
    return stored;
  }

  // TensorShapeProto. A message that is given twice is the two put together.
  absl::Status ParseShape(FileBytes message, std::string_view tensor,
                          std::vector<int64_t>& shape) const {
    WireReader reader(message, path_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number == 2) {
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, "dim", tensor));
        if (shape.size() == kMaxTensorRank) {
          return Error(
              field.begin,
              absl::StrCat(QuotedName(tensor), " with at most ", kMaxTensorRank, " dimensions"),
              "more");
        }
        ABSL_ASSIGN_OR_RETURN(const int64_t size, ParseDimension(field.bytes, tensor));
        shape.push_back(size);
      } else if (field.number == 3) {
        ABSL_RETURN_IF_ERROR(Number(field, "unknown_rank", tensor, 0).status());
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> ParseDimension(FileBytes message, std::string_view tensor) const {
    uint64_t size = 0;
    WireReader reader(message, path_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      if (field.number != 1) continue;
      ABSL_ASSIGN_OR_RETURN(size, Number(field, "dim.size", tensor, INT64_MAX));
    }
    return static_cast<int64_t>(size);
  }

  // The tensor lies in its shard, and its size is that of its shape.
  absl::Status CheckPlace(const TableEntry& entry, const BundleEntry& stored,
                          const InputFile& shard) const {
    // Neither is above 2^63 - 1.
    const uint64_t end = stored.offset + stored.size;
    if (end > shard.size()) {
      return Error(entry.value.begin,
                   absl::StrCat(QuotedName(entry.key), " inside the ", shard.size(), " bytes of ",
                                shard.path()),
                   absl::StrCat("bytes ", stored.offset, " to ", end));
    }
    const std::optional<DType> dtype = DTypeOfNumber(stored.dtype);
    if (!dtype) return absl::OkStatus();  // how large these are, only their bytes tell
    // A transposed shape is multiplied in another order, where a 0 may come too late.
    std::vector<int64_t> descending = stored.shape;
    std::sort(descending.rbegin(), descending.rend());
    const std::optional<uint64_t> bytes = ShapeBytes(*dtype, descending);
    if (!bytes) {
      return Error(entry.value.begin,
                   absl::StrCat(QuotedName(entry.key), " of less than 2^63 bytes, zeros left out"),
                   Describe(*dtype, stored.shape));
    }
    if (*bytes != stored.size) {
      return Error(entry.value.begin,
                   absl::StrCat(*bytes, " bytes for ", QuotedName(entry.key), ", ",
                                Describe(*dtype, stored.shape)),
                   absl::StrCat(stored.size));
    }
    return absl::OkStatus();
  }

  absl::Status CheckOverlaps(std::vector<Piece> pieces) const {
    std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
      return std::tie(a.shard, a.begin, a.end, a.entry) <
             std::tie(b.shard, b.begin, b.end, b.entry);
    });
    for (size_t i = 1; i < pieces.size(); ++i) {
      const Piece& before = pieces[i - 1];
      const Piece& piece = pieces[i];
      if (piece.shard == before.shard && piece.begin < before.end) {
        return Error(
            piece.entry->value.begin,
            absl::StrCat(QuotedName(piece.entry->key), " behind ", QuotedName(before.entry->key),
                         ", which ends at byte ", before.end, " of shard ", piece.shard),
            absl::StrCat("it at ", piece.begin));
      }
    }
    return absl::OkStatus();
  }

  const std::string_view bytes_;
  const std::string& path_;
  std::vector<TableEntry> entries_;
};

absl::StatusOr<std::string> ReadIndex(const InputFile& index) {
  if (index.size() > kMaxIndexBytes) {
    return absl::DataLossError(absl::StrCat(index.path(), ": byte 0: expected an index of at most ",
                                            kMaxIndexBytes, " bytes, found one of ", index.size()));
  }
  std::string bytes(index.size(), '\0');
  ABSL_RETURN_IF_ERROR(index.ReadAt(0, absl::MakeSpan(bytes)));
  return bytes;
}

}  // namespace

absl::StatusOr<size_t> CountTensorFlowShards(const InputFile& index) {
  ABSL_ASSIGN_OR_RETURN(const std::string bytes, ReadIndex(index));
  return IndexReader(bytes, index.path()).ReadHeader();
}

absl::StatusOr<WeightTable> ReadTensorFlowCheckpoint(const InputFile& index,
                                                     absl::Span<const InputFile> data) {
  ABSL_ASSIGN_OR_RETURN(const std::string bytes, ReadIndex(index));
  IndexReader reader(bytes, index.path());
  ABSL_ASSIGN_OR_RETURN(const size_t shards, reader.ReadHeader());
  // They were opened by an earlier look at the index.
  if (shards != data.size()) {
    return reader.Error(0, absl::StrCat("an index of ", data.size(), " data files"),
                        absl::StrCat("one of ", shards));
  }
  return reader.ReadTensors(data);
}

}  // namespace graft
