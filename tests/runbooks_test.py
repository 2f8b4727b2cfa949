"""Each alert leads to a runbook that says what to do; each runbook has its alert."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

import monitoring
import program

ROOT = monitoring.DEPLOY.parent
RUNBOOKS = monitoring.DEPLOY / "runbooks.md"

PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


def anchor(heading):
    """GitHub's anchor of a heading, where no other has the same text."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def sections(text, level):
    """{heading: what stands below it} of the headings of a level."""
    pattern = rf"^{'#' * level} (.+)\n((?:(?!#{{1,{level}}} ).*\n)*)"
    return dict(re.findall(pattern, text, re.M))


def blocks(language):
    """The blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", RUNBOOKS.read_text(), re.M | re.S)


@unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
class RunbooksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        configuration = pathlib.Path(directory) / "prometheus.yml"
        configuration.write_text(f"rule_files: [{json.dumps(str(monitoring.RULES))}]\n")
        [port] = program.free_ports(1)
        cls.prometheus = cls.enterClassContext(
            monitoring.Prometheus(directory, configuration, port)
        )
        cls.alerts = {rule["name"]: rule for rule in cls.prometheus.alert_rules()}
        cls.runbooks = sections(RUNBOOKS.read_text(), 2)

    def annotations(self, name):
        """[(alert, its annotation of that name)]"""
        self.assertTrue(self.alerts)
        return [
            (alert, rule["annotations"].get(name, ""))
            for alert, rule in self.alerts.items()
        ]

    def test_each_summary_is_a_sentence(self):
        for alert, summary in self.annotations("summary"):
            with self.subTest(alert):
                self.assertRegex(summary, r"^([A-Z{]|mailcow )")
                self.assertRegex(re.sub(r"{{.*?}}", "", summary), r"^[^\n]+[.]$")

    def test_each_alert_is_described(self):
        for alert, description in self.annotations("description"):
            with self.subTest(alert):
                self.assertTrue(description.strip())

    def test_each_url_leads_to_the_runbook_of_its_alert(self):
        for alert, url in self.annotations("runbook_url"):
            with self.subTest(alert):
                parts = urllib.parse.urlsplit(url)
                path = parts.path.partition("/blob/main/")[2]
                self.assertTrue((ROOT / path).is_file(), url)
                headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.M)
                found = [each for each in headings if anchor(each) == parts.fragment]
                self.assertEqual([alert], found, url)

    def test_all_urls_share_one_base(self):
        urls = [url for _, url in self.annotations("runbook_url")]
        [base] = {url.partition("#")[0] for url in urls}
        self.assertRegex(base, r"^https://github\.com/[\w-]+/[\w-]+/blob/main/")

    def test_each_runbook_has_its_alert_in_the_order_of_the_rules(self):
        self.assertEqual(list(self.alerts), list(self.runbooks))

    def test_each_runbook_begins_with_what_to_do_first(self):
        for name, text in self.runbooks.items():
            with self.subTest(name):
                self.assertRegex(text, r"^\nFirst: .+[.]\n")

    def test_each_runbook_has_the_four_parts(self):
        for name, text in self.runbooks.items():
            with self.subTest(name):
                parts = sections(text, 3)
                self.assertEqual(PARTS, list(parts))
                for part, content in parts.items():
                    self.assertTrue(content.strip(), part)

    def test_each_meaning_says_when_the_alert_resolves(self):
        for name, text in self.runbooks.items():
            with self.subTest(name):
                self.assertIn("resolves", sections(text, 3)["Meaning"])

    def test_each_meaning_names_the_wait_of_its_rule(self):
        words = {60: "a minute", 3600: "an hour"}
        for name, text in self.runbooks.items():
            with self.subTest(name):
                seconds = self.alerts[name]["duration"]
                wait = words.get(seconds, f"{seconds / 60:.0f} minutes")
                # Those that look ahead say instead what they look at.
                if "predict_linear" not in self.alerts[name]["query"]:
                    self.assertRegex(
                        re.sub(r"\s+", " ", sections(text, 3)["Meaning"]), rf"\b{wait}"
                    )

    def test_each_meaning_names_the_level_of_its_severity(self):
        for name, text in self.runbooks.items():
            with self.subTest(name):
                levels = re.findall(
                    r'severity:info\{level="(\w+)"\}', self.alerts[name]["query"]
                )
                words = [f"that of the level {level}" for level in levels]
                meaning = re.sub(r"\s+", " ", sections(text, 3)["Meaning"])
                self.assertEqual(
                    words or ["the level decides"],
                    re.findall(r"that of the level \w+|the level decides", meaning),
                )

    def test_the_table_has_the_severities_of_the_rules(self):
        rows = re.findall(
            r"^\|[^|]+\| (critical|warning|info)\b[^|]*\| (\w+) \|$",
            RUNBOOKS.read_text(),
            re.M,
        )
        levels = ("required", "recommended")
        told = {pair for row in rows for pair in zip(levels, row, strict=True)}
        recorded = set(
            re.findall(
                r"labels: {level: (\w+), severity: (\w+)}", monitoring.RULES.read_text()
            )
        )
        self.assertTrue(recorded)
        self.assertEqual(recorded, told)

    def test_the_impact_of_each_requirement_is_told_once(self):
        rows = program.run("list").stdout.splitlines()[2:]
        cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
        judged = [row[0] for row in cells if row[2] or row[3]]
        self.assertTrue(judged)
        impact = sections(self.runbooks["MailcowHostRequirementUnmet"], 3)["Impact"]
        first_cells = re.findall(r"^\| (`.*?) \|", impact, re.M)
        told = re.findall(r"`(\w+)`", " ".join(first_cells))
        self.assertEqual(sorted(judged), sorted(told))

    def test_links_within_the_runbooks_lead_to_headings(self):
        links = re.findall(r"\]\(#([^)]*)\)", RUNBOOKS.read_text())
        self.assertTrue(links)
        self.assertLessEqual(set(links), {anchor(name) for name in self.runbooks})

    def test_prometheus_understands_each_query(self):
        queries = "".join(blocks("promql")).splitlines()
        self.assertTrue(queries)
        for query in queries:
            with self.subTest(query):
                self.assertEqual([], self.prometheus.query(query))

    def test_each_query_names_metrics_that_exist(self):
        documented = set(re.findall(r"^\| `(\w+)` \|", self.readme(), re.M))
        recorded = set(
            re.findall(r"^ +- record: (\S+)$", monitoring.RULES.read_text(), re.M)
        )
        queries = "".join(blocks("promql"))
        named = set(re.findall(r"[\w:]*\bmailcow_host_[\w:]+", queries))
        self.assertTrue(named)
        self.assertEqual(set(), named - documented - recorded)

    def test_bash_understands_each_command(self):
        self.assertTrue(blocks("sh"))
        for block in blocks("sh"):
            with self.subTest(block):
                result = subprocess.run(
                    ["bash", "-n"], input=block, capture_output=True, text=True
                )
                self.assertEqual((0, ""), (result.returncode, result.stderr))

    @staticmethod
    def readme():
        return (ROOT / "README.md").read_text()


if __name__ == "__main__":
    program.main()
