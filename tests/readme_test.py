"""README says what the program says: no table or output of it is out of date."""

import pathlib
import re
import subprocess
import unittest

import program

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
HIJACKED = ROOT / "tests/hosts/mailcow-hijacked"
RUNNING = ROOT / "tests/hosts/mailcow-running"


def block(language):
    """The first fenced block of that language."""
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)[1]


def section(title):
    """The text from that heading to the next."""
    return re.search(rf"\n## {title}\n(.*?)\n## ", README, re.DOTALL)[1]


def families(machine):
    """The labels and the HELP of each family that a recorded machine serves."""
    with program.Serving(
        f"--path.rootfs={machine}/rootfs", f"--path.recording={machine}/recording.json"
    ) as serving:
        text = serving.settled_scrape()
    helps = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.MULTILINE))
    return {
        name: (" ".join(re.findall(r'(\w+)="', labels or "")), helps[name])
        for name, labels in re.findall(r"^(\w+)(\{.*\})? \S+$", text, re.MULTILINE)
    }


class Readme(unittest.TestCase):
    maxDiff = None

    def test_its_first_screen_is_what_check_prints_of_a_recorded_machine(self):
        printed = (HIJACKED / "check.txt").read_text().splitlines()
        position = 0
        for line in block("console").splitlines()[1:]:
            if line != "...":
                self.assertIn(line, printed[position:])
                position = printed.index(line, position) + 1

    def test_its_table_of_requirements_is_what_list_prints(self):
        self.assertIn(program.run("list").stdout, section("Requirements"))

    def test_its_table_of_metrics_has_every_family_with_labels_and_help(self):
        row = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
        self.assertEqual(
            {
                name: (labels.replace("`", "").replace(",", ""), text)
                for name, labels, text in row.findall(section("Metrics"))
            },
            families(RUNNING),
        )

    def test_its_change_that_adds_a_requirement_applies(self):
        result = subprocess.run(
            ["git", "apply", "--check", "-"],
            input=block("diff"),
            text=True,
            cwd=ROOT,
            capture_output=True,
        )
        self.assertEqual(result.stderr, "")


if __name__ == "__main__":
    program.main()
