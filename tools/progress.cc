#include "tools/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);
constexpr absl::Duration kLineInterval = absl::Seconds(30);
constexpr double kRateMemorySeconds = 10;
constexpr int kWidestBar = 40;
constexpr int kNarrowestBar = 5;
constexpr int kDefaultColumns = 80;

void WriteToStandardError(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return;  // progress nobody can see is no reason to stop the work
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int StandardErrorColumns() {
  winsize window;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) return window.ws_col;
  int columns = 0;
  if (absl::SimpleAtoi(Variable("COLUMNS"), &columns) && columns > 0) return columns;
  return kDefaultColumns;
}

absl::Duration MonotonicTime() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return absl::DurationFromTimespec(time);
}

}  // namespace

ProgressOutput StandardErrorProgress() {
  const std::string terminal = Variable("TERM");
  const bool capable = ::isatty(STDERR_FILENO) != 0 && !terminal.empty() && terminal != "dumb";
  return {.write = WriteToStandardError,
          .columns = StandardErrorColumns,
          .now = MonotonicTime,
          .redraw = capable,
          .color = capable && Variable("NO_COLOR").empty()};
}

std::string ClockText(absl::Duration duration) {
  const int64_t seconds = std::max<int64_t>(absl::ToInt64Seconds(duration), 0);
  if (seconds < 3600) return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

ProgressBar::ProgressBar(std::string title, int64_t total, std::string unit, ProgressOutput output)
    : title_(std::move(title)), total_(total), unit_(std::move(unit)), output_(std::move(output)) {
  ABSL_CHECK_GT(total, 0);
  started_ = last_drawn_ = last_update_ = Now();
  Draw(started_);
}

ProgressBar::~ProgressBar() { Finish(); }

absl::Duration ProgressBar::Now() const { return paused_at_.value_or(output_.now()) - paused_; }

void ProgressBar::Update(int64_t done, std::optional<double> loss) {
  if (finished_) return;
  done = std::clamp<int64_t>(done, 0, total_);
  const absl::Duration now = Now();
  const double seconds = absl::ToDoubleSeconds(now - last_update_);
  const double fade = std::exp(-seconds / kRateMemorySeconds);
  recent_units_ = recent_units_ * fade + static_cast<double>(std::max<int64_t>(done - done_, 0));
  recent_seconds_ = recent_seconds_ * fade + seconds;
  last_update_ = now;
  done_ = done;
  loss_ = loss;
  if (output_.redraw) {
    if (now - last_drawn_ >= kRedrawInterval) Draw(now);
  } else if (done_ < total_ &&  // Finish() tells the end
             (done_ * 10 >= next_tenth_ * total_ || now - last_drawn_ >= kLineInterval)) {
    Draw(now);
  }
}

void ProgressBar::PrintLine(std::string_view line) {
  EraseBar();
  output_.write(absl::StrCat(line, "\n"));
  if (output_.redraw && !finished_) Draw(Now());
}

void ProgressBar::Pause() {
  if (!paused_at_) paused_at_ = output_.now();
}

void ProgressBar::Resume() {
  if (!paused_at_) return;
  paused_ += output_.now() - *paused_at_;
  paused_at_.reset();
}

void ProgressBar::Finish() {
  if (finished_) return;
  // A plain line that says the same again would only look like news.
  if (output_.redraw || done_ != lined_) Draw(Now());
  finished_ = true;
  if (output_.redraw) output_.write("\n");
  drawn_ = false;
}

void ProgressBar::EraseBar() {
  if (!std::exchange(drawn_, false)) return;
  output_.write("\r\x1b[K");
}

void ProgressBar::Draw(absl::Duration now) {
  last_drawn_ = now;
  next_tenth_ = done_ * 10 / total_ + 1;
  if (output_.redraw) {
    // One write, so that nothing of another program comes between.
    output_.write(absl::StrCat("\r", BarLine(now), "\x1b[K"));
    drawn_ = true;
  } else {
    output_.write(absl::StrCat(PlainLine(now), "\n"));
    lined_ = done_;
  }
}

double ProgressBar::Rate() const {
  return recent_seconds_ > 0 ? recent_units_ / recent_seconds_ : 0;
}

// "42 %  loss 0.3127  812 texts/s  0:41 left"
std::string ProgressBar::Describe(absl::Duration now) const {
  // 100 % only when all is done.
  std::string text = absl::StrFormat("%3d %%", done_ * 100 / total_);
  if (loss_) absl::StrAppendFormat(&text, "  loss %.4f", *loss_);
  const double elapsed = absl::ToDoubleSeconds(now - started_);
  const bool ended = done_ == total_;
  const double rate = ended && elapsed > 0 ? static_cast<double>(done_) / elapsed : Rate();
  if (rate <= 0) return text;
  absl::StrAppendFormat(&text, "  %.*f %s/s", rate < 10 ? 1 : 0, rate, unit_);
  const absl::Duration time =
      ended ? now - started_ : absl::Seconds(static_cast<double>(total_ - done_) / rate);
  absl::StrAppend(&text, "  ", ClockText(time), ended ? "" : " left");
  return text;
}

std::string ProgressBar::BarLine(absl::Duration now) const {
  // The last column stays free: many terminals wrap when it is filled.
  const int columns = std::max(output_.columns() - 1, 0);
  const std::string right = Describe(now);
  const std::string title = Printable(title_);
  const int room = columns - static_cast<int>(DisplayWidth(title) + DisplayWidth(right)) - 4;
  const int width = std::min(room, kWidestBar);
  if (width < kNarrowestBar) {
    return Shorten(absl::StrCat(title, "  ", right), static_cast<size_t>(columns));
  }
  const int filled = static_cast<int>(done_ * width / total_);
  std::string bar(static_cast<size_t>(filled), '=');
  if (filled < width) bar += '>';
  const std::string rest(static_cast<size_t>(width) - bar.size(), ' ');
  const std::string_view on = output_.color ? "\x1b[32m" : "";
  const std::string_view off = output_.color ? "\x1b[0m" : "";
  return absl::StrCat(title, " [", on, bar, off, rest, "] ", right);
}

std::string ProgressBar::PlainLine(absl::Duration now) const {
  return absl::StrCat(Printable(title_), ": ", done_, " of ", total_, " ", unit_, ", ",
                      absl::StripLeadingAsciiWhitespace(Describe(now)));
}

}  // namespace graft::tools
