#include "models/families/families.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/json.h"
#include "base/utf8.h"
#include "models/config_reader.h"

namespace graft {
namespace {

constexpr auto kFamilies = std::to_array<EncoderFamily>({
    {"albert", "Albert", "albert.", ReadAlbert},
    {"bert", "Bert", "bert.", ReadBert},
    {"camembert", "Camembert", "roberta.", ReadRoberta},
    {"deberta", "Deberta", "deberta.", ReadDeberta},
    {"deberta-v2", "DebertaV2", "deberta.", ReadDebertaV2},
    {"distilbert", "DistilBert", "distilbert.", ReadDistilBert},
    {"electra", "Electra", "electra.", ReadElectra},
    {"gpt2", "GPT2", "transformer.", ReadGpt2},
    {"gte", "Gte", "gte.", ReadGte, "new."},
    {"mobilebert", "MobileBert", "mobilebert.", ReadMobileBert},
    {"modernbert", "ModernBert", "model.", ReadModernBert},
    {"mpnet", "MPNet", "mpnet.", ReadMPNet},
    {"new", "New", "new.", ReadNew},
    {"nomic_bert", "NomicBert", "nomic_bert.", ReadNomicBert, "bert."},
    {"roberta", "Roberta", "roberta.", ReadRoberta},
    {"xlm-roberta", "XLMRoberta", "roberta.", ReadRoberta},
});

// What stands behind the stem of a family in the name of one of its classes: "ForMaskedLM",
// "Model". Nothing for names of other classes.
std::optional<std::string_view> KindOfClass(std::string_view name, const EncoderFamily& family) {
  if (!absl::ConsumePrefix(&name, family.class_stem)) return std::nullopt;
  for (const char* begin : {"For", "Model", "LMHead", "DoubleHeads", "PreTrained"}) {
    if (absl::StartsWith(name, begin)) return name;
  }
  return std::nullopt;
}

// A class of a family that is computed otherwise would have another head. Names that graft does not
// know say nothing.
void CheckFirstClass(ConfigReader& reader, const EncoderFamily& family,
                     const std::vector<std::string>& classes) {
  if (classes.empty() || KindOfClass(classes.front(), family)) return;
  for (const EncoderFamily& other : kFamilies) {
    if (other.read == family.read || !KindOfClass(classes.front(), other)) continue;
    reader.Fail("architectures",
                absl::StrCat("expected classes of ", family.model_type, " (", family.class_stem,
                             "Model, ", SequenceClass(family), ", ...), found ",
                             Quoted(classes.front()), " of ", other.model_type));
    return;
  }
}

absl::StatusOr<FamilyArchitecture> Read(const JsonDocument& document, bool of_bert_release) {
  const JsonValue root = document.root();
  std::string_view model_type;
  if (of_bert_release) {
    ABSL_ASSIGN_OR_RETURN(model_type, root.GetString("model_type", "bert"));
  } else if (root.is_object() && !root.Find("model_type")) {
    return absl::UnimplementedError(root.Get("model_type").status().message());
  } else {
    ABSL_ASSIGN_OR_RETURN(model_type, root.GetString("model_type"));
  }
  const EncoderFamily* family = FindEncoderFamily(model_type);
  if (family == nullptr) {
    const auto names =
        absl::StrJoin(kFamilies, ", ", [](std::string* out, const EncoderFamily& known) {
          absl::StrAppend(out, known.model_type);
        });
    const absl::Status error = root.Error(
        absl::StrCat("model_type: expected one of: ", names, "; found ", Quoted(model_type)));
    return absl::UnimplementedError(error.message());
  }
  ConfigReader reader(root);
  std::shared_ptr<const Architecture> architecture = family->read(reader);
  CheckFirstClass(reader, *family, reader.Texts("architectures"));
  ABSL_RETURN_IF_ERROR(reader.status());
  return FamilyArchitecture{family, std::move(architecture)};
}

}  // namespace

absl::Span<const EncoderFamily> EncoderFamilies() { return kFamilies; }

std::string SequenceClass(const EncoderFamily& family) {
  return absl::StrCat(family.class_stem, "ForSequenceClassification");
}

HeadKind HeadOf(const FamilyArchitecture& architecture) {
  const std::vector<std::string>& names = architecture.architecture->config().architectures;
  if (names.empty()) return HeadKind::kNone;
  // RoBERTa's relatives are computed alike and named after each other.
  for (const EncoderFamily& family : kFamilies) {
    if (family.read != architecture.family->read) continue;
    const auto kind = KindOfClass(names.front(), family);
    if (!kind) continue;
    if (kind == "ForSequenceClassification") return HeadKind::kSequence;
    if (kind == "ForTokenClassification") return HeadKind::kToken;
    if (kind == "ForMaskedLM" || kind == "LMHeadModel") return HeadKind::kLanguage;
  }
  return HeadKind::kNone;
}

const HeadLayout* FindHead(const FamilyArchitecture& architecture) {
  const HeadLayouts& heads = architecture.architecture->heads();
  const auto find = [](const std::optional<HeadLayout>& head) { return head ? &*head : nullptr; };
  switch (HeadOf(architecture)) {
    case HeadKind::kSequence:
      return find(heads.sequence);
    case HeadKind::kToken:
      return find(heads.token);
    case HeadKind::kLanguage:
      return find(heads.language);
    case HeadKind::kNone:
      break;
  }
  return nullptr;
}

const EncoderFamily* FindEncoderFamily(std::string_view model_type) {
  const auto* found =
      std::find_if(kFamilies.begin(), kFamilies.end(),
                   [&](const EncoderFamily& family) { return family.model_type == model_type; });
  return found == kFamilies.end() ? nullptr : found;
}

absl::StatusOr<FamilyArchitecture> ReadArchitecture(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Load(path));
  return Read(document, absl::EndsWith(path, "bert_config.json"));
}

absl::StatusOr<FamilyArchitecture> ParseArchitecture(std::string_view json, std::string source) {
  ABSL_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json, std::move(source)));
  return Read(document, false);
}

}  // namespace graft
