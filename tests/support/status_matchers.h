// Matchers for absl::Status and absl::StatusOr. (Abseil installs its own only where GoogleTest was
// there when it was built.)
#ifndef GRAFT_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define GRAFT_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).ok();
}

// The code, and a matcher (or text) for the message.
MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).code() == code && ::testing::Matches(::testing::Matcher<std::string>(
                                             message))(std::string(StatusOf(arg).message()));
}

MATCHER_P(StatusIs, code, "") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).code() == code;
}

// The value of a StatusOr.
MATCHER_P(IsOkAndHolds, value, "") {
  *result_listener << StatusOf(arg);
  return arg.ok() && ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_SUPPORT_STATUS_MATCHERS_H_
