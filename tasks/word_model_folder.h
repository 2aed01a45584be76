// The folder of a model over word vectors (docs/formats.md). Internal: others go through
// model_folder.h.
#ifndef GRAFT_TASKS_WORD_MODEL_FOLDER_H_
#define GRAFT_TASKS_WORD_MODEL_FOLDER_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "tasks/model_folder.h"

namespace graft {

// The folder of set 0, 1, ... of word vectors, inside that of the model: "vectors-1", ...
std::string WordSetFolder(size_t set);

// Whether a folder's graft.json describes such a model, or is all that says what the folder is.
bool IsWordModelFolder(const std::string& path);

// Fills in a folder whose path is set, from graft.json.
absl::Status OpenWordModel(ModelFolder& folder);
// Fills in a model whose folder is opened: weights, words and vectors.
absl::Status LoadWordModel(LoadedModel& model);
// Writes the files into an empty folder.
absl::Status WriteWordModel(const std::string& folder, const ClassifierToSave& model);

}  // namespace graft

#endif  // GRAFT_TASKS_WORD_MODEL_FOLDER_H_
