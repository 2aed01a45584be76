#include "embeddings/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/input_stream.h"
#include "embeddings/zip_entry.h"

namespace graft {
namespace {

constexpr uint64_t kProgressBytes = uint64_t{1} << 20;
// Deflate makes at most so many bytes of one (zlib's technical notes).
constexpr uint64_t kMostPerByte = 1032;

}  // namespace

class ByteSource::Reader {
 public:
  virtual ~Reader() = default;
  // At least one byte, or 0 at the end.
  virtual absl::StatusOr<size_t> Read(absl::Span<char> out) = 0;
  // Bytes of the file that were read.
  virtual uint64_t file_bytes() const = 0;
};

void ByteSource::Closer::operator()(Reader* reader) const { delete reader; }

class ByteSource::PlainReader : public Reader {
 public:
  explicit PlainReader(InputFile file) : file_(std::move(file)) {}

  absl::StatusOr<size_t> Read(absl::Span<char> out) override {
    const size_t count = std::min<uint64_t>(out.size(), file_.size() - at_);
    ABSL_RETURN_IF_ERROR(file_.ReadAt(at_, out.subspan(0, count)));
    at_ += count;
    return count;
  }
  uint64_t file_bytes() const override { return at_; }

 private:
  InputFile file_;
  uint64_t at_ = 0;
};

class ByteSource::GzipReader : public Reader {
 public:
  explicit GzipReader(std::unique_ptr<InputStream> stream) : stream_(std::move(stream)) {}
  absl::StatusOr<size_t> Read(absl::Span<char> out) override { return stream_->Read(out); }
  uint64_t file_bytes() const override { return stream_->file_offset(); }

 private:
  std::unique_ptr<InputStream> stream_;
};

class ByteSource::ZipReader : public Reader {
 public:
  static absl::StatusOr<std::unique_ptr<Reader, Closer>> Open(InputFile file, PackedEntry entry) {
    ABSL_ASSIGN_OR_RETURN(const uint64_t begin, FindZipData(file, entry));
    std::unique_ptr<ZipReader, Closer> reader(
        new ZipReader(std::move(file), std::move(entry), begin));
    if (inflateInit2(&reader->stream_, -MAX_WBITS) != Z_OK) {
      return absl::ResourceExhaustedError(
          absl::StrCat(reader->file_.path(), ": no memory to unpack zip data"));
    }
    return std::unique_ptr<Reader, Closer>(reader.release());
  }
  ~ZipReader() override { inflateEnd(&stream_); }

  absl::StatusOr<size_t> Read(absl::Span<char> out) override {
    ABSL_ASSIGN_OR_RETURN(const size_t count, entry_.method == 0 ? Copy(out) : Inflate(out));
    crc_ = static_cast<uint32_t>(crc32_z(crc_, reinterpret_cast<const Bytef*>(out.data()), count));
    given_ += count;
    if (count == 0 && (given_ != entry_.size || crc_ != entry_.crc)) {
      return Error(absl::StrCat(entry_.size, " bytes with CRC-32 ", entry_.crc),
                   absl::StrCat(given_, " with ", crc_));
    }
    return count;
  }
  uint64_t file_bytes() const override { return at_; }

 private:
  ZipReader(InputFile file, PackedEntry entry, uint64_t begin)
      : file_(std::move(file)),
        entry_(std::move(entry)),
        at_(begin),
        end_(begin + entry_.packed),
        raw_(size_t{256} << 10) {}

  absl::Status Error(std::string_view expected, std::string_view found) const {
    return absl::DataLossError(
        absl::StrCat(file_.path(), ": byte ", at_, ": expected ", expected, ", found ", found));
  }

  absl::StatusOr<size_t> Copy(absl::Span<char> out) {
    const size_t count = std::min<uint64_t>(out.size(), end_ - at_);
    ABSL_RETURN_IF_ERROR(file_.ReadAt(at_, out.subspan(0, count)));
    at_ += count;
    return count;
  }

  absl::StatusOr<size_t> Inflate(absl::Span<char> out) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(out.size(), 1u << 30));
    const uInt room = stream_.avail_out;
    while (!ended_ && stream_.avail_out == room) {
      if (stream_.avail_in == 0) {
        const size_t count = std::min<uint64_t>(raw_.size(), end_ - at_);
        if (count == 0) return Error("more deflate data", "the end of the entry");
        ABSL_RETURN_IF_ERROR(file_.ReadAt(at_, absl::MakeSpan(raw_.data(), count)));
        at_ += count;
        stream_.next_in = reinterpret_cast<Bytef*>(raw_.data());
        stream_.avail_in = static_cast<uInt>(count);
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      ended_ = result == Z_STREAM_END;
      if (!ended_ && result != Z_OK && result != Z_BUF_ERROR) {
        return Error("deflate data", stream_.msg != nullptr ? stream_.msg : "damage");
      }
    }
    return room - stream_.avail_out;
  }

  InputFile file_;
  PackedEntry entry_;
  uint64_t at_;
  uint64_t end_;
  std::vector<char> raw_;
  z_stream stream_ = {};
  bool ended_ = false;
  uint64_t given_ = 0;
  uint32_t crc_ = 0;
};

ByteSource::ByteSource(std::string name, std::string packing, uint64_t max_size,
                       std::unique_ptr<Reader, Closer> reader)
    : name_(std::move(name)),
      packing_(std::move(packing)),
      max_size_(max_size),
      reader_(std::move(reader)) {}

namespace {

absl::StatusOr<PackedEntry> ChooseEntry(const InputFile& file, const std::string& name) {
  ABSL_ASSIGN_OR_RETURN(const std::vector<PackedEntry> entries, ListZipEntries(file));
  if (name.empty() && entries.size() == 1) return entries[0];
  std::string names;
  for (const PackedEntry& entry : entries) {
    if (entry.name == name) return entry;
    if (names.size() < 1000) absl::StrAppend(&names, names.empty() ? "" : ", ", entry.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(file.path(), ": expected ", name.empty() ? "an archive of one file" : name,
                   ", found ", entries.size(), " files", names.empty() ? "" : ": ", names));
}

uint64_t MostOf(uint64_t packed) {
  return packed > UINT64_MAX / kMostPerByte ? UINT64_MAX : packed * kMostPerByte;
}

}  // namespace

absl::StatusOr<ByteSource> ByteSource::Open(const std::string& path, const std::string& entry) {
  ABSL_ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  char magic[4] = {};
  ABSL_RETURN_IF_ERROR(
      file.ReadAt(0, absl::MakeSpan(magic, std::min<uint64_t>(sizeof(magic), file.size()))));
  const std::string_view start(magic, sizeof(magic));
  const uint64_t size = file.size();
  // The second begins an archive of no files.
  if (start.starts_with("PK\x03\x04") || start.starts_with("PK\x05\x06")) {
    ABSL_ASSIGN_OR_RETURN(PackedEntry chosen, ChooseEntry(file, entry));
    const std::string name = absl::StrCat(path, ": ", chosen.name);
    const uint64_t most = std::min(chosen.size, MostOf(chosen.packed));
    ABSL_ASSIGN_OR_RETURN(auto reader, ZipReader::Open(std::move(file), std::move(chosen)));
    return ByteSource(name, "zip", most, std::move(reader));
  }
  if (!entry.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a zip archive with ", entry, ", found no archive"));
  }
  if (start.starts_with("\x1F\x8B")) {
    ABSL_ASSIGN_OR_RETURN(std::unique_ptr<InputStream> stream, InputStream::Open(path));
    return ByteSource(path, "gzip", MostOf(size),
                      std::unique_ptr<Reader, Closer>(new GzipReader(std::move(stream))));
  }
  return ByteSource(path, "", size,
                    std::unique_ptr<Reader, Closer>(new PlainReader(std::move(file))));
}

// At least one byte; 0 at the end and before a fault, which is kept.
absl::StatusOr<size_t> ByteSource::ReadSome(absl::Span<char> out) {
  ABSL_RETURN_IF_ERROR(fault_);
  absl::StatusOr<size_t> got = reader_->Read(out);
  if (got.ok()) return *got;
  fault_ = got.status();
  return 0;
}

absl::StatusOr<std::string_view> ByteSource::Peek(size_t count) {
  // More than is asked for, so that many small pieces do not each cost a call of the system.
  constexpr size_t kLeast = size_t{64} << 10;
  if (ahead_.size() - ahead_at_ < count) {
    ahead_.erase(0, ahead_at_);
    ahead_at_ = 0;
    size_t have = ahead_.size();
    const size_t wanted = std::max(count, kLeast);
    while (have < count) {
      ahead_.resize(wanted);
      const absl::StatusOr<size_t> got =
          ReadSome(absl::MakeSpan(ahead_.data() + have, wanted - have));
      if (!got.ok() || *got == 0) break;
      have += *got;
    }
    ahead_.resize(have);
    if (have == 0) ABSL_RETURN_IF_ERROR(fault_);
  }
  return std::string_view(ahead_).substr(ahead_at_, count);
}

absl::StatusOr<size_t> ByteSource::Read(absl::Span<char> out) {
  size_t done = std::min(out.size(), ahead_.size() - ahead_at_);
  std::memcpy(out.data(), ahead_.data() + ahead_at_, done);
  ahead_at_ += done;
  while (done < out.size()) {
    const absl::StatusOr<size_t> got = ReadSome(out.subspan(done));
    if (!got.ok() || *got == 0) break;
    done += *got;
  }
  if (done == 0 && !out.empty()) ABSL_RETURN_IF_ERROR(fault_);
  position_ += done;
  if (progress_ && reader_->file_bytes() >= told_ + kProgressBytes) {
    told_ = reader_->file_bytes();
    progress_(told_);
  }
  return done;
}

}  // namespace graft
