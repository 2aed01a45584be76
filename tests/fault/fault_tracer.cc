// Runs a command, counts the system calls by which it changes files below one folder, and makes the
// n-th of them fail, fall short or be the last thing that the process does. Linux on x86-64.
//
//   fault_tracer --watch DIR --log FILE [--fault N:ACTION[:forever]] [--no-exchange ERRNO]
//                -- COMMAND...
//
// ACTION: kill-before, kill-after, torn (half of a write, then killed), short (half of a write), or
// the number of an errno. `forever`: also every later call of the same name. With --no-exchange
// every renameat2 that would exchange fails with that errno, as on file systems that cannot; this
// counts as no fault. The log has one JSON line per call, in order, the faults in it, and a last
// line with how the command ended. Exit status: 0 when the command was traced to its end, however
// that was; 77 when the system does not permit tracing; 125 for other failures of the tracer
// itself.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fault/traced_call.h"

namespace graft {
namespace {

constexpr int kNotPermitted = 77;
constexpr int kFailed = 125;

[[noreturn]] void Die(int status, const char* what) {
  std::fprintf(stderr, "fault_tracer: %s: %s\n", what, std::strerror(errno));
  std::exit(status);
}

struct Arguments {
  std::string watch;
  std::string log;
  int64_t fault_number = 0;  // 0: none
  std::string action;
  bool forever = false;
  int64_t no_exchange = 0;  // errno of every exchange; 0: exchanges work
  char** command = nullptr;
};

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  int i = 1;
  for (; i + 1 < argc && std::string_view(argv[i]) != "--"; i += 2) {
    const std::string_view option = argv[i];
    std::string value = argv[i + 1];
    if (option == "--watch") {
      arguments.watch = value;
    } else if (option == "--log") {
      arguments.log = value;
    } else if (option == "--fault") {
      arguments.forever = value.ends_with(":forever");
      if (arguments.forever) value.resize(value.size() - std::strlen(":forever"));
      const size_t colon = value.find(':');
      arguments.fault_number = std::atoll(value.c_str());
      if (colon != std::string::npos) arguments.action = value.substr(colon + 1);
    } else if (option == "--no-exchange") {
      arguments.no_exchange = std::atoll(value.c_str());
    } else {
      break;
    }
  }
  const bool fault_complete = arguments.fault_number == 0 || !arguments.action.empty();
  if (i + 1 >= argc || std::string_view(argv[i]) != "--" || arguments.watch.empty() ||
      arguments.log.empty() || !fault_complete) {
    errno = EINVAL;
    Die(kFailed,
        "--watch DIR --log FILE [--fault N:ACTION[:forever]] [--no-exchange ERRNO] -- COMMAND...");
  }
  arguments.command = argv + i + 1;
  return arguments;
}

// Stops the process at the calls of DurableCallNumbers() only; all others run at full speed.
bool InstallFilter() {
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const int number : DurableCallNumbers()) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

[[noreturn]] void RunCommand(char** command) {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kNotPermitted);
  ::raise(SIGSTOP);
  if (!InstallFilter()) ::_exit(kNotPermitted);
  ::execvp(command[0], command);
  Die(kFailed, command[0]);
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    char escaped[8];
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned char>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Tracer {
 public:
  Tracer(const Arguments& arguments, pid_t root) : arguments_(arguments), root_(root) {
    log_ = std::fopen(arguments.log.c_str(), "we");
    if (log_ == nullptr) Die(kFailed, arguments.log.c_str());
  }

  // Until every traced process is gone.
  void Run() {
    int status = 0;
    pid_t tid = 0;
    while ((tid = ::waitpid(-1, &status, __WALL)) > 0) {
      if (WIFSTOPPED(status)) {
        OnStop(tid, status);
      } else {
        pending_.erase(tid);
        tids_.erase(tid);
        if (tid == root_) root_status_ = status;
      }
    }
    std::fprintf(log_, "{\"exit\": %d, \"signal\": %d}\n",
                 WIFEXITED(root_status_) ? WEXITSTATUS(root_status_) : -1,
                 WIFSIGNALED(root_status_) ? WTERMSIG(root_status_) : 0);
    if (std::fclose(log_) != 0) Die(kFailed, arguments_.log.c_str());
  }

 private:
  // A call between its entry and its exit.
  struct Pending {
    int64_t number;
    TracedCall call;
    std::string fault;
    bool kill = false;
    int64_t forced_result = 0;  // 0: none
  };

  void OnStop(pid_t tid, int status) {
    const int signal = WSTOPSIG(status);
    const bool known = !tids_.insert(tid).second;
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8))) {
      OnEntry(tid);
    } else if (signal == (SIGTRAP | 0x80)) {
      OnExit(tid);
    } else if (status >> 16 != 0 || (signal == SIGSTOP && !known)) {
      Continue(tid, PTRACE_CONT, 0);  // fork, clone, exec; the first stop of a new thread
    } else {
      Continue(tid, PTRACE_CONT, signal);
    }
  }

  bool Watched(const std::string& path) const {
    return path == arguments_.watch || path.starts_with(arguments_.watch + "/");
  }

  void OnEntry(pid_t tid) {
    user_regs_struct registers;
    Pending pending;
    if (::ptrace(PTRACE_GETREGS, tid, nullptr, &registers) != 0) return;  // killed meanwhile
    if (!ReadCall(tid, registers, pending.call) ||
        !(Watched(pending.call.path) || Watched(pending.call.second_path))) {
      Continue(tid, PTRACE_CONT, 0);
      return;
    }
    pending.number = ++count_;
    if (Due(pending)) {
      pending.fault = arguments_.action;
      Inject(tid, registers, pending);
      return;
    }
    if (arguments_.no_exchange != 0 && Exchanges(pending.call)) {
      Refuse(registers, pending, arguments_.no_exchange);
      ::ptrace(PTRACE_SETREGS, tid, nullptr, &registers);
    }
    pending_[tid] = pending;
    Continue(tid, PTRACE_SYSCALL, 0);
  }

  static bool Exchanges(const TracedCall& call) {
    return call.name == "renameat2" && (call.flags & RENAME_EXCHANGE) != 0;
  }

  // Makes the call fail.
  static void Refuse(user_regs_struct& registers, Pending& pending, int64_t error) {
    pending.forced_result = -error;
    // close gives up the descriptor even when it reports an error; other calls do nothing then.
    if (pending.call.name == "close") return;
    registers.orig_rax = ~0ull;
    registers.rax = static_cast<uint64_t>(pending.forced_result);
  }

  bool Due(const Pending& pending) {
    if (pending.number == arguments_.fault_number) {
      faulted_name_ = pending.call.name;
      return true;
    }
    return arguments_.forever && pending.call.name == faulted_name_;
  }

  void Inject(pid_t tid, user_regs_struct& registers, Pending& pending) {
    const std::string& action = arguments_.action;
    if (action == "kill-before") {
      Log(tid, pending, 0);
      KillAll();
      return;
    }
    pending.kill = action == "kill-after" || action == "torn";
    if (action == "torn" || action == "short") {
      HalveWrite(tid, registers);
    } else if (!pending.kill) {
      Refuse(registers, pending, std::atoll(action.c_str()));
    }
    ::ptrace(PTRACE_SETREGS, tid, nullptr, &registers);
    pending_[tid] = pending;
    Continue(tid, PTRACE_SYSCALL, 0);
  }

  void OnExit(pid_t tid) {
    const auto found = pending_.find(tid);
    user_regs_struct registers;
    if (found == pending_.end() || ::ptrace(PTRACE_GETREGS, tid, nullptr, &registers) != 0) {
      Continue(tid, PTRACE_CONT, 0);
      return;
    }
    const Pending pending = found->second;
    pending_.erase(found);
    if (pending.forced_result != 0) {
      registers.rax = static_cast<uint64_t>(pending.forced_result);
      ::ptrace(PTRACE_SETREGS, tid, nullptr, &registers);
    }
    Log(tid, pending, static_cast<int64_t>(registers.rax));
    if (pending.kill) {
      KillAll();
    } else {
      Continue(tid, PTRACE_CONT, 0);
    }
  }

  void Log(pid_t tid, const Pending& pending, int64_t result) {
    std::fprintf(log_,
                 "{\"n\": %lld, \"thread\": %d, \"call\": \"%s\", \"path\": %s, \"path2\": %s, "
                 "\"flags\": %llu, \"bytes\": %llu, \"writes\": %s, \"result\": %lld, "
                 "\"fault\": \"%s\"}\n",
                 static_cast<long long>(pending.number), tid, pending.call.name.c_str(),
                 Quoted(pending.call.path).c_str(), Quoted(pending.call.second_path).c_str(),
                 static_cast<unsigned long long>(pending.call.flags),
                 static_cast<unsigned long long>(pending.call.bytes),
                 pending.call.writes ? "true" : "false", static_cast<long long>(result),
                 pending.fault.c_str());
  }

  void KillAll() {
    for (const pid_t tid : tids_) ::kill(tid, SIGKILL);
  }

  // Fails only for a thread that was killed; its end is reported by waitpid.
  static void Continue(pid_t tid, __ptrace_request request, int signal) {
    ::ptrace(request, tid, nullptr, static_cast<long>(signal));
  }

  const Arguments& arguments_;
  const pid_t root_;
  FILE* log_ = nullptr;
  int root_status_ = 0;
  int64_t count_ = 0;
  std::string faulted_name_;
  std::map<pid_t, Pending> pending_;
  std::set<pid_t> tids_;
};

int Main(int argc, char** argv) {
  const Arguments arguments = Parse(argc, argv);
  const pid_t child = ::fork();
  if (child < 0) Die(kFailed, "fork");
  if (child == 0) RunCommand(arguments.command);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
    errno = EPERM;
    Die(kNotPermitted, "tracing is not permitted here");
  }
  const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                       PTRACE_O_TRACEEXEC;
  if (::ptrace(PTRACE_SETOPTIONS, child, nullptr, options) != 0) {
    Die(kNotPermitted, "tracing is not permitted here");
  }
  Tracer tracer(arguments, child);
  ::ptrace(PTRACE_CONT, child, nullptr, 0L);
  tracer.Run();
  return 0;
}

}  // namespace
}  // namespace graft

int main(int argc, char** argv) { return graft::Main(argc, argv); }
