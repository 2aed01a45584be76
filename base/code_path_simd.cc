#include "base/code_path.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/code_path_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {

int64_t CompiledTarget() { return HWY_TARGET; }

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
namespace {

HWY_EXPORT(CompiledTarget);

int64_t Target(CodePath path) {
  switch (path) {
    case CodePath::kAvx512:
      return HWY_AVX3;
    case CodePath::kAvx2:
      return HWY_AVX2;
    case CodePath::kPlain:
      break;
  }
  return HWY_STATIC_TARGET;
}

}  // namespace

CodePath ActiveCodePath() {
  const int64_t target = HWY_DYNAMIC_DISPATCH(CompiledTarget)();
  for (CodePath path : {CodePath::kAvx512, CodePath::kAvx2}) {
    if (target == Target(path)) return path;
  }
  return CodePath::kPlain;
}

const char* CodePathName(CodePath path) {
  switch (path) {
    case CodePath::kAvx512:
      return "AVX-512";
    case CodePath::kAvx2:
      return "AVX2";
    case CodePath::kPlain:
      break;
  }
  return "plain";
}

std::vector<CodePath> SupportedCodePaths() {
  static const int64_t supported = [] {
    hwy::SetSupportedTargetsForTest(0);
    return hwy::SupportedTargets();
  }();
  std::vector<CodePath> paths = {CodePath::kPlain};
  for (CodePath path : {CodePath::kAvx2, CodePath::kAvx512}) {
    if ((supported & Target(path)) != 0) paths.push_back(path);
  }
  return paths;
}

void ForceCodePath(CodePath path) {
  hwy::SetSupportedTargetsForTest(Target(path));
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace graft
#endif  // HWY_ONCE
