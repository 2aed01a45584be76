#include "base/input_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace graft {
namespace {

constexpr size_t kRawBytes = size_t{256} << 10;
constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr int kMillisecondsBetweenQuestions = 50;  // whether to stop

// Whether a read would not wait; waits for that at most so long, without end below 0. A signal may
// end the wait.
bool Readable(int descriptor, int milliseconds) {
  pollfd wait = {.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, milliseconds) > 0;
}

}  // namespace

struct InputStream::Inflater {
  z_stream stream = {};
  bool in_member = true;
  bool at_end = false;
  ~Inflater() { inflateEnd(&stream); }
};

absl::StatusOr<std::unique_ptr<InputStream>> InputStream::Open(const std::string& path,
                                                               std::function<bool()> stop) {
  if (path == "-") {
    return std::unique_ptr<InputStream>(
        new InputStream("standard input", STDIN_FILENO, false, std::move(stop)));
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrnoStatus(errno, path, "open");
  std::unique_ptr<InputStream> stream(new InputStream(path, descriptor, true, std::move(stop)));
  struct stat info;
  if (::fstat(descriptor, &info) != 0) return ErrnoStatus(errno, path, "examine");
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a file, found a folder"));
  }
  return stream;
}

InputStream::InputStream(std::string name, int descriptor, bool owned, std::function<bool()> stop)
    : name_(std::move(name)),
      descriptor_(descriptor),
      owned_(owned),
      stop_(std::move(stop)),
      raw_(kRawBytes) {}

InputStream::~InputStream() {
  if (owned_) ::close(descriptor_);
}

absl::Status InputStream::Wait() const {
  if (!stop_) return absl::OkStatus();  // reading waits
  do {
    if (stop_()) return absl::CancelledError(absl::StrCat(name_, ": stopped"));
  } while (!Readable(descriptor_, kMillisecondsBetweenQuestions));
  return absl::OkStatus();
}

absl::StatusOr<bool> InputStream::Fill() {
  if (begin_ > 0) {
    std::memmove(raw_.data(), raw_.data() + begin_, end_ - begin_);
    raw_offset_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  while (true) {
    ABSL_RETURN_IF_ERROR(Wait());
    const ssize_t got = ::read(descriptor_, raw_.data() + end_, raw_.size() - end_);
    if (got >= 0) {
      end_ += static_cast<size_t>(got);
      return got > 0;
    }
    // Standard input may have been made non-blocking by its other users.
    if (errno == EAGAIN && (stop_ || Readable(descriptor_, -1) || errno == EINTR)) continue;
    if (errno == EINTR) continue;
    return ErrnoStatus(errno, name_, absl::StrCat("read at byte ", raw_offset_ + end_));
  }
}

absl::Status InputStream::Start() {
  started_ = true;
  while (end_ < kGzipMagic.size()) {
    ABSL_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) return absl::OkStatus();
  }
  if (!std::string_view(raw_.data(), end_).starts_with(kGzipMagic)) return absl::OkStatus();
  auto inflater = std::make_unique<Inflater>();
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&inflater->stream, kGzipOnly) != Z_OK) {
    return absl::ResourceExhaustedError(absl::StrCat(name_, ": no memory to unpack gzip data"));
  }
  inflater_ = std::move(inflater);
  return absl::OkStatus();
}

absl::StatusOr<size_t> InputStream::Read(absl::Span<char> out) {
  if (!started_) {
    ABSL_RETURN_IF_ERROR(Start());
  }
  if (inflater_ != nullptr) return Inflate(out);
  if (begin_ == end_) {
    ABSL_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) return 0;
  }
  const size_t count = std::min(out.size(), end_ - begin_);
  std::memcpy(out.data(), raw_.data() + begin_, count);
  begin_ += count;
  return count;
}

bool InputStream::Ready() const {
  return begin_ < end_ || inflater_ != nullptr || Readable(descriptor_, 0);
}

absl::Status InputStream::Damaged(std::string_view expected, std::string_view found) const {
  return absl::DataLossError(absl::StrCat(name_, ": byte ", raw_offset_ + begin_, ": expected ",
                                          expected, ", found ", found));
}

absl::StatusOr<size_t> InputStream::Inflate(absl::Span<char> out) {
  z_stream& stream = inflater_->stream;
  while (!inflater_->at_end) {
    if (!inflater_->in_member) {
      ABSL_ASSIGN_OR_RETURN(inflater_->in_member, NextMember());
      if (!inflater_->in_member) break;
    }
    if (begin_ == end_) {
      ABSL_ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) return Damaged("more gzip data", "the end of the file");
    }
    stream.next_in = reinterpret_cast<Bytef*>(raw_.data() + begin_);
    stream.avail_in = static_cast<uInt>(end_ - begin_);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(std::min<size_t>(out.size(), 1u << 30));
    const uInt room = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    begin_ = end_ - stream.avail_in;
    if (result == Z_STREAM_END) {
      inflater_->in_member = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return Damaged("gzip data",
                     stream.msg != nullptr ? stream.msg : "damage that zlib does not name");
    }
    if (stream.avail_out < room) return room - stream.avail_out;
  }
  return 0;
}

absl::StatusOr<bool> InputStream::NextMember() {
  while (true) {
    while (begin_ < end_ && raw_[begin_] == 0) ++begin_;  // tape blocks are padded by zeros
    if (end_ - begin_ >= kGzipMagic.size()) break;
    ABSL_ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more && begin_ == end_) {
      inflater_->at_end = true;
      return false;
    }
    if (!more) break;
  }
  if (!std::string_view(raw_.data() + begin_, end_ - begin_).starts_with(kGzipMagic)) {
    return Damaged("a gzip member or the end of the file", "other bytes");
  }
  if (inflateReset(&inflater_->stream) != Z_OK) {
    return absl::InternalError(absl::StrCat(name_, ": zlib cannot start a gzip member"));
  }
  return true;
}

}  // namespace graft
