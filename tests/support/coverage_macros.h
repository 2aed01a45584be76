// Included in front of every source by tools/coverage.sh. ABSL_RETURN_IF_ERROR begins with
// "switch (0) case 0: default:", which says that an else behind it is its own; coverage takes that
// for two branches that no test can run. Without it the macro does the same.
#ifndef GRAFT_TESTS_SUPPORT_COVERAGE_MACROS_H_
#define GRAFT_TESTS_SUPPORT_COVERAGE_MACROS_H_

// CMake tries the compiler with it, too.
#if __has_include("absl/status/status_macros.h")
#include "absl/status/status_macros.h"  // IWYU pragma: keep
#ifndef ABSL_INTERNAL_STATUS_MACROS_IMPL_ELSE_BLOCKER_
#error "ABSL_RETURN_IF_ERROR is made in another way than this header knows"
#endif
#undef ABSL_INTERNAL_STATUS_MACROS_IMPL_ELSE_BLOCKER_
#define ABSL_INTERNAL_STATUS_MACROS_IMPL_ELSE_BLOCKER_
#endif

#endif  // GRAFT_TESTS_SUPPORT_COVERAGE_MACROS_H_
