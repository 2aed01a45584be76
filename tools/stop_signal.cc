#include "tools/stop_signal.h"

#include <atomic>
#include <csignal>

namespace graft::tools {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);  // else a handler could not use it

void Note(int signal) { received = signal; }

void Install(void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() {
  received = 0;
  // SA_RESETHAND: the handler goes after its first use, so that the second signal ends the program.
  Install(&Note, static_cast<int>(SA_RESETHAND | SA_RESTART));
}

StopSignal::~StopSignal() { Install(SIG_DFL, 0); }

bool StopSignal::requested() const { return received != 0; }

int StopSignal::exit_status() const {
  constexpr int kSignalBase = 128;
  return received == 0 ? 0 : kSignalBase + received;
}

}  // namespace graft::tools
