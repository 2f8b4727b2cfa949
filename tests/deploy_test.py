"""The scripts that a newcomer runs first."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import program

ROOT = pathlib.Path(__file__).parent.parent
RUN = ROOT / "deploy/run.sh"


def in_setup(script, *args, **options):
    """Runs a line of bash in which deploy/setup.sh is sourced."""
    return subprocess.run(
        ["bash", "-c", f'source "{ROOT}/deploy/setup.sh"; {script}', "bash", *args],
        capture_output=True,
        text=True,
        timeout=program.DEADLINE_SECONDS,
        **options,
    )


class SetupTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.directory.chmod(0o755)

    def test_packages_that_are_there_need_nothing(self):
        packages = self.directory / "packages"
        packages.write_text("# what a script takes\nbash\n\ncoreutils # cp\n")
        self.assertEqual(0, in_setup(f"require_packages {packages}").returncode)

    @unittest.skipUnless(os.geteuid() == 0, "becoming another user takes root")
    def test_without_root_missing_packages_are_named_with_the_command(self):
        packages = self.directory / "packages"
        packages.write_text("bash\nno-such-package\n")
        result = in_setup(
            f"require_packages {packages}; echo went on", user=65534, group=65534
        )
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertRegex(result.stderr, r"apt-get install .* no-such-package\n$")

    def test_both_forms_of_apt_sources_become_sources_of_source_packages(self):
        apt = self.directory / "apt"
        (apt / "sources.list.d").mkdir(parents=True)
        (apt / "sources.list").write_text(
            "# deb http://commented.example/ a main\n"
            "deb http://one-line.example/debian bookworm main\n"
            "deb-src http://already.example/debian bookworm main\n"
        )
        (apt / "sources.list.d/debian.sources").write_text(
            "Types: deb deb-src\nURIs: http://deb822.example/debian\n"
            "Suites: bookworm\nComponents: main\n"
        )
        (apt / "sources.list.d/notes.txt").write_text("not a source\n")
        out = self.directory / "out"
        out.mkdir()
        in_setup('source_lists "$1" "$2"', apt, out, check=True)
        written = {file.name: file.read_text() for file in out.iterdir()}
        self.assertEqual(
            "deb-src http://one-line.example/debian bookworm main\n",
            written["sources.list"],
        )
        self.assertIn("Types: deb-src\n", written["debian.sources"])
        self.assertIn("http://deb822.example/debian", written["debian.sources"])
        self.assertEqual({"sources.list", "debian.sources"}, set(written))


class RunTest(unittest.TestCase):
    """With everything installed and built, as tests/run.sh leaves it."""

    def run_sh(self, *args):
        return subprocess.run(
            [RUN, *args],
            capture_output=True,
            text=True,
            timeout=program.DEADLINE_SECONDS,
        )

    def test_arguments_go_to_the_program(self):
        self.assertEqual(
            program.run("list").stdout, self.run_sh("list").stdout
        )
        for words in (["check"], ["--format=json", "check"]):
            self.assertEqual(
                program.run(*words).returncode, self.run_sh(*words).returncode
            )

    def test_a_mistake_stops_it_with_the_programs_status(self):
        result = self.run_sh("--no-such-flag")
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assertIn("--no-such-flag", result.stderr)

    def test_it_prints_the_table_and_then_serves(self):
        for words in ([], ["serve"]):
            with self.subTest(words=words):
                command = [RUN, *words, "--web.listen-address=127.0.0.1:0"]
                with subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                ) as process:
                    for line in process.stderr:
                        if port := re.search(r"msg=listening .*port=(\d+)", line):
                            break
                    else:
                        self.fail("it does not serve")
                    url = f"http://127.0.0.1:{port[1]}/-/healthy"
                    self.assertEqual("healthy\n", program.fetch(url))
                    process.send_signal(signal.SIGTERM)
                    table, _ = process.communicate(timeout=program.DEADLINE_SECONDS)
                self.assertRegex(table, r"(?m)^(NOT )?READY: ")
                self.assertEqual(0, process.returncode)


if __name__ == "__main__":
    program.main()
