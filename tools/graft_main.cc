// The program `graft`.
#include <iostream>

#include "absl/types/span.h"
#include "models/tensor_memory.h"
#include "tools/options.h"
#include "tools/verbs.h"

int main(int argc, char** argv) {
  using namespace graft::tools;  // NOLINT: this file is nothing but their use
  std::ios::sync_with_stdio(false);
  graft::CountTensorMemory();
  const Program program{
      .name = "graft",
      .version = GRAFT_VERSION,
      .summary =
          "Transfer learning in language: pretrained encoders, frozen to a chosen depth, heads "
          "tuned on top.",
      .verbs = {TrainClassifyVerb(), EvalVerb(), ClassifyVerb(), InspectModelVerb()},
  };
  return RunProgram(program, absl::MakeConstSpan(argv + 1, static_cast<size_t>(argc - 1)),
                    std::cout, std::cerr);
}
