// Files of torch.save made by hand, right and wrong ones.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_PYTORCH_BYTES_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_PYTORCH_BYTES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graft::testing {

// The low `count` bytes of a number.
inline std::string Little(uint64_t value, size_t count) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes.substr(0, count);
}

inline uint32_t Crc32(std::string_view bytes) {
  static const std::array<uint32_t, 256> kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < table.size(); ++i) {
      table[i] = i;
      for (int bit = 0; bit < 8; ++bit) {
        table[i] = (table[i] >> 1) ^ ((table[i] & 1) != 0 ? 0xEDB88320 : 0);
      }
    }
    return table;
  }();
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF];
  return ~crc;
}

// Pieces of a pickle of protocol 2; each leaves one value on the stack.
namespace pickle {

using Pieces = std::vector<std::string>;

inline std::string Join(const Pieces& pieces) {
  std::string joined;
  for (const std::string& piece : pieces) joined += piece;
  return joined;
}
inline std::string Text(std::string_view text) {
  return "X" + Little(text.size(), 4) + std::string(text);
}
inline std::string Int(int64_t value) {
  if (value >= 0 && value < 256) return "K" + Little(static_cast<uint64_t>(value), 1);
  if (value >= INT32_MIN && value <= INT32_MAX)
    return "J" + Little(static_cast<uint64_t>(value), 4);
  return "\x8A\x08" + Little(static_cast<uint64_t>(value), 8);
}
inline std::string Global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string Tuple(const Pieces& items) { return "(" + Join(items) + "t"; }
inline std::string List(const Pieces& items) { return "](" + Join(items) + "e"; }
inline std::string Ints(const std::vector<int64_t>& values) {
  Pieces items;
  for (const int64_t value : values) items.push_back(Int(value));
  return Tuple(items);
}
inline std::string Call(const std::string& function, const Pieces& arguments) {
  return function + Tuple(arguments) + "R";
}
inline std::string EmptyOrderedDict() { return Global("collections", "OrderedDict") + ")R"; }
// Keys and values in turn.
inline std::string OrderedDict(const Pieces& items) {
  return EmptyOrderedDict() + "(" + Join(items) + "u";
}
inline std::string Dict(const Pieces& items) { return "}(" + Join(items) + "u"; }
inline std::string Storage(std::string_view type, std::string_view key, int64_t elements) {
  return Tuple({Text("storage"), Global("torch", type), Text(key), Text("cpu"), Int(elements)}) +
         "Q";
}
inline std::string LegacyStorage(std::string_view type, std::string_view key, int64_t elements,
                                 const std::string& view = "N") {
  return Tuple({Text("storage"), Global("torch", type), Text(key), Text("cpu"), Int(elements),
                view}) +
         "Q";
}
inline std::string Tensor(const std::string& storage, int64_t offset,
                          const std::vector<int64_t>& shape, const std::vector<int64_t>& strides,
                          const std::string& more = "") {
  return Call(Global("torch._utils", "_rebuild_tensor_v2"),
              {storage, Int(offset), Ints(shape), Ints(strides), "\x89", EmptyOrderedDict(), more});
}
// Bytes, and a tensor over them with a type of its own.
inline std::string Untyped(std::string_view key, int64_t bytes) {
  return Tuple({Text("storage"), Global("torch.storage", "UntypedStorage"), Text(key), Text("cpu"),
                Int(bytes)}) +
         "Q";
}
inline std::string TypedTensor(const std::string& storage, int64_t offset,
                               const std::vector<int64_t>& shape,
                               const std::vector<int64_t>& strides, const std::string& type,
                               const std::string& more = "") {
  return Call(
      Global("torch._utils", "_rebuild_tensor_v3"),
      {storage, Int(offset), Ints(shape), Ints(strides), "\x89", EmptyOrderedDict(), type, more});
}
// Protocol, value, STOP.
inline std::string Whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

// An entry of an archive, as torch.save writes it: its sizes stand in a descriptor behind it.
struct ZipRecord {
  std::string name;
  std::string data;
  uint16_t flags = 0x0808;
  uint16_t method = 0;
  // In place of what is right.
  std::optional<uint32_t> crc = std::nullopt;         // in directory and descriptor
  std::optional<uint64_t> size = std::nullopt;        // in the directory
  std::optional<uint64_t> header = std::nullopt;      // in the directory
  std::optional<uint64_t> local_size = std::nullopt;  // in the local header
  std::optional<std::string> local_name = std::nullopt;
  std::optional<std::string> descriptor = std::nullopt;
  std::string behind = "";  // bytes between this entry and the next
  bool zip64 = false;       // sizes and offset in zip64 fields
};

struct ZipOptions {
  bool zip64 = true;  // as torch.save writes always
  std::optional<uint64_t> entries = std::nullopt;
  std::optional<uint64_t> begin = std::nullopt;  // of the directory
  std::string front = "";
  std::string behind = "";
};

inline std::string LocalEntry(const ZipRecord& record, size_t at) {
  const bool deferred = (record.flags & 8) != 0;
  const uint32_t crc = record.crc.value_or(Crc32(record.data));
  const uint64_t size = record.local_size.value_or(deferred ? 0 : record.data.size());
  const std::string name = record.local_name.value_or(record.name);
  // torch.save repeats the zip64 field here though its sizes are below.
  const std::string wide = Little(record.data.size(), 8);
  std::string extra = record.zip64 ? Little(1, 2) + Little(16, 2) + wide + wide : "";
  const size_t end = at + 30 + name.size() + extra.size() + 4;
  const size_t padding = (64 - end % 64) % 64;
  extra += "FB" + Little(padding, 2) + std::string(padding, 'Z');
  std::string bytes = "PK\x03\x04" + Little(0, 2) + Little(record.flags, 2) +
                      Little(record.method, 2) + Little(0, 4) + Little(deferred ? 0 : crc, 4) +
                      Little(size, 4) + Little(size, 4) + Little(name.size(), 2) +
                      Little(extra.size(), 2) + name + extra + record.data;
  const size_t width = record.zip64 ? 8 : 4;
  const std::string right = "PK\x07\x08" + Little(crc, 4) + Little(record.data.size(), width) +
                            Little(record.data.size(), width);
  if (deferred) bytes += record.descriptor.value_or(right);
  return bytes + record.behind;
}

inline std::string CentralEntry(const ZipRecord& record, size_t at) {
  const uint64_t size = record.size.value_or(record.data.size());
  const uint64_t header = record.header.value_or(at);
  const std::string extra = record.zip64 ? Little(1, 2) + Little(24, 2) + Little(size, 8) +
                                               Little(size, 8) + Little(header, 8)
                                         : "";
  const uint64_t short_size = record.zip64 ? UINT32_MAX : size;
  return "PK\x01\x02" + Little(0, 4) + Little(record.flags, 2) + Little(record.method, 2) +
         Little(0, 4) + Little(record.crc.value_or(Crc32(record.data)), 4) + Little(short_size, 4) +
         Little(short_size, 4) + Little(record.name.size(), 2) + Little(extra.size(), 2) +
         std::string(10, '\0') + Little(record.zip64 ? UINT32_MAX : header, 4) + record.name +
         extra;
}

inline std::string ZipBytes(const std::vector<ZipRecord>& records, const ZipOptions& options = {}) {
  std::string bytes = options.front;
  std::string directory;
  for (const ZipRecord& record : records) {
    directory += CentralEntry(record, bytes.size());
    bytes += LocalEntry(record, bytes.size());
  }
  const uint64_t begin = options.begin.value_or(bytes.size());
  const uint64_t entries = options.entries.value_or(records.size());
  const size_t end = bytes.size() + directory.size();
  bytes += directory;
  if (options.zip64) {
    bytes += "PK\x06\x06" + Little(44, 8) + Little(0x1E, 2) + Little(45, 2) + Little(0, 8) +
             Little(entries, 8) + Little(entries, 8) + Little(directory.size(), 8) +
             Little(begin, 8);
    bytes += "PK\x06\x07" + Little(0, 4) + Little(end, 8) + Little(1, 4);
  }
  return bytes + "PK\x05\x06" + Little(0, 4) + Little(entries, 2) + Little(entries, 2) +
         Little(directory.size(), 4) + Little(begin, 4) + Little(0, 2) + options.behind;
}

// The archive of a state: data.pkl, byteorder, the storages "0", "1", ..., version.
inline std::vector<ZipRecord> TorchRecords(const std::string& state,
                                           const std::vector<std::string>& storages) {
  std::vector<ZipRecord> records = {{"archive/data.pkl", state}, {"archive/byteorder", "little"}};
  for (size_t i = 0; i < storages.size(); ++i) {
    records.push_back({"archive/data/" + std::to_string(i), storages[i]});
  }
  records.push_back({"archive/version", "3\n"});
  return records;
}
inline std::string TorchZip(const std::string& value, const std::vector<std::string>& storages) {
  return ZipBytes(TorchRecords(pickle::Whole(value), storages));
}

// The older files.
struct LegacyParts {
  std::string magic = pickle::Whole("\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19");
  std::string protocol = pickle::Whole(pickle::Int(1001));
  std::string system =
      pickle::Whole(pickle::Dict({pickle::Text("protocol_version"), pickle::Int(1001),
                                  pickle::Text("little_endian"), "\x88"}));
  std::string state;
  std::string list;
  std::string storages;

  std::string Bytes() const { return magic + protocol + system + state + list + storages; }
  size_t state_begin() const { return magic.size() + protocol.size() + system.size(); }
  size_t list_begin() const { return state_begin() + state.size(); }
  size_t storages_begin() const { return list_begin() + list.size(); }
};

// Key, elements and bytes of each storage.
struct LegacyData {
  std::string key;
  uint64_t elements;
  std::string bytes;
};
inline LegacyParts TorchLegacy(const std::string& value, const std::vector<LegacyData>& storages) {
  LegacyParts parts;
  parts.state = pickle::Whole(value);
  pickle::Pieces keys;
  for (const LegacyData& storage : storages) {
    keys.push_back(pickle::Text(storage.key));
    parts.storages += Little(storage.elements, 8) + storage.bytes;
  }
  parts.list = pickle::Whole(pickle::List(keys));
  return parts;
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_PYTORCH_BYTES_H_
