// Which files of a model `graft convert` takes over, and which folder of a model may be replaced.
#ifndef GRAFT_TASKS_CONVERTED_FOLDER_H_
#define GRAFT_TASKS_CONVERTED_FOLDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tasks/sentence_modules.h"

namespace graft {

// Whether a file of this name is taken over: the tokenizer's, and settings of the ecosystem.
bool IsCarriedName(std::string_view name);

// Names in a folder, sorted.
absl::StatusOr<std::vector<std::string>> ListNames(const std::string& folder);

// Whether the folder `to` could be replaced without harm to the model in `from`: InvalidArgument
// when a folder of the model (those of its modules too) is `to` or lies inside of it.
absl::Status CheckApart(const std::string& from, const std::vector<SentenceModule>& modules,
                        const std::string& to);

// Whether `path` is nothing, an empty folder, or one that graft wrote and that has nothing else in
// it: every entry has a name that graft writes, and graft.json or the mark of all its weights says
// so. AlreadyExists names some of what does not belong to it.
absl::Status CheckReplaceable(const std::string& path);

}  // namespace graft

#endif  // GRAFT_TASKS_CONVERTED_FOLDER_H_
