// Where exceptions of LibTorch end.
#ifndef GRAFT_MODELS_CATCH_ERRORS_H_
#define GRAFT_MODELS_CATCH_ERRORS_H_

#include <exception>
#include <string_view>

#include "absl/status/status.h"

namespace graft {

// The Status of an exception: ResourceExhausted when memory ran out, else Internal. The message
// begins with `where`.
absl::Status ExceptionStatus(std::string_view where, const std::exception& error);

// What `body` returns, a Status or a StatusOr, or the ExceptionStatus of what it throws. Public
// functions that call LibTorch and return a Status go through this, so that none of them throws.
template <typename Body>
auto CatchErrors(std::string_view where, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return ExceptionStatus(where, error);
  }
}

}  // namespace graft

#endif  // GRAFT_MODELS_CATCH_ERRORS_H_
