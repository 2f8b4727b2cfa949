#include "exporter/request_head.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

// Its uses as a suffix are not seen as such.
using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls)

// A request of HTTP/1.1 with these fields behind the one that names the host.
std::string With(absl::string_view fields) {
  return absl::StrCat("GET / HTTP/1.1\r\nHost: h\r\n", fields, "\r\n");
}

std::string WithRequestLine(absl::string_view line) {
  return absl::StrCat(line, "\r\nHost: h\r\n\r\n");
}

// The host's, and others up to `count`.
std::string WithFields(int count) {
  std::string fields;
  for (int i = 1; i < count; ++i) absl::StrAppend(&fields, "X-", i, ": v\r\n");
  return With(fields);
}

// What is wrong with a head; empty where nothing is.
std::string Wrong(absl::string_view head) {
  const absl::Status status = CheckRequestHead(head);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

void ExpectAccepted(const std::string& head) {
  EXPECT_EQ(Wrong(head), "") << head;
}

void ExpectRefused(absl::string_view what, const std::string& head) {
  EXPECT_EQ(Wrong(head), what) << head;
}

TEST(CheckRequestHead, AcceptsWhatPrometheusSends) {
  ExpectAccepted(
      "GET /metrics?collect[]=memory HTTP/1.1\r\n"
      "Host: 127.0.0.1:9025\r\n"
      "User-Agent: Prometheus/2.42.0\r\n"
      "Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
      "Accept-Encoding: gzip\r\n"
      "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n"
      "\r\n");
}

TEST(CheckRequestHead, AcceptsEveryFormOfARequestLine) {
  for (const char* line :
       {"GET / HTTP/1.1", "POST /-/reload HTTP/1.1", "OPTIONS * HTTP/1.1",
        "CONNECT h:80 HTTP/1.1", "GET http://h/metrics HTTP/1.1",
        "M-SEARCH!#$%&'*+-.^_`|~09az / HTTP/1.1", "GET / HTTP/1.0"}) {
    ExpectAccepted(WithRequestLine(line));
  }
}

// RFC 9112, section 2.2: a lone LF may be taken for the end of a line.
TEST(CheckRequestHead, AcceptsLinesThatEndInLfAlone) {
  ExpectAccepted("GET / HTTP/1.1\nHost: h\n\n");
  ExpectAccepted("GET / HTTP/1.1\nHost: h\r\n\n");
  ExpectAccepted("GET / HTTP/1.1\r\nHost: h\n\r\n");
}

// The same section: at least one empty line before a request is ignored.
TEST(CheckRequestHead, AcceptsOneEmptyLineAheadAndNoMore) {
  ExpectAccepted("\r\n" + With(""));
  ExpectAccepted("\n" + With(""));
  constexpr char kWhat[] = "a request line without three parts";
  ExpectRefused(kWhat, "\r\n\r\n" + With(""));
  ExpectRefused(kWhat, "\n\r\n" + With(""));
  ExpectRefused(kWhat, "\n\n" + With(""));
  ExpectRefused("a request line with other characters", "\r" + With(""));
}

TEST(CheckRequestHead, RefusesARequestLineThatHasNotThreeParts) {
  for (const char* line : {"", "GET", "GET /", "/ HTTP/1.1"}) {
    ExpectRefused("a request line without three parts", WithRequestLine(line));
  }
}

TEST(CheckRequestHead, RefusesBlanksThatSeparateNoParts) {
  for (const char* line :
       {"GET  HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
        "GET / / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 "}) {
    EXPECT_NE(Wrong(WithRequestLine(line)), "") << line;
  }
}

TEST(CheckRequestHead, RefusesOtherCharactersInTheRequestLine) {
  for (const std::string& line :
       {"G\tT / HTTP/1.1"s, "GE(T / HTTP/1.1"s, "GET: / HTTP/1.1"s,
        "G\xc3\x89T / HTTP/1.1"s, "GET /\t HTTP/1.1"s, "GET\t/ / HTTP/1.1"s,
        "GET /\0 HTTP/1.1"s, "GET /\x7f HTTP/1.1"s, "GET /\x80 HTTP/1.1"s,
        "GET /m\xc3\xa9trics HTTP/1.1"s, "GET /\r HTTP/1.1"s,
        "GET /\v HTTP/1.1"s}) {
    ExpectRefused("a request line with other characters",
                  WithRequestLine(line));
  }
}

TEST(CheckRequestHead, RefusesWhatIsNoVersionOfHttp) {
  for (const std::string& version :
       {"HTTP"s, "HTTP/"s, "HTTP/1"s, "HTTP/1."s, "HTTP/1.10"s, "HTTP/11.1"s,
        "HTTP/1,1"s, "HTTP/.11"s, "HTTP/x.1"s, "HTTP/1.x"s, "http/1.1"s,
        "HTTPS/1.1"s, "HTTP/1.1\t"s, "HTTP/1.1\r"s, "HTTP/1.\0"s}) {
    ExpectRefused("a request line without a version of HTTP",
                  WithRequestLine("GET / " + version));
  }
}

TEST(CheckRequestHead, AcceptsFieldsOfAllShapes) {
  for (const char* field :
       {"X:v\r\n", "X: \t v \t \r\n", "X: a b\tc\r\n", "X: a:b: c\r\n",
        "X: \"quoted, \\\" \"\r\n", "!#$%&'*+-.^_`|~09azAZ: v\r\n",
        "X: v\r\nX: v\r\n"}) {
    ExpectAccepted(With(field));
  }
}

// RFC 9110, section 5.5: what lies beyond ASCII is opaque data.
TEST(CheckRequestHead, AcceptsBytesBeyondAsciiInValues) {
  ExpectAccepted(With("X: caf\xc3\xa9\r\n"));
  ExpectAccepted(With("X: \x80\xff\r\n"));
}

TEST(CheckRequestHead, AcceptsEmptyValues) {
  ExpectAccepted(With("X:\r\n"));
  ExpectAccepted(With("X: \r\n"));
  ExpectAccepted("GET / HTTP/1.1\r\nHost:\r\n\r\n");
}

// RFC 9112, section 5.1: proxies were fooled by a blank before the colon.
TEST(CheckRequestHead, RefusesABlankBeforeTheColon) {
  ExpectRefused("a line that is no header field", With("X : v\r\n"));
  ExpectRefused("a line that is no header field", With("X\t: v\r\n"));
  ExpectRefused("a line that is no header field",
                With("Content-Length : 5\r\n"));
}

// RFC 9112, section 5.2: obs-fold.
TEST(CheckRequestHead, RefusesALineThatContinuesTheOneBefore) {
  ExpectRefused("a line that is no header field", With("X: a\r\n b\r\n"));
  ExpectRefused("a line that is no header field", With("X: a\r\n\tb\r\n"));
  ExpectRefused("a line that is no header field", With("X: a\r\n b: c\r\n"));
  ExpectRefused("a line that is no header field", With("X: a\r\n \r\n"));
}

// Section 2.2: blanks between the request line and the first field.
TEST(CheckRequestHead, RefusesAFirstFieldBehindABlank) {
  ExpectRefused("a line that is no header field",
                "GET / HTTP/1.1\r\n Host: h\r\n\r\n");
}

TEST(CheckRequestHead, RefusesLinesThatAreNoFields) {
  for (const std::string& line :
       {"X\r\n"s, ": v\r\n"s, ":\r\n"s, "X\0Y: v\r\n"s, "X\rY: v\r\n"s,
        "X\xc3\xa9: v\r\n"s, "X\x7f: v\r\n"s, "X(Y): v\r\n"s, "X Y: v\r\n"s,
        "\"X\": v\r\n"s, "\r\r\n"s}) {
    ExpectRefused("a line that is no header field", With(line));
  }
}

TEST(CheckRequestHead, RefusesControlCharactersInValues) {
  for (const std::string& value : {"a\0b"s, "\0"s, "a\x01z"s, "a\bz"s, "a\vz"s,
                                   "a\fz"s, "a\x1fz"s, "a\x7fz"s}) {
    ExpectRefused("a control character", With("X: " + value + "\r\n"));
  }
}

TEST(CheckRequestHead, RefusesABareCarriageReturnInValues) {
  ExpectRefused("a control character", With("X: a\rb\r\n"));
  ExpectRefused("a control character", With("X: a\rContent-Length: 5\r\n"));
}

// Some take them for blanks, others for a part of the value.
TEST(CheckRequestHead, RefusesControlCharactersAtTheEndsOfValues) {
  for (const char* value : {"\va", "\fa", "\ra", "a\v", "a\f", "a\r", "\r"}) {
    ExpectRefused("a control character",
                  With(absl::StrCat("X: ", value, "\r\n")));
  }
  ExpectRefused("a control character", With("Content-Length:\v5\r\n"));
}

TEST(CheckRequestHead, AcceptsOneLengthOrOneEncoding) {
  for (const char* field : {"Content-Length: 0\r\n", "Content-Length: 5\r\n",
                            "Content-Length: 05\r\n", "Content-Length:\t5 \r\n",
                            "Transfer-Encoding: chunked\r\n"}) {
    ExpectAccepted(With(field));
  }
}

TEST(CheckRequestHead, RefusesALengthThatIsNoNumber) {
  for (const std::string& length :
       {""s, "+5"s, "-5"s, "-0"s, "5, 5"s, "5,5"s, "5 5"s, "5;"s, "0x5"s, "5x"s,
        "5.0"s, "1e1"s, "\"5\""s, "five"s, "\xd9\xa5"s}) {
    ExpectRefused("a length that is no number",
                  With("Content-Length: " + length + "\r\n"));
  }
}

TEST(CheckRequestHead, RefusesTwoLengthsThoughTheyAreTheSame) {
  ExpectRefused("more than one length",
                With("Content-Length: 5\r\nContent-Length: 6\r\n"));
  ExpectRefused("more than one length",
                With("Content-Length: 5\r\nX: v\r\ncontent-LENGTH: 5\r\n"));
}

TEST(CheckRequestHead, RefusesALengthBesideAnEncodingInEitherOrder) {
  constexpr char kWhat[] = "both a length and a transfer encoding";
  ExpectRefused(kWhat,
                With("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"));
  ExpectRefused(kWhat,
                With("transfer-encoding: chunked\r\ncontent-length: 0\r\n"));
  ExpectRefused(kWhat, With("Transfer-Encoding:\r\nContent-Length: 0\r\n"));
}

TEST(CheckRequestHead, NamesThatOnlyBeginLikeThoseOfFramingAreOthers) {
  ExpectAccepted(
      With("Content-Length: 5\r\nContent-Length-X: x\r\n"
           "X-Content-Length: y\r\nContent_Length: z\r\n"
           "Transfer-Encodings: chunked\r\nHosts: a\r\n"));
}

TEST(CheckRequestHead, RefusesMoreThanOneHost) {
  ExpectRefused("more than one host", With("Host: h\r\n"));
  ExpectRefused("more than one host", With("hOST: other\r\n"));
  ExpectRefused("more than one host",
                "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n");
}

TEST(CheckRequestHead, OnlyHttp10NeedsNoHost) {
  ExpectAccepted("GET / HTTP/1.0\r\n\r\n");
  ExpectRefused("no host", "GET / HTTP/1.1\r\n\r\n");
  ExpectRefused("no host", "GET / HTTP/2.0\r\n\r\n");
  ExpectRefused("no host", "GET /1.0 HTTP/1.1\r\n\r\n");
}

TEST(CheckRequestHead, AcceptsAsManyFieldsAsAreRead) {
  ExpectAccepted(WithFields(64));
  ExpectRefused("too many header fields", WithFields(65));
}

TEST(CheckRequestHead, RefusesAHeadThatDoesNotEnd) {
  ExpectRefused("no request line", "");
  ExpectRefused("no request line", "\r\n");
  ExpectRefused("no request line", "GET / HTTP/1.1");
  for (const char* head :
       {"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: h\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\r", "GET / HTTP/1.1\r\nHost: h"}) {
    ExpectRefused("a head that does not end", head);
  }
}

TEST(CheckRequestHead, RefusesWhatFollowsTheEmptyLine) {
  for (const std::string& more : {"x"s, "\r\n"s, "\n"s, "\0"s, With("")}) {
    ExpectRefused("something behind the head", With("") + more);
  }
}

}  // namespace
}  // namespace mailcow
