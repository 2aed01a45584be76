// A progress bar for long work.
#ifndef GRAFT_TOOLS_PROGRESS_H_
#define GRAFT_TOOLS_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace graft::tools {

// Where progress goes. The functions let tests stand in for a terminal.
struct ProgressOutput {
  std::function<void(std::string_view)> write;
  // Width in columns; asked for before each drawing, as a window may change.
  std::function<int()> columns;
  // A clock that never goes back.
  std::function<absl::Duration()> now;
  // Redraw one line in place; else plain lines.
  bool redraw = false;
  bool color = false;
};

// Standard error: redrawn when it is a terminal and TERM is set and not "dumb"; coloured when,
// besides, NO_COLOR is unset or empty (https://no-color.org).
ProgressOutput StandardErrorProgress();

// On a terminal one line, redrawn at most ten times a second and never wider than the window:
//   epoch 1/3 [=====>      ]  42 %  loss 0.3127  812 texts/s  0:41 left
// elsewhere plain lines: at the start, at every tenth of the work, after 30 s without a line and at
// the end. The rate is that of the last 10 s or so; time in Pause() counts for nothing. One thread.
class ProgressBar {
 public:
  // `total` units of work, at least 1; `unit` as in "812 texts/s".
  ProgressBar(std::string title, int64_t total, std::string unit = "texts",
              ProgressOutput output = StandardErrorProgress());
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  // Finishes the line where Finish() was not called: work that stopped early leaves its last state.
  ~ProgressBar();

  void SetTitle(std::string title) { title_ = std::move(title); }
  // Work done so far, in [0, total]; the loss, when there is one, stands in the line as given.
  void Update(int64_t done, std::optional<double> loss = std::nullopt);
  // A line of its own; a bar on a terminal goes on below it.
  void PrintLine(std::string_view line);
  // Other work begins (a dev set is scored) and ends: the clock stands still meanwhile.
  void Pause();
  void Resume();
  // The last state stays on the screen, ended by a line feed; elsewhere it gets a line unless the
  // last one told it. Later calls do nothing.
  void Finish();

 private:
  std::string Describe(absl::Duration now) const;
  std::string BarLine(absl::Duration now) const;
  std::string PlainLine(absl::Duration now) const;
  void Draw(absl::Duration now);
  void EraseBar();
  absl::Duration Now() const;
  double Rate() const;

  std::string title_;
  const int64_t total_;
  const std::string unit_;
  const ProgressOutput output_;

  int64_t done_ = 0;
  std::optional<double> loss_;
  bool finished_ = false;
  bool drawn_ = false;
  absl::Duration started_;
  absl::Duration last_drawn_;
  int64_t next_tenth_ = 1;
  int64_t lined_ = 0;  // `done_` in the last plain line
  // The rate: units over time, both faded as they grow old.
  absl::Duration last_update_;
  double recent_units_ = 0;
  double recent_seconds_ = 0;
  // Pauses: when the present one began, and how long all were.
  std::optional<absl::Duration> paused_at_;
  absl::Duration paused_;
};

// "0:41", "12:05", "3:07:59".
std::string ClockText(absl::Duration duration);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_PROGRESS_H_
