#include "tools/progress.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/table.h"

namespace graft::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// What a terminal shows: "\r" goes to the front of the line, "\x1b[K" clears what is behind.
class Screen {
 public:
  void Write(std::string_view text) {
    ++writes_;
    while (!text.empty()) {
      if (text[0] == '\r') {
        column_ = 0;
        text.remove_prefix(1);
      } else if (absl::StartsWith(text, "\x1b[K")) {
        lines_.back().resize(column_);
        text.remove_prefix(3);
      } else if (text[0] == '\n') {
        lines_.emplace_back();
        column_ = 0;
        text.remove_prefix(1);
      } else {
        lines_.back().resize(std::max(lines_.back().size(), column_ + 1), ' ');
        lines_.back()[column_++] = text[0];
        text.remove_prefix(1);
      }
    }
  }
  const std::vector<std::string>& lines() const { return lines_; }
  int writes() const { return writes_; }

 private:
  std::vector<std::string> lines_ = {""};
  size_t column_ = 0;
  int writes_ = 0;
};

class ProgressTest : public ::testing::Test {
 protected:
  ProgressOutput Output(bool redraw) {
    return {.write = [this](std::string_view text) { screen_.Write(text); },
            .columns = [this] { return columns_; },
            .now = [this] { return now_; },
            .redraw = redraw,
            .color = false};
  }
  void Pass(double seconds) { now_ += absl::Seconds(seconds); }

  Screen screen_;
  int columns_ = 80;
  absl::Duration now_ = absl::Hours(5);
};

TEST_F(ProgressTest, TerminalShowsOneLineWithLossRateAndTimeLeft) {
  ProgressBar bar("epoch 1/3", 1000, "texts", Output(true));
  EXPECT_THAT(screen_.lines(),
              ElementsAre("epoch 1/3 [>                                       ]   0 %"));
  for (int done = 100; done <= 400; done += 100) {
    Pass(1);
    bar.Update(done, 0.5);
  }
  EXPECT_THAT(screen_.lines(),
              ElementsAre("epoch 1/3 [=========>              ]  40 %  loss 0.5000  100 texts/s  "
                          "0:06 left"));
  EXPECT_EQ(screen_.lines()[0].size(), 79);
}

TEST_F(ProgressTest, FinishLeavesTheLastStateAndALineEnd) {
  ProgressBar bar("train", 10, "texts", Output(true));
  Pass(2);
  bar.Update(10, 0.25);
  bar.Finish();
  bar.Update(5);
  bar.Finish();
  EXPECT_THAT(screen_.lines(),
              ElementsAre("train [=================================] 100 %  loss 0.2500  5.0 "
                          "texts/s  0:02",
                          ""));
}

TEST_F(ProgressTest, StoppedEarlyTheLineIsStillEnded) {
  {
    ProgressBar bar("train", 10, "texts", Output(true));
    Pass(1);
    bar.Update(3);
  }
  EXPECT_THAT(screen_.lines(), ElementsAre(HasSubstr(" 30 %"), ""));
}

TEST_F(ProgressTest, TerminalIsRedrawnTenTimesASecondAtMost) {
  ProgressBar bar("train", 100'000, "texts", Output(true));
  for (int done = 1; done <= 10'000; ++done) {
    Pass(0.001);
    bar.Update(done);
  }
  EXPECT_GE(screen_.writes(), 90);
  EXPECT_LE(screen_.writes(), 101);
}

TEST_F(ProgressTest, LineNeverReachesTheLastColumn) {
  ProgressBar bar("a rather long title of 語 work", 1000, "texts", Output(true));
  for (int columns = 100; columns > 0; --columns) {
    columns_ = columns;
    Pass(1);
    bar.Update(1000 - columns * 9, 1.5);
    EXPECT_LT(DisplayWidth(screen_.lines()[0]), columns);
  }
  EXPECT_EQ(screen_.lines().size(), 1);
}

TEST_F(ProgressTest, PrintedLinesStandAboveTheBar) {
  ProgressBar bar("train", 10, "texts", Output(true));
  bar.PrintLine("dev accuracy 0.8");
  EXPECT_THAT(screen_.lines(), ElementsAre("dev accuracy 0.8", HasSubstr("train [")));
  bar.Finish();
  bar.PrintLine("done");
  EXPECT_THAT(screen_.lines(), ElementsAre("dev accuracy 0.8", HasSubstr("train ["), "done", ""));
}

TEST_F(ProgressTest, ColorStandsAroundTheBarOnly) {
  std::string written;
  ProgressOutput output = Output(true);
  output.color = true;
  output.write = [&written](std::string_view text) { written += text; };
  ProgressBar bar("train", 10, "texts", output);
  EXPECT_THAT(written, HasSubstr("train [\x1b[32m>\x1b[0m"));
}

TEST_F(ProgressTest, ElsewherePlainLinesComeAtEveryTenthAndAtTheEnd) {
  {
    ProgressBar bar("train", 1000, "texts", Output(false));
    for (int done = 1; done <= 1000; ++done) {
      Pass(0.01);
      bar.Update(done, 0.5);
    }
  }
  ASSERT_EQ(screen_.lines().size(), 12);  // the last is empty
  EXPECT_EQ(screen_.lines()[0], "train: 0 of 1000 texts, 0 %");
  EXPECT_EQ(screen_.lines()[1],
            "train: 100 of 1000 texts, 10 %  loss 0.5000  100 texts/s  0:09 left");
  EXPECT_EQ(screen_.lines()[10],
            "train: 1000 of 1000 texts, 100 %  loss 0.5000  100 texts/s  0:10");
  EXPECT_EQ(screen_.lines()[11], "");
  for (const std::string& line : screen_.lines()) EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST_F(ProgressTest, StoppedEarlyThePlainLineIsNotRepeated) {
  {
    ProgressBar bar("train", 10, "texts", Output(false));
    Pass(1);
    bar.Update(3);
    Pass(1);
  }
  EXPECT_THAT(screen_.lines(), ElementsAre(HasSubstr(" 0 of 10"), HasSubstr(" 3 of 10"), ""));
  {
    ProgressBar bar("eval", 10, "texts", Output(false));
  }
  EXPECT_THAT(screen_.lines(), ElementsAre(HasSubstr(" 0 of 10"), HasSubstr(" 3 of 10"),
                                           HasSubstr("eval: 0 of 10"), ""));
}

TEST_F(ProgressTest, SlowWorkGetsAPlainLineEveryHalfMinute) {
  ProgressBar bar("train", 1'000'000, "texts", Output(false));
  for (int done = 1; done <= 95; ++done) {
    Pass(1);
    bar.Update(done);
  }
  EXPECT_EQ(screen_.lines().size(), 5);  // at 0, 30, 60 and 90 s
}

TEST_F(ProgressTest, PausesCountForNothing) {
  ProgressBar bar("train", 1000, "texts", Output(true));
  Pass(1);
  bar.Update(100);
  bar.Pause();
  Pass(3600);
  bar.Resume();
  Pass(1);
  bar.Update(200);
  EXPECT_THAT(screen_.lines()[0], HasSubstr("100 texts/s  0:08 left"));
}

TEST_F(ProgressTest, RateFollowsAChangeOfSpeed) {
  ProgressBar bar("train", 100'000, "texts", Output(true));
  int done = 0;
  for (int second = 0; second < 60; ++second) {
    Pass(1);
    bar.Update(done += 1000);
  }
  for (int second = 0; second < 60; ++second) {
    Pass(1);
    bar.Update(done += 100);
  }
  // A mean over all would be 550.
  EXPECT_THAT(screen_.lines()[0], HasSubstr("  102 texts/s"));
}

TEST(ClockTextTest, ShowsHoursOnlyWhenThereAreSome) {
  EXPECT_EQ(ClockText(absl::ZeroDuration()), "0:00");
  EXPECT_EQ(ClockText(absl::Seconds(725.9)), "12:05");
  EXPECT_EQ(ClockText(absl::Seconds(11279)), "3:07:59");
  EXPECT_EQ(ClockText(absl::Seconds(-1)), "0:00");
}

}  // namespace
}  // namespace graft::tools
