#include "exporter/sntp_packet.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::HasSubstr;

constexpr uint64_t kNonce = 0x0123456789abcdef;

// 1 January 2026, as NTP has it: 3976214400 seconds after 1 January 1900.
constexpr uint64_t kYear2026 = uint64_t{3'976'214'400} << 32;
constexpr uint64_t kHalfASecond = uint64_t{1} << 31;
const absl::Time kNewYear = absl::FromUnixSeconds(1'767'225'600);

std::string BigEndian(uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text += static_cast<char>(number >> (8 * i) & 0xff);
  }
  return text;
}

// An answer that is believed, unless the test changes something about it.
struct Packet {
  uint64_t leap = 0;
  uint64_t version = 4;
  uint64_t mode = 4;
  uint64_t stratum = 2;
  uint64_t root_delay = 0x0000'1000;       // 1/16 of a second
  uint64_t root_dispersion = 0x0000'0800;  // 1/32 of a second
  std::string reference_id = {'\xc0', '\x00', '\x02', '\x01'};
  uint64_t originate = kNonce;
  uint64_t receive = kYear2026;
  uint64_t transmit = kYear2026;

  std::string Bytes() const {
    const uint64_t poll = 6;
    const uint64_t precision = 0xe9;
    return absl::StrCat(
        BigEndian(leap << 6 | version << 3 | mode, 1), BigEndian(stratum, 1),
        BigEndian(poll, 1), BigEndian(precision, 1), BigEndian(root_delay, 4),
        BigEndian(root_dispersion, 4), reference_id,
        BigEndian(kYear2026 - (uint64_t{64} << 32), 8),  // last set
        BigEndian(originate, 8), BigEndian(receive, 8), BigEndian(transmit, 8));
  }
};

absl::StatusOr<SntpAnswer> Parse(const Packet& packet) {
  return ParseSntpAnswer(packet.Bytes(), kNonce);
}

// A server that sends kisses of death has no time.
absl::Status Kiss(const std::string& code) {
  return Parse({.leap = 3,
                .stratum = 0,
                .reference_id = code,
                .receive = 0,
                .transmit = 0})
      .status();
}

TEST(SntpQuestion, IsVersion4OfAClientAndTheNonceAndNothingElse) {
  EXPECT_EQ(SntpQuestion(kNonce),
            absl::StrCat("\x23", std::string(39, '\0'),
                         "\x01\x23\x45\x67\x89\xab", "\xcd\xef"));
}

TEST(SntpQuestion, HasEveryBitOfTheNonce) {
  EXPECT_EQ(SntpQuestion(0).substr(40), std::string(8, '\0'));
  EXPECT_EQ(SntpQuestion(~uint64_t{0}).substr(40), std::string(8, '\xff'));
}

TEST(ParseSntpAnswer, ReadsTheTimesAndTheStratum) {
  const absl::StatusOr<SntpAnswer> answer =
      Parse({.stratum = 3,
             .receive = kYear2026 + kHalfASecond,
             .transmit = kYear2026 + (uint64_t{1} << 32)});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->received_at, kNewYear + absl::Milliseconds(500));
  EXPECT_EQ(answer->sent_at, kNewYear + absl::Seconds(1));
  EXPECT_EQ(answer->stratum, 3);
}

TEST(ParseSntpAnswer, ReadsAnAnswerAsItCameOverTheWire) {
  constexpr unsigned char kBytes[] = {
      0x24, 0x01, 0x03, 0xe8, 0x00, 0x00, 0x00, 0x00,   // mode 4, stratum 1
      0x00, 0x00, 0x00, 0x10, 'G',  'P',  'S',  0x00,   // a GPS clock
      0xec, 0xff, 0xff, 0xf8, 0x00, 0x00, 0x00, 0x00,   // last set
      0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,   // the nonce
      0xed, 0x00, 0x06, 0x00, 0x40, 0x00, 0x00, 0x00,   // received
      0xed, 0x00, 0x06, 0x00, 0xc0, 0x00, 0x00, 0x00};  // sent
  const absl::StatusOr<SntpAnswer> answer = ParseSntpAnswer(
      {reinterpret_cast<const char*>(kBytes), sizeof kBytes}, kNonce);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->received_at,
            absl::FromUnixSeconds(0xed000600 - int64_t{2'208'988'800}) +
                absl::Milliseconds(250));
  EXPECT_EQ(answer->sent_at - answer->received_at, absl::Milliseconds(500));
  EXPECT_EQ(answer->stratum, 1);
}

TEST(ParseSntpAnswer, EveryAnswerThatIsCutShortIsMalformed) {
  const std::string whole = Packet().Bytes();
  ASSERT_EQ(whole.size(), kSntpSize);
  for (size_t size = 0; size < kSntpSize; ++size) {
    const absl::Status status =
        ParseSntpAnswer(whole.substr(0, size), kNonce).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << size;
    EXPECT_EQ(status.message(),
              absl::StrCat("its answer has ", size, " bytes instead of 48"));
  }
}

TEST(ParseSntpAnswer, WhatFollowsTheHeaderIsSkipped) {
  const std::string with_signature = Packet().Bytes() + std::string(20, 'x');
  EXPECT_TRUE(ParseSntpAnswer(with_signature, kNonce).ok());
}

TEST(ParseSntpAnswer, OnlyTheModeOfAServerIsAnAnswer) {
  for (const uint64_t mode : {0u, 1u, 2u, 3u, 5u, 6u, 7u}) {
    const absl::Status status = Parse({.mode = mode}).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << mode;
    EXPECT_EQ(status.message(),
              absl::StrCat("its answer is none of a server (mode ", mode, ")"));
  }
  EXPECT_TRUE(Parse({.mode = 4}).ok());
}

TEST(ParseSntpAnswer, OurOwnQuestionIsNoAnswer) {
  EXPECT_TRUE(
      absl::IsDataLoss(ParseSntpAnswer(SntpQuestion(kNonce), kNonce).status()));
}

TEST(ParseSntpAnswer, TheVersionOfTheServerDoesNotMatter) {
  EXPECT_TRUE(Parse({.version = 3}).ok());
}

TEST(ParseSntpAnswer, AnAnswerToAnotherQuestionIsNone) {
  for (int bit = 0; bit < 64; ++bit) {
    const absl::Status status =
        Parse({.originate = kNonce ^ uint64_t{1} << bit}).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << bit;
    EXPECT_EQ(status.message(), "its answer is not to our question");
  }
}

TEST(ParseSntpAnswer, AKissOfDeathToAnotherQuestionIsNone) {
  const absl::Status status =
      Parse({.stratum = 0, .reference_id = "DENY", .originate = kNonce + 1})
          .status();
  EXPECT_TRUE(absl::IsDataLoss(status));
}

TEST(ParseSntpAnswer, TheKissRateAsksForFewerQuestions) {
  const absl::Status status = Kiss("RATE");
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(status.message(), "it answers with a kiss of death, RATE");
}

TEST(ParseSntpAnswer, TheKissesDenyAndRstrWantNone) {
  EXPECT_TRUE(absl::IsPermissionDenied(Kiss("DENY")));
  EXPECT_TRUE(absl::IsPermissionDenied(Kiss("RSTR")));
  EXPECT_THAT(std::string(Kiss("DENY").message()), HasSubstr("DENY"));
}

TEST(ParseSntpAnswer, AnotherKissIsUnavailable) {
  for (const char* code : {"INIT", "STEP", "rate", "XFOO"}) {
    EXPECT_TRUE(absl::IsUnavailable(Kiss(code))) << code;
    EXPECT_THAT(std::string(Kiss(code).message()), HasSubstr(code));
  }
}

TEST(ParseSntpAnswer, AKissShowsNothingButPrintableAscii) {
  EXPECT_THAT(std::string(Kiss("A\033\n\x9b").message()),
              testing::EndsWith(", A..."));
  EXPECT_THAT(std::string(Kiss("! ~\x7f").message()),
              testing::EndsWith(", !.~."));
}

TEST(ParseSntpAnswer, ALeapSecondThatIsNearDoesNotMatter) {
  EXPECT_TRUE(Parse({.leap = 1}).ok());
  EXPECT_TRUE(Parse({.leap = 2}).ok());
}

TEST(ParseSntpAnswer, AServerThatSaysItIsNotSynchronizedIsUnavailable) {
  const absl::Status status = Parse({.leap = 3}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "it is not synchronized itself (leap 3)");
}

// As chronyd answers that has no source.
TEST(ParseSntpAnswer, StratumZeroWithoutACodeIsNoKiss) {
  const absl::Status status =
      Parse({.stratum = 0, .reference_id = std::string(4, '\0')}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "it is not synchronized itself (stratum 0)");
}

TEST(ParseSntpAnswer, AStratumBeyondTheLastIsNotSynchronized) {
  for (const uint64_t stratum : {16u, 17u, 128u, 255u}) {
    const absl::Status status = Parse({.stratum = stratum}).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << stratum;
    EXPECT_EQ(
        status.message(),
        absl::StrCat("it is not synchronized itself (stratum ", stratum, ")"));
  }
  EXPECT_EQ(Parse({.stratum = 1})->stratum, 1);
  EXPECT_EQ(Parse({.stratum = 15})->stratum, 15);
}

TEST(ParseSntpAnswer, AServerAtMaxdispFromItsReferenceIsNotSynchronized) {
  // 16 seconds in all, once by half of the delay and once by the dispersion.
  for (const Packet& packet :
       {Packet{.root_delay = 0x0020'0000, .root_dispersion = 0},
        Packet{.root_delay = 0, .root_dispersion = 0x0010'0000},
        Packet{.root_delay = 0x0010'0000, .root_dispersion = 0x0008'0000}}) {
    const absl::Status status = Parse(packet).status();
    EXPECT_TRUE(absl::IsUnavailable(status));
    EXPECT_EQ(status.message(), "it may itself be 16 seconds off");
  }
  EXPECT_TRUE(Parse({.root_delay = 0x001f'ffff, .root_dispersion = 0}).ok());
  EXPECT_TRUE(Parse({.root_delay = 0, .root_dispersion = 0x000f'ffff}).ok());
}

TEST(ParseSntpAnswer, TheLargestDistanceIsRefusedToo) {
  EXPECT_TRUE(absl::IsUnavailable(
      Parse({.root_delay = 0xffff'ffff, .root_dispersion = 0xffff'ffff})
          .status()));
}

TEST(ParseSntpAnswer, AnAnswerWithoutATimeIsMalformed) {
  for (const Packet& packet : {Packet{.receive = 0}, Packet{.transmit = 0}}) {
    const absl::Status status = Parse(packet).status();
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_EQ(status.message(), "its answer has no time");
  }
}

TEST(ParseSntpAnswer, In2036TheNumbersBeginAgain) {
  // 7 February 2036, 06:28:16 UTC.
  const absl::Time begin = absl::FromUnixSeconds(2'085'978'496);
  const absl::StatusOr<SntpAnswer> around =
      Parse({.receive = 0xffff'ffff'8000'0000, .transmit = 1});
  ASSERT_TRUE(around.ok()) << around.status();
  EXPECT_EQ(around->received_at, begin - absl::Milliseconds(500));
  EXPECT_GE(around->sent_at, begin);
  EXPECT_LE(around->sent_at, begin + absl::Nanoseconds(1));
}

TEST(ParseSntpAnswer, TheFirstBitTellsTheErasApart) {
  const absl::StatusOr<SntpAnswer> answer = Parse(
      {.receive = 0x8000'0000'0000'0000, .transmit = 0x7fff'ffff'0000'0000});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(absl::FormatTime(answer->received_at, absl::UTCTimeZone()),
            "1968-01-20T03:14:08+00:00");
  EXPECT_EQ(absl::FormatTime(answer->sent_at, absl::UTCTimeZone()),
            "2104-02-26T09:42:23+00:00");
}

// What the network and the two clocks did.
struct Journey {
  absl::Duration ahead = absl::ZeroDuration();  // the server's clock, of ours
  absl::Duration there = absl::Milliseconds(20);
  absl::Duration busy = absl::Milliseconds(1);
  absl::Duration back = absl::Milliseconds(20);
  // By how much our clock was set meanwhile.
  absl::Duration step = absl::ZeroDuration();
};

absl::StatusOr<ServerTime> Measure(const Journey& journey) {
  const absl::Duration elapsed = journey.there + journey.busy + journey.back;
  const absl::Time received_at = kNewYear + journey.there + journey.ahead;
  return MeasureServer({.received_at = received_at,
                        .sent_at = received_at + journey.busy,
                        .stratum = 2},
                       {.asked_at = kNewYear,
                        .answered_at = kNewYear + elapsed + journey.step,
                        .elapsed = elapsed});
}

TEST(MeasureServer, ClocksThatAgreeHaveNoOffset) {
  const absl::StatusOr<ServerTime> server = Measure({});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->offset_seconds, 0);
  EXPECT_DOUBLE_EQ(server->round_trip_seconds, 0.04);
  EXPECT_EQ(server->stratum, 2);
  EXPECT_EQ(server->age, absl::ZeroDuration());
}

TEST(MeasureServer, TheOffsetIsPositiveWhereOurClockIsBehind) {
  EXPECT_DOUBLE_EQ(Measure({.ahead = absl::Milliseconds(1)})->offset_seconds,
                   0.001);
  EXPECT_DOUBLE_EQ(Measure({.ahead = absl::Milliseconds(-1)})->offset_seconds,
                   -0.001);
  EXPECT_DOUBLE_EQ(Measure({.ahead = absl::Hours(24 * 365)})->offset_seconds,
                   31'536'000);
  EXPECT_DOUBLE_EQ(Measure({.ahead = absl::Hours(-24)})->offset_seconds,
                   -86'400);
}

TEST(MeasureServer, AWayThatIsLongerThanTheOtherPassesForHalfOfItsOffset) {
  EXPECT_DOUBLE_EQ(Measure({.there = absl::Milliseconds(300),
                            .back = absl::Milliseconds(100)})
                       ->offset_seconds,
                   0.1);
  EXPECT_DOUBLE_EQ(
      Measure({.there = absl::ZeroDuration(), .back = absl::Milliseconds(400)})
          ->offset_seconds,
      -0.2);
}

TEST(MeasureServer, TheServersOwnTimeIsNotPartOfTheRoundTrip) {
  const absl::StatusOr<ServerTime> server =
      Measure({.busy = absl::Milliseconds(900)});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_DOUBLE_EQ(server->round_trip_seconds, 0.04);
  EXPECT_EQ(server->offset_seconds, 0);
}

TEST(MeasureServer, ARoundTripOfMoreThanASecondTellsNoSecond) {
  const absl::StatusOr<ServerTime> at_limit = Measure(
      {.there = absl::Milliseconds(500), .back = absl::Milliseconds(500)});
  ASSERT_TRUE(at_limit.ok()) << at_limit.status();
  EXPECT_EQ(at_limit->round_trip_seconds, 1);
  const absl::Status beyond = Measure({.there = absl::Milliseconds(500),
                                       .back = absl::Milliseconds(501)})
                                  .status();
  EXPECT_TRUE(absl::IsUnavailable(beyond));
  EXPECT_EQ(beyond.message(),
            "its answer took 1.001 seconds, too long to tell a second by");
}

TEST(MeasureServer, AnAnswerThatWasSentBeforeTheQuestionCameContradictsItself) {
  const absl::Status status = Measure({.busy = -absl::Nanoseconds(1)}).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "the times in its answer contradict each other");
  EXPECT_TRUE(Measure({.busy = absl::ZeroDuration()}).ok());
}

TEST(MeasureServer, AServerCannotBeBusyForLongerThanWeWaited) {
  const absl::Status beyond = Measure({.there = absl::Milliseconds(-6),
                                       .busy = absl::Milliseconds(20),
                                       .back = absl::Milliseconds(-5)})
                                  .status();
  EXPECT_TRUE(absl::IsDataLoss(beyond));
}

TEST(MeasureServer, ARoundTripIsNotNegativeWhereTheServersClockRunsFaster) {
  const absl::StatusOr<ServerTime> server =
      Measure({.there = absl::Milliseconds(-5),
               .busy = absl::Milliseconds(20),
               .back = absl::Milliseconds(-5)});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->round_trip_seconds, 0);
}

TEST(MeasureServer, OurClockThatIsSetMeanwhileMeasuresNothing) {
  for (const absl::Duration step :
       {absl::Hours(1), -absl::Hours(1), absl::Milliseconds(11),
        -absl::Milliseconds(11)}) {
    const absl::Status status = Measure({.step = step}).status();
    EXPECT_TRUE(absl::IsAborted(status)) << step;
    EXPECT_EQ(status.message(), "our clock was set while it was asked");
  }
}

TEST(MeasureServer, OurClockMayBeSlewedMeanwhile) {
  EXPECT_TRUE(Measure({.step = absl::Milliseconds(10)}).ok());
  EXPECT_TRUE(Measure({.step = -absl::Milliseconds(10)}).ok());
}

TEST(MeasureServer, AnAnswerCanComeFromTheEraAfter2036) {
  const absl::StatusOr<SntpAnswer> answer =
      Parse({.receive = uint64_t{10} << 32, .transmit = uint64_t{10} << 32});
  ASSERT_TRUE(answer.ok()) << answer.status();
  const absl::Time asked_at = absl::FromUnixSeconds(2'085'978'496 + 10);
  const absl::StatusOr<ServerTime> server =
      MeasureServer(*answer, {.asked_at = asked_at,
                              .answered_at = asked_at,
                              .elapsed = absl::ZeroDuration()});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->offset_seconds, 0);
}

}  // namespace
}  // namespace mailcow
