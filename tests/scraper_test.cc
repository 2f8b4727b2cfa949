#include "exporter/scraper.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

// Short for what hangs, and for anything else as long as a slow machine may
// take: the first renders on another thread, the second on this one.
constexpr absl::Duration kShort = absl::Milliseconds(1);
constexpr absl::Duration kLong = absl::Seconds(60);

// Fails the test where `is_true` does not become true.
void AwaitThat(const std::function<bool()>& is_true) {
  const auto deadline = absl::Now() + kLong;
  while (!is_true()) {
    ASSERT_LT(absl::Now(), deadline);
    std::this_thread::yield();
  }
}

// Renders the topics and which rendering it is: "disk,memory 1". May be made to
// hang; outlives the scraper where it does.
class Renderer {
 public:
  Scraper::Render render() const {
    return [state = state_](const Topics& topics) {
      const int number = ++state->begun;
      if (number == state->hanging_at) state->release.WaitForNotification();
      return absl::StrCat(absl::StrJoin(topics, ","), " ", number);
    };
  }
  // The rendering of that number hangs until Release().
  void HangAt(int number) { state_->hanging_at = number; }
  void Release() { state_->release.Notify(); }
  int begun() const { return state_->begun; }
  // Until the rendering of that number has begun.
  void Await(int number) const {
    AwaitThat([&] { return state_->begun >= number; });
  }

 private:
  struct State {
    std::atomic<int> begun = 0;
    std::atomic<int> hanging_at = 0;
    absl::Notification release;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

std::string TextOf(const absl::StatusOr<Scraper::Text>& text) {
  return text.ok() ? **text : text.status().ToString();
}

// A scrape on a thread of its own, which tries until it is let in.
class Scraping {
 public:
  Scraping(Scraper& scraper, const Topics& topics, absl::Duration patience)
      : thread_([this, &scraper, topics, patience] {
          AwaitThat([&] {
            text_ = scraper.Scrape(topics, patience);
            return !absl::IsUnavailable(text_.status());
          });
        }) {}
  ~Scraping() {
    if (thread_.joinable()) thread_.join();
  }
  Scraping(const Scraping&) = delete;
  Scraping& operator=(const Scraping&) = delete;

  absl::StatusOr<Scraper::Text> End() {
    thread_.join();
    return text_;
  }

 private:
  absl::StatusOr<Scraper::Text> text_;
  std::thread thread_;
};

// Until a scrape is refused: as many as the limit are inside.
void AwaitLimit(Scraper& scraper) {
  AwaitThat([&] {
    return absl::IsUnavailable(scraper.Scrape({"none"}, kLong).status());
  });
}

TEST(Scraper, RendersTheTopicsThatAreAsked) {
  const Renderer renderer;
  Scraper scraper(renderer.render(), 0);
  EXPECT_EQ(TextOf(scraper.Scrape({"memory", "disk"}, kLong)), "disk,memory 1");
  EXPECT_EQ(TextOf(scraper.Scrape({}, kLong)), " 2");
}

TEST(Scraper, AfterAFinishedScrapeItRendersAnew) {
  const Renderer renderer;
  Scraper scraper(renderer.render(), 0);
  EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, kLong)), "disk 1");
  EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, kLong)), "disk 2");
}

// One that has less patience than a rendering may take is served as well.
TEST(Scraper, TheImpatientAreAnsweredWhereTheRenderingIsQuick) {
  const Renderer renderer;
  Scraper scraper(renderer.render(), 0);
  EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, absl::Milliseconds(2999))),
            "disk 1");
}

TEST(Scraper, WhoIsPatientRendersOnItsOwnThread) {
  std::thread::id rendering;
  Scraper scraper(
      [&](const Topics&) {
        rendering = std::this_thread::get_id();
        return "text";
      },
      0);
  EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, absl::Seconds(3))), "text");
  EXPECT_EQ(rendering, std::this_thread::get_id());
  EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, absl::Milliseconds(2999))), "text");
  EXPECT_NE(rendering, std::this_thread::get_id());
}

// Whether three that come while the first of them renders are given one text.
bool ShareOneText() {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 3);
  Scraping first(scraper, {"disk"}, kLong);
  renderer.Await(1);
  Scraping second(scraper, {"disk"}, kLong);
  Scraping third(scraper, {"disk"}, absl::Milliseconds(2999));
  // Full once all three are inside.
  AwaitLimit(scraper);
  renderer.Release();
  const auto text = first.End();
  return *second.End() == *text && *third.End() == *text &&
         TextOf(text) == "disk 1";
}

TEST(Scraper, OneRenderingServesAllWhoComeMeanwhile) {
  // Who is inside may still be too late to join.
  bool is_shared = false;
  for (int i = 0; i < 100 && !is_shared; ++i) is_shared = ShareOneText();
  EXPECT_TRUE(is_shared);
}

TEST(Scraper, OtherTopicsAreRenderedApartMeanwhile) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 0);
  Scraping hanging(scraper, {"disk"}, kLong);
  renderer.Await(1);
  EXPECT_EQ(TextOf(scraper.Scrape({"memory"}, kLong)), "memory 2");
  EXPECT_EQ(TextOf(scraper.Scrape({"disk", "memory"}, kLong)), "disk,memory 3");
  EXPECT_EQ(TextOf(scraper.Scrape({}, kLong)), " 4");
  renderer.Release();
  EXPECT_EQ(TextOf(hanging.End()), "disk 1");
}

TEST(Scraper, PatienceEndsWhileTheRenderingHangs) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 0);
  const absl::Status status = scraper.Scrape({"disk"}, kShort).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "no answer within 1ms");
  renderer.Release();
  // Joins what hung, or renders anew.
  EXPECT_TRUE(scraper.Scrape({"disk"}, kLong).ok());
}

TEST(Scraper, WhileARenderingHangsNoOtherOfItsTopicsBegins) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        absl::IsDeadlineExceeded(scraper.Scrape({"disk"}, kShort).status()));
  }
  renderer.Await(1);
  EXPECT_EQ(TextOf(scraper.Scrape({"memory"}, kLong)), "memory 2");
  EXPECT_EQ(renderer.begun(), 2);
  renderer.Release();
  EXPECT_TRUE(scraper.Scrape({"disk"}, kLong).ok());
}

TEST(Scraper, OnceReleasedScrapesAreFreshAgain) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 0);
  EXPECT_FALSE(scraper.Scrape({"disk"}, kShort).ok());
  renderer.Release();
  EXPECT_TRUE(scraper.Scrape({"disk"}, kLong).ok());
  const int begun = renderer.begun();
  EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, kLong)),
            absl::StrCat("disk ", begun + 1));
}

TEST(Scraper, WhoWaitsForTheRenderingOfAnotherHasItsOwnPatience) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 0);
  Scraping patient(scraper, {"disk"}, kLong);
  renderer.Await(1);
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(scraper.Scrape({"disk"}, kShort).status()));
  renderer.Release();
  EXPECT_EQ(TextOf(patient.End()), "disk 1");
}

TEST(Scraper, AsManyAsTheLimitAreLetInAndNoMore) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 2);
  Scraping first(scraper, {"disk"}, kLong);
  renderer.Await(1);
  // One place is left, for one at a time.
  EXPECT_EQ(TextOf(scraper.Scrape({"memory"}, kLong)), "memory 2");
  Scraping second(scraper, {"disk"}, kLong);
  AwaitLimit(scraper);
  const absl::Status status = scraper.Scrape({"memory"}, kLong).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "limit of concurrent scrapes reached (2), try again later");
  renderer.Release();
  EXPECT_TRUE(first.End().ok());
  EXPECT_TRUE(second.End().ok());
}

TEST(Scraper, TheLimitCountsScrapesOfAnyTopics) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 1);
  Scraping only(scraper, {"disk"}, kLong);
  renderer.Await(1);
  EXPECT_TRUE(absl::IsUnavailable(scraper.Scrape({"disk"}, kLong).status()));
  EXPECT_TRUE(absl::IsUnavailable(scraper.Scrape({"memory"}, kLong).status()));
  EXPECT_EQ(renderer.begun(), 1);
  renderer.Release();
  EXPECT_TRUE(only.End().ok());
}

TEST(Scraper, APlaceBecomesFreeWhenAScrapeEnds) {
  const Renderer renderer;
  Scraper scraper(renderer.render(), 1);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(TextOf(scraper.Scrape({"disk"}, kLong)),
              absl::StrCat("disk ", i));
  }
}

// What hangs holds no place: it is the scrapes that are limited.
TEST(Scraper, APlaceBecomesFreeWhenPatienceEnds) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 1);
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(scraper.Scrape({"disk"}, kShort).status()));
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(scraper.Scrape({"disk"}, kShort).status()));
  renderer.Release();
  EXPECT_TRUE(scraper.Scrape({"disk"}, kLong).ok());
}

TEST(Scraper, ARefusalTakesNoPlace) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 1);
  Scraping only(scraper, {"disk"}, kLong);
  renderer.Await(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        absl::IsUnavailable(scraper.Scrape({"memory"}, kLong).status()));
  }
  renderer.Release();
  EXPECT_TRUE(only.End().ok());
  EXPECT_TRUE(scraper.Scrape({"memory"}, kLong).ok());
}

TEST(Scraper, WithoutALimitAllAreLetIn) {
  Renderer renderer;
  renderer.HangAt(1);
  Scraper scraper(renderer.render(), 0);
  Scraping hanging(scraper, {"disk"}, kLong);
  renderer.Await(1);
  std::vector<std::unique_ptr<Scraping>> others;
  for (int i = 0; i < 50; ++i) {
    others.push_back(
        std::make_unique<Scraping>(scraper, Topics{"disk"}, kLong));
  }
  EXPECT_EQ(TextOf(scraper.Scrape({"memory"}, kLong)), "memory 2");
  renderer.Release();
  for (const auto& other : others) EXPECT_TRUE(other->End().ok());
}

}  // namespace
}  // namespace mailcow
