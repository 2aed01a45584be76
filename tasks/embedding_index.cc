#include "tasks/embedding_index.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/json.h"
#include "models/weights/safetensors.h"
#include "nlohmann/json.hpp"

namespace graft {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "graft embeddings";
constexpr int64_t kVersion = 1;
constexpr int64_t kMaxDimensions = 1'000'000;
constexpr int64_t kMaxRows = int64_t{1} << 40;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxRecord = int64_t{256} << 20;  // bytes of a line of texts.jsonl

constexpr const char* kIndexFile = "index.json";
constexpr const char* kVectorsFile = "embeddings.safetensors";
constexpr const char* kRowsFile = "rows.safetensors";
constexpr const char* kTextsFile = "texts.jsonl";

// The names of tensors.
constexpr const char* kVectors = "embeddings";    // F32 [n, D]
constexpr const char* kLengths = "lengths";       // F32 [n], of the vectors
constexpr const char* kOffsets = "text_offsets";  // I64 [n + 1], into texts.jsonl

template <typename T>
absl::Span<const char> Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string Line(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json OptionsJson(const EmbedderOptions& options) {
  ordered_json json = {{"normalize", options.normalize}};
  if (options.pooling) json["pooling"] = PoolingModeName(*options.pooling);
  if (options.layer) json["layer"] = *options.layer;
  if (options.dimensions) json["dims"] = *options.dimensions;
  json["prompt"] = options.prompt.value_or("");
  return json;
}

absl::StatusOr<EmbedderOptions> ReadOptions(const JsonValue& json) {
  EmbedderOptions options;
  ABSL_ASSIGN_OR_RETURN(options.normalize, json.GetBool("normalize", false));
  if (json.Find("pooling")) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view name, json.GetString("pooling"));
    options.pooling = FindPoolingMode(name);
    if (!options.pooling) {
      return json.Error(absl::StrCat("pooling: expected a way to pool, found '", name, "'"));
    }
  }
  if (json.Find("layer")) {
    ABSL_ASSIGN_OR_RETURN(options.layer, json.GetInt("layer", 0, kMaxLayers));
  }
  if (json.Find("dims")) {
    ABSL_ASSIGN_OR_RETURN(options.dimensions, json.GetInt("dims", 1, kMaxDimensions));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string_view prompt, json.GetString("prompt", ""));
  options.prompt = std::string(prompt);
  return options;
}

absl::StatusOr<std::map<std::string, std::string>> ReadStrings(const JsonValue& root,
                                                               std::string_view key) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue object, root.Get(key));
  ABSL_ASSIGN_OR_RETURN(const auto members, object.AsObject());
  std::map<std::string, std::string> strings;
  for (const auto& [name, value] : members) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view text, value.AsString());
    strings[std::string(name)] = std::string(text);
  }
  return strings;
}

}  // namespace

// The writer.

struct EmbeddingIndexWriter::State {
  DurableFolder folder;
  DurableFile texts;
  int64_t dimensions;
  std::vector<float> vectors;
  std::vector<float> lengths;
  std::vector<int64_t> offsets;
};

EmbeddingIndexWriter::EmbeddingIndexWriter(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
EmbeddingIndexWriter::EmbeddingIndexWriter(EmbeddingIndexWriter&&) noexcept = default;
EmbeddingIndexWriter& EmbeddingIndexWriter::operator=(EmbeddingIndexWriter&&) noexcept = default;
EmbeddingIndexWriter::~EmbeddingIndexWriter() = default;

absl::StatusOr<EmbeddingIndexWriter> EmbeddingIndexWriter::Create(const std::string& path,
                                                                  int64_t dimensions) {
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder, DurableFolder::Create(path, /*replace=*/false));
  ABSL_ASSIGN_OR_RETURN(DurableFile texts,
                        DurableFile::Create(JoinPath(folder.path(), kTextsFile)));
  return EmbeddingIndexWriter(std::unique_ptr<State>(
      new State{std::move(folder), std::move(texts), dimensions, {}, {}, {0}}));
}

absl::Status EmbeddingIndexWriter::Add(std::string_view id, std::string_view text,
                                       absl::Span<const float> vector) {
  State& s = *state_;
  ABSL_RETURN_IF_ERROR(
      s.texts.Append(absl::StrCat(Line(ordered_json{{"id", id}, {"text", text}}), "\n")));
  s.offsets.push_back(static_cast<int64_t>(s.texts.size()));
  double sum = 0;
  for (const float v : vector) sum += static_cast<double>(v) * v;
  s.lengths.push_back(static_cast<float>(std::sqrt(sum)));
  s.vectors.insert(s.vectors.end(), vector.begin(), vector.end());
  return absl::OkStatus();
}

absl::Status EmbeddingIndexWriter::Commit(const EmbeddingSource& source) {
  State& s = *state_;
  const auto rows = static_cast<int64_t>(s.lengths.size());
  ABSL_RETURN_IF_ERROR(s.texts.Commit());
  const std::string& folder = s.folder.path();
  ABSL_RETURN_IF_ERROR(WriteSafetensors(
      JoinPath(folder, kVectorsFile),
      std::vector<TensorToWrite>{{kVectors, DType::kF32, {rows, s.dimensions}, Bytes(s.vectors)}},
      {}));
  ABSL_RETURN_IF_ERROR(WriteSafetensors(
      JoinPath(folder, kRowsFile),
      std::vector<TensorToWrite>{{kLengths, DType::kF32, {rows}, Bytes(s.lengths)},
                                 {kOffsets, DType::kI64, {rows + 1}, Bytes(s.offsets)}},
      {}));
  const ordered_json index = {{"format", kFormat},
                              {"version", kVersion},
                              {"rows", rows},
                              {"dimensions", s.dimensions},
                              {"model", source.model},
                              {"model_hash", source.fingerprint.Hash()},
                              {"embedder", OptionsJson(source.options)},
                              {"similarity", source.similarity},
                              {"model_files", source.fingerprint.files},
                              {"model_options", source.fingerprint.options},
                              {"graft", source.graft_version}};
  ABSL_RETURN_IF_ERROR(
      WriteFileDurably(JoinPath(folder, kIndexFile),
                       index.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n"));
  return s.folder.Commit();
}

// The reader.

struct EmbeddingIndex::State {
  std::string path;
  EmbeddingSource source;
  int64_t rows = 0;
  int64_t dimensions = 0;
  std::optional<MappedFile> vectors_file, rows_file;
  std::optional<InputFile> texts;
  const float* vectors = nullptr;
  const float* lengths = nullptr;
  const int64_t* offsets = nullptr;

  absl::Status ReadIndex();
  absl::Status MapTensors();
};

namespace {

// The bytes of a tensor in a mapped file that graft wrote.
absl::StatusOr<const char*> FindTensor(const MappedFile& mapped, const WeightTable& table,
                                       std::string_view name, DType dtype,
                                       const std::vector<int64_t>& shape) {
  for (const TensorInfo& tensor : table.tensors) {
    if (tensor.name != name) continue;
    if (tensor.dtype != dtype || tensor.shape != shape) {
      return absl::DataLossError(absl::StrCat(mapped.path(), ": ", name, ": expected ",
                                              Describe(dtype, shape), ", found ",
                                              Describe(tensor.dtype, tensor.shape)));
    }
    if (tensor.end > mapped.bytes().size() || !table.written_by_graft) break;
    return mapped.bytes().data() + tensor.begin;
  }
  return absl::DataLossError(absl::StrCat(mapped.path(), ": expected the tensor ", name,
                                          " as graft writes it, found none"));
}

absl::StatusOr<WeightTable> ReadTable(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
  return ReadSafetensors(file);
}

}  // namespace

absl::Status EmbeddingIndex::State::ReadIndex() {
  const std::string file = JoinPath(path, kIndexFile);
  if (!PathExists(file)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": expected a folder of `graft embed --out`, found no ", kIndexFile));
  }
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(file));
  const JsonValue root = document.root();
  ABSL_ASSIGN_OR_RETURN(const std::string_view format, root.GetString("format"));
  if (format != kFormat) {
    return root.Error(absl::StrCat("format: expected '", kFormat, "', found '", format, "'"));
  }
  ABSL_RETURN_IF_ERROR(root.GetInt("version", kVersion, kVersion).status());
  ABSL_ASSIGN_OR_RETURN(rows, root.GetInt("rows", 0, kMaxRows));
  ABSL_ASSIGN_OR_RETURN(dimensions, root.GetInt("dimensions", 1, kMaxDimensions));
  ABSL_ASSIGN_OR_RETURN(const std::string_view model, root.GetString("model"));
  source.model = std::string(model);
  ABSL_ASSIGN_OR_RETURN(const JsonValue embedder, root.Get("embedder"));
  ABSL_ASSIGN_OR_RETURN(source.options, ReadOptions(embedder));
  ABSL_ASSIGN_OR_RETURN(const std::string_view similarity, root.GetString("similarity", "cosine"));
  source.similarity = std::string(similarity);
  ABSL_ASSIGN_OR_RETURN(source.fingerprint.files, ReadStrings(root, "model_files"));
  ABSL_ASSIGN_OR_RETURN(source.fingerprint.options, ReadStrings(root, "model_options"));
  return absl::OkStatus();
}

absl::Status EmbeddingIndex::State::MapTensors() {
  const std::string vectors_path = JoinPath(path, kVectorsFile);
  const std::string rows_path = JoinPath(path, kRowsFile);
  ABSL_ASSIGN_OR_RETURN(const WeightTable vectors_table, ReadTable(vectors_path));
  ABSL_ASSIGN_OR_RETURN(const WeightTable rows_table, ReadTable(rows_path));
  ABSL_ASSIGN_OR_RETURN(vectors_file, MappedFile::Open(vectors_path));
  ABSL_ASSIGN_OR_RETURN(rows_file, MappedFile::Open(rows_path));
  ABSL_ASSIGN_OR_RETURN(const char* found, FindTensor(*vectors_file, vectors_table, kVectors,
                                                      DType::kF32, {rows, dimensions}));
  vectors = reinterpret_cast<const float*>(found);
  ABSL_ASSIGN_OR_RETURN(found, FindTensor(*rows_file, rows_table, kLengths, DType::kF32, {rows}));
  lengths = reinterpret_cast<const float*>(found);
  ABSL_ASSIGN_OR_RETURN(found,
                        FindTensor(*rows_file, rows_table, kOffsets, DType::kI64, {rows + 1}));
  offsets = reinterpret_cast<const int64_t*>(found);
  return absl::OkStatus();
}

EmbeddingIndex::EmbeddingIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingIndex::EmbeddingIndex(EmbeddingIndex&&) noexcept = default;
EmbeddingIndex& EmbeddingIndex::operator=(EmbeddingIndex&&) noexcept = default;
EmbeddingIndex::~EmbeddingIndex() = default;

absl::StatusOr<EmbeddingIndex> EmbeddingIndex::Open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  ABSL_RETURN_IF_ERROR(state->ReadIndex());
  ABSL_RETURN_IF_ERROR(state->MapTensors());
  const std::string texts = JoinPath(path, kTextsFile);
  ABSL_ASSIGN_OR_RETURN(state->texts, InputFile::Open(texts));
  const int64_t end = state->offsets[state->rows];
  if (end < 0 || static_cast<uint64_t>(end) != state->texts->size()) {
    return absl::DataLossError(absl::StrCat(texts, ": expected ", end, " bytes as ", kRowsFile,
                                            " says, found ", state->texts->size()));
  }
  return EmbeddingIndex(std::move(state));
}

const std::string& EmbeddingIndex::path() const { return state_->path; }
const EmbeddingSource& EmbeddingIndex::source() const { return state_->source; }
int64_t EmbeddingIndex::rows() const { return state_->rows; }
int64_t EmbeddingIndex::dimensions() const { return state_->dimensions; }
const float* EmbeddingIndex::vectors() const { return state_->vectors; }
const float* EmbeddingIndex::lengths() const { return state_->lengths; }

absl::StatusOr<EmbeddingIndex::Entry> EmbeddingIndex::Read(int64_t row) const {
  const int64_t begin = state_->offsets[row], end = state_->offsets[row + 1];
  if (begin < 0 || end <= begin || end - begin > kMaxRecord) {
    return absl::DataLossError(absl::StrCat(JoinPath(state_->path, kRowsFile), ": ", kOffsets,
                                            ": expected growing numbers, found ", begin, " and ",
                                            end, " for row ", row));
  }
  std::string line(static_cast<size_t>(end - begin), '\0');
  ABSL_RETURN_IF_ERROR(state_->texts->ReadAt(static_cast<uint64_t>(begin),
                                             absl::MakeSpan(line.data(), line.size())));
  ABSL_ASSIGN_OR_RETURN(
      const JsonDocument document,
      JsonDocument::Parse(line, absl::StrCat(state_->texts->path(), ":", row + 1)));
  ABSL_ASSIGN_OR_RETURN(const std::string_view id, document.root().GetString("id"));
  ABSL_ASSIGN_OR_RETURN(const std::string_view text, document.root().GetString("text"));
  return Entry{std::string(id), std::string(text)};
}

}  // namespace graft
