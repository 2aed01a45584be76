// Apart from the mathematics, for readers of graft.json.
#include <algorithm>
#include <array>
#include <utility>

#include "models/composer.h"

namespace graft {
namespace {

constexpr std::array<std::pair<ComposerKind, std::string_view>, 4> kNames = {
    {{ComposerKind::kAverage, "average"},
     {ComposerKind::kSif, "sif"},
     {ComposerKind::kCnn, "cnn"},
     {ComposerKind::kLstm, "lstm"}}};

}  // namespace

std::string_view ComposerName(ComposerKind kind) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.first == kind; })
      ->second;
}

std::optional<ComposerKind> ComposerOfName(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

}  // namespace graft
