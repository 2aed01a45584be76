#include "base/durable.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

// What happens when calls of the system fail or the process is killed is in tests/fault.
namespace graft {
namespace {

using graft::testing::IsOk;
using graft::testing::StatusIs;
using graft::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> Entries(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

mode_t Mode(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

// Sets the umask for one test.
class Umask {
 public:
  explicit Umask(mode_t mask) : saved_(::umask(mask)) {}
  ~Umask() { ::umask(saved_); }

 private:
  mode_t saved_;
};

// Runs `body` in a child that dies without destructors, as by SIGKILL.
template <typename Body>
void DieAfter(Body body) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto kept = body();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(DurableFileTest, AppearsOnlyByCommit) {
  const TemporaryFolder folder;
  auto file = DurableFile::Create(folder / "f");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->Append("one "), IsOk());
  EXPECT_THAT(file->Append("two"), IsOk());
  EXPECT_EQ(file->size(), 7u);
  EXPECT_THAT(Entries(folder.path()), ElementsAre(StartsWith(".f.graft-tmp-")));
  EXPECT_THAT(file->Commit(), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre("f"));
  EXPECT_EQ(TemporaryFolder::Read(folder / "f"), "one two");
}

TEST(DurableFileTest, WithoutCommitNothingChanges) {
  const TemporaryFolder folder;
  folder.Write("f", "old");
  {
    auto file = DurableFile::Create(folder / "f");
    ASSERT_THAT(file, IsOk());
    EXPECT_THAT(file->Append("new"), IsOk());
  }
  EXPECT_THAT(Entries(folder.path()), ElementsAre("f"));
  EXPECT_EQ(TemporaryFolder::Read(folder / "f"), "old");
}

TEST(DurableFileTest, KeepsTheOrderOfSmallAndLargePieces) {
  const TemporaryFolder folder;
  std::string expected;
  auto file = DurableFile::Create(folder / "f");
  ASSERT_THAT(file, IsOk());
  for (const size_t size : {1, 1'000'000, 3, 48'573, 48'576, 5'000'000, 1 << 20, 0, 7}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    EXPECT_THAT(file->Append(piece), IsOk());
    expected += piece;
  }
  EXPECT_THAT(file->Commit(), IsOk());
  EXPECT_EQ(file->size(), expected.size());
  EXPECT_TRUE(TemporaryFolder::Read(folder / "f") == expected);
}

TEST(DurableFileTest, WritesOverWhatWasAppended) {
  const TemporaryFolder folder;
  auto file = DurableFile::Create(folder / "f");
  ASSERT_THAT(file, IsOk());
  const std::string large(3'000'000, 'x');
  EXPECT_THAT(file->Append("0123456789"), IsOk());
  EXPECT_THAT(file->WriteOver(2, "ab"), IsOk());
  EXPECT_THAT(file->Append(large), IsOk());
  EXPECT_THAT(file->WriteOver(4, "cd"), IsOk());
  EXPECT_THAT(file->Append("end"), IsOk());
  EXPECT_EQ(file->size(), large.size() + 13);
  EXPECT_THAT(file->Commit(), IsOk());
  EXPECT_TRUE(TemporaryFolder::Read(folder / "f") == "01abcd6789" + large + "end");
  EXPECT_THAT(file->WriteOver(0, "x"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(DurableFileTest, CanOnlyBeDestroyedAfterCommit) {
  const TemporaryFolder folder;
  auto file = DurableFile::Create(folder / "f");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->Commit(), IsOk());
  EXPECT_THAT(file->Append("x"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(file->Commit(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(DurableFileTest, HasTheModeOfTheFileThatItReplacesElseThatOfTheUmask) {
  const TemporaryFolder folder;
  const Umask umask(027);
  EXPECT_THAT(WriteFileDurably(folder / "new", "x"), IsOk());
  EXPECT_EQ(Mode(folder / "new"), 0640u);
  for (const mode_t mode : {0600, 0644, 0664, 0755, 0444}) {
    ASSERT_EQ(::chmod(folder.Write("old", "x").c_str(), mode), 0);
    EXPECT_THAT(WriteFileDurably(folder / "old", "y"), IsOk());
    EXPECT_EQ(Mode(folder / "old"), mode);
    ASSERT_EQ(::unlink((folder / "old").c_str()), 0);
  }
}

TEST(DurableFileTest, AReplacementOfAPrivateFileIsPrivateFromTheStart) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.Write("f", "x").c_str(), 0600), 0);
  const auto file = DurableFile::Create(folder / "f");
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(Entries(folder.path()), SizeIs(2));
  EXPECT_EQ(Mode(folder / Entries(folder.path())[0]), 0600u);
}

TEST(DurableFileTest, ASymbolicLinkStaysAndItsTargetIsReplaced) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "far");
  folder.Write("far/f", "old");
  ASSERT_EQ(::symlink("far/f", (folder / "link").c_str()), 0);
  EXPECT_THAT(WriteFileDurably(folder / "link", "new"), IsOk());
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(TemporaryFolder::Read(folder / "far/f"), "new");
  ASSERT_EQ(::symlink("nowhere", (folder / "broken").c_str()), 0);
  EXPECT_THAT(
      WriteFileDurably(folder / "broken", "new"),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("a symbolic link to nothing")));
}

TEST(DurableFileTest, RefusesWhatItCannotReplace) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "d");
  EXPECT_THAT(WriteFileDurably(folder / "d", "x"),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("/d: expected a regular file")));
  EXPECT_THAT(WriteFileDurably("/dev/full", "x"),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("found a device")));
  EXPECT_THAT(WriteFileDurably(folder / "none/f", "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/f: cannot create")));
  for (const char* name : {"", "/", ".", "..", "a/.."}) {
    EXPECT_THAT(WriteFileDurably(name, "x"), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(Entries(folder / "d"), IsEmpty());
}

TEST(DurableFileTest, NamesOf255BytesAreWritten) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  EXPECT_THAT(WriteFileDurably(folder / name, "x"), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(name));
}

TEST(DurableFileTest, RemovesTemporariesOfDeadWritersOfTheSameTargetOnly) {
  const TemporaryFolder folder;
  DieAfter([&] { return DurableFile::Create(folder / "f"); });
  DieAfter([&] { return DurableFile::Create(folder / "g"); });
  EXPECT_THAT(Entries(folder.path()),
              ElementsAre(StartsWith(".f.graft-tmp-"), StartsWith(".g.graft-tmp-")));
  EXPECT_THAT(WriteFileDurably(folder / "f", "x"), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(StartsWith(".g.graft-tmp-"), "f"));
}

TEST(DurableFileTest, TwoLivingWritersOfOneTargetDoNotDisturbEachOther) {
  const TemporaryFolder folder;
  auto first = DurableFile::Create(folder / "f");
  auto second = DurableFile::Create(folder / "f");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(first->Append("first"), IsOk());
  EXPECT_THAT(second->Append("second"), IsOk());
  EXPECT_THAT(first->Commit(), IsOk());
  EXPECT_EQ(TemporaryFolder::Read(folder / "f"), "first");
  EXPECT_THAT(second->Commit(), IsOk());
  EXPECT_EQ(TemporaryFolder::Read(folder / "f"), "second");
  EXPECT_THAT(Entries(folder.path()), ElementsAre("f"));
}

TEST(DurableFileTest, AMoveTakesTheFileAlong) {
  const TemporaryFolder folder;
  auto created = DurableFile::Create(folder / "f");
  ASSERT_THAT(created, IsOk());
  EXPECT_THAT(created->Append("a"), IsOk());
  std::optional<DurableFile> file(*std::move(created));
  EXPECT_THAT(created->Append("lost"), StatusIs(absl::StatusCode::kFailedPrecondition));
  auto other = DurableFile::Create(folder / "g");
  ASSERT_THAT(other, IsOk());
  *other = *std::move(file);
  file.reset();
  EXPECT_THAT(Entries(folder.path()), ElementsAre(StartsWith(".f.graft-tmp-")));
  EXPECT_THAT(other->Append("b"), IsOk());
  EXPECT_THAT(other->Commit(), IsOk());
  EXPECT_EQ(TemporaryFolder::Read(folder / "f"), "ab");
}

TEST(DurableFolderTest, AppearsOnlyByCommit) {
  const TemporaryFolder folder;
  auto model = DurableFolder::Create(folder / "m", false);
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->target(), folder / "m");
  EXPECT_THAT(WriteFileDurably(JoinPath(model->path(), "a"), "1"), IsOk());
  std::filesystem::create_directories(model->path() + "/sub/deep");
  EXPECT_THAT(WriteFileDurably(model->path() + "/sub/deep/b", "2"), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(StartsWith(".m.graft-tmp-")));
  EXPECT_THAT(model->Commit(), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre("m"));
  EXPECT_EQ(TemporaryFolder::Read(folder / "m/a"), "1");
  EXPECT_EQ(TemporaryFolder::Read(folder / "m/sub/deep/b"), "2");
  EXPECT_THAT(model->Commit(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(DurableFolderTest, WithoutCommitNothingChanges) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "m");
  folder.Write("m/a", "old");
  {
    auto model = DurableFolder::Create(folder / "m", true);
    ASSERT_THAT(model, IsOk());
    EXPECT_THAT(WriteFileDurably(JoinPath(model->path(), "a"), "new"), IsOk());
  }
  EXPECT_THAT(Entries(folder.path()), ElementsAre("m"));
  EXPECT_EQ(TemporaryFolder::Read(folder / "m/a"), "old");
}

TEST(DurableFolderTest, ReplacesTheWholeFolderAndKeepsItsMode) {
  const TemporaryFolder folder;
  const Umask umask(022);
  std::filesystem::create_directory(folder / "m");
  folder.Write("m/old-only", "old");
  ASSERT_EQ(::chmod((folder / "m").c_str(), 0750), 0);
  auto model = DurableFolder::Create((folder / "m") + "/", true);
  ASSERT_THAT(model, IsOk());
  EXPECT_THAT(WriteFileDurably(JoinPath(model->path(), "new-only"), "new"), IsOk());
  EXPECT_THAT(model->Commit(), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre("m"));
  EXPECT_THAT(Entries(folder / "m"), ElementsAre("new-only"));
  EXPECT_EQ(Mode(folder / "m"), 0750u);
}

TEST(DurableFolderTest, ASymbolicLinkStaysAlsoWithASlashBehindIt) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "far/m");
  folder.Write("far/m/a", "old");
  ASSERT_EQ(::symlink("far/m", (folder / "link").c_str()), 0);
  for (const char* name : {"link", "link/", "link//"}) {
    auto model = DurableFolder::Create(folder / name, true);
    ASSERT_THAT(model, IsOk());
    EXPECT_THAT(WriteFileDurably(JoinPath(model->path(), "a"), name), IsOk());
    EXPECT_THAT(model->Commit(), IsOk());
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_EQ(TemporaryFolder::Read(folder / "far/m/a"), name);
  }
  EXPECT_THAT(Entries(folder.path()), ElementsAre("far", "link"));
  EXPECT_THAT(Entries(folder / "far"), ElementsAre("m"));
}

TEST(DurableFolderTest, AFolderWithEntriesIsRefusedUnlessItMayBeReplaced) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "m");
  EXPECT_THAT(DurableFolder::Create(folder / "m", false), IsOk());
  folder.Write("m/a", "old");
  EXPECT_THAT(
      DurableFolder::Create(folder / "m", false),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("/m: expected an empty folder")));
  EXPECT_THAT(DurableFolder::Create(folder / "m/a", true),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("found a file")));
  EXPECT_THAT(DurableFolder::Create(folder / "none/m", true),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/m: cannot create")));
}

TEST(DurableFolderTest, EntriesThatCameMeanwhileAreNotReplacedUnasked) {
  const TemporaryFolder folder;
  auto model = DurableFolder::Create(folder / "m", false);
  ASSERT_THAT(model, IsOk());
  std::filesystem::create_directory(folder / "m");
  folder.Write("m/theirs", "x");
  EXPECT_THAT(model->Commit(), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("/m: ")));
  EXPECT_EQ(TemporaryFolder::Read(folder / "m/theirs"), "x");
}

TEST(DurableFolderTest, APipeInItIsRefusedWithoutWaiting) {
  const TemporaryFolder folder;
  auto model = DurableFolder::Create(folder / "m", false);
  ASSERT_THAT(model, IsOk());
  ASSERT_EQ(::mkfifo(JoinPath(model->path(), "pipe").c_str(), 0600), 0);
  EXPECT_THAT(model->Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/pipe: expected a file")));
}

TEST(DurableFolderTest, RemovesTemporariesOfDeadWritersWithTheirContents) {
  const TemporaryFolder folder;
  DieAfter([&] {
    auto model = DurableFolder::Create(folder / "m", false);
    std::filesystem::create_directory(model->path() + "/sub");
    WriteFileDurably(model->path() + "/sub/a", "1").IgnoreError();
    return model;
  });
  EXPECT_THAT(Entries(folder.path()), ElementsAre(StartsWith(".m.graft-tmp-")));
  const auto living = DurableFolder::Create(folder / "m", false);
  const auto next = DurableFolder::Create(folder / "m", false);
  EXPECT_THAT(living, IsOk());
  EXPECT_THAT(next, IsOk());
  EXPECT_THAT(Entries(folder.path()), SizeIs(2));
}

// What a process leaves that ends between the two renames of a replacement without exchange.
void LeaveSetAside(const TemporaryFolder& folder, const std::string& name) {
  std::filesystem::create_directory(folder / name);
  folder.Write(name + "/a", "old");
}

TEST(DurableFolderTest, AnInterruptedReplacementIsFoundAndPutBack) {
  const TemporaryFolder folder;
  LeaveSetAside(folder, ".m.graft-old-7-1");
  EXPECT_EQ(FindInterruptedReplacement(folder / "m"), folder / ".m.graft-old-7-1");
  EXPECT_EQ(FindInterruptedReplacement(folder / "other"), std::nullopt);
  EXPECT_THAT(DurableFolder::Create(folder / "m", false),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Entries(folder.path()), ElementsAre("m"));
  EXPECT_EQ(TemporaryFolder::Read(folder / "m/a"), "old");
  EXPECT_EQ(FindInterruptedReplacement(folder / "m"), std::nullopt);
}

TEST(DurableFolderTest, AnInterruptedReplacementIsPutBackOnRequest) {
  const TemporaryFolder folder;
  EXPECT_THAT(PutBackInterruptedReplacement(folder / "m"), IsOk());
  EXPECT_THAT(Entries(folder.path()), IsEmpty());
  LeaveSetAside(folder, ".m.graft-old-7-1");
  EXPECT_THAT(PutBackInterruptedReplacement(folder / "m"), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre("m"));
  LeaveSetAside(folder, ".m.graft-old-7-1");
  EXPECT_THAT(PutBackInterruptedReplacement(folder / "m"), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(".m.graft-old-7-1", "m"));
  EXPECT_THAT(PutBackInterruptedReplacement(folder / ".."),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(DurableFolderTest, WhatWasSetAsideGoesWhenItsReplacementIsThere) {
  const TemporaryFolder folder;
  LeaveSetAside(folder, ".m.graft-old-7-1");
  LeaveSetAside(folder, ".m.graft-old-name");
  LeaveSetAside(folder, "m");
  EXPECT_EQ(FindInterruptedReplacement(folder / "m"), std::nullopt);
  EXPECT_THAT(DurableFolder::Create(folder / "m", true), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(".m.graft-old-name", "m"));
}

TEST(DurableFolderTest, WhatALivingProcessSetAsideIsLeftAlone) {
  const TemporaryFolder folder;
  LeaveSetAside(folder, ".m.graft-old-7-1");
  const int owner = ::open((folder / ".m.graft-old-7-1").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(owner, LOCK_EX), 0);
  EXPECT_EQ(FindInterruptedReplacement(folder / "m"), std::nullopt);
  EXPECT_THAT(DurableFolder::Create(folder / "m", false), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(".m.graft-old-7-1"));
  ::close(owner);
}

TEST(DurableFolderTest, AFileOfTheNameLeavesWhatWasSetAside) {
  const TemporaryFolder folder;
  LeaveSetAside(folder, ".m.graft-old-7-1");
  EXPECT_THAT(WriteFileDurably(folder / "m", "x"), IsOk());
  EXPECT_THAT(WriteFileDurably(folder / "m", "y"), IsOk());
  EXPECT_THAT(Entries(folder.path()), ElementsAre(".m.graft-old-7-1", "m"));
}

TEST(DurableFolderTest, AMoveTakesTheFolderAlong) {
  const TemporaryFolder folder;
  auto created = DurableFolder::Create(folder / "m", false);
  ASSERT_THAT(created, IsOk());
  DurableFolder model = *std::move(created);
  EXPECT_THAT(created->Commit(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(WriteFileDurably(JoinPath(model.path(), "a"), "1"), IsOk());
  EXPECT_THAT(model.Commit(), IsOk());
  EXPECT_THAT(Entries(folder / "m"), ElementsAre("a"));
}

}  // namespace
}  // namespace graft
