#include "exporter/html.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {

TEST(Html, TextIsNeverMarkup) {
  EXPECT_EQ(Text("<script>alert('1' & \"2\")</script>").markup,
            "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)"
            "&lt;/script&gt;");
  EXPECT_EQ(Text("&lt;").markup, "&amp;lt;");
}

TEST(Html, TextShowsControlCharacters) {
  EXPECT_EQ(Text("/srv/a\nb\x1b[2J").markup, "/srv/a\\x0ab\\x1b[2J");
}

TEST(Html, TextReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(Text("a\xff<").markup, "a\uFFFD&lt;");
  EXPECT_EQ(Text("\xe2\x80").markup, "\uFFFD\uFFFD");
  EXPECT_EQ(Text("M\u00fcnchen").markup, "M\u00fcnchen");
}

TEST(Html, TextShowsWhatWouldReorderOrHideWhatIsBesideIt) {
  // By their bytes: compilers warn of the characters themselves.
  EXPECT_EQ(Text("exim\xe2\x80\xaegnp.4").markup, "exim\\u202egnp.4");
  EXPECT_EQ(Text("\xc2\xad\xd8\x9c\xef\xbb\xbf").markup,
            "\\u00ad\\u061c\\ufeff");
  EXPECT_EQ(Text("\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\xae").markup,
            "\\u200b\\u200f\\u2028\\u202e");
  EXPECT_EQ(Text("\xe2\x81\xa0\xe2\x81\xa9").markup, "\\u2060\\u2069");
}

TEST(Html, TextKeepsWhatOneSees) {
  for (const char* seen :
       {"\u00ac\u00ae", "\u061b\u061d", "\u200a\u2010", "\u2027\u202f",
        "\u205f\u206a", "\u20ac", "\U0001f404", "\ufefe"}) {
    EXPECT_EQ(Text(seen).markup, seen);
  }
}

TEST(Html, TagHoldsItsChildrenAsTheyAre) {
  EXPECT_EQ(Tag("b", {}, {Text("<"), Tag("i", {}, {})}).markup,
            "<b>&lt;<i></i></b>");
}

TEST(Html, BlockEndsALineOfTheSource) {
  EXPECT_EQ(Tag("li", {}, {Text("x")}).markup, "<li>x</li>\n");
}

TEST(Html, AttributesAreQuotedAndEscaped) {
  EXPECT_EQ(Tag("a", {{"href", "/\"><b>&'"}, {"rel", "x"}}, {}).markup,
            "<a href=\"/&quot;&gt;&lt;b&gt;&amp;&#39;\" rel=\"x\"></a>");
}

TEST(Html, AttributeWithoutAValueHasItsNameAlone) {
  EXPECT_EQ(Tag("details", {{"open", ""}}, {}).markup,
            "<details open></details>\n");
}

TEST(Html, VoidTagHasNoEnd) {
  EXPECT_EQ(VoidTag("meta", {{"charset", "utf-8"}}).markup,
            "<meta charset=\"utf-8\">");
}

}  // namespace
}  // namespace mailcow
