// What all encoders have in common.
#ifndef GRAFT_MODELS_ENCODER_CONFIG_H_
#define GRAFT_MODELS_ENCODER_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

namespace graft {

// The sizes and rates that programs ask for, whatever the family. What else its mathematics depends
// on, a family keeps to itself.
struct EncoderConfig {
  std::string model_type;                  // "bert"
  std::vector<std::string> architectures;  // as the file says; may be empty
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t intermediate_size = 0;
  int64_t max_positions = 0;    // longest text that the model has positions for, in tokens
  int64_t type_vocab_size = 0;  // rows of the token types' table; 0 without one
  bool causal = false;          // a decoder: a token sees itself and those before it
  double hidden_dropout = 0;
  double attention_dropout = 0;
  double initializer_range = 0.02;  // standard deviation of new weights
  bool names_programs = false;      // auto_map: Python classes of the folder; graft runs none
};

}  // namespace graft

#endif  // GRAFT_MODELS_ENCODER_CONFIG_H_
