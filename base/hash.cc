#include "base/hash.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "xxhash.h"

namespace graft {
namespace {

std::string ToHex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return absl::BytesToHexString(
      std::string_view(reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)));
}

}  // namespace

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() { ABSL_CHECK(xxh != nullptr && XXH3_128bits_reset(xxh) == XXH_OK); }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::Hasher(Hasher&& other) noexcept = default;
Hasher& Hasher::operator=(Hasher&& other) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::Update(std::string_view bytes) {
  ABSL_CHECK(XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size()) == XXH_OK);
}

std::string Hasher::Hex() const { return ToHex(XXH3_128bits_digest(state_->xxh)); }

std::string HashBytes(std::string_view bytes) {
  return ToHex(XXH3_128bits(bytes.data(), bytes.size()));
}

absl::StatusOr<std::string> HashFile(const std::string& path) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  ABSL_ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
  Hasher hasher;
  std::string piece(std::min(kPiece, file.size()), '\0');
  for (uint64_t offset = 0; offset < file.size(); offset += piece.size()) {
    piece.resize(std::min(kPiece, file.size() - offset));
    ABSL_RETURN_IF_ERROR(file.ReadAt(offset, absl::MakeSpan(piece)));
    hasher.Update(piece);
  }
  return hasher.Hex();
}

}  // namespace graft
