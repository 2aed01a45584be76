// What `graft train classify` prints and records of a run.
#ifndef GRAFT_TOOLS_TRAIN_REPORT_H_
#define GRAFT_TOOLS_TRAIN_REPORT_H_

#include <cstdint>
#include <map>
#include <string>

#include "tasks/training.h"
#include "tools/train_job.h"

namespace graft::tools {

// Before the first step, and behind the last.
void PrintStart(const TrainOptions& o, const Job& job);
void PrintResult(const TrainOptions& o, const TrainingResult& result, double seconds,
                 int64_t texts);

// Numbers that stand in graft.json beside the model.
std::map<std::string, std::string> TrainingRecord(const TrainOptions& o, const Job& job);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TRAIN_REPORT_H_
