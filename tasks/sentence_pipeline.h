// From hidden states to embeddings: what stands behind the Transformer of a sentence-transformers
// folder, or what options say of another.
#ifndef GRAFT_TASKS_SENTENCE_PIPELINE_H_
#define GRAFT_TASKS_SENTENCE_PIPELINE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "models/kernels/segments.h"
#include "tasks/model_folder.h"
#include "tasks/module_configs.h"

namespace graft {

// Immutable and thread-safe.
class SentencePipeline {
 public:
  // Reads the modules behind the Transformer: Pooling, then any number of Dense and Normalize.
  // InvalidArgument with file and key for what is not understood.
  static absl::StatusOr<SentencePipeline> Load(const ModelFolder& folder);
  // Pooling alone.
  SentencePipeline(PoolingMode mode, int64_t hidden_size);

  // hidden [R, H] -> [B, width()]. The first `prompt_tokens` of each text are its prompt. A text's
  // bits do not depend on the others.
  at::Tensor Run(const at::Tensor& hidden, const Segments& segments, int64_t prompt_tokens) const;

  int64_t width() const { return width_; }
  // What was read.
  const std::vector<std::string>& files() const { return files_; }
  // "mean", "cls+max, Dense 384 to 128, Normalize".
  std::string Describe() const;

 private:
  struct Dense {
    DenseModule config;
    at::Tensor weight, bias,
        residual;  // [out, in], [out], [out, in]; the last two may be undefined
  };
  struct Normalize {};
  using Step = std::variant<Dense, Normalize>;

  SentencePipeline() = default;
  absl::StatusOr<Dense> LoadDense(const std::string& folder);
  static at::Tensor RunDense(const Dense& dense, const at::Tensor& x);

  PoolingModule pooling_;
  int64_t hidden_size_ = 0;
  int64_t width_ = 0;
  std::vector<Step> steps_;
  std::vector<std::string> files_;
};

// Divides each row of x [n, width] by its length, at least 1e-12, in place. The length is computed
// in double.
void NormalizeRows(at::Tensor& x);

}  // namespace graft

#endif  // GRAFT_TASKS_SENTENCE_PIPELINE_H_
