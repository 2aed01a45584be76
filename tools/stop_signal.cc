#include "tools/stop_signal.h"

#include <atomic>
#include <csignal>

namespace graft::tools {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);  // else a handler could not use it

void Note(int signal) { received = signal; }

// Installs Note and returns what it replaces.
struct sigaction Install(int signal) {
  struct sigaction before = {};
  ::sigaction(signal, nullptr, &before);
  // Who started the program with the signal ignored (a shell does for jobs in the background) wants
  // it to have no effect.
  if (before.sa_handler == SIG_IGN) return before;
  struct sigaction action = {};
  action.sa_handler = &Note;
  // SA_RESETHAND: the handler goes after its first use, so that the second signal ends the program.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(signal, &action, nullptr);
  return before;
}

}  // namespace

StopSignal::StopSignal() {
  received = 0;
  interrupt_before_ = Install(SIGINT);
  terminate_before_ = Install(SIGTERM);
}

StopSignal::~StopSignal() {
  ::sigaction(SIGINT, &interrupt_before_, nullptr);
  ::sigaction(SIGTERM, &terminate_before_, nullptr);
}

bool StopSignal::requested() const { return received != 0; }

int StopSignal::exit_status() const {
  constexpr int kSignalBase = 128;
  return received == 0 ? 0 : kSignalBase + received;
}

}  // namespace graft::tools
