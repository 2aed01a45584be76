// The program `graft`.
#include <malloc.h>

#include <climits>
#include <iostream>

#include "absl/types/span.h"
#include "models/tensor_memory.h"
#include "tools/options.h"
#include "tools/verbs.h"

int main(int argc, char** argv) {
  using namespace graft::tools;  // NOLINT: this file is nothing but their use
  std::ios::sync_with_stdio(false);
  // Freed activations stay with the program: fresh pages from the system for every step would cost
  // more than some of its kernels.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, INT_MAX);
  graft::CountTensorMemory();
  const Program program{
      .name = "graft",
      .version = GRAFT_VERSION,
      .summary =
          "Transfer learning in language: pretrained encoders, frozen to a chosen depth, heads "
          "tuned on top, and word vectors.",
      .verbs = {TrainClassifyVerb(), EvalVerb(), ClassifyVerb(), EmbedVerb(), SearchVerb(),
                TokenizeVerb(), InspectModelVerb(), ConvertVerb(), VerifyTokenizerVerb(),
                VerifyWeightsVerb(), VectorsInfoVerb(), VectorsDoctorVerb(), VectorsConvertVerb(),
                VectorsNearestVerb(), VectorsSimilarityVerb(), VectorsAnalogyVerb(),
                VectorsEvalVerb(), VectorsCoverageVerb()},
  };
  return RunProgram(program, absl::MakeConstSpan(argv + 1, static_cast<size_t>(argc - 1)),
                    std::cout, std::cerr);
}
