#include "models/weights/weight_files.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"
#include "models/weights/check_sum.h"
#include "models/weights/float_conversion.h"
#include "models/weights/pytorch_file.h"
#include "models/weights/pytorch_state.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_limits.h"
#include "models/weights/shard_index.h"
#include "models/weights/strided_read.h"
#include "models/weights/tensorflow_checkpoint.h"

namespace graft {
namespace {

// A piece stays in the cache until it is summed or converted.
constexpr size_t kPieceBytes = size_t{256} << 10;

constexpr char kPickleProto = '\x80';
constexpr std::string_view kIndexEnd = ".index.json", kTensorFlowEnd = ".index",
                           kTensorFlowData = ".data-";

// `bytes` of a tensor as floats. `in` is aligned for the type.
void ToFloat(DType dtype, const char* in, float* out, size_t count) {
  switch (dtype) {
    case DType::kF16:
      return HalfToFloat(reinterpret_cast<const uint16_t*>(in), out, count);
    case DType::kBF16:
      return BFloat16ToFloat(reinterpret_cast<const uint16_t*>(in), out, count);
    case DType::kF8E4M3:
      return E4M3ToFloat(reinterpret_cast<const uint8_t*>(in), out, count);
    case DType::kF8E5M2:
      return E5M2ToFloat(reinterpret_cast<const uint8_t*>(in), out, count);
    case DType::kF8E8M0:
      return E8M0ToFloat(reinterpret_cast<const uint8_t*>(in), out, count);
    default:
      return DoubleToFloat(reinterpret_cast<const double*>(in), out, count);
  }
}

// Whether these first bytes would announce a longer header than a safetensors file may have: other
// formats begin so.
bool IsNoSafetensors(std::string_view bytes) {
  uint64_t header = 0;
  if (bytes.size() < sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header > kMaxSafetensorsHeaderOfFormat;
}

absl::Status TensorError(const std::string& path, const TensorInfo& tensor,
                         std::string_view expected, std::string_view found) {
  return absl::DataLossError(
      absl::StrCat(path, ": ", Quoted(tensor.name), ": expected ", expected, ", found ", found));
}

// That a tensor lies in its file, its reader has checked.
absl::Status CheckStrides(const TensorInfo& tensor, const std::string& path) {
  if (tensor.strides.empty() || StridesAreDisjoint(tensor)) return absl::OkStatus();
  return TensorError(path, tensor, "strides under which no two elements share a place",
                     absl::StrCat("[", absl::StrJoin(tensor.strides, ", "), "] for ",
                                  Describe(tensor.dtype, tensor.shape)));
}

absl::StatusOr<std::set<std::string>> NamesIn(const std::string& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.insert(entry->path().filename().string());
  }
  if (error) return ErrnoStatus(error.value(), folder, "read the folder");
  return names;
}

// What is in a folder without weights that are read.
std::string OtherWeights(const std::set<std::string>& names) {
  for (const char* name : {"tf_model.h5", "flax_model.msgpack", "model.onnx", "pytorch_model.pt"}) {
    if (names.contains(name)) {
      return absl::StrCat("found only ", name, ", which graft does not read");
    }
  }
  return "found neither";
}

// The NAME.index files with data beside them.
std::vector<std::string> TensorFlowCheckpoints(const std::string& folder,
                                               const std::set<std::string>& names) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    std::string_view stem = name;
    if (!absl::ConsumeSuffix(&stem, kTensorFlowEnd)) continue;
    const std::string data = absl::StrCat(stem, kTensorFlowData);
    // The first name that may begin so; NAME.index itself at the latest.
    if (absl::StartsWith(*names.lower_bound(data), data)) {
      found.push_back(JoinPath(folder, name));
    }
  }
  return found;
}

// The folder of a file; "." for a plain name.
std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

absl::StatusOr<InputFile> OpenFile(const std::string& path, Links links) {
  if (links == Links::kAll) return InputFile::Open(path);
  return OpenShard(FolderOf(path), std::filesystem::path(path).filename().string());
}

// A file that the index names.
absl::StatusOr<InputFile> OpenNamed(const std::string& index, const std::string& name) {
  absl::StatusOr<InputFile> file = OpenShard(FolderOf(index), name);
  if (!absl::IsNotFound(file.status())) return file;
  return absl::NotFoundError(absl::StrCat(index, ": weight_map: expected the file ", Quoted(name),
                                          " beside it: ", file.status().message()));
}

}  // namespace

std::string_view WeightFormatName(WeightFormat format) {
  // In the order of the enumeration.
  constexpr std::string_view kNames[] = {"safetensors", "PyTorch zip", "PyTorch legacy",
                                         "TensorFlow checkpoint"};
  return kNames[static_cast<size_t>(format)];
}

absl::StatusOr<WeightFiles> WeightFiles::Open(const std::string& path, Links links) {
  const bool of_shards = absl::EndsWith(path, kIndexEnd);
  if (of_shards || absl::EndsWith(path, kTensorFlowEnd)) {
    ABSL_ASSIGN_OR_RETURN(WeightFiles weights,
                          of_shards ? OpenIndex(path, links) : OpenTensorFlow(path, links));
    ABSL_RETURN_IF_ERROR(weights.Finish());
    return weights;
  }
  ABSL_ASSIGN_OR_RETURN(InputFile file, OpenFile(path, links));
  return OpenSingle(std::move(file));
}

absl::StatusOr<WeightFiles> WeightFiles::OpenFolder(const std::string& folder, Links links) {
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"}) {
    const std::string path = JoinPath(folder, name);
    if (PathExists(path)) return Open(path, links);
  }
  ABSL_ASSIGN_OR_RETURN(const std::set<std::string> names, NamesIn(folder));
  const std::vector<std::string> checkpoints = TensorFlowCheckpoints(folder, names);
  if (checkpoints.size() == 1) return Open(checkpoints[0], links);
  if (checkpoints.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder, ": expected one TensorFlow checkpoint, found ", checkpoints.size(),
                     ": ", absl::StrJoin(checkpoints, ", ")));
  }
  return absl::NotFoundError(absl::StrCat(
      folder, ": expected model.safetensors or pytorch_model.bin, ", OtherWeights(names)));
}

absl::StatusOr<WeightFiles> WeightFiles::OpenSingle(InputFile file) {
  WeightFiles weights;
  weights.path_ = file.path();
  std::array<char, 512> first{};
  const size_t count = std::min<size_t>(first.size(), file.size());
  ABSL_RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(first).first(count)));
  const std::string_view bytes(first.data(), count);
  const bool no_safetensors = IsNoSafetensors(bytes);
  const std::string_view other = no_safetensors ? DescribeOtherFile(bytes) : "";
  const auto error = [&](std::string_view expected, std::string_view found) {
    return absl::DataLossError(
        absl::StrCat(weights.path_, ": byte 0: expected ", expected, ", found ", found));
  };
  if (!other.empty()) return error("weights", other);
  const bool zip = IsPyTorchZip(bytes);
  // Pickles that torch.save does not write are refused by its reader, with a reason.
  const bool pickle = IsPyTorchLegacy(bytes) || (no_safetensors && bytes[0] == kPickleProto);
  absl::StatusOr<WeightTable> table;
  if (absl::EndsWith(weights.path_, ".safetensors")) {
    if (zip || pickle) return error("safetensors as its name says", "a PyTorch file");
    table = ReadSafetensors(file);
  } else if (zip) {
    weights.format_ = WeightFormat::kPyTorch;
    table = ReadPyTorchZip(file);
  } else if (pickle) {
    weights.format_ = WeightFormat::kPyTorchLegacy;
    table = ReadPyTorchLegacy(file);
  } else if (no_safetensors || bytes.size() < sizeof(uint64_t)) {
    return error("safetensors, a zip archive or a pickle of PyTorch",
                 bytes.empty() ? "an empty file" : Quoted(bytes.substr(0, 8)));
  } else {
    table = ReadSafetensors(file);
  }
  ABSL_RETURN_IF_ERROR(table.status());
  weights.table_ = *std::move(table);
  weights.files_.push_back(std::move(file));
  ABSL_RETURN_IF_ERROR(weights.Finish());
  return weights;
}

absl::StatusOr<WeightFiles> WeightFiles::OpenIndex(const std::string& path, Links links) {
  ABSL_ASSIGN_OR_RETURN(const InputFile index_file, OpenFile(path, links));
  absl::StatusOr<ShardIndex> index = ReadShardIndex(index_file);
  if (!index.ok()) {
    const bool malformed = index.status().code() == absl::StatusCode::kInvalidArgument;
    return malformed ? absl::DataLossError(index.status().message()) : index.status();
  }
  WeightFiles weights;
  weights.path_ = path;
  weights.table_.written_by_graft = true;
  std::vector<std::vector<std::string>> names(index->files.size());  // of the tensors, by file
  for (const std::string& name : index->files) {
    ABSL_ASSIGN_OR_RETURN(InputFile file, OpenNamed(path, name));
    ABSL_ASSIGN_OR_RETURN(WeightFiles shard, OpenSingle(std::move(file)));
    const size_t number = weights.files_.size();
    if (number > 0 && shard.format_ != weights.format_) {
      return absl::DataLossError(
          absl::StrCat(shard.path_, ": expected ", WeightFormatName(weights.format_),
                       " as the files before, ", "found ", WeightFormatName(shard.format_)));
    }
    weights.format_ = shard.format_;
    ABSL_RETURN_IF_ERROR(weights.CheckCount(shard.tensors().size()));
    const auto first_block = static_cast<int>(weights.table_.blocks.size());
    for (TensorInfo& tensor : shard.table_.tensors) {
      names[number].push_back(tensor.name);  // sorted
      tensor.file = number;
      if (tensor.block >= 0) tensor.block += first_block;
      weights.table_.tensors.push_back(std::move(tensor));
    }
    for (StoredBlock& block : shard.table_.blocks) {
      block.file = number;
      weights.table_.blocks.push_back(std::move(block));
    }
    std::move(shard.table_.others.begin(), shard.table_.others.end(),
              std::back_inserter(weights.table_.others));
    weights.table_.metadata.merge(shard.table_.metadata);
    weights.table_.written_by_graft &= shard.table_.written_by_graft;
    weights.files_.push_back(std::move(shard.files_[0]));
  }
  for (const auto& [tensor, file] : index->map) {
    if (!std::binary_search(names[file].begin(), names[file].end(), tensor)) {
      return absl::DataLossError(absl::StrCat(path, ": weight_map: expected ", Quoted(tensor),
                                              " in ", index->files[file],
                                              ", found no such tensor"));
    }
  }
  return weights;
}

absl::StatusOr<WeightFiles> WeightFiles::OpenTensorFlow(const std::string& path, Links links) {
  ABSL_ASSIGN_OR_RETURN(InputFile index, OpenFile(path, links));
  ABSL_ASSIGN_OR_RETURN(const size_t shards, CountTensorFlowShards(index));
  const std::string_view stem(path.data(), path.size() - kTensorFlowEnd.size());
  WeightFiles weights;
  weights.format_ = WeightFormat::kTensorFlow;
  weights.path_ = path;
  for (size_t i = 0; i < shards; ++i) {
    ABSL_ASSIGN_OR_RETURN(
        InputFile file, OpenFile(absl::StrFormat("%s.data-%05d-of-%05d", stem, i, shards), links));
    weights.files_.push_back(std::move(file));
  }
  ABSL_ASSIGN_OR_RETURN(weights.table_, ReadTensorFlowCheckpoint(index, weights.files_));
  ABSL_RETURN_IF_ERROR(TranslateBertNames(path, weights.table_));
  return weights;
}

absl::Status WeightFiles::CheckCount(size_t more) const {
  const size_t count = table_.tensors.size() + more;
  if (count <= kMaxTensors) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path_, ": expected at most ", kMaxTensors, " tensors, found ", count));
}

absl::Status WeightFiles::Finish() {
  std::vector<TensorInfo>& tensors = table_.tensors;
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  std::sort(table_.others.begin(), table_.others.end());
  for (size_t i = 0; i < tensors.size(); ++i) {
    ABSL_RETURN_IF_ERROR(CheckStrides(tensors[i], files_[tensors[i].file].path()));
    if (i > 0 && tensors[i].name == tensors[i - 1].name) {
      return TensorError(path_, tensors[i], "one tensor of this name",
                         absl::StrCat("one in ", files_[tensors[i - 1].file].path(), " and one in ",
                                      files_[tensors[i].file].path()));
    }
  }
  verified_ = std::make_unique<std::atomic<bool>[]>(table_.blocks.size());
  // Who opens weights reads them: the system fetches what comes next while sums are computed.
  for (const InputFile& file : files_) {
    ::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_WILLNEED);
  }
  return absl::OkStatus();
}

std::vector<std::string> WeightFiles::paths() const {
  std::vector<std::string> paths = {path_};
  for (const InputFile& file : files_) {
    if (file.path() != path_) paths.push_back(file.path());
  }
  return paths;
}

uint64_t WeightFiles::size() const {
  uint64_t bytes = 0;
  for (const InputFile& file : files_) bytes += file.size();
  return bytes;
}

absl::Status WeightFiles::CheckSharing() const {
  constexpr uint64_t kMostTimes = 32;
  uint64_t bytes = 0;  // no tensor has more than its file: refused long before the sum wraps
  for (const TensorInfo& tensor : tensors()) {
    bytes += tensor.bytes();
    if (bytes / kMostTimes < size()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": expected tensors of less than ", kMostTimes, " times the ", size(),
                     " bytes of their files, found more: too many share the same bytes"));
  }
  return absl::OkStatus();
}

absl::Status WeightFiles::CheckUnscaled(const TensorInfo& tensor) const {
  if (!IsFloat8(tensor.dtype)) return absl::OkStatus();
  for (const char* end : {"_scale", "_scale_inv"}) {
    const std::string scale = absl::StrCat(tensor.name, end);
    if (Find(scale) == nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(files_[tensor.file].path(), ": ", Quoted(tensor.name),
                     ": expected numbers as they are, ", "found ", DTypeName(tensor.dtype),
                     " to be multiplied by ", Quoted(scale), ", which graft does not do"));
  }
  return absl::OkStatus();
}

const TensorInfo* WeightFiles::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      tensors().begin(), tensors().end(), name,
      [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return found != tensors().end() && found->name == name ? &*found : nullptr;
}

absl::Status WeightFiles::CompareSum(int number, uint32_t sum) const {
  const StoredBlock& block = table_.blocks[static_cast<size_t>(number)];
  if (sum != block.sum) {
    return absl::DataLossError(absl::StrFormat(
        "%s: byte %d: %s: expected the check sum %08x, found %08x: the file is damaged",
        files_[block.file].path(), block.begin, block.name, block.sum, sum));
  }
  verified_[static_cast<size_t>(number)].store(true, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status WeightFiles::VerifyBlock(int number) const {
  if (number < 0 || verified_[static_cast<size_t>(number)].load(std::memory_order_relaxed)) {
    return absl::OkStatus();
  }
  const StoredBlock& block = table_.blocks[static_cast<size_t>(number)];
  CheckSum sum(block.kind);
  std::vector<char> piece(std::min<uint64_t>(kPieceBytes, block.end - block.begin));
  for (uint64_t at = block.begin; at < block.end; at += piece.size()) {
    piece.resize(std::min<uint64_t>(piece.size(), block.end - at));
    ABSL_RETURN_IF_ERROR(files_[block.file].ReadAt(at, absl::MakeSpan(piece)));
    sum.Add(piece);
  }
  return CompareSum(number, sum.value());
}

absl::Status WeightFiles::ReadPlain(const TensorInfo& tensor, absl::Span<char> out) const {
  const InputFile& file = files_[tensor.file];
  if (tensor.block < 0) return file.ReadAt(tensor.begin, out);
  const StoredBlock& block = table_.blocks[static_cast<size_t>(tensor.block)];
  if (tensor.begin != block.begin || tensor.end != block.end) {
    ABSL_RETURN_IF_ERROR(VerifyBlock(tensor.block));
    return file.ReadAt(tensor.begin, out);
  }
  CheckSum sum(block.kind);
  for (size_t at = 0; at < out.size(); at += kPieceBytes) {
    const absl::Span<char> piece = out.subspan(at, kPieceBytes);
    ABSL_RETURN_IF_ERROR(file.ReadAt(tensor.begin + at, piece));
    sum.Add(piece);
  }
  return CompareSum(tensor.block, sum.value());
}

absl::Status WeightFiles::ReadBytes(const TensorInfo& tensor, absl::Span<char> out) const {
  ABSL_CHECK(out.size() == tensor.bytes());
  if (tensor.strides.empty()) return ReadPlain(tensor, out);
  ABSL_RETURN_IF_ERROR(VerifyBlock(tensor.block));
  return ReadStrided(files_[tensor.file], tensor, out);
}

absl::Status WeightFiles::ReadAsFloat(const TensorInfo& tensor, absl::Span<float> out) const {
  ABSL_CHECK(static_cast<int64_t>(out.size()) == tensor.elements());
  if (!IsFloatingPoint(tensor.dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        files_[tensor.file].path(), ": ", Quoted(tensor.name),
        ": expected elements of F32, F16, BF16, F64 or float8, found ", DTypeName(tensor.dtype)));
  }
  const size_t size = DTypeSize(tensor.dtype);
  if (tensor.dtype == DType::kF32) {
    return ReadBytes(tensor,
                     absl::MakeSpan(reinterpret_cast<char*>(out.data()), out.size() * size));
  }
  if (!tensor.strides.empty()) {
    std::vector<char> bytes(tensor.bytes());
    ABSL_RETURN_IF_ERROR(ReadBytes(tensor, absl::MakeSpan(bytes)));
    ToFloat(tensor.dtype, bytes.data(), out.data(), out.size());
    return absl::OkStatus();
  }
  ABSL_RETURN_IF_ERROR(VerifyBlock(tensor.block));
  std::vector<char> piece(std::min<uint64_t>(kPieceBytes, tensor.bytes()));
  for (uint64_t at = 0; at < tensor.bytes(); at += piece.size()) {
    piece.resize(std::min<uint64_t>(piece.size(), tensor.bytes() - at));
    ABSL_RETURN_IF_ERROR(files_[tensor.file].ReadAt(tensor.begin + at, absl::MakeSpan(piece)));
    ToFloat(tensor.dtype, piece.data(), out.data() + at / size, piece.size() / size);
  }
  return absl::OkStatus();
}

}  // namespace graft
