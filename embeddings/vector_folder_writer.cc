#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "embeddings/vector_folder.h"
#include "embeddings/vector_folder_names.h"
#include "embeddings/words_index.h"
#include "models/weights/float_conversion.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_limits.h"
#include "nlohmann/json.hpp"

namespace graft {
namespace {

constexpr std::string_view DTypeOf(VectorStorage storage) {
  switch (storage) {
    case VectorStorage::kFloat16:
      return "F16";
    case VectorStorage::kInt8:
      return "I8";
    case VectorStorage::kFloat32:
      break;
  }
  return "F32";
}

std::string SubWordsJson(const SubWords& sub_words) {
  const SubWordRules& rules = sub_words.rules();
  nlohmann::ordered_json json;
  json["kind"] = rules.kind == SubWordRules::Kind::kFloret ? kFloretKind : kFastTextKind;
  json["min_length"] = rules.min_length;
  json["max_length"] = rules.max_length;
  json["buckets"] = rules.buckets;
  json["rows"] = sub_words.row_count();
  json["hash_count"] = rules.hash_count;
  json["hash_seed"] = rules.hash_seed;
  json["begin_mark"] = rules.begin_mark;
  json["end_mark"] = rules.end_mark;
  if (const auto* const pruned = sub_words.pruned()) {
    // In order, so that the same model gives the same file.
    std::vector<std::pair<int64_t, int64_t>> pairs(pruned->begin(), pruned->end());
    std::sort(pairs.begin(), pairs.end());
    json["pruned"] = nlohmann::json::array();
    for (const auto& [bucket, row] : pairs) {
      json["pruned"].push_back(bucket);
      json["pruned"].push_back(row);
    }
  }
  return json.dump();
}

// Length and header, padded so that the tensors begin at a multiple of 64 bytes.
std::string HeaderOf(const VectorFolderPlan& plan, const std::string& words_hash) {
  nlohmann::ordered_json json;
  nlohmann::ordered_json& metadata = json["__metadata__"];
  metadata = {
      {"format", "pt"}, {std::string(kGraftMark), kGraftVersion}, {kWordsHashKey, words_hash}};
  if (plan.sub_words != nullptr) metadata[kSubWordsKey] = SubWordsJson(*plan.sub_words);
  int64_t at = 0;
  const auto add = [&](const char* name, std::string_view dtype, std::vector<int64_t> shape,
                       int64_t bytes) {
    json[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  };
  const int64_t padded = PaddedRows(plan.rows);
  add(kNormsTensor, "F32", {padded}, 4 * padded);
  if (plan.storage == VectorStorage::kInt8) add(kScalesTensor, "F32", {padded}, 4 * padded);
  if (plan.sub_words != nullptr) {
    const int64_t ngrams = PaddedRows(plan.sub_words->row_count());
    add(kNGramsTensor, "F32", {ngrams, plan.width}, 4 * ngrams * plan.width);
  }
  add(kVectorsTensor, DTypeOf(plan.storage), {plan.rows, plan.width},
      plan.rows * plan.width * VectorStorageBytes(plan.storage));
  std::string text = json.dump();
  constexpr size_t kLength = sizeof(uint64_t);
  text.resize((text.size() + kLength + 63) / 64 * 64 - kLength, ' ');
  const uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), kLength) + text;
}

bool IsOwnMatrix(const std::string& path) {
  const auto file = InputFile::Open(path);
  if (!file.ok()) return false;
  const auto table = ReadSafetensors(*file);
  return table.ok() && table->written_by_graft;
}

// Whether a folder that is to give way is empty, or was written here and has nothing else in it.
absl::Status CheckOwnFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  if (error) return absl::OkStatus();  // nothing, or no folder: whoever writes there says so
  const bool empty = entry == std::filesystem::directory_iterator();
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool known = name == kMatrixName || name == kWordsName || name == kIndexName;
    if (known && entry->symlink_status(error).type() == std::filesystem::file_type::regular) {
      continue;
    }
    return absl::AlreadyExistsError(
        absl::StrCat(path,
                     ": expected nothing but word vectors that graft wrote, to replace them, "
                     "found ",
                     Quoted(name)));
  }
  if (error) return ErrnoStatus(error.value(), path, "list");
  if (empty || IsOwnMatrix(JoinPath(path, kMatrixName))) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat(path, ": expected word vectors that graft wrote, to replace them, found no ",
                   kMatrixName, " with its mark"));
}

// The header is JSON.
absl::Status CheckMarks(const std::string& path, const SubWordRules& rules) {
  for (const std::string& mark : {rules.begin_mark, rules.end_mark}) {
    if (!FindInvalidUtf8(mark)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected marks around words that are UTF-8, found ", Quoted(mark)));
  }
  return absl::OkStatus();
}

std::string_view BytesOf(absl::Span<const float> floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)};
}

}  // namespace

struct VectorFolderWriter::State {
  State(DurableFolder folder, DurableFile file, Words words, VectorFolderPlan plan)
      : folder(std::move(folder)),
        file(std::move(file)),
        words(std::move(words)),
        plan(std::move(plan)) {}

  absl::Status Write(std::string_view bytes) {
    hasher.Update(bytes);
    return file.Append(bytes);
  }
  absl::Status WriteSmallTensors();

  DurableFolder folder;
  DurableFile file;
  Hasher hasher;
  Words words;
  VectorFolderPlan plan;
  int64_t rows = 0;
  std::vector<uint16_t> halves;
  std::vector<int8_t> codes;
};

// All but the matrix.
absl::Status VectorFolderWriter::State::WriteSmallTensors() {
  const auto padded = static_cast<size_t>(PaddedRows(plan.rows));
  plan.norms.resize(padded);
  ABSL_RETURN_IF_ERROR(Write(BytesOf(plan.norms)));
  if (plan.storage == VectorStorage::kInt8) {
    plan.scales.resize(padded);
    ABSL_RETURN_IF_ERROR(Write(BytesOf(plan.scales)));
  }
  const SubWords* const sub_words = plan.sub_words;
  if (sub_words == nullptr) return absl::OkStatus();
  const auto width = static_cast<size_t>(plan.width);
  const auto ngrams = static_cast<size_t>(sub_words->row_count());
  ABSL_RETURN_IF_ERROR(Write(BytesOf({sub_words->rows(), ngrams * width})));
  const size_t more = static_cast<size_t>(PaddedRows(sub_words->row_count())) - ngrams;
  return Write(std::string(more * width * sizeof(float), '\0'));
}

VectorFolderWriter::VectorFolderWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
VectorFolderWriter::VectorFolderWriter(VectorFolderWriter&&) noexcept = default;
VectorFolderWriter& VectorFolderWriter::operator=(VectorFolderWriter&&) noexcept = default;
VectorFolderWriter::~VectorFolderWriter() = default;

absl::StatusOr<VectorFolderWriter> VectorFolderWriter::Create(const std::string& path, Words words,
                                                              VectorFolderPlan plan) {
  ABSL_CHECK_EQ(words.size(), plan.rows);
  if (plan.replace) ABSL_RETURN_IF_ERROR(CheckOwnFolder(path));
  if (plan.sub_words != nullptr) ABSL_RETURN_IF_ERROR(CheckMarks(path, plan.sub_words->rules()));
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder, DurableFolder::Create(path, plan.replace));
  ABSL_ASSIGN_OR_RETURN(DurableFile file,
                        DurableFile::Create(JoinPath(folder.path(), kMatrixName)));
  const std::string header = HeaderOf(plan, WordsHash(words));
  if (header.size() > kMaxSafetensorsHeader) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected fewer pruned n-grams: their list takes ", header.size(),
                     " bytes of the header, at most ", kMaxSafetensorsHeader, " are read"));
  }
  auto state = std::make_unique<State>(std::move(folder), std::move(file), std::move(words),
                                       std::move(plan));
  ABSL_RETURN_IF_ERROR(state->Write(header));
  ABSL_RETURN_IF_ERROR(state->WriteSmallTensors());
  return VectorFolderWriter(std::move(state));
}

absl::Status VectorFolderWriter::Append(absl::Span<const float> row) {
  State& state = *state_;
  ABSL_CHECK_EQ(static_cast<int64_t>(row.size()), state.plan.width);
  const auto index = static_cast<size_t>(state.rows++);
  switch (state.plan.storage) {
    case VectorStorage::kFloat16:
      state.halves.resize(row.size());
      for (size_t i = 0; i < row.size(); ++i) {
        state.halves[i] = FloatToHalf(row[i]);
        if (!std::isfinite(HalfToFloat(state.halves[i]))) {
          return absl::InvalidArgumentError(
              absl::StrCat(state.folder.target(), ": row ", index, ": component ", i + 1,
                           ": expected a number that float16 holds, found ", row[i]));
        }
      }
      return state.Write({reinterpret_cast<const char*>(state.halves.data()),
                          state.halves.size() * sizeof(uint16_t)});
    case VectorStorage::kInt8: {
      const float scale = state.plan.scales[index];
      state.codes.resize(row.size());
      for (size_t i = 0; i < row.size(); ++i) {
        const float code = scale > 0 ? std::nearbyint(row[i] / scale) : 0;
        state.codes[i] = static_cast<int8_t>(std::clamp(code, -127.0f, 127.0f));
      }
      return state.Write({reinterpret_cast<const char*>(state.codes.data()), state.codes.size()});
    }
    case VectorStorage::kFloat32:
      break;
  }
  return state.Write(BytesOf(row));
}

absl::Status VectorFolderWriter::Finish() {
  ABSL_CHECK_EQ(state_->rows, state_->plan.rows);
  ABSL_RETURN_IF_ERROR(state_->file.Commit());
  ABSL_RETURN_IF_ERROR(
      WriteWords(state_->folder.path(), state_->words, state_->hasher.Hex().substr(0, 16)));
  return state_->folder.Commit();
}

}  // namespace graft
