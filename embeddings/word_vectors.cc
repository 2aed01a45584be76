#include "embeddings/word_vectors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "models/weights/float_conversion.h"

namespace graft {
namespace {

constexpr std::array<std::pair<VectorStorage, std::string_view>, 3> kNames = {{
    {VectorStorage::kFloat32, "float32"},
    {VectorStorage::kFloat16, "float16"},
    {VectorStorage::kInt8, "int8"},
}};

}  // namespace

std::string_view VectorStorageName(VectorStorage storage) {
  for (const auto& [value, name] : kNames) {
    if (value == storage) return name;
  }
  return "";
}

std::optional<VectorStorage> VectorStorageOfName(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

int64_t VectorStorageBytes(VectorStorage storage) {
  switch (storage) {
    case VectorStorage::kFloat16:
      return 2;
    case VectorStorage::kInt8:
      return 1;
    case VectorStorage::kFloat32:
      break;
  }
  return 4;
}

const float* VectorMatrix::Floats(int64_t begin, int64_t end, float* scratch) const {
  const int64_t first = begin * width;
  const auto count = static_cast<size_t>((end - begin) * width);
  switch (storage) {
    case VectorStorage::kFloat16:
      HalfToFloat(static_cast<const uint16_t*>(data) + first, scratch, count);
      return scratch;
    case VectorStorage::kInt8: {
      const int8_t* codes = static_cast<const int8_t*>(data) + first;
      float* out = scratch;
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t i = 0; i < width; ++i) *out++ = scales[row] * static_cast<float>(*codes++);
      }
      return scratch;
    }
    case VectorStorage::kFloat32:
      break;
  }
  return static_cast<const float*>(data) + first;
}

void WordVectors::Row(int64_t row, absl::Span<float> out) const {
  const float* const from = matrix_.Floats(row, row + 1, out.data());
  if (from != out.data()) std::memcpy(out.data(), from, out.size() * sizeof(float));
}

bool WordVectors::Vector(std::string_view word, absl::Span<float> out) const {
  if (const auto row = words_.Find(word)) {
    Row(*row, out);
    return true;
  }
  if (sub_words_) return sub_words_->Vector(word, out);
  std::fill(out.begin(), out.end(), 0.0f);
  return false;
}

}  // namespace graft
