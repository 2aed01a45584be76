// The door for applications: texts in, vectors out.
#ifndef GRAFT_TASKS_TEXT_EMBEDDER_H_
#define GRAFT_TASKS_TEXT_EMBEDDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/model_fingerprint.h"
#include "tasks/pooling_mode.h"
#include "tasks/threads.h"  // IWYU pragma: export

namespace graft {

// Which of the folder's prompts stands in front of texts where the options name none, as in
// sentence-transformers 6.2.
enum class PromptUse {
  kNone,      // encode: the default prompt
  kQuery,     // encode_query: the prompt `query`, or none at all
  kDocument,  // encode_document: the prompt `document`, or none at all
};

struct EmbedderOptions {
  // For folders that have no modules.json and so do not say it themselves; mean without it.
  std::optional<PoolingMode> pooling = std::nullopt;
  // Divide every vector by its length, last of all.
  bool normalize = false;
  // The output of this stage (0: the embeddings, k: layer k) in place of the last one's.
  std::optional<int64_t> layer = std::nullopt;
  // The first numbers of a vector alone, as truncate_dim of sentence-transformers: a Normalize
  // module comes before, `normalize` after it. Without it what the folder says.
  std::optional<int64_t> dimensions = std::nullopt;
  // The longest input in tokens, special tokens and prompt counted: no more than the model has
  // positions. Without it what the folder says.
  std::optional<int64_t> max_length = std::nullopt;
  // What stands in front of every text: a prompt of config_sentence_transformers.json by name, or
  // itself. Not both. Without them as `use` says; an empty text is no prompt.
  std::optional<std::string> prompt_name = std::nullopt;
  std::optional<std::string> prompt = std::nullopt;
  PromptUse use = PromptUse::kNone;
};

struct EncodedTexts;

// The vectors of n texts.
struct Embeddings {
  int64_t dimensions = 0;
  std::vector<float> values;      // [n, dimensions]
  std::vector<int32_t> tokens;    // by text: those that were read, special ones and prompt counted
  std::vector<uint32_t> cut_off;  // by text: tokens beyond the longest input, not read

  absl::Span<const float> row(size_t i) const {
    const auto width = static_cast<size_t>(dimensions);
    return absl::MakeConstSpan(values).subspan(i * width, width);
  }
};

// An encoder with what makes one vector of its hidden states. A sentence-transformers folder is
// honoured whole (Transformer, Pooling, Dense, Normalize, prompts, lengths) and gives that
// library's vectors within 1e-5; what is not understood is refused by name. Immutable; all methods
// are thread-safe. Concurrent calls of Embed take turns in the computation, each with all threads
// (SetThreads).
class TextEmbedder {
 public:
  // Errors name file and place, or the option (pooling, layer, dims, max_length, prompt), expected
  // and found.
  static absl::StatusOr<TextEmbedder> Load(const std::string& folder,
                                           const EmbedderOptions& options = {});

  TextEmbedder(TextEmbedder&&) noexcept;
  TextEmbedder& operator=(TextEmbedder&&) noexcept;
  ~TextEmbedder();

  // One vector a text, in order. A text's vector does not depend on the others, bit for bit (CPU).
  // Ill-formed UTF-8 is read as U+FFFD. InvalidArgument, which quotes the text, for one without any
  // token (of a tokenizer that adds none) and for weights that give no finite numbers;
  // ResourceExhausted when memory runs out, Internal when LibTorch fails otherwise.
  absl::StatusOr<Embeddings> Embed(absl::Span<const std::string> texts) const;
  absl::StatusOr<Embeddings> Embed(absl::Span<const std::string_view> texts) const;

  // Numbers of a vector.
  int64_t dimensions() const;
  // Longest input in tokens, special tokens and prompt counted.
  size_t max_length() const;
  // "mean", "cls+max, Dense 384 to 128, Normalize".
  std::string pooling() const;
  // Whether neither folder nor options said it.
  bool pooling_by_default() const;
  // What stands in front of every text; may be empty.
  const std::string& prompt() const;
  // How the folder says its vectors are compared: cosine, dot, euclidean or manhattan.
  const std::string& similarity() const;
  // What computes the vectors but for the prompt: hashes of all files that count, and the options
  // as they came out. Reads the files.
  absl::StatusOr<ModelFingerprint> Fingerprint() const;

 private:
  struct Impl;
  friend class EmbedderLoader;
  explicit TextEmbedder(std::unique_ptr<Impl> impl);
  Embeddings Compute(EncodedTexts encoded) const;

  std::unique_ptr<Impl> impl_;
};

}  // namespace graft

#endif  // GRAFT_TASKS_TEXT_EMBEDDER_H_
