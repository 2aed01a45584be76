#include "tools/embedder_options.h"

#include <iostream>

#include "base/utf8.h"

namespace graft::tools {

void DeclarePrompt(PromptOptions& o, OptionList& list) {
  list.Text("--prompt", &o.name, "NAME",
            "put the folder's prompt of this name in front of every text");
  list.Text("--prompt-text", &o.text, "TEXT", "put this in front of every text");
}

absl::Status CheckPrompt(const PromptOptions& o) {
  if (!o.name.empty() && !o.text.empty()) {
    return absl::InvalidArgumentError("--prompt: expected it or --prompt-text, found both");
  }
  if (FindInvalidUtf8(o.text)) {
    return absl::InvalidArgumentError(
        "--prompt-text: expected UTF-8, found an ill-formed sequence");
  }
  return absl::OkStatus();
}

void SetPrompt(const PromptOptions& o, EmbedderOptions& options) {
  if (!o.name.empty()) options.prompt_name = o.name;
  if (!o.text.empty()) options.prompt = o.text;
}

void CutTexts::Add(const Embeddings& embeddings) {
  for (const uint32_t cut_off : embeddings.cut_off) {
    texts_ += cut_off > 0;
    tokens_ += cut_off;
  }
}

void CutTexts::Print(const TextEmbedder& embedder) const {
  if (texts_ == 0) return;
  std::cerr << "graft: " << texts_ << " texts were longer than " << embedder.max_length()
            << " tokens; " << tokens_ << " tokens were not read\n";
}

}  // namespace graft::tools
