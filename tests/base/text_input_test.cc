#include "base/text_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;
using testing::TemporaryFolder;

std::string Gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

absl::StatusOr<std::vector<std::string>> ReadLines(const std::string& path,
                                                   const TextInputOptions& options = {}) {
  ABSL_ASSIGN_OR_RETURN(TextInput input, TextInput::Open(path, options));
  std::vector<std::string> lines;
  std::string line;
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const bool more, input.Next(line));
    if (!more) return lines;
    lines.push_back(line);
  }
}

absl::StatusOr<std::vector<std::string>> LinesOf(std::string_view contents,
                                                 const TextInputOptions& options = {}) {
  const TemporaryFolder folder;
  return ReadLines(folder.Write("t", contents), options);
}

TEST(TextInputTest, GivesLinesWithoutTheirEnds) {
  EXPECT_THAT(LinesOf("a\nbc\n"), IsOkAndHolds(ElementsAre("a", "bc")));
  EXPECT_THAT(LinesOf("a\r\nb\n\r\nc"), IsOkAndHolds(ElementsAre("a", "b", "", "c")));
  EXPECT_THAT(LinesOf("a\rb\r"), IsOkAndHolds(ElementsAre("a\rb")));
  EXPECT_THAT(LinesOf(""), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(LinesOf("\n"), IsOkAndHolds(ElementsAre("")));
  EXPECT_THAT(LinesOf("\n\n"), IsOkAndHolds(ElementsAre("", "")));
}

TEST(TextInputTest, SkipsOneByteOrderMarkAtTheStartOnly) {
  EXPECT_THAT(LinesOf("\xEF\xBB\xBFx\n\xEF\xBB\xBFy\n"),
              IsOkAndHolds(ElementsAre("x", "\xEF\xBB\xBFy")));
  EXPECT_THAT(LinesOf("\xEF\xBB\xBF"), IsOkAndHolds(IsEmpty()));
}

TEST(TextInputTest, CountsLinesAndBytes) {
  const TemporaryFolder folder;
  auto input = TextInput::Open(folder.Write("t",
                                            "\xEF\xBB\xBF"
                                            "ab\r\n\ncde"),
                               {});
  ASSERT_THAT(input, IsOk());
  EXPECT_EQ(input->line_number(), 0);
  EXPECT_EQ(input->name(), folder / "t");
  std::string line;
  for (const uint64_t offset : {3, 7, 8}) {
    ASSERT_THAT(input->Next(line), IsOkAndHolds(true));
    EXPECT_EQ(input->byte_offset(), offset);
  }
  EXPECT_EQ(input->line_number(), 3);
  EXPECT_THAT(input->Next(line), IsOkAndHolds(false));
  EXPECT_THAT(input->Next(line), IsOkAndHolds(false));
  EXPECT_EQ(input->line_number(), 3);
  EXPECT_EQ(input->byte_offset(), 11u);
}

TEST(TextInputTest, LinesMayCrossTheBufferAnywhere) {
  constexpr size_t kBuffer = 256 << 10;
  for (const size_t first : {kBuffer - 2, kBuffer - 1, kBuffer, kBuffer + 1, 3 * kBuffer}) {
    for (const char* end : {"\n", "\r\n"}) {
      const std::string line(first, 'x');
      EXPECT_THAT(LinesOf(line + end + "y" + end), IsOkAndHolds(ElementsAre(line, "y"))) << first;
    }
  }
}

TEST(TextInputTest, RefusesNulAndUtf16WithThePlace) {
  EXPECT_THAT(LinesOf(std::string_view("ab\nc\0d\n", 7)),
              StatusIs(absl::StatusCode::kDataLoss,
                       EndsWith("/t:2: byte 4: expected text, found a NUL byte")));
  for (const char* mark : {"\xFF\xFE", "\xFE\xFF"}) {
    EXPECT_THAT(LinesOf(std::string(mark) + "a"),
                StatusIs(absl::StatusCode::kDataLoss,
                         EndsWith("/t:1: byte 0: expected UTF-8, found a UTF-16 byte-order mark")));
  }
}

TEST(TextInputTest, RefusesIllFormedUtf8WithThePlaceAndStaysRefused) {
  const TemporaryFolder folder;
  auto input = TextInput::Open(folder.Write("t", "ok\nab\xFF\nok\n"), {});
  ASSERT_THAT(input, IsOk());
  std::string line;
  EXPECT_THAT(input->Next(line), IsOkAndHolds(true));
  const auto refused =
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("/t:2: byte 5: expected UTF-8"));
  EXPECT_THAT(input->Next(line), refused);
  EXPECT_EQ(input->line_number(), 2);
  EXPECT_THAT(input->Next(line), refused);
}

TEST(TextInputTest, ReplacesAndCountsIllFormedPartsOnRequest) {
  const TemporaryFolder folder;
  auto input = TextInput::Open(folder.Write("t",
                                            "a\xFF"
                                            "b\xE2\x82\n\xF0\x9F\x98"
                                            "c\n\xC3\xA9\n"),
                               {.invalid_utf8 = InvalidUtf8::kReplace});
  ASSERT_THAT(input, IsOk());
  std::string line;
  EXPECT_THAT(input->Next(line), IsOkAndHolds(true));
  EXPECT_EQ(line,
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(input->replaced(), 2);
  EXPECT_THAT(input->Next(line), IsOkAndHolds(true));
  EXPECT_EQ(line,
            "\xEF\xBF\xBD"
            "c");
  EXPECT_EQ(input->byte_offset(), 6u);
  EXPECT_THAT(input->Next(line), IsOkAndHolds(true));
  EXPECT_EQ(line, "\xC3\xA9");
  EXPECT_EQ(input->byte_offset(), 11u);
  EXPECT_EQ(input->replaced(), 3);
}

TEST(TextInputTest, BoundsTheLengthOfALine) {
  const TextInputOptions options = {.max_line_bytes = 5};
  EXPECT_THAT(LinesOf("12345\r\n12345", options), IsOkAndHolds(ElementsAre("12345", "12345")));
  const auto refused =
      StatusIs(absl::StatusCode::kResourceExhausted,
               EndsWith("/t:2: byte 3: expected a line of at most 5 bytes, found a longer one"));
  EXPECT_THAT(LinesOf("ab\n123456\n", options), refused);
  EXPECT_THAT(LinesOf("ab\n123456", options), refused);
  EXPECT_THAT(LinesOf("ab\n" + std::string(1'000'000, 'x'), options), refused);
}

TEST(TextInputTest, UnpacksGzip) {
  EXPECT_THAT(LinesOf(Gzip("a\nb\r\nc")), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(LinesOf(Gzip("")), IsOkAndHolds(IsEmpty()));
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i * 7919) + "\n";
  const auto lines = LinesOf(Gzip(text));
  ASSERT_THAT(lines, IsOk());
  ASSERT_EQ(lines->size(), 200'000u);
  EXPECT_EQ(lines->back(), std::to_string(199'999 * 7919));
}

TEST(TextInputTest, GzipMembersFollowOneAnotherAndZerosPad) {
  EXPECT_THAT(LinesOf(Gzip("a\nb") + Gzip("") + Gzip("c\n") + std::string(600'000, '\0')),
              IsOkAndHolds(ElementsAre("a", "bc")));
}

TEST(TextInputTest, OtherBytesBehindGzipDataAreRefusedWithTheirPlace) {
  const std::string packed = Gzip("a\n");
  EXPECT_THAT(LinesOf(packed + "x"),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("byte " + std::to_string(packed.size()) + ": expected a gzip")));
}

TEST(TextInputTest, EveryTruncationOfGzipDataIsRefusedAtItsEnd) {
  const std::string packed = Gzip("some text\nand more of it\n");
  for (size_t size = 2; size < packed.size(); ++size) {
    EXPECT_THAT(LinesOf(packed.substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss,
                         HasSubstr("/t: byte " + std::to_string(size) +
                                   ": expected more gzip data, found the end of the file")))
        << size;
  }
}

// Without effect are the time and the operating system in the header, and the bits that fill up the
// last byte of the packed data.
TEST(TextInputTest, EveryFlippedBitOfGzipDataIsRefusedOrWithoutEffect) {
  const std::string packed = Gzip("some text\nand more of it\n");
  size_t without_effect = 0;
  for (size_t bit = 16; bit < packed.size() * 8; ++bit) {
    std::string damaged = packed;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    const auto lines = LinesOf(damaged);
    if (lines.ok()) {
      EXPECT_THAT(*lines, ElementsAre("some text", "and more of it")) << bit;
      ++without_effect;
    } else {
      EXPECT_THAT(lines.status(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("/t: byte ")))
          << bit;
    }
  }
  EXPECT_LE(without_effect, 6 * 8 + 7u);
}

TEST(TextInputTest, ASmallGzipFileCannotDemandALongLine) {
  EXPECT_THAT(LinesOf(Gzip(std::string(50'000'000, 'a'))),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 16777216 bytes")));
}

TEST(TextInputTest, SaysWhyItCannotOpen) {
  const TemporaryFolder folder;
  EXPECT_THAT(TextInput::Open(folder / "none", {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none: cannot open")));
  EXPECT_THAT(TextInput::Open(folder.path(), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found a folder")));
}

TEST(TextInputTest, ReadsAPipeThatComesInSmallPieces) {
  const TemporaryFolder folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    const int descriptor = ::open(path.c_str(), O_WRONLY);
    for (const char c : Gzip("one\ntwo\r\nthree")) EXPECT_EQ(::write(descriptor, &c, 1), 1);
    ::close(descriptor);
  });
  EXPECT_THAT(ReadLines(path), IsOkAndHolds(ElementsAre("one", "two", "three")));
  writer.join();
}

// A pipe whose writing end is held open.
class OpenPipe {
 public:
  OpenPipe() {
    EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0);
    descriptor_ = ::open(path().c_str(), O_RDWR);  // does not wait for a reader
  }
  ~OpenPipe() { Close(); }
  std::string path() const { return folder_ / "pipe"; }
  void Write(std::string_view text) {
    EXPECT_EQ(::write(descriptor_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  const TemporaryFolder folder_;
  int descriptor_ = -1;
};

TEST(TextInputTest, IsReadyForAWholeLineAndForTheEnd) {
  OpenPipe pipe;
  auto input = TextInput::Open(pipe.path(), {});
  ASSERT_THAT(input, IsOk());
  EXPECT_FALSE(input->Ready());
  std::string line;
  for (const char* mark : {"\xEF\xBB\xBF", ""}) {
    pipe.Write(absl::StrCat(mark, "one\nt"));
    EXPECT_TRUE(input->Ready());
    ASSERT_THAT(input->Next(line), IsOkAndHolds(true));
    EXPECT_EQ(line, "one");
    EXPECT_FALSE(input->Ready()) << "a line begins";
    pipe.Write("w");
    EXPECT_FALSE(input->Ready());
    pipe.Write("o\n");
    EXPECT_TRUE(input->Ready());
    ASSERT_THAT(input->Next(line), IsOkAndHolds(true));
    EXPECT_EQ(line, "two");
  }
  pipe.Write("end");
  EXPECT_FALSE(input->Ready());
  pipe.Close();
  EXPECT_TRUE(input->Ready());
  ASSERT_THAT(input->Next(line), IsOkAndHolds(true));
  EXPECT_EQ(line, "end");
  EXPECT_TRUE(input->Ready());
  EXPECT_THAT(input->Next(line), IsOkAndHolds(false));
}

TEST(TextInputTest, StopsWhereItWaits) {
  for (const std::string& begin :
       {std::string(), std::string("half a line"), Gzip("a\n").substr(0, 9)}) {
    OpenPipe pipe;
    int questions = 0;
    auto input = TextInput::Open(pipe.path(), {.stop = [&] { return ++questions > 3; }});
    ASSERT_THAT(input, IsOk());
    pipe.Write(begin);
    std::string line;
    const auto stopped = StatusIs(absl::StatusCode::kCancelled, HasSubstr("/pipe: stopped"));
    EXPECT_THAT(input->Next(line), stopped);
    EXPECT_THAT(input->Next(line), stopped);
    EXPECT_EQ(questions, 4);
  }
}

TEST(TextInputTest, ReadsStandardInputAndLeavesItOpen) {
  const TemporaryFolder folder;
  const int file = ::open(folder.Write("t", "a\n\xFF\n").c_str(), O_RDONLY);
  const int saved = ::dup(STDIN_FILENO);
  ASSERT_GE(::dup2(file, STDIN_FILENO), 0);
  {
    auto input = TextInput::Open("-", {});
    ASSERT_THAT(input, IsOk());
    std::string line;
    EXPECT_THAT(input->Next(line), IsOkAndHolds(true));
    EXPECT_EQ(line, "a");
    EXPECT_THAT(input->Next(line),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("standard input:2: byte 2: ")));
  }
  EXPECT_GE(::fcntl(STDIN_FILENO, F_GETFD), 0);
  if (saved >= 0) ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(file);
}

}  // namespace
}  // namespace graft
