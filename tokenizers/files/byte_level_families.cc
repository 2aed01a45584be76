// Families over vocab.json and merges.txt: byte-level BPE.
#include "absl/status/status_macros.h"
#include "tokenizers/files/families.h"

namespace graft {
namespace {

using nlohmann::json;

json ByteLevel(bool add_prefix_space) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", true}};
}

absl::Status SetByteLevel(FamilyParts& parts) {
  ABSL_ASSIGN_OR_RETURN(const bool prefix, parts.Flag("add_prefix_space", false));
  parts.components["normalizer"] = json();
  parts.components["pre_tokenizer"] = ByteLevel(prefix);
  parts.components["decoder"] = ByteLevel(true);
  return absl::OkStatus();
}

}  // namespace

absl::Status Gpt2Components(FamilyParts& parts) {
  ABSL_RETURN_IF_ERROR(SetByteLevel(parts));
  ABSL_ASSIGN_OR_RETURN(parts.components["post_processor"], BosEosProcessing(parts));
  return absl::OkStatus();
}

absl::Status RobertaComponents(FamilyParts& parts) {
  ABSL_RETURN_IF_ERROR(SetByteLevel(parts));
  ABSL_ASSIGN_OR_RETURN(const bool trim, parts.Flag("trim_offsets", true));
  ABSL_ASSIGN_OR_RETURN(const bool prefix, parts.Flag("add_prefix_space", false));
  return SetRobertaProcessing(trim, prefix, parts);
}

absl::Status DebertaComponents(FamilyParts& parts) {
  ABSL_RETURN_IF_ERROR(SetByteLevel(parts));
  ABSL_ASSIGN_OR_RETURN(const std::string cls, parts.TextOf(TokenName::kCls));
  ABSL_ASSIGN_OR_RETURN(const std::string sep, parts.TextOf(TokenName::kSep));
  ABSL_ASSIGN_OR_RETURN(const int32_t cls_id, parts.IdOf(cls));
  ABSL_ASSIGN_OR_RETURN(const int32_t sep_id, parts.IdOf(sep));
  parts.components["post_processor"] =
      TemplateProcessing({{cls}, {"A"}, {sep}}, {{cls}, {"A"}, {sep}, {sep}, {"B"}, {sep}},
                         {{cls, cls_id}, {sep, sep_id}});
  return absl::OkStatus();
}

}  // namespace graft
