// The head that guesses tokens: of a masked or a causal language model.
#ifndef GRAFT_TASKS_LANGUAGE_HEAD_H_
#define GRAFT_TASKS_LANGUAGE_HEAD_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/backbone.h"
#include "models/head_layout.h"
#include "models/weights_layout.h"

namespace graft {

struct LanguageHeadConfig {
  HeadLayout layout;
  int64_t hidden_size = 0;
  int64_t vocab_size = 0;
  // A token's row guesses the token behind it; else the one in its own place, where a mask stands.
  bool causal = false;
};

// The layers of the config over every token. Copies share the weights. Immutable and thread-safe.
class LanguageHead {
 public:
  // HeadSlots of the config (models/head.h).
  static std::vector<SlotLayout> Layout(const LanguageHeadConfig& config);
  // `tensors`: one a slot.
  LanguageHead(LanguageHeadConfig config, std::vector<at::Tensor> tensors);

  // hidden [n, H], rows of the output of the backbone's last stage -> logits [n, V]. `word_table`
  // [V, width], that of the word embeddings, is the weight of a tied head and not read otherwise.
  // Without dropout: for scoring.
  at::Tensor Forward(const at::Tensor& hidden, const at::Tensor& word_table) const;

  const LanguageHeadConfig& config() const { return config_; }
  const std::vector<at::Tensor>& tensors() const { return tensors_; }
  std::vector<NamedTensor> Parameters() const { return NamedParts(Layout(config_), tensors_); }

 private:
  LanguageHeadConfig config_;
  std::vector<at::Tensor> tensors_;
};

// The table of the word embeddings [V, width]: the first tensor of every backbone.
const at::Tensor& WordTable(const Backbone& backbone);

}  // namespace graft

#endif  // GRAFT_TASKS_LANGUAGE_HEAD_H_
