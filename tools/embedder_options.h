// The options that say how `graft embed` and `graft search` make vectors.
#ifndef GRAFT_TOOLS_EMBEDDER_OPTIONS_H_
#define GRAFT_TOOLS_EMBEDDER_OPTIONS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tasks/text_embedder.h"
#include "tools/options.h"

namespace graft::tools {

// --prompt NAME, --prompt-text TEXT.
struct PromptOptions {
  std::string name = "";
  std::optional<std::string> text = std::nullopt;

  bool given() const { return !name.empty() || text.has_value(); }
};
// `texts`: "every query"; `otherwise`: what stands in front without the two.
void DeclarePrompt(PromptOptions& o, OptionList& list, std::string_view texts,
                   std::string_view otherwise);
absl::Status CheckPrompt(const PromptOptions& o);
void SetPrompt(const PromptOptions& o, EmbedderOptions& options);

// TextEmbedder::Load, whose messages name members of EmbedderOptions, for a command line: `prompt`
// is --prompt there. So are the others, unless a file said them, which `file` names.
absl::StatusOr<TextEmbedder> LoadEmbedder(const std::string& model, const EmbedderOptions& options,
                                          std::string_view file = "");

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
