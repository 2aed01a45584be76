#include "embeddings/vector_format.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace graft {
namespace {

constexpr std::array<std::pair<VectorFormat, std::string_view>, 8> kNames = {{
    {VectorFormat::kWord2VecText, "word2vec-text"},
    {VectorFormat::kGlove, "glove"},
    {VectorFormat::kWord2VecBinary, "word2vec-binary"},
    {VectorFormat::kFastText, "fasttext"},
    {VectorFormat::kFloret, "floret"},
    {VectorFormat::kNumpy, "numpy"},
    {VectorFormat::kFinalfusion, "finalfusion"},
    {VectorFormat::kGraft, "graft"},
}};

}  // namespace

std::string_view VectorFormatName(VectorFormat format) {
  for (const auto& [value, name] : kNames) {
    if (value == format) return name;
  }
  return "";
}

std::optional<VectorFormat> VectorFormatOfName(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::string VectorFormatNames() {
  std::string names;
  for (const auto& entry : kNames) absl::StrAppend(&names, names.empty() ? "" : ", ", entry.second);
  return names;
}

}  // namespace graft
