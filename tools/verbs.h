// The verbs of the program, one file each.
#ifndef GRAFT_TOOLS_VERBS_H_
#define GRAFT_TOOLS_VERBS_H_

#include "tools/options.h"

namespace graft::tools {

Verb TrainClassifyVerb();
Verb EvalVerb();
Verb ClassifyVerb();
Verb EmbedVerb();
Verb SearchVerb();
Verb TokenizeVerb();
Verb InspectModelVerb();
Verb ConvertVerb();
Verb VerifyWeightsVerb();
Verb VerifyTokenizerVerb();
Verb VectorsInfoVerb();
Verb VectorsDoctorVerb();
Verb VectorsConvertVerb();
Verb VectorsNearestVerb();
Verb VectorsSimilarityVerb();
Verb VectorsAnalogyVerb();
Verb VectorsEvalVerb();
Verb VectorsCoverageVerb();

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_VERBS_H_
