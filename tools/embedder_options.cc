#include "tools/embedder_options.h"

#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/utf8.h"

namespace graft::tools {

void DeclarePrompt(PromptOptions& o, OptionList& list, std::string_view texts,
                   std::string_view otherwise) {
  list.Text("--prompt", &o.name, "NAME",
            absl::StrCat("put the model's prompt of this name in front of ", texts, "; without it ",
                         otherwise));
  list.OptionalText("--prompt-text", &o.text, "TEXT",
                    absl::StrCat("put this in front of ", texts, "; \"\" for nothing"));
}

absl::Status CheckPrompt(const PromptOptions& o) {
  if (!o.name.empty() && o.text) {
    return absl::InvalidArgumentError("--prompt: expected it or --prompt-text, found both");
  }
  if (o.text && FindInvalidUtf8(*o.text)) {
    return absl::InvalidArgumentError(
        "--prompt-text: expected UTF-8, found an ill-formed sequence");
  }
  return absl::OkStatus();
}

void SetPrompt(const PromptOptions& o, EmbedderOptions& options) {
  if (!o.name.empty()) options.prompt_name = o.name;
  if (o.text) options.prompt = o.text;
}

absl::StatusOr<TextEmbedder> LoadEmbedder(const std::string& model, const EmbedderOptions& options,
                                          std::string_view file) {
  absl::StatusOr<TextEmbedder> embedder = TextEmbedder::Load(model, options);
  if (!absl::IsInvalidArgument(embedder.status())) return embedder;
  const std::string_view message = embedder.status().message();
  for (const std::string_view name : {"pooling", "layer", "dims", "max_length", "prompt"}) {
    if (!absl::StartsWith(message, absl::StrCat(name, ": "))) continue;
    if (!file.empty() && name != "prompt") {
      return absl::InvalidArgumentError(absl::StrCat(file, ": embedder: ", message));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("--", absl::StrReplaceAll(name, {{"_", "-"}}), message.substr(name.size())));
  }
  return embedder;
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
