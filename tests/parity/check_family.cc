// The differences of folders of family_models_parity.py, one JSON line each:
//
//   check_family FOLDER...
#include <iostream>
#include <string>

#include "nlohmann/json.hpp"
#include "tests/support/family_check.h"

namespace {

nlohmann::ordered_json Values(const graft::testing::FamilyDifferences& found,
                              const graft::testing::ValueDifferences& values) {
  nlohmann::ordered_json json = {{"hidden", values.hidden}, {"last_hidden", values.last_hidden}};
  if (found.has_pooled) json["pooled"] = values.pooled;
  if (found.has_logits) json["logits"] = values.logits;
  return json;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto found = graft::testing::CheckFamily(argv[i]);
    nlohmann::ordered_json line{{"folder", argv[i]}};
    if (!found.ok()) {
      line["error"] = std::string(found.status().message());
    } else {
      line["texts"] = found->texts;
      line["values"] = Values(*found, found->values);
      if (found->padded) line["padded"] = Values(*found, *found->padded);
      line["gradient"] = found->gradient;
      line["gradients_compared"] = found->parameters;
      line["equal_bits"] = found->equal_bits;
      line["frozen_without_gradient"] = found->frozen_without_gradient;
    }
    std::cout << line.dump() << std::endl;
  }
}
