// All weights of a model folder.
#ifndef GRAFT_TASKS_WEIGHT_SETS_H_
#define GRAFT_TASKS_WEIGHT_SETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/weights/compare_weights.h"
#include "models/weights/weight_files.h"
#include "tasks/sentence_modules.h"

namespace graft {

// The weights of one folder: the model's own, those of another module (Dense), or word vectors.
struct WeightSet {
  std::string folder;  // inside the model folder; empty for that itself
  std::string prefix;  // before the names of its tensors: "" of the model's own, else "2_Dense/"
  WeightFiles files;
};

// The modules of modules.json; none where there is no such file.
absl::StatusOr<std::vector<SentenceModule>> FindSentenceModules(const std::string& model,
                                                                Links links = Links::kAll);

// The model's own weights, which must be there (NotFound), and then those of the other modules
// that have some, none of which shares its bytes too often (WeightFiles::CheckSharing), and the
// word vectors of the folders vectors-1, vectors-2 and so on. With
// kOnlyOfHubCache the folders are no links (InvalidArgument). Thread-safe.
absl::StatusOr<std::vector<WeightSet>> OpenWeightSets(const std::string& model,
                                                      const std::vector<SentenceModule>& modules,
                                                      Links links = Links::kAll);

// The tensors of all sets by their names with prefix, sorted; the sets outlive them.
std::vector<NamedWeight> AllWeights(const std::vector<WeightSet>& sets);

}  // namespace graft

#endif  // GRAFT_TASKS_WEIGHT_SETS_H_
