// Reading the config.json of an encoder.
#ifndef GRAFT_MODELS_CONFIG_READER_H_
#define GRAFT_MODELS_CONFIG_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/json.h"
#include "models/encoder_config.h"
#include "models/kernels/activation_kind.h"

namespace graft {

// Far above every published encoder; they keep every product of sizes inside int64.
inline constexpr int64_t kMaxVocabulary = 4'000'000;
inline constexpr int64_t kMaxWidth = 65'536;
inline constexpr int64_t kMaxLayers = 1'000;
inline constexpr int64_t kMaxPositions = 1'000'000;

// Takes members out of a config.json and keeps the first thing that is wrong: what is read after it
// are defaults, which nobody may use before status() is asked. What is right but nothing that graft
// computes counts only where nothing is wrong. A member that is null is absent.
class ConfigReader {
 public:
  explicit ConfigReader(JsonValue root) : root_(std::move(root)) {}

  // InvalidArgument: a value is missing, of another type, out of range or contradicts another.
  // Unimplemented: an option that changes the mathematics and that graft does not compute.
  const absl::Status& status() const { return wrong_.ok() ? uncomputed_ : wrong_; }
  bool Has(std::string_view key) const { return root_.Find(key).has_value(); }
  // For what the getters below cannot say. Errors go to Fail.
  const JsonValue& root() const { return root_; }

  // With model_type and architectures filled in.
  EncoderConfig NewConfig();

  // From 1 to `max`; without `absent` it must be there.
  int64_t Size(std::string_view key, int64_t max);
  int64_t Size(std::string_view key, int64_t max, int64_t absent);
  int64_t Integer(std::string_view key, int64_t min, int64_t max, int64_t absent);
  double Number(std::string_view key, double min, double max, double absent);
  // Of a dropout: 0 up to, not counted in, 1.
  double Rate(std::string_view key, double absent);
  bool Flag(std::string_view key, bool absent);
  std::string Text(std::string_view key, std::string_view absent);
  std::vector<std::string> Texts(std::string_view key);
  // One of the functions that graft computes, by the name that transformers has for it.
  Activation Function(std::string_view key, std::string_view absent);

  // Options that graft computes in one way only: another value is uncomputed.
  void ExpectText(std::string_view key, std::string_view only);
  void ExpectFlag(std::string_view key, bool only);

  // Keeps the error unless there is one before it.
  void Fail(absl::Status error);
  void Fail(std::string_view key, std::string_view message);
  // The same for what others may compute.
  void Uncomputed(std::string_view key, std::string_view message);

 private:
  template <typename T, typename Read>
  T Take(T absent, const Read& read);

  JsonValue root_;
  absl::Status wrong_, uncomputed_;
};

// The members that most families share: vocab_size, hidden_size, num_hidden_layers,
// num_attention_heads, intermediate_size, max_position_embeddings, type_vocab_size (2 when
// absent, at least `least_types`), hidden_dropout_prob, attention_probs_dropout_prob,
// initializer_range. Refuses heads that do not divide the hidden size, pruned heads and decoders.
EncoderConfig ReadCommonConfig(ConfigReader& reader, int64_t least_types = 1);
// The same where the heads divide something else than the hidden size.
EncoderConfig ReadUncheckedConfig(ConfigReader& reader, int64_t least_types = 1);

// Refuses a configuration with attention heads taken out, which older libraries could do.
void RefusePrunedHeads(ConfigReader& reader);

// Refuses a hidden size that the heads do not divide. `hidden` and `heads` name the members.
void CheckHeads(ConfigReader& reader, const EncoderConfig& config,
                std::string_view hidden = "hidden_size",
                std::string_view heads = "num_attention_heads");

}  // namespace graft

#endif  // GRAFT_MODELS_CONFIG_READER_H_
