#include "exporter/password_check.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;
using Verdict = PasswordCheck::Verdict;
using Users = std::map<std::string, std::string>;

// What Go's bcrypt makes of "allmine".
constexpr char kAllMine[] =
    "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga";
constexpr char kSalt[] = "./ABCDEFGHIJKLMNOPQRST";

// A hash that is right for `password` in the eyes of RecordingHash.
std::string HashOf(const std::string& password, int cost = 10) {
  std::string padded = password;
  padded.resize(31, '.');
  return absl::StrCat("$2y$", cost, "$", kSalt, padded);
}

// Hashes at no cost, and remembers the settings it was asked for.
class RecordingHash {
 public:
  PasswordCheck::Hash Get() {
    return [this](const std::string& password, const std::string& setting) {
      settings_.push_back(setting);
      std::string padded = password;
      padded.resize(31, '.');
      return setting.substr(0, 29) + padded;
    };
  }
  const std::vector<std::string>& settings() const { return settings_; }

 private:
  std::vector<std::string> settings_;
};

TEST(Bcrypt, MakesTheHashesOfGo) {
  EXPECT_EQ(Bcrypt("allmine", kAllMine), kAllMine);
  EXPECT_NE(Bcrypt("allmin", kAllMine), kAllMine);
}

TEST(Bcrypt, EveryVersionOfTheFormatIsTheSameHash) {
  // A password that crypt(3) hashes otherwise for "$2a$".
  const std::string rest = "04$/OK.fbVrR/bpIqNJ5ianF.";
  const std::string digest = "79F7iyfPXU.AMPgYp2WOmvgKQ4Ez/5.";
  for (const std::string version : {"$2a$", "$2b$", "$2y$"}) {
    EXPECT_EQ(Bcrypt("\xff\xff\xa3", version + rest), version + rest + digest);
  }
}

TEST(Bcrypt, WhatIsNoSettingHasNoHash) {
  EXPECT_EQ(Bcrypt("allmine", "$2a$99$nonsense"), "");
}

TEST(PasswordCheck, RightPasswordOfAUserPasses) {
  PasswordCheck check;
  EXPECT_EQ(check.Check({{"u", kAllMine}}, {"u", "allmine"}), Verdict::kRight);
  EXPECT_EQ(check.Check({{"u", kAllMine}}, {"u", "allmin"}), Verdict::kWrong);
}

TEST(PasswordCheck, PasswordOfAnotherUserDoesNotPass) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users users = {{"u", HashOf("one")}, {"v", HashOf("two")}};
  EXPECT_EQ(check.Check(users, {"v", "two"}), Verdict::kRight);
  EXPECT_EQ(check.Check(users, {"u", "two"}), Verdict::kWrong);
}

TEST(PasswordCheck, ScrapeDoesNotPayTwice) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users users = {{"u", HashOf("p")}};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kRight);
  }
  EXPECT_THAT(hash.settings(), SizeIs(1));
}

TEST(PasswordCheck, WrongPasswordPaysEachTime) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users users = {{"u", HashOf("p")}};
  EXPECT_EQ(check.Check(users, {"u", "q"}), Verdict::kWrong);
  EXPECT_EQ(check.Check(users, {"u", "q"}), Verdict::kWrong);
  EXPECT_THAT(hash.settings(), SizeIs(2));
}

TEST(PasswordCheck, GuessesDoNotDriveOutARightPassword) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {.remembered = 1});
  const Users users = {{"u", HashOf("p")}};
  check.Check(users, {"u", "p"});
  for (int i = 0; i < 5; ++i) check.Check(users, {"u", absl::StrCat(i)});
  EXPECT_THAT(hash.settings(), SizeIs(6));
  EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kRight);
  EXPECT_THAT(hash.settings(), SizeIs(6));
}

TEST(PasswordCheck, UnknownUserCostsAsMuchAsTheDearestKnown) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users users = {
      {"a", HashOf("p", 10)}, {"b", HashOf("p", 12)}, {"c", HashOf("p", 11)}};
  EXPECT_EQ(check.Check(users, {"nobody", "p"}), Verdict::kWrong);
  EXPECT_THAT(hash.settings(), ElementsAre(StartsWith("$2y$12$")));
}

TEST(PasswordCheck, HashOfNobodyIsOneThatCanBeComputed) {
  const auto bcrypt = [](const std::string& password,
                         const std::string& setting) {
    const std::string hash = Bcrypt(password, setting);
    EXPECT_THAT(hash, StartsWith("$2y$10$QOauhQNbBCuQDKes6eFzPe"));
    return hash;
  };
  PasswordCheck check(bcrypt, {});
  EXPECT_EQ(check.Check({{"u", kAllMine}}, {"v", "allmine"}), Verdict::kWrong);
}

TEST(PasswordCheck, UnknownUserNeverPassesBySomePassword) {
  const auto yes = [](const std::string& /*password*/,
                      const std::string& setting) { return setting; };
  PasswordCheck check(yes, {});
  const Users users = {{"u", HashOf("p")}};
  EXPECT_EQ(check.Check(users, {"nobody", "p"}), Verdict::kWrong);
  EXPECT_EQ(check.Check(users, {"nobody", "p"}), Verdict::kWrong);
}

TEST(PasswordCheck, HashThatOnlyBeginsAlikeIsWrong) {
  const Users users = {{"u", HashOf("p")}};
  const auto shorter = [](const std::string& /*password*/,
                          const std::string& setting) {
    return setting.substr(0, 40);
  };
  EXPECT_EQ(PasswordCheck(shorter, {}).Check(users, {"u", "p"}),
            Verdict::kWrong);
  const auto empty = [](const std::string&, const std::string&) {
    return std::string();
  };
  EXPECT_EQ(PasswordCheck(empty, {}).Check(users, {"u", "p"}), Verdict::kWrong);
}

TEST(PasswordCheck, OldPasswordFailsAtOnceWhenTheHashIsChanged) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  EXPECT_EQ(check.Check({{"u", HashOf("old")}}, {"u", "old"}), Verdict::kRight);
  EXPECT_EQ(check.Check({{"u", HashOf("new")}}, {"u", "old"}), Verdict::kWrong);
  EXPECT_EQ(check.Check({{"u", HashOf("new")}}, {"u", "new"}), Verdict::kRight);
}

TEST(PasswordCheck, UserWhoIsTakenOutFailsAtOnce) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users both = {{"u", HashOf("p")}, {"v", HashOf("p")}};
  EXPECT_EQ(check.Check(both, {"u", "p"}), Verdict::kRight);
  EXPECT_EQ(check.Check({{"v", HashOf("p")}}, {"u", "p"}), Verdict::kWrong);
}

TEST(PasswordCheck, NulDoesNotEndAPassword) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users users = {{"u", HashOf("p")}};
  EXPECT_EQ(check.Check(users, {"u", std::string("p\0", 2)}), Verdict::kWrong);
  EXPECT_EQ(check.Check(users, {"u", std::string("p\0x", 3)}), Verdict::kWrong);
  EXPECT_EQ(check.Check(users, {"x", std::string("p\0x", 3)}), Verdict::kWrong);
  EXPECT_THAT(hash.settings(), SizeIs(0));
}

TEST(PasswordCheck, SeventyTwoBytesOfAPasswordCountAsInGo) {
  const std::string full(72, 'x');
  const std::string hash = Bcrypt(full, absl::StrCat("$2b$04$", kSalt));
  PasswordCheck check;
  EXPECT_EQ(check.Check({{"u", hash}}, {"u", std::string(71, 'x')}),
            Verdict::kWrong);
  EXPECT_EQ(check.Check({{"u", hash}}, {"u", full}), Verdict::kRight);
  // crypt(3) itself would refuse this one.
  EXPECT_EQ(check.Check({{"u", hash}}, {"u", full + std::string(600, 'y')}),
            Verdict::kRight);
}

TEST(PasswordCheck, RemembersAsManyAsItMayThoseThatWereUsedLast) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {.remembered = 2});
  const Users users = {
      {"a", HashOf("p")}, {"b", HashOf("p")}, {"c", HashOf("p")}};
  check.Check(users, {"a", "p"});
  check.Check(users, {"b", "p"});
  check.Check(users, {"a", "p"});
  EXPECT_THAT(hash.settings(), SizeIs(2));
  check.Check(users, {"c", "p"});
  check.Check(users, {"a", "p"});
  EXPECT_THAT(hash.settings(), SizeIs(3));
  check.Check(users, {"b", "p"});
  EXPECT_THAT(hash.settings(), SizeIs(4));
}

TEST(PasswordCheck, WhereAUserEndsIsPartOfWhatIsRemembered) {
  RecordingHash hash;
  PasswordCheck check(hash.Get(), {});
  const std::string h = HashOf("1");
  EXPECT_EQ(check.Check({{"u", h}}, {"u", "1"}), Verdict::kRight);
  EXPECT_EQ(check.Check({{"u" + h, "$2y$10$"}, {"u", h}}, {"u" + h, "1"}),
            Verdict::kWrong);
}

// Hashes until it may end.
class SlowHash {
 public:
  ~SlowHash() { Release(); }

  PasswordCheck::Hash Get() {
    return [this](const std::string& password, const std::string& setting) {
      if (password == "slow") {
        if (!begun.HasBeenNotified()) begun.Notify();
        released_.WaitForNotification();
      }
      ++count_;
      std::string padded = password;
      padded.resize(31, '.');
      return setting.substr(0, 29) + padded;
    };
  }
  void Release() {
    if (!released_.HasBeenNotified()) released_.Notify();
  }
  int count() const { return count_; }

  absl::Notification begun;

 private:
  absl::Notification released_;
  std::atomic<int> count_ = 0;
};

TEST(PasswordCheck, RememberedPasswordDoesNotWaitForAnother) {
  SlowHash hash;
  PasswordCheck check(hash.Get(), {});
  const Users users = {{"u", HashOf("p")}};
  check.Check(users, {"u", "p"});
  std::thread slow([&] { check.Check(users, {"u", "slow"}); });
  hash.begun.WaitForNotification();
  EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kRight);
  hash.Release();
  slow.join();
}

TEST(PasswordCheck, MoreThanMayWaitAreTurnedAway) {
  SlowHash hash;
  PasswordCheck check(hash.Get(), {.waiting = 0, .patience = absl::Hours(1)});
  const Users users = {{"u", HashOf("p")}};
  std::thread slow([&] { check.Check(users, {"u", "slow"}); });
  hash.begun.WaitForNotification();
  EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kBusy);
  EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kBusy);
  hash.Release();
  slow.join();
  EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kRight);
}

TEST(PasswordCheck, WhoMayWaitGetsAnAnswer) {
  SlowHash hash;
  PasswordCheck check(hash.Get(), {.waiting = 1});
  const Users users = {{"u", HashOf("p")}};
  std::thread slow([&] { check.Check(users, {"u", "slow"}); });
  hash.begun.WaitForNotification();
  std::thread waiting([&] {
    EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kRight);
  });
  hash.Release();
  waiting.join();
  slow.join();
}

TEST(PasswordCheck, NobodyWaitsForLongerThanTheyMay) {
  SlowHash hash;
  PasswordCheck check(hash.Get(),
                      {.waiting = 8, .patience = absl::ZeroDuration()});
  const Users users = {{"u", HashOf("p")}};
  std::thread slow([&] { check.Check(users, {"u", "slow"}); });
  hash.begun.WaitForNotification();
  EXPECT_EQ(check.Check(users, {"u", "p"}), Verdict::kBusy);
  hash.Release();
  slow.join();
}

TEST(PasswordCheck, WhoWaitedBehindTheSamePasswordDoesNotPay) {
  SlowHash hash;
  PasswordCheck check(hash.Get(), {.waiting = 1, .patience = absl::Hours(1)});
  const Users users = {{"u", HashOf("slow")}};
  absl::Notification turned_away;
  const auto scrape = [&] {
    if (check.Check(users, {"u", "slow"}) == Verdict::kBusy) {
      turned_away.Notify();
    }
  };
  std::thread first(scrape);
  hash.begun.WaitForNotification();
  // Whichever of the two comes later tells that the other waits.
  std::thread second(scrape);
  std::thread third(scrape);
  turned_away.WaitForNotification();
  hash.Release();
  first.join();
  second.join();
  third.join();
  EXPECT_EQ(hash.count(), 1);
}

}  // namespace
}  // namespace mailcow
