// TensorFlow checkpoints made by hand, right and wrong ones.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_TENSORFLOW_BYTES_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_TENSORFLOW_BYTES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/crc/crc32c.h"
#include "tests/models/weights/safetensors_bytes.h"

namespace graft::testing {

inline std::string LittleEndian32(uint32_t value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

inline std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

// Fields of protocol buffers.
inline std::string NumberField(int field, uint64_t value) {
  return Varint(static_cast<uint64_t>(field) << 3) + Varint(value);
}
inline std::string BytesField(int field, std::string_view bytes) {
  return Varint(static_cast<uint64_t>(field) << 3 | 2) + Varint(bytes.size()) + std::string(bytes);
}
inline std::string Fixed32Field(int field, uint32_t value) {
  return Varint(static_cast<uint64_t>(field) << 3 | 5) + LittleEndian32(value);
}

// The sum as LevelDB and TensorFlow store it: turned right by 15 bits, and a constant added.
inline uint32_t MaskedCrc32c(std::string_view bytes) {
  const auto sum = static_cast<uint32_t>(absl::ComputeCrc32c(bytes));
  return (sum >> 15 | sum << 17) + 0xA282EAD8u;
}

using KeysAndValues = std::vector<std::pair<std::string, std::string>>;

struct TableLayout {
  size_t block_bytes = 4096;     // a block ends when it has so many
  size_t restart_interval = 16;  // entries
  char compression = 0;          // what the blocks say of themselves
};

// A block without its trailer. Keys are not sorted, so that wrong blocks can be made.
inline std::string BlockBytes(const KeysAndValues& entries, size_t restart_interval) {
  std::string block, restarts, before;
  size_t count = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [key, value] = entries[i];
    size_t shared = 0;
    if (i % restart_interval == 0) {
      restarts += LittleEndian32(static_cast<uint32_t>(block.size()));
      ++count;
    } else {
      while (shared < std::min(key.size(), before.size()) && key[shared] == before[shared]) {
        ++shared;
      }
    }
    block += Varint(shared) + Varint(key.size() - shared) + Varint(value.size()) +
             key.substr(shared) + value;
    before = key;
  }
  if (entries.empty()) {
    restarts = LittleEndian32(0);
    count = 1;
  }
  return block + restarts + LittleEndian32(static_cast<uint32_t>(count));
}

inline std::string Handle(size_t offset, size_t size) { return Varint(offset) + Varint(size); }

// A table of finished blocks: `blocks` are the last key and the bytes of each.
inline std::string TableOfBlocks(const KeysAndValues& blocks, char compression = 0) {
  std::string file;
  const auto append = [&](std::string block) {
    const std::string handle = Handle(file.size(), block.size());
    block += compression;
    file += block + LittleEndian32(MaskedCrc32c(block));
    return handle;
  };
  KeysAndValues index;
  for (const auto& [key, block] : blocks) index.emplace_back(key, append(block));
  std::string footer = append(BlockBytes({}, 1));
  footer += append(BlockBytes(index, 1));
  footer.resize(40);
  return file + footer + LittleEndian64(0xDB4775248B80FB57);
}

inline std::string TableBytes(const KeysAndValues& entries, const TableLayout& layout = {}) {
  KeysAndValues blocks, inside;
  size_t size = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    inside.push_back(entries[i]);
    size += entries[i].first.size() + entries[i].second.size();
    if (i + 1 == entries.size() || size >= layout.block_bytes) {
      blocks.emplace_back(entries[i].first, BlockBytes(inside, layout.restart_interval));
      inside.clear();
      size = 0;
    }
  }
  return TableOfBlocks(blocks, layout.compression);
}

// Makes the sums of all blocks right that can be found in a damaged table.
class SumRepair {
 public:
  explicit SumRepair(std::string& table) : table_(table) {}

  void Run() {
    if (table_.size() < 48) return;
    size_t at = table_.size() - 48;
    const auto others = Block(at), index = Block(at);
    if (index) RepairDataBlocks(index->first, index->second);
    Repair(others);
    Repair(index);
  }

 private:
  using Place = std::optional<std::pair<size_t, size_t>>;  // begin and end, without the trailer

  std::optional<uint64_t> Number(size_t& at) const {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at < table_.size(); shift += 7) {
      const auto byte = static_cast<uint8_t>(table_[at++]);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  Place Block(size_t& at) const {
    const auto begin = Number(at);
    if (!begin) return std::nullopt;
    const auto size = Number(at);
    if (!size || *begin > table_.size() || *size > table_.size() - *begin ||
        table_.size() - *begin - *size < 5) {
      return std::nullopt;
    }
    return std::pair<size_t, size_t>(*begin, *begin + *size);
  }

  void RepairDataBlocks(size_t at, size_t end) {
    if (end - at < 4) return;
    uint32_t restarts = 0;
    std::memcpy(&restarts, table_.data() + end - 4, sizeof(restarts));
    if (restarts > (end - at - 4) / 4) return;
    end -= 4 + 4 * size_t{restarts};
    while (at < end) {
      Number(at);
      const auto key = Number(at), value = Number(at);
      if (!key || !value || at > end || *key > end - at || *value > end - at - *key) return;
      at += *key;
      size_t handle = at;
      Repair(Block(handle));
      at += *value;
    }
  }

  void Repair(const Place& block) {
    if (!block) return;
    const std::string_view bytes(table_.data() + block->first, block->second - block->first + 1);
    const std::string sum = LittleEndian32(MaskedCrc32c(bytes));
    std::memcpy(table_.data() + block->second + 1, sum.data(), sum.size());
  }

  std::string& table_;
};

inline std::string ShapeBytesOf(const std::vector<int64_t>& shape) {
  std::string message;
  for (const int64_t size : shape) {
    message += BytesField(2, size == 0 ? "" : NumberField(1, static_cast<uint64_t>(size)));
  }
  return message;
}

// BundleEntryProto; like TensorFlow, without the fields that are 0.
inline std::string BundleEntryBytes(uint64_t dtype, const std::vector<int64_t>& shape,
                                    uint64_t shard, uint64_t offset, uint64_t size,
                                    uint32_t masked_sum) {
  std::string message = NumberField(1, dtype) + BytesField(2, ShapeBytesOf(shape));
  if (shard != 0) message += NumberField(3, shard);
  if (offset != 0) message += NumberField(4, offset);
  if (size != 0) message += NumberField(5, size);
  return message + Fixed32Field(6, masked_sum);
}

// BundleHeaderProto of a version as TensorFlow writes it.
inline std::string BundleHeaderBytes(uint64_t shards) {
  return NumberField(1, shards) + BytesField(3, NumberField(1, 1));
}

// A checkpoint in memory.
struct CheckpointBytes {
  explicit CheckpointBytes(size_t shard_count = 1)
      : header(BundleHeaderBytes(shard_count)), shards(shard_count) {}

  // Appends a tensor to its shard.
  void Add(const std::string& name, uint64_t dtype, const std::vector<int64_t>& shape,
           std::string_view bytes, size_t shard = 0) {
    entries.emplace_back(name, BundleEntryBytes(dtype, shape, shard, shards[shard].size(),
                                                bytes.size(), MaskedCrc32c(bytes)));
    shards[shard] += bytes;
  }

  std::string Index(const TableLayout& layout = {}) const {
    KeysAndValues all = entries;
    all.emplace_back("", header);
    std::sort(all.begin(), all.end());
    return TableBytes(all, layout);
  }

  std::string header;
  KeysAndValues entries;
  std::vector<std::string> shards;
};

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_TENSORFLOW_BYTES_H_
