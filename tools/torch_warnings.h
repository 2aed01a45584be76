// Warnings of LibTorch.
#ifndef GRAFT_TOOLS_TORCH_WARNINGS_H_
#define GRAFT_TOOLS_TORCH_WARNINGS_H_

namespace graft::tools {

// From now on a warning that LibTorch gives on the calling thread is one line on standard error:
// "graft: warning: " and the first line of its text. By default it would be several lines with a
// place in LibTorch's sources.
void PrintTorchWarningsAsLines();

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TORCH_WARNINGS_H_
