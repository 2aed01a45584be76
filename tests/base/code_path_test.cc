#include "base/code_path.h"

#include <gtest/gtest.h>

namespace graft {
namespace {

TEST(CodePathTest, TheFastestSupportedPathIsActive) {
  EXPECT_EQ(ActiveCodePath(), SupportedCodePaths().back());
}

TEST(CodePathTest, AForcedPathIsActiveUntilTheNext) {
  for (CodePath path : SupportedCodePaths()) {
    ForceCodePath(path);
    EXPECT_EQ(ActiveCodePath(), path) << CodePathName(path);
  }
}

TEST(CodePathTest, ProcessorsWithAvx2RunIt) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this processor has no AVX2";
  ForceCodePath(CodePath::kAvx2);
  EXPECT_STREQ(CodePathName(ActiveCodePath()), "AVX2");
  ForceCodePath(SupportedCodePaths().back());
}

}  // namespace
}  // namespace graft
