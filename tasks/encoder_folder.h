// A model folder for those who take the encoder alone: what Pooling modules and heads say is not
// read, so that none of it is refused either.
#ifndef GRAFT_TASKS_ENCODER_FOLDER_H_
#define GRAFT_TASKS_ENCODER_FOLDER_H_

#include <string>

#include "absl/status/statusor.h"
#include "tasks/model_folder.h"

namespace graft {

// As OpenModelFolder and LoadModel, without `pooling`, `head` and what belongs to it.
absl::StatusOr<ModelFolder> OpenEncoderFolder(const std::string& path);
absl::StatusOr<LoadedModel> LoadEncoder(const std::string& path);

}  // namespace graft

#endif  // GRAFT_TASKS_ENCODER_FOLDER_H_
