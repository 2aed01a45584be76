// The differences of folders of family_models_parity.py, one JSON line each:
//
//   check_family FOLDER...
#include <iostream>
#include <string>

#include "nlohmann/json.hpp"
#include "tests/support/family_check.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto found = graft::testing::CheckFamily(argv[i]);
    nlohmann::ordered_json line{{"folder", argv[i]}};
    if (!found.ok()) {
      line["error"] = std::string(found.status().message());
    } else {
      line["texts"] = found->texts;
      line["hidden"] = found->hidden;
      line["last_hidden"] = found->last_hidden;
      if (found->has_logits) line["logits"] = found->logits;
      line["gradient"] = found->gradient;
      line["gradients_compared"] = found->parameters;
      line["equal_bits"] = found->equal_bits;
      line["frozen_without_gradient"] = found->frozen_without_gradient;
    }
    std::cout << line.dump() << std::endl;
  }
}
