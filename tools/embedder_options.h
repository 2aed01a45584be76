// The options that say how `graft embed` and `graft search` make vectors.
#ifndef GRAFT_TOOLS_EMBEDDER_OPTIONS_H_
#define GRAFT_TOOLS_EMBEDDER_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "tasks/text_embedder.h"
#include "tools/options.h"

namespace graft::tools {

// --prompt NAME, --prompt-text TEXT.
struct PromptOptions {
  std::string name;
  std::string text;
};
void DeclarePrompt(PromptOptions& o, OptionList& list);
absl::Status CheckPrompt(const PromptOptions& o);
void SetPrompt(const PromptOptions& o, EmbedderOptions& options);

// Counts what was cut off, for the closing line on standard error.
class CutTexts {
 public:
  void Add(const Embeddings& embeddings);
  void Print(const TextEmbedder& embedder) const;

 private:
  int64_t texts_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_EMBEDDER_OPTIONS_H_
