// convert_vectors FROM TO FORMAT [STORAGE]: for the scripts, one conversion.
#include <iostream>
#include <string>

#include "embeddings/write.h"

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  graft::WriteOptions write;
  write.format = graft::VectorFormatOfName(argv[3]).value_or(graft::VectorFormat::kGraft);
  if (argc > 4) write.storage = graft::VectorStorageOfName(argv[4]).value_or(write.storage);
  write.replace = true;
  const auto report = graft::ConvertWordVectors(argv[1], {}, argv[2], write);
  if (!report.ok()) {
    std::cerr << report.status().message() << '\n';
    return 1;
  }
  return 0;
}
