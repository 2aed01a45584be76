#include "tools/torch_warnings.h"

#include <c10/util/Exception.h>

#include <iostream>
#include <string>

namespace graft::tools {
namespace {

class LinePrinter final : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override {
    const std::string& text = warning.msg();
    std::cerr << "graft: warning: " + text.substr(0, text.find('\n')) + "\n" << std::flush;
  }
};

}  // namespace

void PrintTorchWarningsAsLines() {
  static LinePrinter printer;
  c10::WarningUtils::set_warning_handler(&printer);
}

}  // namespace graft::tools
