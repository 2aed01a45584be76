// config.json of an encoder, checked.
#ifndef GRAFT_MODELS_ENCODER_CONFIG_H_
#define GRAFT_MODELS_ENCODER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace graft {

// What the mathematics of an encoder depends on. Names of the JSON keys stand beside the fields
// where they differ.
struct EncoderConfig {
  std::string model_type;                  // "bert"
  std::vector<std::string> architectures;  // as the file says; may be empty
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;  // num_hidden_layers
  int64_t heads = 0;   // num_attention_heads
  int64_t intermediate_size = 0;
  int64_t max_positions = 0;  // max_position_embeddings
  int64_t type_vocab_size = 0;
  double layer_norm_eps = 1e-12;
  double hidden_dropout = 0.1;     // hidden_dropout_prob
  double attention_dropout = 0.1;  // attention_probs_dropout_prob
  std::optional<double>
      classifier_dropout;  // of a classification head; hidden_dropout when the file has none
  double initializer_range = 0.02;  // standard deviation of new weights
  bool names_programs = false;      // auto_map: Python classes of the folder; graft runs none
};

// Reads a config.json, or the bert_config.json of the original BERT release, which names no
// model_type. NotFound, ResourceExhausted (more than kMaxConfigBytes), DataLoss (no JSON) or
// InvalidArgument: a value is missing, of another type, out of range or contradicts another.
// Unimplemented: another model_type or none, or, with all sizes right, an option that changes the
// mathematics and that graft does not compute. Thread-safe.
absl::StatusOr<EncoderConfig> LoadEncoderConfig(const std::string& path);

}  // namespace graft

#endif  // GRAFT_MODELS_ENCODER_CONFIG_H_
