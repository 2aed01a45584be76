// Opens a folder with a classifier of texts or of tokens and saves it elsewhere, for
// saved_heads_parity.py:
//
//   save_head FOLDER OUT
#include <iostream>

#include "tasks/model_folder.h"

namespace {

absl::Status Save(const graft::LoadedModel& model, const char* out) {
  const graft::ModelFolder& folder = model.folder;
  if (model.token_head) {
    return graft::SaveTokenClassifier(out,
                                      {.source = &folder,
                                       .backbone = model.backbone.get(),
                                       .head = &*model.token_head,
                                       .labels = &folder.labels,
                                       .max_length = folder.max_length},
                                      /*replace=*/false);
  }
  if (!model.head) return absl::NotFoundError("no classifier");
  return graft::SaveClassifier(out,
                               {.source = &folder,
                                .backbone = model.backbone.get(),
                                .head = &*model.head,
                                .labels = &folder.labels,
                                .max_length = folder.max_length,
                                .training = {}},
                               /*replace=*/false);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto model = graft::LoadModel(argv[1]);
  const absl::Status status = model.ok() ? Save(*model, argv[2]) : model.status();
  if (!status.ok()) std::cerr << status.message() << '\n';
  return status.ok() ? 0 : 1;
}
