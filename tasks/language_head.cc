#include "tasks/language_head.h"

#include <c10/util/Exception.h>

#include <utility>

#include "models/head.h"

namespace graft {

std::vector<SlotLayout> LanguageHead::Layout(const LanguageHeadConfig& config) {
  return HeadSlots(config.layout, config.hidden_size, config.vocab_size);
}

LanguageHead::LanguageHead(LanguageHeadConfig config, std::vector<at::Tensor> tensors)
    : config_(std::move(config)), tensors_(std::move(tensors)) {
  TORCH_CHECK(tensors_.size() == Layout(config_).size(), "LanguageHead: ", tensors_.size(),
              " tensors");
}

at::Tensor LanguageHead::Forward(const at::Tensor& hidden, const at::Tensor& word_table) const {
  const auto no_dropout = [](const at::Tensor& x, double, int) { return x; };
  return RunHead(config_.layout, tensors_, hidden, word_table, no_dropout);  // [n, V]
}

const at::Tensor& WordTable(const Backbone& backbone) { return backbone.stage(0).tensors[0]; }

}  // namespace graft
