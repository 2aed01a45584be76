// Weights in several files: what an index may name, and what it may not.
#include "models/weights/shard_index.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/sample_models.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class ShardIndexTest : public ::testing::Test {
 protected:
  // A file of one tensor [2].
  void WriteShard(const std::string& path, const std::string& tensor, float first = 1) {
    const float values[] = {first, first + 1};
    const absl::Span<const char> bytes(reinterpret_cast<const char*>(values), sizeof(values));
    ASSERT_THAT(WriteSafetensors(path, {{tensor, DType::kF32, {2}, bytes}}, {}), IsOk());
  }
  absl::StatusOr<WeightFiles> Load(const std::string& weight_map) {
    return WeightFiles::Open(folder_.Write(
        "model.safetensors.index.json",
        absl::StrCat(R"({"metadata": {"total_size": 1}, "weight_map": )", weight_map, "}")));
  }
  // With one name of a file.
  absl::StatusOr<WeightFiles> LoadNamed(const std::string& name) {
    return Load(absl::StrCat(R"({"t": ")", name, R"("})"));
  }

  TemporaryFolder folder_;
};

TEST_F(ShardIndexTest, TensorsOfAllFilesAreFound) {
  WriteShard(folder_ / "a.safetensors", "first", 1);
  WriteShard(folder_ / "b.safetensors", "second", 3);
  const auto weights = Load(R"({"second": "b.safetensors", "first": "a.safetensors"})");
  ASSERT_THAT(weights, IsOk());
  ASSERT_EQ(weights->tensors().size(), 2);
  std::vector<float> values(2);
  ASSERT_THAT(weights->ReadAsFloat(*weights->Find("second"), absl::MakeSpan(values)), IsOk());
  EXPECT_THAT(values, ElementsAre(3, 4));
  EXPECT_THAT(weights->paths(), ElementsAre(folder_ / "model.safetensors.index.json",
                                            folder_ / "b.safetensors", folder_ / "a.safetensors"));
  EXPECT_TRUE(weights->written_by_graft());
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()), IsOk());
}

TEST_F(ShardIndexTest, NamesThatLeaveTheFolderAreRefused) {
  std::filesystem::create_directory(folder_ / "a");
  WriteShard(folder_ / "x.safetensors", "t");
  for (const char* name :
       {"../x.safetensors", "/etc/passwd", "a/../x.safetensors", "a/../../x", "./x.safetensors",
        R"(..\\x.safetensors)", R"(a\u0000b)", "", ".", "..", "a/x"}) {
    EXPECT_THAT(LoadNamed(name),
                StatusIs(kDataLoss, AllOf(HasSubstr("index.json: weight_map.t: "),
                                          HasSubstr("expected the name of a file in this folder"))))
        << name;
  }
  EXPECT_THAT(LoadNamed("x.safetensors"), IsOk());
}

TEST_F(ShardIndexTest, LinksPipesAndFoldersAreRefused) {
  const TemporaryFolder elsewhere;
  WriteShard(elsewhere / "x.safetensors", "t");
  std::filesystem::create_symlink(elsewhere / "x.safetensors", folder_ / "link");
  EXPECT_THAT(LoadNamed("link"),
              StatusIs(kInvalid, HasSubstr("/link: expected a file of this folder, found a link")));
  WriteShard(folder_ / "own", "t");
  std::filesystem::create_symlink("own", folder_ / "inner");
  EXPECT_THAT(LoadNamed("inner"), StatusIs(kInvalid, HasSubstr("found a link")));
  std::filesystem::create_hard_link(elsewhere / "x.safetensors", folder_ / "hard");
  EXPECT_THAT(LoadNamed("hard"),
              StatusIs(kInvalid, HasSubstr("/hard: expected a file with one name, found one with 2 "
                                           "(hard links)")));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(LoadNamed("pipe"), StatusIs(kInvalid, HasSubstr("found a device or pipe")));
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_THAT(LoadNamed("folder"), StatusIs(kInvalid, HasSubstr("found a folder")));
}

// A folder that is a link leads to the folder that the caller asked for; a link inside of it cannot
// be named.
TEST_F(ShardIndexTest, AFolderMayBeALinkAndAFileBehindOneMayNot) {
  const TemporaryFolder elsewhere;
  WriteShard(elsewhere / "x.safetensors", "t");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder_ / "parent");
  for (const char* name : {"parent/x.safetensors", "parent", "./parent/x.safetensors"}) {
    EXPECT_FALSE(LoadNamed(name).ok()) << name;
  }
  EXPECT_THAT(LoadNamed("parent/x.safetensors"),
              StatusIs(kDataLoss, HasSubstr("weight_map.t: expected the name of a file in this "
                                            "folder, found 'parent/x.safetensors'")));
  EXPECT_THAT(LoadNamed("parent"), StatusIs(kInvalid, HasSubstr("/parent: expected a file of this "
                                                                "folder, found a link")));
  elsewhere.Write("model.safetensors.index.json", R"({"weight_map": {"t": "x.safetensors"}})");
  EXPECT_THAT(WeightFiles::OpenFolder(folder_ / "parent"), IsOk());
}

TEST_F(ShardIndexTest, TheLinksOfTheHubsCacheAreFollowed) {
  std::filesystem::create_directories(folder_ / "blobs");
  std::filesystem::create_directories(folder_ / "snapshots/1");
  const std::string index = R"({"weight_map": {"t": "shard"}})";
  folder_.Write("snapshots/1/model.safetensors.index.json", index);
  std::string blob;
  for (const size_t digits : {40, 64}) {  // SHA-1 and SHA-256
    blob = std::string(digits, 'a');
    WriteShard(folder_ / "blobs/" + blob, "t");
    std::filesystem::remove(folder_ / "snapshots/1/shard");
    std::filesystem::create_symlink("../../blobs/" + blob, folder_ / "snapshots/1/shard");
    EXPECT_THAT(WeightFiles::OpenFolder(folder_ / "snapshots/1"), IsOk());
  }
  // The same link in another place leads out of it.
  std::filesystem::create_directories(folder_ / "other/1");
  std::filesystem::create_symlink("../../blobs/" + blob, folder_ / "other/1/shard");
  folder_.Write("other/1/model.safetensors.index.json", index);
  EXPECT_THAT(WeightFiles::OpenFolder(folder_ / "other/1"),
              StatusIs(kInvalid, HasSubstr("found a link")));
  // And another name than that of a blob.
  folder_.Write("snapshots/1/model.safetensors.index.json", R"({"weight_map": {"t": "wrong"}})");
  for (const std::string& name : {std::string("../../x"), std::string(63, 'a'),
                                  std::string(63, 'a') + "g", "../" + std::string(61, 'a')}) {
    std::filesystem::remove(folder_ / "snapshots/1/wrong");
    std::filesystem::create_symlink("../../blobs/" + name, folder_ / "snapshots/1/wrong");
    EXPECT_THAT(WeightFiles::OpenFolder(folder_ / "snapshots/1"),
                StatusIs(kInvalid, HasSubstr("found a link")))
        << name;
  }
}

TEST_F(ShardIndexTest, EveryTensorIsInOneFile) {
  WriteShard(folder_ / "a", "t");
  WriteShard(folder_ / "b", "u");
  WriteShard(folder_ / "c", "t");
  EXPECT_THAT(LoadNamed("none"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("model.safetensors.index.json: weight_map: expected the "
                                       "file 'none' beside it: "),
                             HasSubstr("/none: cannot open"))));
  EXPECT_THAT(LoadNamed("b"), StatusIs(kDataLoss, HasSubstr("index.json: weight_map: expected 't' "
                                                            "in b, found no such tensor")));
  EXPECT_THAT(Load(R"({"t": "a", "u": "a"})"), StatusIs(kDataLoss, HasSubstr("expected 'u' in a")));
  // One that the index names once and the files have twice.
  std::filesystem::create_directory(folder_ / "twice");
  const float values[] = {1, 2};
  const absl::Span<const char> bytes(reinterpret_cast<const char*>(values), sizeof(values));
  ASSERT_THAT(
      WriteSafetensors(folder_ / "d",
                       {{"t", DType::kF32, {2}, bytes}, {"v", DType::kF32, {2}, bytes}}, {}),
      IsOk());
  EXPECT_THAT(
      Load(R"({"t": "a", "v": "d"})"),
      StatusIs(kDataLoss, HasSubstr("'t': expected one tensor of this name, found one in ")));
}

// Whoever asks for a shard without an index finds the same.
TEST_F(ShardIndexTest, ShardsHavePlainNames) {
  WriteShard(folder_ / "a", "t");
  EXPECT_THAT(OpenShard(folder_.path(), "a"), IsOk());
  EXPECT_THAT(OpenShard(folder_.path(), "../a"),
              StatusIs(kInvalid, folder_.path() + ": expected the name of a file in this folder, "
                                                  "found '../a'"));
}

TEST_F(ShardIndexTest, AnIndexOfTheCurrentFolderIsRead) {
  WriteShard(folder_ / "a", "t");
  folder_.Write("x.index.json", R"({"weight_map": {"t": "a"}})");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const auto weights = WeightFiles::Open("x.index.json");
  std::filesystem::current_path(before);
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(weights->paths(), ElementsAre("x.index.json", "./a"));
}

TEST_F(ShardIndexTest, ShardsOfPyTorchKeepTheirSums) {
  const auto state = [](const std::string& name) {
    return testing::pickle::Dict(
        {testing::pickle::Text(name),
         testing::pickle::Tensor(testing::pickle::Storage("FloatStorage", "0", 6), 0, {6}, {1})});
  };
  const std::string good = testing::TorchZip(state("a"), {testing::kSampleFloats});
  std::string damaged = testing::TorchZip(state("b"), {testing::kSampleFloats});
  damaged[damaged.find(testing::kSampleFloats)] ^= 1;
  folder_.Write("1.bin", good);
  folder_.Write("2.bin", damaged);
  const auto weights = Load(R"({"a": "1.bin", "b": "2.bin"})");
  ASSERT_THAT(weights, IsOk());
  EXPECT_EQ(weights->format(), WeightFormat::kPyTorch);
  std::string bytes(testing::kSampleFloats.size(), '\0');
  EXPECT_THAT(weights->ReadBytes(*weights->Find("a"), absl::MakeSpan(bytes)), IsOk());
  EXPECT_EQ(bytes, testing::kSampleFloats);
  EXPECT_THAT(weights->ReadBytes(*weights->Find("b"), absl::MakeSpan(bytes)),
              StatusIs(kDataLoss, AllOf(HasSubstr("/2.bin: byte "),
                                        HasSubstr("archive/data/0: expected the check sum"))));
}

TEST_F(ShardIndexTest, AllShardsHaveOneFormat) {
  WriteShard(folder_ / "1", "t");
  folder_.Write("2", testing::SampleZip());
  EXPECT_THAT(Load(R"({"t": "1", "m": "2"})"),
              StatusIs(kDataLoss,
                       folder_ / "2: expected safetensors as the files before, found PyTorch zip"));
}

TEST_F(ShardIndexTest, TooManyTensorsAreRefused) {
  // No more than one file may have, but more in both.
  for (const std::string file : {"a", "b"}) {
    std::vector<TensorToWrite> tensors(40'000, {"", DType::kU8, {0}, {}});
    for (size_t i = 0; i < tensors.size(); ++i) tensors[i].name = absl::StrCat(file, i);
    ASSERT_THAT(WriteSafetensors(folder_ / file, tensors, {}), IsOk());
  }
  EXPECT_THAT(Load(R"({"a0": "a", "b0": "b"})"),
              StatusIs(kDataLoss, HasSubstr("index.json: expected at most 65536 tensors, found "
                                            "80000")));
  std::vector<std::string> members;
  for (int i = 0; i < 65'537; ++i) members.push_back(absl::StrCat("\"t", i, "\": \"a\""));
  EXPECT_THAT(Load(absl::StrCat("{", absl::StrJoin(members, ","), "}")),
              StatusIs(kDataLoss, HasSubstr("index.json: weight_map: expected at most 65536 "
                                            "tensors, found 65537")));
}

TEST_F(ShardIndexTest, WhatIsNoIndexIsRefused) {
  EXPECT_THAT(Load("[]"), StatusIs(kDataLoss, HasSubstr("weight_map: expected an object")));
  EXPECT_THAT(Load("{}"),
              StatusIs(kDataLoss, HasSubstr("weight_map: expected tensors, found none")));
  EXPECT_THAT(Load(R"({"t": 5})"),
              StatusIs(kDataLoss, HasSubstr("weight_map.t: expected a string")));
  EXPECT_THAT(Load(R"({"t": "a", "t": "b"})"), StatusIs(kDataLoss, HasSubstr("index.json: ")));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("x.index.json", "{}")),
              StatusIs(kDataLoss, HasSubstr("weight_map")));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("x.index.json", "{")), StatusIs(kDataLoss));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("x.index.json", "")), StatusIs(kDataLoss));
  std::vector<std::string> members;
  for (int i = 0; i < 2000; ++i) members.push_back(absl::StrCat("\"t", i, "\": \"f", i, "\""));
  EXPECT_THAT(Load(absl::StrCat("{", absl::StrJoin(members, ","), "}")),
              StatusIs(kDataLoss, HasSubstr("expected at most 1024 files")));
}

TEST_F(ShardIndexTest, FilesOfTheHubsCacheKeepTheirNames) {
  const std::string blob(40, 'b');
  std::filesystem::create_directories(folder_ / "blobs");
  std::filesystem::create_directories(folder_ / "snapshots/1/2_Dense");
  WriteShard(folder_ / "blobs/" + blob, "t");
  const std::string shard = folder_ / "snapshots/1/shard";
  std::filesystem::create_symlink("../../blobs/" + blob, shard);
  const auto file = OpenShard(folder_ / "snapshots/1", "shard");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->path(), shard);
  // A module has a folder of its own in the revision.
  std::filesystem::create_symlink("../../../blobs/" + blob, folder_ / "snapshots/1/2_Dense/shard");
  EXPECT_THAT(OpenShard(folder_ / "snapshots/1/2_Dense", "shard"), IsOk());
  std::filesystem::create_symlink("../../../blobs/" + blob, folder_ / "snapshots/1/deep");
  std::filesystem::create_symlink("../../blobs/" + blob, folder_ / "snapshots/1/2_Dense/flat");
  EXPECT_THAT(OpenShard(folder_ / "snapshots/1", "deep"),
              StatusIs(kInvalid, HasSubstr("found a link")));
  EXPECT_THAT(OpenShard(folder_ / "snapshots/1/2_Dense", "flat"),
              StatusIs(kInvalid, HasSubstr("found a link")));
}

TEST_F(ShardIndexTest, AFolderMayBeReadWithoutFollowingLinks) {
  const TemporaryFolder elsewhere;
  WriteShard(elsewhere / "model.safetensors", "t");
  std::filesystem::create_symlink(elsewhere / "model.safetensors", folder_ / "model.safetensors");
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()), IsOk());
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path(), Links::kOnlyOfHubCache),
              StatusIs(kInvalid, HasSubstr("/model.safetensors: expected a file of this folder, "
                                           "found a link")));
  std::filesystem::remove(folder_ / "model.safetensors");
  elsewhere.Write("index", R"({"weight_map": {"t": "a"}})");
  WriteShard(folder_ / "a", "t");
  std::filesystem::create_symlink(elsewhere / "index", folder_ / "model.safetensors.index.json");
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()), IsOk());
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path(), Links::kOnlyOfHubCache),
              StatusIs(kInvalid, HasSubstr("index.json: expected a file of this folder")));
}

}  // namespace
}  // namespace graft
