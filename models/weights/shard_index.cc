#include "models/weights/shard_index.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status_macros.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/weights/weight_table.h"

namespace graft {
namespace {

// From snapshots/REVISION of Hugging Face's cache.
constexpr std::string_view kToBlobs = "../../blobs/", kUp = "../";

bool IsPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

// Where a link of Hugging Face's cache leads; empty for any other.
std::string BlobOf(const std::string& folder, const std::string& path) {
  std::error_code error;
  // Empty after an error, as the real path is below.
  const std::string target = std::filesystem::read_symlink(path, error).string();
  std::filesystem::path revision = std::filesystem::canonical(folder, error);
  std::string_view hash = target;
  if (absl::StartsWith(target, "../../../")) {  // out of the folder of a module
    hash.remove_prefix(kUp.size());
    revision = revision.parent_path();
  }
  constexpr size_t kSha1 = 40, kSha256 = 64;
  if (!absl::ConsumePrefix(&hash, kToBlobs) || (hash.size() != kSha1 && hash.size() != kSha256) ||
      !absl::c_all_of(hash,
                      [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); })) {
    return "";
  }
  if (revision.parent_path().filename() != "snapshots") return "";
  return (revision.parent_path().parent_path() / "blobs" / std::string(hash)).string();
}

}  // namespace

absl::StatusOr<ShardIndex> ReadShardIndex(const InputFile& file) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxShardIndexBytes));
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(text, file.path(), 2 * kMaxTensors));
  ABSL_ASSIGN_OR_RETURN(const JsonValue weight_map, document.root().Get("weight_map"));
  if (weight_map.size() > kMaxTensors) {
    return weight_map.Error(
        absl::StrCat("expected at most ", kMaxTensors, " tensors, found ", weight_map.size()));
  }
  ABSL_ASSIGN_OR_RETURN(const auto members, weight_map.AsObject());
  if (members.empty()) return weight_map.Error("expected tensors, found none");
  ShardIndex index;
  absl::flat_hash_map<std::string, size_t> numbers;
  for (const auto& [tensor, value] : members) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view name, value.AsString());
    if (!IsPlainName(name)) {
      return value.Error(
          absl::StrCat("expected the name of a file in this folder, found ", Quoted(name)));
    }
    const auto [place, is_new] = numbers.emplace(name, index.files.size());
    if (is_new) index.files.emplace_back(name);
    if (index.files.size() > kMaxShards) {
      return weight_map.Error(absl::StrCat("expected at most ", kMaxShards, " files, found more"));
    }
    index.map.emplace_back(tensor, place->second);
  }
  return index;
}

absl::StatusOr<InputFile> OpenShard(const std::string& folder, const std::string& name) {
  const std::string path = JoinPath(folder, name);
  if (!IsPlainName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected the name of a file in this folder, found ", Quoted(name)));
  }
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {
    const std::string blob = BlobOf(folder, path);
    if (blob.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": expected a file of this folder, found a link"));
    }
    return InputFile::OpenOnly(blob, path);
  }
  return InputFile::OpenOnly(path);
}

}  // namespace graft
