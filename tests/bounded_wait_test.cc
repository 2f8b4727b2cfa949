#include "collectors/bounded_wait.h"

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

// Short for questions that hang, and for others as long as a slow machine
// may take.
constexpr absl::Duration kShort = absl::Milliseconds(1);
constexpr absl::Duration kLong = absl::Seconds(60);

// A question that hangs until the test releases it. It may outlive the test.
class HangingQuestion {
 public:
  BoundedWait<int>::Question question() const {
    return [state = state_]() -> absl::StatusOr<int> {
      ++state->calls;
      state->release.WaitForNotification();
      return 7;
    };
  }
  void Release() { state_->release.Notify(); }
  int calls() const { return state_->calls; }

 private:
  struct State {
    absl::Notification release;
    std::atomic<int> calls = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(BoundedWait, HandsBackTheAnswer) {
  BoundedWait<int> wait(kLong);
  EXPECT_EQ(wait.Ask("/srv", [] { return 7; }).value_or(0), 7);
}

TEST(BoundedWait, HandsBackAnError) {
  BoundedWait<int> wait(kLong);
  const auto missing = []() -> absl::StatusOr<int> {
    return absl::NotFoundError("/srv");
  };
  EXPECT_TRUE(absl::IsNotFound(wait.Ask("/srv", missing).status()));
}

TEST(BoundedWait, AQuestionIsAskedAnewEachTime) {
  BoundedWait<int> wait(kLong);
  int calls = 0;
  EXPECT_EQ(wait.Ask("/srv", [&] { return ++calls; }).value_or(0), 1);
  EXPECT_EQ(wait.Ask("/srv", [&] { return ++calls; }).value_or(0), 2);
}

TEST(BoundedWait, AQuestionThatHangsExceedsTheDeadline) {
  HangingQuestion hanging;
  BoundedWait<int> wait(kShort);
  const absl::Status status = wait.Ask("/mnt", hanging.question()).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "/mnt does not answer");
  hanging.Release();
}

TEST(BoundedWait, WhileAQuestionHangsItIsNotAskedAgain) {
  HangingQuestion hanging;
  BoundedWait<int> wait(kShort);
  EXPECT_FALSE(wait.Ask("/mnt", hanging.question()).ok());
  bool was_asked = false;
  const absl::StatusOr<int> again = wait.Ask("/mnt", [&] {
    was_asked = true;
    return 8;
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(again.status()));
  EXPECT_FALSE(was_asked);
  EXPECT_LE(hanging.calls(), 1);
  hanging.Release();
}

TEST(BoundedWait, WhoAsksWhatIsUnderWaySharesTheAnswer) {
  HangingQuestion hanging;
  BoundedWait<int> wait(kLong);
  // The third is asked when the first two are under way.
  const std::vector<absl::StatusOr<int>> answers =
      wait.AskAll({{"/mnt", hanging.question()},
                   {"/mnt", hanging.question()},
                   {"/srv", [&] {
                      hanging.Release();
                      return 8;
                    }}});
  EXPECT_EQ(answers[0].value_or(0), 7);
  EXPECT_EQ(answers[1].value_or(0), 7);
  EXPECT_EQ(hanging.calls(), 1);
}

TEST(BoundedWait, AsksAllAtOnceAndAnswersInTheirOrder) {
  BoundedWait<int> wait(kLong);
  absl::Notification second_is_asked;
  const std::vector<absl::StatusOr<int>> answers =
      wait.AskAll({{"/mnt",
                    [&] {
                      second_is_asked.WaitForNotification();
                      return 7;
                    }},
                   {"/srv", [&] {
                      second_is_asked.Notify();
                      return 8;
                    }}});
  EXPECT_EQ(answers[0].value_or(0), 7);
  EXPECT_EQ(answers[1].value_or(0), 8);
}

TEST(BoundedWait, WhileAQuestionHangsAnotherNameIsAnswered) {
  HangingQuestion hanging;
  BoundedWait<int> wait(kLong);
  std::thread asking(
      [&] { EXPECT_EQ(wait.Ask("/mnt", hanging.question()).value_or(0), 7); });
  while (hanging.calls() == 0) std::this_thread::yield();
  EXPECT_EQ(wait.Ask("/srv", [] { return 8; }).value_or(0), 8);
  hanging.Release();
  asking.join();
}

TEST(BoundedWait, OnceReleasedItAnswersAgain) {
  HangingQuestion hanging;
  BoundedWait<int> wait(kShort);
  EXPECT_FALSE(wait.Ask("/mnt", hanging.question()).ok());
  hanging.Release();
  absl::StatusOr<int> answer = absl::UnknownError("not asked");
  for (int i = 0; i < 100000 && !answer.ok(); ++i) {
    std::this_thread::yield();
    answer = wait.Ask("/mnt", [] { return 8; });
  }
  EXPECT_EQ(answer.value_or(0), 8);
}

TEST(BoundedWait, AQuestionMayOutliveWhoAsked) {
  HangingQuestion hanging;
  {
    BoundedWait<int> wait(kShort);
    EXPECT_FALSE(wait.Ask("/mnt", hanging.question()).ok());
  }
  hanging.Release();
}

}  // namespace
}  // namespace mailcow
