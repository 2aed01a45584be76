#include "base/thread_pool.h"

#include <exception>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace graft {
namespace {

// state_: the lowest bits count the helpers at work, kOpen says that more may join, the rest is the
// number of the round, so that no helper joins a round twice or a closed one late.
constexpr uint32_t kOpen = 1u << 15;
constexpr uint32_t kAtWork = kOpen - 1;
constexpr uint32_t kRound = 1u << 16;

uint32_t RoundOf(uint32_t state) { return state & ~(kRound - 1); }

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Some tens of microseconds: the gap between two operations of a model. Who waits longer sleeps.
constexpr int kSpins = 1000;

// Waits until ready(state), spinning at first.
template <typename Ready>
uint32_t Await(const std::atomic<uint32_t>& state, const Ready& ready, std::atomic<int>* asleep) {
  for (int i = 0; i < kSpins; ++i) {
    const uint32_t now = state.load(std::memory_order_acquire);
    if (ready(now)) return now;
    Pause();
  }
  for (;;) {
    if (asleep != nullptr) asleep->fetch_add(1);
    const uint32_t now = state.load();
    if (!ready(now)) state.wait(now);
    if (asleep != nullptr) asleep->fetch_sub(1);
    if (const uint32_t later = state.load(std::memory_order_acquire); ready(later)) return later;
  }
}

}  // namespace

ThreadPool& ThreadPool::Get() {
  // Never destroyed: its threads may outlive static objects.
  static ThreadPool* const pool = new ThreadPool;
  return *pool;
}

void ThreadPool::Run(int64_t helpers, const std::function<void()>& work) {
  if (helpers <= 0 || in_use_.exchange(true, std::memory_order_acquire)) return work();
  const struct Release {
    std::atomic<bool>& in_use;
    ~Release() { in_use.store(false, std::memory_order_release); }
  } release{in_use_};
  StartThreads(helpers);
  work_ = &work;
  wanted_.store(helpers, std::memory_order_relaxed);
  // No helper is at work between rounds, so the count starts at zero.
  state_.store((RoundOf(state_.load(std::memory_order_relaxed)) + kRound) | kOpen);
  if (asleep_.load() > 0) state_.notify_all();
  work();
  WaitForHelpers();
}

void ThreadPool::StartThreads(int64_t wanted) {
  try {
    while (static_cast<int64_t>(threads_.size()) < wanted) {
      const int64_t number = static_cast<int64_t>(threads_.size());
      threads_.emplace_back([this, number] { Help(number); });
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // The system gives no more threads or memory; the next call tries again.
  }
}

void ThreadPool::WaitForHelpers() {
  if ((state_.fetch_and(~kOpen) & kAtWork) == 0) return;
  Await(state_, [](uint32_t state) { return (state & kAtWork) == 0; }, nullptr);
}

void ThreadPool::Help(int64_t number) {
  uint32_t last_round = 0;
  for (;;) {
    uint32_t state = Await(
        state_, [&](uint32_t now) { return (now & kOpen) != 0 && RoundOf(now) != last_round; },
        &asleep_);
    const uint32_t round = RoundOf(state);
    last_round = round;
    if (number >= wanted_.load(std::memory_order_relaxed)) continue;
    bool joined = false;
    while (!joined && (state & kOpen) != 0 && RoundOf(state) == round) {
      joined = state_.compare_exchange_weak(state, state + 1);
    }
    if (!joined) continue;
    (*work_)();
    const uint32_t before = state_.fetch_sub(1);
    if ((before & kAtWork) == 1 && (before & kOpen) == 0) state_.notify_all();
  }
}

}  // namespace graft
