#include "tools/torch_warnings.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

namespace graft::tools {
namespace {

TEST(TorchWarnings, AreOneLineWithTheProgramsName) {
  PrintTorchWarningsAsLines();
  ::testing::internal::CaptureStderr();
  TORCH_WARN("slow ", 7, "\nbecause");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "graft: warning: slow 7\n");
}

}  // namespace
}  // namespace graft::tools
