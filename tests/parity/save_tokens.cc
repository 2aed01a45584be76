// Opens a folder with a token classifier and saves it elsewhere, for saved_heads_parity.py:
//
//   save_tokens FOLDER OUT
#include <iostream>

#include "tasks/model_folder.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto model = graft::LoadModel(argv[1]);
  absl::Status status = model.status();
  if (status.ok() && !model->token_head) status = absl::NotFoundError("no token classifier");
  if (status.ok()) {
    status = graft::SaveTokenClassifier(argv[2],
                                        {.source = &model->folder,
                                         .backbone = model->backbone.get(),
                                         .head = &*model->token_head,
                                         .labels = &model->folder.labels,
                                         .max_length = model->folder.max_length},
                                        /*replace=*/false);
  }
  if (!status.ok()) std::cerr << status.message() << '\n';
  return status.ok() ? 0 : 1;
}
