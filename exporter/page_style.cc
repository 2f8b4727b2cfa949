#include "exporter/page_style.h"

#include <openssl/sha.h>

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

// Every text has a contrast of at least 4.5:1 with what is behind it, in both
// schemes; tests/page_end_to_end_test.py computes it.
constexpr absl::string_view kStyle = R"(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --panel: #fff; --line: #e1e4e8; --text: #1d2329;
  --quiet: #57606a; --link: #0b5cad; --command: #eef1f4;
  --bad: #b42318; --warn: #8a4b08; --open: #6941c6; --good: #067647;
  --bad-panel: #fef3f2; --good-panel: #edfcf2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1317; --panel: #171c22; --line: #2c343d; --text: #e4e9ee;
    --quiet: #9aa5b1; --link: #74b4f5; --command: #232b34;
    --bad: #ff8f85; --warn: #f0b45f; --open: #bda4f7; --good: #5fd39a;
    --bad-panel: #2b1715; --good-panel: #10261b;
  }
}
* { box-sizing: border-box; }
html { background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem;
  overflow-wrap: anywhere; }
h1, h2, h3, h4, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
a { color: var(--link); text-underline-offset: .2em; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link);
  outline-offset: 2px; }
code, kbd { font: .92em ui-monospace, monospace; }
header { padding: 1.5rem; border-left: 6px solid; border-radius: 12px; }
header p { color: var(--text); }
header h1 { margin: .25rem 0 .5rem; font-size: 2rem; line-height: 1.2; }
header .freshness { font-size: .875rem; }
.not-ready { background: var(--bad-panel); color: var(--bad); }
.ready { background: var(--good-panel); color: var(--good); }
nav ul { display: grid; gap: .75rem; margin: 1rem 0 0;
  grid-template-columns: repeat(auto-fit, minmax(9rem, 13.9375rem)); }
nav a { display: block; height: 100%; padding: .75rem 1rem; color: var(--text);
  background: var(--panel); border: 1px solid var(--line); border-radius: 12px;
  font-size: .875rem; text-decoration: none; }
nav a:hover { border-color: var(--link); }
nav b { display: block; font-size: 1.5rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 0; font-size: 1.375rem; }
.count { margin-left: .25rem; color: var(--quiet); font-weight: 400; }
h3 { margin: 1.25rem 0 .5rem; color: var(--quiet); font-size: .875rem;
  font-weight: 600; }
.cards { background: var(--panel); border: 1px solid var(--line);
  border-radius: 12px; }
.cards > li { padding: 1rem 1.25rem; }
.cards > li + li { border-top: 1px solid var(--line); }
h4 { font-size: 1rem; }
h4 code { font-weight: 600; }
.verdict { margin-right: .25rem; white-space: nowrap; }
#unmet .verdict, nav .unmet b { color: var(--bad); }
#recommended .verdict, nav .recommended b { color: var(--warn); }
#unknown .verdict, nav .unknown b { color: var(--open); }
#met .mark, nav .met b { color: var(--good); }
.what, .detail { color: var(--quiet); font-size: .875rem; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: .5rem 0; }
dl div { display: flex; gap: .4rem; }
dt { color: var(--quiet); }
dd { font-weight: 600; }
.explanation { margin-top: .25rem; }
kbd { padding: .2rem .5rem; background: var(--command); border-radius: 6px;
  display: inline-block; max-width: 100%; -webkit-user-select: all;
  user-select: all; }
table { width: 100%; table-layout: fixed; border-collapse: separate; border-spacing: 0;
  background: var(--panel); border: 1px solid var(--line); border-radius: 12px;
  font-size: .9375rem; }
caption { background: var(--page); text-align: left; }
th, td { padding: .5rem; text-align: left; vertical-align: top; }
th:first-child { padding-left: 1.25rem; font-weight: 400; }
th:last-child, td:last-child { width: 7rem; padding-right: 1.25rem; }
thead th { width: 18%; }
thead th:first-child { width: auto; font-weight: 600; }
thead th:nth-child(3):not(:last-child) { width: 26%; }
thead th { color: var(--quiet); font-size: .8125rem; }
tbody th, tbody td { border-top: 1px solid var(--line); }
small { color: var(--quiet); }
details { margin-top: 1rem; }
summary { color: var(--link); cursor: pointer; }
footer { margin-top: 3rem; padding-top: 1rem; color: var(--quiet);
  border-top: 1px solid var(--line); font-size: .875rem; }
footer ul { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; }
@media (max-width: 40rem) {
  header { padding: 1rem; }
  header h1 { font-size: 1.5rem; }
  .cards > li { padding: .75rem 1rem; }
  nav ul { grid-template-columns: 1fr 1fr; }
  table, caption, tbody { display: block; }
  table { background: none; border: 0; }
  tbody { background: var(--panel); border: 1px solid var(--line);
    border-radius: 12px; }
  thead { position: absolute; clip-path: inset(50%); }
  tbody tr { display: grid; grid-template-columns: 1fr 1fr auto;
    padding: .5rem 1rem; gap: 0 .75rem; }
  tbody tr + tr { border-top: 1px solid var(--line); }
  tbody th, tbody td, td:last-child { width: auto; padding: .125rem 0;
    border: 0; }
  tbody th:first-child { grid-column: 1 / -1; width: auto; padding: 0; }
  td:last-child { grid-column: 3; color: var(--quiet); }
}
)";

}  // namespace

absl::string_view PageStyle() { return kStyle; }

std::string PageContentSecurityPolicy() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest = {};
  SHA256(reinterpret_cast<const unsigned char*>(kStyle.data()), kStyle.size(),
         digest.data());
  const absl::string_view bytes(reinterpret_cast<const char*>(digest.data()),
                                digest.size());
  return absl::StrCat("default-src 'none'; style-src 'sha256-",
                      absl::Base64Escape(bytes),
                      "'; img-src data:; base-uri 'none'; form-action 'none'; "
                      "frame-ancestors 'none'");
}

}  // namespace mailcow
