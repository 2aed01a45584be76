#include "tasks/embedding_index.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/catch_errors.h"
#include "models/kernels/tasks.h"
#include "models/weights/safetensors.h"
#include "nlohmann/json.hpp"
#include "tasks/threads.h"

namespace graft {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "graft embeddings";
constexpr int64_t kVersion = 1;
constexpr int64_t kMaxDimensions = 1'000'000;
constexpr int64_t kMaxRows = int64_t{1} << 40;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxTextTokens = 1'000'000;
constexpr size_t kMaxHash = 80;                     // bytes of a message
constexpr int64_t kMaxRecord = int64_t{256} << 20;  // bytes of a line of texts.jsonl

constexpr const char* kIndexFile = "index.json";
constexpr const char* kVectorsFile = "embeddings.safetensors";
constexpr const char* kRowsFile = "rows.safetensors";
constexpr const char* kTextsFile = "texts.jsonl";

// The names of tensors.
constexpr const char* kVectors = "embeddings";    // F32 [n, D]
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
  if (options.max_length) json["max_length"] = *options.max_length;
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
  if (json.Find("max_length")) {
    ABSL_ASSIGN_OR_RETURN(options.max_length, json.GetInt("max_length", 1, kMaxTextTokens));
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

absl::Status NotFiniteError(const std::string& where, double found) {
  return absl::DataLossError(absl::StrCat(where, ": expected finite numbers, found ", found));
}

// The numbers that stand in a row, or their mistake: the sum of their squares, which no finite
// float32 makes infinite.
double SquareSum(absl::Span<const float> vector) {
  double sum = 0;
  for (const float v : vector) sum += static_cast<double>(v) * v;
  return sum;
}

// Whether a folder is what EmbeddingIndexWriter makes.
bool IsOwnIndex(const std::string& path) {
  const auto document = JsonDocument::Load(JoinPath(path, kIndexFile));
  if (!document.ok()) return false;
  const auto format = document->root().GetString("format");
  return format.ok() && *format == kFormat;
}

}  // namespace

// The writer.

struct EmbeddingIndexWriter::State {
  DurableFolder folder;
  DurableFile texts;
  SafetensorsMatrix vectors;
  int64_t dimensions;
  std::vector<int64_t> offsets;  // one more than there are rows
};

EmbeddingIndexWriter::EmbeddingIndexWriter(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
EmbeddingIndexWriter::EmbeddingIndexWriter(EmbeddingIndexWriter&&) noexcept = default;
EmbeddingIndexWriter& EmbeddingIndexWriter::operator=(EmbeddingIndexWriter&&) noexcept = default;
EmbeddingIndexWriter::~EmbeddingIndexWriter() = default;

absl::StatusOr<EmbeddingIndexWriter> EmbeddingIndexWriter::Create(const std::string& path,
                                                                  int64_t dimensions,
                                                                  bool replace) {
  if (dimensions < 1 || dimensions > kMaxDimensions) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": dimensions: expected 1 to ", kMaxDimensions, ", found ", dimensions));
  }
  // What an interrupted replacement left is put back before the folder is looked at.
  ABSL_RETURN_IF_ERROR(PutBackInterruptedReplacement(path));
  ABSL_ASSIGN_OR_RETURN(DurableFolder folder,
                        DurableFolder::Create(path, replace && IsOwnIndex(path)));
  ABSL_ASSIGN_OR_RETURN(DurableFile texts,
                        DurableFile::Create(JoinPath(folder.path(), kTextsFile)));
  ABSL_ASSIGN_OR_RETURN(
      SafetensorsMatrix vectors,
      SafetensorsMatrix::Create(JoinPath(folder.path(), kVectorsFile), kVectors, dimensions));
  return EmbeddingIndexWriter(std::unique_ptr<State>(
      new State{std::move(folder), std::move(texts), std::move(vectors), dimensions, {0}}));
}

absl::Status EmbeddingIndexWriter::Add(std::string_view id, std::string_view text,
                                       absl::Span<const float> vector) {
  State& s = *state_;
  const std::string where =
      absl::StrCat(s.folder.target(), ": row ", static_cast<int64_t>(s.offsets.size()) - 1);
  if (static_cast<int64_t>(vector.size()) != s.dimensions) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": expected a vector of ", s.dimensions,
                                                   " numbers, found ", vector.size()));
  }
  if (const double sum = SquareSum(vector); !std::isfinite(sum)) {
    return absl::InvalidArgumentError(NotFiniteError(where, sum).message());
  }
  ABSL_RETURN_IF_ERROR(
      s.texts.Append(absl::StrCat(Line(ordered_json{{"id", id}, {"text", text}}), "\n")));
  s.offsets.push_back(static_cast<int64_t>(s.texts.size()));
  return s.vectors.Append(vector);
}

absl::Status EmbeddingIndexWriter::Commit(const EmbeddingSource& source) {
  State& s = *state_;
  const auto rows = static_cast<int64_t>(s.offsets.size()) - 1;
  ABSL_RETURN_IF_ERROR(s.texts.Commit());
  const std::string& folder = s.folder.path();
  ABSL_RETURN_IF_ERROR(s.vectors.Commit());
  ABSL_RETURN_IF_ERROR(WriteSafetensors(
      JoinPath(folder, kRowsFile),
      std::vector<TensorToWrite>{{kOffsets, DType::kI64, {rows + 1}, Bytes(s.offsets)}}, {}));
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

namespace {

// A file of tensors that graft wrote. What others may write to, they may change while it is mapped:
// such a file is read.
class TensorFile {
 public:
  absl::Status Open(const std::string& path) {
    ABSL_ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
    path_ = path;
    ABSL_ASSIGN_OR_RETURN(table_, ReadSafetensors(file));
    if (file.OnlyOwnerWrites()) {
      ABSL_ASSIGN_OR_RETURN(mapped_, MappedFile::Map(file));
      bytes_ = mapped_->bytes();
    } else {
      read_.resize(file.size());
      ABSL_RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(read_)));
      bytes_ = read_;
    }
    return absl::OkStatus();
  }

  // The bytes of a tensor; they live as long as this does.
  absl::StatusOr<const char*> Find(std::string_view name, DType dtype,
                                   const std::vector<int64_t>& shape) const {
    for (const TensorInfo& tensor : table_.tensors) {
      if (tensor.name != name) continue;
      if (tensor.dtype != dtype || tensor.shape != shape) {
        return absl::DataLossError(absl::StrCat(path_, ": ", name, ": expected ",
                                                Describe(dtype, shape), ", found ",
                                                Describe(tensor.dtype, tensor.shape)));
      }
      if (tensor.end > bytes_.size() || !table_.written_by_graft) break;
      return bytes_.data() + tensor.begin;
    }
    return absl::DataLossError(
        absl::StrCat(path_, ": expected the tensor ", name, " as graft writes it, found none"));
  }

  const std::string& path() const { return path_; }
  bool mapped() const { return mapped_.has_value(); }

 private:
  std::string path_;
  WeightTable table_;
  std::optional<MappedFile> mapped_;
  std::vector<char> read_;
  absl::Span<const char> bytes_;
};

}  // namespace

struct EmbeddingIndex::State {
  std::string path;
  EmbeddingSource source;
  int64_t rows = 0;
  int64_t dimensions = 0;
  TensorFile vectors_file, rows_file;
  std::optional<InputFile> texts;
  const float* vectors = nullptr;
  const int64_t* offsets = nullptr;
  std::vector<float> lengths;

  absl::Span<const float> Row(int64_t row) const {
    return {vectors + row * dimensions, static_cast<size_t>(dimensions)};
  }
  absl::Status ReadIndex();
  absl::Status OpenTensors();
  absl::Status ComputeLengths();
  absl::Status CheckOffsets() const;
};

absl::Status EmbeddingIndex::State::ReadIndex() {
  ABSL_RETURN_IF_ERROR(ExpectFolder(path));
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
  ABSL_ASSIGN_OR_RETURN(const int64_t version, root.GetInt("version", 0, kMaxRows));
  if (version != kVersion) {
    return root.Error(absl::StrCat("version: expected ", kVersion, ", found ", version));
  }
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
  ABSL_ASSIGN_OR_RETURN(const std::string_view hash, root.GetString("model_hash"));
  if (hash != source.fingerprint.Hash()) {
    return absl::DataLossError(absl::StrCat(file, ": model_hash: expected ",
                                            source.fingerprint.Hash(), ", that of model_files and ",
                                            "model_options, found ", Quoted(hash, kMaxHash)));
  }
  return absl::OkStatus();
}

absl::Status EmbeddingIndex::State::OpenTensors() {
  ABSL_RETURN_IF_ERROR(vectors_file.Open(JoinPath(path, kVectorsFile)));
  ABSL_RETURN_IF_ERROR(rows_file.Open(JoinPath(path, kRowsFile)));
  ABSL_ASSIGN_OR_RETURN(const char* found,
                        vectors_file.Find(kVectors, DType::kF32, {rows, dimensions}));
  vectors = reinterpret_cast<const float*>(found);
  ABSL_ASSIGN_OR_RETURN(found, rows_file.Find(kOffsets, DType::kI64, {rows + 1}));
  offsets = reinterpret_cast<const int64_t*>(found);
  return absl::OkStatus();
}

// No length is taken from a file, which may be damaged; the pass over the vectors finds there what
// is no number, too.
absl::Status EmbeddingIndex::State::ComputeLengths() {
  constexpr int64_t kRowsPerTask = 256;
  lengths.resize(rows);
  ParallelFor(rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      lengths[row] = static_cast<float>(std::sqrt(SquareSum(Row(row))));
    }
  });
  for (int64_t row = 0; row < rows; ++row) {
    if (std::isfinite(lengths[row])) continue;
    const absl::Span<const float> vector = Row(row);
    const auto* bad =
        std::find_if(vector.begin(), vector.end(), [](float v) { return !std::isfinite(v); });
    const std::string where = absl::StrCat(vectors_file.path(), ": row ", row);
    if (bad != vector.end()) return NotFiniteError(where, *bad);
    return absl::DataLossError(absl::StrCat(where, ": expected a length that is a float32, found ",
                                            std::sqrt(SquareSum(vector))));
  }
  return absl::OkStatus();
}

// From 0 to the end of the texts.
absl::Status EmbeddingIndex::State::CheckOffsets() const {
  const auto where = [&](int64_t row) {
    return absl::StrCat(rows_file.path(), ": ", kOffsets, ": row ", row, ": ");
  };
  if (offsets[0] != 0) {
    return absl::DataLossError(absl::StrCat(where(0), "expected 0, found ", offsets[0]));
  }
  for (int64_t row = 0; row < rows; ++row) {
    if (offsets[row + 1] > offsets[row] && offsets[row + 1] - offsets[row] <= kMaxRecord) continue;
    return absl::DataLossError(absl::StrCat(where(row), "expected growing numbers, found ",
                                            offsets[row], " and ", offsets[row + 1]));
  }
  if (static_cast<uint64_t>(offsets[rows]) == texts->size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(texts->path(), ": expected ", offsets[rows], " bytes as ",
                                          kRowsFile, " says, found ", texts->size()));
}

EmbeddingIndex::EmbeddingIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingIndex::EmbeddingIndex(EmbeddingIndex&&) noexcept = default;
EmbeddingIndex& EmbeddingIndex::operator=(EmbeddingIndex&&) noexcept = default;
EmbeddingIndex::~EmbeddingIndex() = default;

absl::StatusOr<EmbeddingIndex> EmbeddingIndex::Open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  ABSL_RETURN_IF_ERROR(CatchErrors(path, [&]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(state->ReadIndex());
    ABSL_RETURN_IF_ERROR(state->OpenTensors());
    ABSL_ASSIGN_OR_RETURN(state->texts, InputFile::Open(JoinPath(path, kTextsFile)));
    ABSL_RETURN_IF_ERROR(state->CheckOffsets());
    const ComputeTurn turn;
    return state->ComputeLengths();
  }));
  return EmbeddingIndex(std::move(state));
}

const std::string& EmbeddingIndex::path() const { return state_->path; }
const EmbeddingSource& EmbeddingIndex::source() const { return state_->source; }
int64_t EmbeddingIndex::rows() const { return state_->rows; }
int64_t EmbeddingIndex::dimensions() const { return state_->dimensions; }
const float* EmbeddingIndex::vectors() const { return state_->vectors; }
const float* EmbeddingIndex::lengths() const { return state_->lengths.data(); }
bool EmbeddingIndex::mapped() const { return state_->vectors_file.mapped(); }

absl::StatusOr<EmbeddingIndex::Entry> EmbeddingIndex::Read(int64_t row) const {
  if (row < 0 || row >= state_->rows) {
    return absl::InvalidArgumentError(absl::StrCat(state_->path, ": expected a row from 0 to ",
                                                   state_->rows - 1, ", found ", row));
  }
  const int64_t begin = state_->offsets[row], end = state_->offsets[row + 1];
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
