#include "tools/embedding_output.h"

#include <charconv>
#include <cmath>
#include <iostream>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/durable.h"
#include "base/file.h"
#include "models/weights/safetensors.h"
#include "nlohmann/json.hpp"
#include "tools/json_text.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

class JsonLines final : public EmbeddingOutput {
 public:
  explicit JsonLines(bool ids) : ids_(ids) {}

  absl::Status Add(absl::Span<const TextRow> rows, const Embeddings& embeddings) override {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::cout << '{';
      if (ids_) std::cout << "\"id\":" << JsonText(ordered_json(rows[i].id)) << ',';
      std::cout << "\"text\":" << JsonText(ordered_json(rows[i].text))
                << ",\"embedding\":" << VectorText(embeddings.row(i));
      if (embeddings.cut_off[i] > 0) {
        std::cout << ",\"cut_off_tokens\":" << embeddings.cut_off[i];
      }
      std::cout << "}\n";
    }
    if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
    return absl::OkStatus();
  }

  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  bool ids_;
};

// The header of NumPy's format 1.0 (numpy.lib.format): magic, version, the header's length, a
// Python literal, padded so that the data begins at a multiple of 64 bytes; always at the same.
constexpr size_t kNpyHeader = 128;

std::string NpyHeader(int64_t rows, int64_t columns) {
  constexpr size_t kBefore = 10;
  std::string header = absl::StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': (", rows,
                                    ", ", columns, "), }");
  header.resize(kNpyHeader - kBefore - 1, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

class NpyFile final : public EmbeddingOutput {
 public:
  static absl::StatusOr<std::unique_ptr<EmbeddingOutput>> Create(const std::string& path,
                                                                 int64_t dimensions) {
    ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
    ABSL_RETURN_IF_ERROR(file.Append(NpyHeader(0, dimensions)));
    return std::unique_ptr<EmbeddingOutput>(new NpyFile(std::move(file), dimensions));
  }

  absl::Status Add(absl::Span<const TextRow> rows, const Embeddings& embeddings) override {
    rows_ += static_cast<int64_t>(rows.size());
    return file_.Append({reinterpret_cast<const char*>(embeddings.values.data()),
                         embeddings.values.size() * sizeof(float)});
  }

  absl::Status Finish() override {
    ABSL_RETURN_IF_ERROR(file_.WriteOver(0, NpyHeader(rows_, dimensions_)));
    return file_.Commit();
  }

 private:
  NpyFile(DurableFile file, int64_t dimensions) : file_(std::move(file)), dimensions_(dimensions) {}

  DurableFile file_;
  int64_t dimensions_;
  int64_t rows_ = 0;
};

class SafetensorsFile final : public EmbeddingOutput {
 public:
  explicit SafetensorsFile(SafetensorsMatrix matrix) : matrix_(std::move(matrix)) {}

  absl::Status Add(absl::Span<const TextRow>, const Embeddings& embeddings) override {
    return matrix_.Append(embeddings.values);
  }

  absl::Status Finish() override { return matrix_.Commit(); }

 private:
  SafetensorsMatrix matrix_;
};

class Index final : public EmbeddingOutput {
 public:
  Index(EmbeddingIndexWriter writer, EmbeddingSource source)
      : writer_(std::move(writer)), source_(std::move(source)) {}

  absl::Status Add(absl::Span<const TextRow> rows, const Embeddings& embeddings) override {
    for (size_t i = 0; i < rows.size(); ++i) {
      ABSL_RETURN_IF_ERROR(writer_.Add(rows[i].id, rows[i].text, embeddings.row(i)));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override { return writer_.Commit(source_); }

 private:
  EmbeddingIndexWriter writer_;
  EmbeddingSource source_;
};

}  // namespace

std::string VectorText(absl::Span<const float> vector) {
  constexpr size_t kMostDigits = 32;
  std::string text = "[";
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) text += ',';
    char digits[kMostDigits];
    const auto end = std::to_chars(digits, digits + kMostDigits, vector[i]);
    text.append(digits, end.ptr);
  }
  text += ']';
  return text;
}

std::unique_ptr<EmbeddingOutput> JsonLinesOutput(bool ids) {
  return std::make_unique<JsonLines>(ids);
}

absl::Status CheckVectorFileName(std::string_view path) {
  if (absl::EndsWith(path, ".npy") || absl::EndsWith(path, ".safetensors")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--output: expected a name that ends in .npy or .safetensors, found '", path, "'"));
}

absl::StatusOr<std::unique_ptr<EmbeddingOutput>> VectorFileOutput(const std::string& path,
                                                                  int64_t dimensions,
                                                                  bool overwrite) {
  if (!overwrite && PathExists(path)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, ": expected no such file, found one; --overwrite replaces it"));
  }
  if (absl::EndsWith(path, ".npy")) return NpyFile::Create(path, dimensions);
  ABSL_ASSIGN_OR_RETURN(SafetensorsMatrix matrix,
                        SafetensorsMatrix::Create(path, "embeddings", dimensions));
  return std::make_unique<SafetensorsFile>(std::move(matrix));
}

absl::StatusOr<std::unique_ptr<EmbeddingOutput>> IndexOutput(const std::string& path,
                                                             int64_t dimensions,
                                                             EmbeddingSource source,
                                                             bool overwrite) {
  absl::StatusOr<EmbeddingIndexWriter> writer =
      EmbeddingIndexWriter::Create(path, dimensions, overwrite);
  if (absl::IsAlreadyExists(writer.status())) {
    return absl::AlreadyExistsError(
        absl::StrCat(writer.status().message(), "; --overwrite replaces ", overwrite ? "only " : "",
                     "a folder of `graft embed --out`"));
  }
  ABSL_RETURN_IF_ERROR(writer.status());
  return std::make_unique<Index>(*std::move(writer), std::move(source));
}

}  // namespace graft::tools
