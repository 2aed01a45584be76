#include "models/weights/leveldb_table.h"

#include <bit>
#include <cstring>
#include <utility>

#include "absl/crc/crc32c.h"
#include "absl/status/status.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace graft {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr size_t kFooterBytes = 48;
constexpr uint64_t kMagic = 0xDB4775248B80FB57;
// Behind every block: one byte of compression and the sum.
constexpr size_t kTrailerBytes = 5;

template <typename T>
T Load(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// Names of tensors end with what tells them apart.
std::string QuotedKey(std::string_view key) { return Quoted(key, 200); }

// Where a block stands; `size` is without the trailer.
struct BlockHandle {
  uint64_t offset = 0;
  uint64_t size = 0;
  size_t begin = 0;  // of the handle in the file
};

class TableReader {
 public:
  TableReader(std::string_view bytes, const std::string& path, TableLimits limits)
      : bytes_(bytes), path_(path), limits_(limits) {}

  absl::StatusOr<std::vector<TableEntry>> Read() {
    if (bytes_.size() < kFooterBytes) {
      return Error(0, absl::StrCat(kFooterBytes, " bytes of footer"),
                   absl::StrCat("a file of ", bytes_.size(), " bytes"));
    }
    const size_t magic_at = bytes_.size() - sizeof(kMagic);
    if (const auto magic = Load<uint64_t>(bytes_, magic_at); magic != kMagic) {
      return Error(magic_at, absl::StrFormat("the mark of a table, %#x", kMagic),
                   absl::StrFormat("%#x", magic));
    }
    const size_t footer_at = bytes_.size() - kFooterBytes;
    // The handles are shorter than their place; what is between them and the mark says nothing.
    WireReader footer({bytes_.substr(footer_at, kFooterBytes - sizeof(kMagic)), footer_at}, path_);
    // The block that says what else is in the table. TensorFlow writes it empty.
    ABSL_ASSIGN_OR_RETURN(const BlockHandle others, ReadHandle(footer));
    ABSL_ASSIGN_OR_RETURN(const BlockHandle index, ReadHandle(footer));
    std::vector<TableEntry> ignored;
    ABSL_RETURN_IF_ERROR(ReadBlock(others, ignored));
    std::vector<TableEntry> blocks;
    ABSL_RETURN_IF_ERROR(ReadBlock(index, blocks));
    return ReadBlocks(blocks);
  }

 private:
  absl::Status Error(size_t at, std::string_view expected, std::string_view found) const {
    return absl::DataLossError(
        absl::StrCat(path_, ": byte ", at, ": expected ", expected, ", found ", found));
  }

  absl::StatusOr<BlockHandle> ReadHandle(WireReader& reader) const {
    BlockHandle handle{.begin = reader.position()};
    ABSL_ASSIGN_OR_RETURN(handle.offset, reader.Varint());
    ABSL_ASSIGN_OR_RETURN(handle.size, reader.Varint());
    const uint64_t limit = bytes_.size() - kFooterBytes;
    if (handle.offset > limit || handle.size > limit - handle.offset ||
        kTrailerBytes > limit - handle.offset - handle.size) {
      return Error(handle.begin, absl::StrCat("a block inside the first ", limit, " bytes"),
                   absl::StrCat("one of ", handle.size, " bytes and its sum at ", handle.offset));
    }
    return handle;
  }

  // The entries of all data blocks.
  absl::StatusOr<std::vector<TableEntry>> ReadBlocks(const std::vector<TableEntry>& blocks) {
    std::vector<TableEntry> entries;
    uint64_t covered = 0;
    for (size_t i = 0; i < blocks.size(); ++i) {
      WireReader reader({blocks[i].value.bytes, blocks[i].value.begin}, path_);
      ABSL_ASSIGN_OR_RETURN(const BlockHandle handle, ReadHandle(reader));
      if (!reader.done()) {
        return Error(reader.position(), "the end of a block's place",
                     absl::StrCat(blocks[i].value.end() - reader.position(), " bytes more"));
      }
      // So a small file cannot name one large block many times.
      if (handle.offset < covered) {
        return Error(handle.begin, absl::StrCat("a block behind the one before, at ", covered),
                     absl::StrCat("one at ", handle.offset));
      }
      covered = handle.offset + handle.size + kTrailerBytes;
      const size_t first = entries.size();
      ABSL_RETURN_IF_ERROR(ReadBlock(handle, entries));
      if (entries.size() == first) continue;
      // The index block has a key between the last of this block and the first of the next.
      if (i > 0 && entries[first].key <= blocks[i - 1].key) {
        return Error(entries[first].begin,
                     absl::StrCat("a key above ", QuotedKey(blocks[i - 1].key)),
                     QuotedKey(entries[first].key));
      }
      if (entries.back().key > blocks[i].key) {
        return Error(entries.back().begin,
                     absl::StrCat("a key of at most ", QuotedKey(blocks[i].key)),
                     QuotedKey(entries.back().key));
      }
    }
    return entries;
  }

  // Appends the entries of one block.
  absl::Status ReadBlock(const BlockHandle& handle, std::vector<TableEntry>& entries) {
    const size_t begin = handle.offset, end = begin + handle.size;
    const uint32_t found = UnmaskCrc32c(Load<uint32_t>(bytes_, end + 1));
    const auto sum =
        static_cast<uint32_t>(absl::ComputeCrc32c(bytes_.substr(begin, handle.size + 1)));
    if (found != sum) {
      return Error(end + 1, absl::StrFormat("the CRC-32C of the block at %d, %#010x", begin, sum),
                   absl::StrFormat("%#010x", found));
    }
    if (const char type = bytes_[end]; type != 0) {
      return Error(end, "an uncompressed block",
                   type == 1 ? "one compressed by snappy"
                             : absl::StrCat("compression ", static_cast<uint8_t>(type)));
    }
    return ReadEntries({bytes_.substr(begin, handle.size), begin}, entries);
  }

  // The end of a block: where entries begin that share nothing, 4 bytes each, and how many those
  // are. Without the number, and not empty.
  absl::StatusOr<FileBytes> FindRestarts(FileBytes block) const {
    if (block.bytes.size() < sizeof(uint32_t)) {
      return Error(block.begin, "a block of at least 4 bytes",
                   absl::StrCat(block.bytes.size(), " bytes"));
    }
    const size_t count_at = block.bytes.size() - sizeof(uint32_t);
    const auto count = Load<uint32_t>(block.bytes, count_at);
    if (count == 0 || count > count_at / sizeof(uint32_t)) {
      return Error(block.begin + count_at,
                   absl::StrCat("a number of restarts from 1 to ", count_at / sizeof(uint32_t)),
                   absl::StrCat(count));
    }
    const size_t at = count_at - count * sizeof(uint32_t);
    if (const auto first = Load<uint32_t>(block.bytes, at); first != 0) {
      return Error(block.begin + at, "the first restart at 0", absl::StrCat(first));
    }
    return FileBytes{block.bytes.substr(at, count * sizeof(uint32_t)), block.begin + at};
  }

  absl::Status ReadEntries(FileBytes block, std::vector<TableEntry>& entries) {
    ABSL_ASSIGN_OR_RETURN(FileBytes restarts, FindRestarts(block));
    const std::string_view stored = block.bytes.substr(0, restarts.begin - block.begin);
    WireReader reader({stored, block.begin}, path_);
    const size_t first = entries.size();
    // A block without entries has a restart, too.
    if (reader.done()) DropFirst(restarts);
    while (!reader.done()) {
      std::string_view before;
      if (entries.size() > first) before = entries.back().key;
      if (!restarts.bytes.empty() &&
          Load<uint32_t>(restarts.bytes, 0) == reader.position() - block.begin) {
        DropFirst(restarts);
        before = "";
      }
      ABSL_ASSIGN_OR_RETURN(TableEntry entry, ReadEntry(reader, before));
      if (!entries.empty() && entry.key <= entries.back().key) {
        return Error(entry.begin, absl::StrCat("a key above ", QuotedKey(entries.back().key)),
                     QuotedKey(entry.key));
      }
      if (entries.size() == limits_.entries) {
        return Error(entry.begin, absl::StrCat("at most ", limits_.entries, " entries"), "more");
      }
      all_key_bytes_ += entry.key.size();
      if (all_key_bytes_ > limits_.all_key_bytes) {
        return Error(entry.begin, absl::StrCat("at most ", limits_.all_key_bytes, " bytes of keys"),
                     "more");
      }
      entries.push_back(std::move(entry));
    }
    if (restarts.bytes.empty()) return absl::OkStatus();
    return Error(restarts.begin, "a restart where an entry begins",
                 absl::StrCat(Load<uint32_t>(restarts.bytes, 0)));
  }

  static void DropFirst(FileBytes& restarts) {
    restarts.bytes.remove_prefix(sizeof(uint32_t));
    restarts.begin += sizeof(uint32_t);
  }

  // `before` is what the key can share.
  absl::StatusOr<TableEntry> ReadEntry(WireReader& reader, std::string_view before) const {
    TableEntry entry;
    entry.begin = reader.position();
    ABSL_ASSIGN_OR_RETURN(const uint64_t shared, reader.Varint());
    if (shared > before.size()) {
      return Error(entry.begin,
                   absl::StrCat("at most ", before.size(), " bytes shared with the key before"),
                   absl::StrCat(shared));
    }
    ABSL_ASSIGN_OR_RETURN(const uint64_t rest, reader.Varint());
    ABSL_ASSIGN_OR_RETURN(const uint64_t value_bytes, reader.Varint());
    ABSL_ASSIGN_OR_RETURN(const FileBytes key, reader.Bytes(rest));
    if (shared + rest > limits_.key_bytes) {
      return Error(entry.begin, absl::StrCat("a key of at most ", limits_.key_bytes, " bytes"),
                   absl::StrCat(shared + rest));
    }
    entry.key = absl::StrCat(before.substr(0, shared), key.bytes);
    ABSL_ASSIGN_OR_RETURN(entry.value, reader.Bytes(value_bytes));
    return entry;
  }

  const std::string_view bytes_;
  const std::string& path_;
  const TableLimits limits_;
  size_t all_key_bytes_ = 0;  // that were read
};

}  // namespace

absl::StatusOr<std::vector<TableEntry>> ReadLevelDbTable(std::string_view bytes,
                                                         const std::string& path,
                                                         TableLimits limits) {
  return TableReader(bytes, path, limits).Read();
}

uint32_t UnmaskCrc32c(uint32_t masked) { return std::rotl(masked - 0xA282EAD8u, 15); }

}  // namespace graft
