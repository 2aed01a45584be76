#include "models/catch_errors.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace graft {

absl::Status ExceptionStatus(std::string_view where, const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(where, ": out of memory"));
  }
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  if (torch == nullptr) return absl::InternalError(absl::StrCat(where, ": ", error.what()));
  const std::string_view what = torch->what_without_backtrace();
  const std::string message =
      absl::StrCat(where, ": LibTorch failed: ", what.substr(0, what.find('\n')));
  // The name of the allocator is all by which its failure can be told from others.
  if (absl::StrContains(what, "DefaultCPUAllocator")) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

}  // namespace graft
