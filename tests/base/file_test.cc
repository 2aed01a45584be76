#include "base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;
using testing::TemporaryFolder;

TEST(FileTest, ReadsAWholeFile) {
  const TemporaryFolder folder;
  const std::string contents("a\0b\n", 4);
  EXPECT_THAT(ReadFile(folder.Write("f", contents), 4), IsOkAndHolds(contents));
  EXPECT_THAT(ReadFile(folder.Write("empty", ""), 0), IsOkAndHolds(""));
}

TEST(FileTest, RefusesAFileAboveTheBound) {
  const TemporaryFolder folder;
  EXPECT_THAT(ReadFile(folder.Write("f", "12345"), 4),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("/f: expected at most 4 bytes, found 5")));
}

TEST(FileTest, SaysWhyAFileCannotBeOpened) {
  const TemporaryFolder folder;
  EXPECT_THAT(InputFile::Open(folder / "none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none: cannot open: No such file")));
  EXPECT_THAT(InputFile::Open(folder.Write("f", "") + "/below"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(InputFile::Open(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found a folder")));
}

TEST(FileTest, APipeIsRefusedWithoutWaitingForAWriter) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(InputFile::Open(folder / "pipe"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found a device or pipe")));
}

TEST(FileTest, ReadAtFillsFromTheOffset) {
  const TemporaryFolder folder;
  const auto file = InputFile::Open(folder.Write("f", "0123456789"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->size(), 10u);
  std::string out(4, ' ');
  EXPECT_THAT(file->ReadAt(3, absl::MakeSpan(out)), IsOk());
  EXPECT_EQ(out, "3456");
}

TEST(FileTest, ReadAtNamesThePlaceWhereAFileEndsTooEarly) {
  const TemporaryFolder folder;
  const auto file = InputFile::Open(folder.Write("f", "0123456789"));
  ASSERT_THAT(file, IsOk());
  std::string out(4, ' ');
  EXPECT_THAT(file->ReadAt(8, absl::MakeSpan(out)),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("/f: byte 10: expected 2 more bytes, found the end of the file")));
}

TEST(FileTest, AFileThatShrinksWhileItIsOpenIsDataLoss) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("f", "0123456789");
  const auto file = InputFile::Open(path);
  ASSERT_THAT(file, IsOk());
  ASSERT_EQ(::truncate(path.c_str(), 5), 0);
  std::string out(10, ' ');
  EXPECT_THAT(file->ReadAt(0, absl::MakeSpan(out)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("byte 5")));
}

TEST(FileTest, AMovedFileReadsOn) {
  const TemporaryFolder folder;
  auto first = InputFile::Open(folder.Write("a", "aa"));
  auto second = InputFile::Open(folder.Write("b", "bb"));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  const InputFile moved = *std::move(first);
  *second = InputFile(*InputFile::Open(folder / "a"));
  std::string out(2, ' ');
  EXPECT_THAT(moved.ReadAt(0, absl::MakeSpan(out)), IsOk());
  EXPECT_EQ(out, "aa");
  EXPECT_THAT(second->ReadAt(0, absl::MakeSpan(out)), IsOk());
  EXPECT_EQ(out, "aa");
}

TEST(FileTest, AMappedFileHasTheBytes) {
  const TemporaryFolder folder;
  auto mapped = MappedFile::Open(folder.Write("f", "0123456789"));
  ASSERT_THAT(mapped, IsOk());
  const MappedFile moved = *std::move(mapped);
  EXPECT_EQ(std::string(moved.bytes().begin(), moved.bytes().end()), "0123456789");
  const auto empty = MappedFile::Open(folder.Write("empty", ""));
  ASSERT_THAT(empty, IsOk());
  EXPECT_TRUE(empty->bytes().empty());
}

TEST(FileTest, TellsWhatHasAName) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("f", "");
  ASSERT_EQ(::symlink("nowhere", (folder / "link").c_str()), 0);
  EXPECT_TRUE(PathExists(file));
  EXPECT_TRUE(PathExists(folder / "link"));
  EXPECT_FALSE(PathExists(folder / "none"));
  EXPECT_TRUE(IsFolder(folder.path()));
  EXPECT_FALSE(IsFolder(file));
  EXPECT_FALSE(IsFolder(folder / "none"));
}

TEST(FileTest, JoinsByOneSlash) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a//", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath(".", "b"), "./b");
}

TEST(FileTest, SystemErrorsKeepTheirMeaning) {
  EXPECT_THAT(
      ErrnoStatus(ENOSPC, "m", "write"),
      StatusIs(absl::StatusCode::kResourceExhausted, "m: cannot write: No space left on device"));
  EXPECT_THAT(ErrnoStatus(EDQUOT, "m", "write"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ErrnoStatus(EEXIST, "m", "create"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ErrnoStatus(EACCES, "m", "open"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(ErrnoStatus(EIO, "m", "sync"),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr("m: cannot sync: "), HasSubstr("nput/output error"))));
}

TEST(FileTest, TheFileThatWasOpenedIsMapped) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("f", "old bytes");
  const auto file = InputFile::Open(path);
  ASSERT_THAT(file, IsOk());
  std::filesystem::rename(folder.Write("other", "new bytes"), path);
  const auto mapped = MappedFile::Map(*file);
  ASSERT_THAT(mapped, IsOk());
  EXPECT_EQ(std::string(mapped->bytes().begin(), mapped->bytes().end()), "old bytes");
}

TEST(FileTest, AFileThatShrankIsNotMapped) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("f", "0123456789");
  const auto file = InputFile::Open(path);
  ASSERT_THAT(file, IsOk());
  ASSERT_EQ(::truncate(path.c_str(), 5), 0);
  EXPECT_THAT(MappedFile::Map(*file),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("/f: expected 10 bytes, found 5: changed while it was read")));
}

TEST(FileTest, KnowsWhetherOthersMayWrite) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("f", "");
  for (const auto& [mode, only_owner] :
       {std::pair{0600, true}, {0644, true}, {0444, true}, {0664, false}, {0646, false}}) {
    ASSERT_EQ(::chmod(path.c_str(), static_cast<mode_t>(mode)), 0);
    EXPECT_EQ(InputFile::Open(path)->OnlyOwnerWrites(), only_owner) << mode;
  }
}

TEST(FileTest, AFileMayBeShownUnderAnotherName) {
  const TemporaryFolder folder;
  const auto file = InputFile::OpenOnly(folder.Write("f", "01"), "shown");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->path(), "shown");
  EXPECT_THAT(InputFile::OpenOnly(folder / "none", "shown"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("shown: cannot open")));
  EXPECT_THAT(ReadFile(*file, 2), IsOkAndHolds("01"));
  EXPECT_THAT(ReadFile(*file, 1), StatusIs(absl::StatusCode::kResourceExhausted,
                                           "shown: expected at most 1 bytes, found 2"));
}

}  // namespace
}  // namespace graft
