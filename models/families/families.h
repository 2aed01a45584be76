// The families of encoders that graft computes: a row of the table each.
#ifndef GRAFT_MODELS_FAMILIES_FAMILIES_H_
#define GRAFT_MODELS_FAMILIES_FAMILIES_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "models/architecture.h"

namespace graft {

class ConfigReader;

struct EncoderFamily {
  std::string_view model_type;  // in config.json
  std::string_view class_stem;  // of transformers' classes: "Bert" in BertForSequenceClassification
  std::string_view prefix;      // of the encoder's tensors in checkpoints with a head: "bert."
  // Reads what the family needs of a config.json. Whether it was right, the reader tells: its
  // result is used only then.
  std::unique_ptr<const Architecture> (*read)(ConfigReader& reader);
  // The prefix in checkpoints of the family's original release; empty where it is the same.
  std::string_view other_prefix = {};
};

// An architecture with its family.
struct FamilyArchitecture {
  const EncoderFamily* family;
  std::shared_ptr<const Architecture> architecture;
};

absl::Span<const EncoderFamily> EncoderFamilies();

// The class of transformers for texts with one label: "BertForSequenceClassification".
std::string SequenceClass(const EncoderFamily& family);

// What the first class that a config.json names does beside encoding.
enum class HeadKind { kNone, kSequence, kToken, kLanguage };
HeadKind HeadOf(const FamilyArchitecture& architecture);
// The layers of that head; nullptr for kNone, and for heads that the family does not have.
const HeadLayout* FindHead(const FamilyArchitecture& architecture);

// The row of a model_type; nullptr when there is none.
const EncoderFamily* FindEncoderFamily(std::string_view model_type);

// Reads a config.json, or the bert_config.json of the original BERT release, which names no
// model_type. NotFound, ResourceExhausted (more than kMaxConfigBytes), DataLoss (no JSON) or
// InvalidArgument: a value is missing, of another type, out of range or contradicts another.
// It may name no class of a family with another reader: that is InvalidArgument too.
// Unimplemented: another model_type (the message lists the known ones) or none, or, with all else
// right, an option that changes the mathematics and that graft does not compute. Thread-safe.
absl::StatusOr<FamilyArchitecture> ReadArchitecture(const std::string& path);
// The same from a text; `source` stands in front of messages.
absl::StatusOr<FamilyArchitecture> ParseArchitecture(std::string_view json, std::string source);

// One reader a family, each in a file of its own.
std::unique_ptr<const Architecture> ReadBert(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadRoberta(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadDistilBert(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadElectra(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadGpt2(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadAlbert(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadMobileBert(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadMPNet(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadDeberta(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadDebertaV2(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadGte(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadModernBert(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadNew(ConfigReader& reader);
std::unique_ptr<const Architecture> ReadNomicBert(ConfigReader& reader);

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_FAMILIES_H_
