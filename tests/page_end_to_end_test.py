"""The page at "/" in a real browser: what a person reads, hears and can do there.

`PROGRAM=build/release/mailcow_host_exporter python3
tests/page_end_to_end_test.py --update` renews its picture in README.
"""

import collections
import json
import pathlib
import subprocess
import sys
import unittest

import program
import webdriver

ROOT = pathlib.Path(__file__).parent.parent
HIJACKED = ROOT / "tests/hosts/mailcow-hijacked"
PICTURE = ROOT / "exporter/page.png"

# The contrast of each text with what is behind it, as WCAG 2 defines it. A
# background that is not opaque would be none of the page's.
CONTRASTS = """
const luminance = color => {
  const [red, green, blue] = color.match(/[\\d.]+/g).slice(0, 3).map(byte => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const background = element => {
  const color = getComputedStyle(element).backgroundColor;
  return color === 'rgba(0, 0, 0, 0)' ? background(element.parentElement) : color;
};
const contrasts = {};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  if (!walker.currentNode.data.trim()) continue;
  const element = walker.currentNode.parentElement;
  const pair = [getComputedStyle(element).color, background(element)];
  const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
  contrasts[pair.join(' on ')] = (light + 0.05) / (dark + 0.05);
}
return contrasts;
"""

OPEN_FACTS = "document.querySelector('details').open = true;"

UNFIT_STYLE = """
const style = document.createElement('style');
style.textContent = 'body { color: red }';
document.head.append(style);
"""


def serving(machine):
    return program.Serving(
        f"--path.rootfs={machine}/rootfs", f"--path.recording={machine}/recording.json"
    )


@webdriver.needs_browser
class Page(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(webdriver.Browser())
        cls.serving = cls.enterClassContext(serving(HIJACKED))
        cls.serving.settled_scrape()
        cls.url = cls.serving.url + "/"

    def setUp(self):
        self.browser.screen(1000, 800)
        self.browser.open(self.url)

    def nodes(self):
        """What assistive technology is told: [(role, name, properties)]."""
        tree = self.browser.devtools("Accessibility.getFullAXTree")["nodes"]
        by_id = {node["nodeId"]: node for node in tree}

        def in_order(node):
            yield node
            for child in node.get("childIds", ()):
                if child in by_id:
                    yield from in_order(by_id[child])

        return [
            (
                node["role"]["value"],
                node.get("name", {}).get("value", "").strip(),
                {
                    each["name"]: each["value"].get("value")
                    for each in node["properties"]
                },
            )
            for node in in_order(tree[0])
            if not node["ignored"]
        ]

    def test_the_verdict_is_its_title_and_its_only_first_heading(self):
        verdict = "Not ready: 8 required unmet"
        self.assertEqual(verdict, self.browser.run("return document.title"))
        self.assertEqual([f"✗ {verdict}"], self.browser.texts("h1"))

    def test_what_is_unmet_comes_first_with_all_that_one_needs(self):
        self.assertEqual(
            ["Unmet: required 8", "Unmet: recommended 5", "Met 92", "Facts 61"],
            self.browser.texts("h2"),
        )
        self.assertEqual(
            [
                "✗ unmet port_foreign_listeners 25",
                "Listeners and published ports in the way of mailcow's service that "
                "are not mailcow's own",
                "Measured",
                "2",
                "Limit",
                "at most 0",
                "Age",
                "now",
                "Found: exim4 (exim4.service) at 127.0.0.1:25, [::1]:25",
                "Remedy: systemctl disable --now exim4.service",
            ],
            self.browser.texts("#unmet li")[0].split("\n"),
        )

    def test_as_much_is_unmet_and_met_as_check_says(self):
        for machine in sorted(HIJACKED.parent.iterdir()):
            with self.subTest(machine=machine.name), serving(machine) as other:
                other.settled_scrape()
                self.browser.open(other.url)
                result = program.run(
                    "check",
                    "--format=json",
                    f"--path.rootfs={machine}/rootfs",
                    f"--path.recording={machine}/recording.json",
                )
                verdicts = collections.Counter(
                    "recommended"
                    if (row["verdict"], row["level"]) == ("unmet", "recommended")
                    else row["verdict"]
                    for row in json.loads(result.stdout)["requirements"]
                    if row["level"] is not None
                )
                for verdict in ("unmet", "recommended", "met"):
                    self.assertEqual(
                        [str(verdicts[verdict])] if verdicts[verdict] else [],
                        self.browser.texts(f"#{verdict} .count"),
                    )

    def test_json_is_what_check_prints(self):
        printed = program.run(
            "check",
            "--format=json",
            f"--path.rootfs={HIJACKED}/rootfs",
            f"--path.recording={HIJACKED}/recording.json",
        ).stdout
        self.assertEqual(printed, self.serving.get("/?format=json"))

    def test_each_command_is_one_that_a_shell_takes(self):
        commands = self.browser.texts("kbd")
        self.assertIn("systemctl disable --now exim4.service", commands)
        self.assertIn("cd /opt/mailcow-dockerized && docker compose up -d", commands)
        for command in commands:
            with self.subTest(command=command):
                subprocess.run(["sh", "-n", "-c", command], check=True)

    def test_a_click_selects_a_command_as_a_whole(self):
        selected = self.browser.run(
            """
            const command = document.querySelector('kbd').getBoundingClientRect();
            return [command.x + command.width / 2, command.y + command.height / 2];
            """
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.devtools(
                "Input.dispatchMouseEvent",
                type=kind,
                x=selected[0],
                y=selected[1],
                button="left",
                clickCount=1,
            )
        self.assertEqual(
            "systemctl disable --now exim4.service",
            self.browser.run("return getSelection().toString()"),
        )

    def test_facts_are_folded_until_one_asks(self):
        self.assertEqual([""], self.browser.texts("#facts table:last-child caption"))
        self.browser.run(OPEN_FACTS)
        self.assertEqual(["time"], self.browser.texts("#facts table:last-child h3"))
        self.assertIn("Europe/Berlin", self.browser.texts("#facts table:last-child")[0])

    def test_it_is_one_request_and_the_console_is_silent(self):
        self.browser.open("about:blank")
        self.browser.requested()
        self.browser.log("browser")
        self.browser.open(self.url)
        requests = [
            url for url in self.browser.requested() if not url.startswith("data:")
        ]
        self.assertEqual([self.url], requests)
        self.assertEqual(
            ["data:"],
            self.browser.run(
                "return [...document.querySelectorAll('link')]"
                ".map(link => new URL(link.href).protocol)"
            ),
        )
        self.assertEqual([], self.browser.log("browser"))

    def test_the_browser_refuses_what_the_policy_does_not_name(self):
        before = self.browser.run("return getComputedStyle(document.body).color")
        self.browser.log("browser")
        self.browser.run(UNFIT_STYLE)
        self.assertEqual(
            before, self.browser.run("return getComputedStyle(document.body).color")
        )
        messages = [entry["message"] for entry in self.browser.log("browser")]
        self.assertEqual(1, len(messages))
        self.assertIn("Content Security Policy", messages[0])

    def test_every_text_can_be_read_light_and_dark(self):
        for machine in ("mailcow-hijacked", "healthy", "nothing-readable"):
            with serving(HIJACKED.parent / machine) as other:
                other.settled_scrape()
                pages = {}
                for scheme in ("light", "dark"):
                    with self.subTest(machine=machine, scheme=scheme):
                        self.browser.screen(1000, 800, scheme)
                        self.browser.open(other.url)
                        pages[scheme] = self.browser.run(CONTRASTS)
                        self.assertGreater(len(pages[scheme]), 4)
                        low = {k: v for k, v in pages[scheme].items() if v < 4.5}
                        self.assertEqual({}, low)
                self.assertEqual(set(), set(pages["light"]) & set(pages["dark"]))

    def test_it_fits_a_phone(self):
        for machine in ("mailcow-hijacked", "nothing-readable", "bound-addresses"):
            with serving(HIJACKED.parent / machine) as other:
                other.settled_scrape()
                for width in (320, 360, 1000):
                    with self.subTest(machine=machine, width=width):
                        self.browser.screen(width, 740)
                        self.browser.open(other.url)
                        self.browser.run(
                            "const facts = document.querySelector('details');"
                            "if (facts) facts.open = true;"
                        )
                        self.assertEqual(
                            [width, width],
                            self.browser.run(
                                "return [innerWidth,"
                                " document.documentElement.scrollWidth]"
                            ),
                        )

    def test_a_screen_reader_finds_its_way(self):
        for width in (1000, 360):
            with self.subTest(width=width):
                self.browser.screen(width, 740)
                nodes = self.nodes()
                roles = collections.Counter(role for role, _, _ in nodes)
                for landmark in ("banner", "navigation", "main", "contentinfo"):
                    self.assertEqual(1, roles[landmark], landmark)
                headings = [
                    (properties["level"], name)
                    for role, name, properties in nodes
                    if role == "heading"
                ]
                self.assertEqual((1, "Not ready: 8 required unmet"), headings[0])
                self.assertEqual(
                    [
                        (2, "Unmet: required 8"),
                        (3, "ports"),
                        (4, "unmet port_foreign_listeners 25"),
                    ],
                    headings[1:4],
                )
                levels = [level for level, _ in headings]
                self.assertEqual(1, levels.count(1))
                for above, below in zip(levels, levels[1:], strict=False):
                    self.assertLessEqual(below, above + 1)
                tables = [name for role, name, _ in nodes if role == "table"]
                self.assertIn("memory", tables)
                self.assertNotIn("", tables)
                headers = {name for role, name, _ in nodes if role == "columnheader"}
                self.assertEqual({"Finding", "Value", "Limit", "Age"}, headers)
                self.assertIn(
                    "architecture_supported x86_64",
                    [name for role, name, _ in nodes if role == "rowheader"],
                )
                for role, name, _ in nodes:
                    if role in ("link", "region"):
                        self.assertTrue(name, role)

    def test_it_says_its_language(self):
        self.assertEqual("en", self.browser.run("return document.documentElement.lang"))

    def test_it_works_without_javascript(self):
        self.browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.browser.open(self.url)
            self.assertEqual(
                ["✗ Not ready: 8 required unmet"], self.browser.texts("h1")
            )
            self.assertIn(
                "systemctl disable --now exim4.service", self.browser.texts("kbd")
            )
        finally:
            self.browser.devtools("Emulation.setScriptExecutionDisabled", value=False)

    def test_it_refreshes_by_itself_unless_told_not_to(self):
        self.browser.open("about:blank")
        self.browser.log("performance")
        for path, scheduled in (("", 1), ("?refresh=off", 0)):
            with self.subTest(path=path):
                self.browser.open(self.url + path)
                messages = [
                    json.loads(entry["message"])["message"]
                    for entry in self.browser.log("performance")
                ]
                delays = [
                    message["params"]["delay"]
                    for message in messages
                    if message["method"] == "Page.frameScheduledNavigation"
                    and message["params"]["reason"] == "metaTagRefresh"
                ]
                self.assertEqual([30] * scheduled, delays)

    def test_its_links_lead_where_they_say(self):
        self.assertEqual(
            {
                "Stop refreshing": self.url + "?refresh=off",
                "mailcow's page Prepare Your System": (
                    "https://docs.mailcow.email/getstarted/prerequisite-system/"
                ),
                "Metrics": self.url + "metrics",
                "JSON": self.url + "?format=json",
                "Health": self.url + "-/healthy",
            },
            self.browser.run(
                "return Object.fromEntries([...document.querySelectorAll("
                "'header a, footer a')].map(a => [a.textContent, a.href]))"
            ),
        )
        for kind in ("unmet", "recommended", "met", "facts"):
            self.assertEqual(1, len(self.browser.texts(f"section#{kind}")))
            self.assertEqual(1, len(self.browser.texts(f"nav a[href='#{kind}']")))

    def test_it_is_small(self):
        for machine in sorted(HIJACKED.parent.iterdir()):
            with self.subTest(machine=machine.name), serving(machine) as other:
                other.settled_scrape()
                self.assertLess(len(other.get("/")), 100_000)

    def test_its_picture_stands_in_readme(self):
        link = f"]({PICTURE.relative_to(ROOT)})"
        self.assertTrue(link in (ROOT / "README.md").read_text(), link)
        self.assertEqual(b"\x89PNG", PICTURE.read_bytes()[:4])


def update():
    with webdriver.Browser() as browser, serving(HIJACKED) as machine:
        machine.settled_scrape()
        browser.screen(1000, 900)
        browser.open(machine.url)
        PICTURE.write_bytes(browser.picture())


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        program.main()
