// Which compiled form of the inner loops this process runs.
#ifndef GRAFT_BASE_CODE_PATH_H_
#define GRAFT_BASE_CODE_PATH_H_

#include <vector>

namespace graft {

// Bits differ between code paths, so what keeps results (caches, resumed runs) records the path.
enum class CodePath { kPlain, kAvx2, kAvx512 };

// The fastest path of this processor, or the forced one.
CodePath ActiveCodePath();

// "plain", "AVX2" or "AVX-512".
const char* CodePathName(CodePath path);

// What this processor can run, slowest first; always holds kPlain.
std::vector<CodePath> SupportedCodePaths();

// Makes all later loops run a supported path; for tests. Not thread-safe: no loop may be running.
void ForceCodePath(CodePath path);

}  // namespace graft

#endif  // GRAFT_BASE_CODE_PATH_H_
