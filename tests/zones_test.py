"""Time zones as the program reads them, and as zdump(8) does."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import program

ZONEINFO = pathlib.Path("/usr/share/zoneinfo")

ZONES = (
    "Europe/Berlin",
    "UTC",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Europe/Dublin",
    "America/New_York",
)

# A rule of zic(8) for each way in which a zone can go on for ever.
RULES = """\
Rule  North  1980  1995  -  Sep  lastSun  1:00u  0     -
Rule  North  1981  max   -  Mar  lastSun  1:00u  1:00  S
Rule  North  1996  max   -  Oct  lastSun  1:00u  0     -
Rule  South  1990  max   -  Apr  Sun>=1   3:00   0     -
Rule  South  1990  max   -  Oct  Sun>=1   2:00   0:30  S
Rule  Eire   1980  max   -  Oct  lastSun  1:00u  -1:00 GMT
Rule  Eire   1981  max   -  Mar  lastSun  1:00u  0     IST
Rule  Ended  1980  2018  -  Feb  Sun>=15  0:00   0     -
Rule  Ended  1980  2017  -  Oct  Sun>=15  0:00   1:00  S
Zone  Test/North    1:00   North  CE%sT
Zone  Test/South   10:30   South  LH%sT
Zone  Test/Eire     1:00   Eire   %s
Zone  Test/Ended   -3:00   Ended  BR%sT
Zone  Test/Always  -5:00   -      EST  2007 Mar 11 2:00
                   -5:00   1:00   EDT
Zone  Test/Never    5:41   -      LMT  1920
                    5:45   -      +0545
"""

# Where daylight saving time is asked for, it had not begun anywhere.
FIRST_YEAR, LAST_YEAR = 1880, 2100


def seconds(*date):
    return int(datetime.datetime(*date, tzinfo=datetime.timezone.utc).timestamp())


# The last one is beyond the years that files list: there, their rule holds.
MOMENTS = (
    seconds(2017, 5, 6, 12, 22),
    seconds(2018, 12, 15),
    int(datetime.datetime.now().timestamp()),
    seconds(2036, 7, 1),
    seconds(2050, 1, 15),
)


class Dump:
    """What zdump says of a file: the moments at which a zone's time changes."""

    def __init__(self, path):
        years = f"{FIRST_YEAR},{LAST_YEAR}"
        text = subprocess.run(
            ["zdump", "-v", "-c", years, path],
            env=os.environ | {"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        # In pairs: the last second before a change, and the first one after it.
        self._lines = [
            self._parse(line) for line in text.splitlines() if " UT " in line
        ]

    @staticmethod
    def _parse(line):
        # Path Sun Mar 26 01:00:00 2017 UT = [...] isdst=1 gmtoff=7200
        words = line.split()
        date = " ".join(words[2:6])
        at = datetime.datetime.strptime(date + "+0000", "%b %d %H:%M:%S %Y%z")
        is_dst = int(words[-2].removeprefix("isdst="))
        return int(at.timestamp()), is_dst, int(words[-1].removeprefix("gmtoff="))

    def at(self, now):
        """What the program has to say at that time; absent where there is nothing."""
        # A zone without any change is UTC.
        _, is_dst, offset = next(
            (line for line in reversed(self._lines) if line[0] <= now), (now, 0, 0)
        )
        changes = [
            after[0]
            for before, after in zip(self._lines[::2], self._lines[1::2], strict=True)
            if before[1] != after[1]
        ]
        said = {
            "time_zone_offset": offset,
            "dst_active": is_dst,
            "dst_last_change": max((at for at in changes if at <= now), default=None),
            "dst_next_change": min((at for at in changes if at > now), default=None),
        }
        return {id: value for id, value in said.items() if value is not None}


class Root:
    """A host's files in a temporary directory, and what its kernel says."""

    def __init__(self, path):
        self._path = pathlib.Path(path)
        self._recording = self._path / "recording.json"
        (self._path / "etc").mkdir()
        self.set_time(MOMENTS[0])

    def set_time(self, now):
        clock = {"max_error_seconds": 0.01, "unsynchronized_flag": False}
        self._recording.write_text(
            json.dumps({"time": now, "clock": clock | {"offset_seconds": 0}})
        )

    def at(self, path):
        return self._path / path.removeprefix("/")

    def write(self, path, content):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_bytes(content)

    def link(self, zone):
        """Makes it the host's zone, whether there is such a file or not."""
        new = self.at("/etc/localtime.new")
        new.symlink_to(f"../usr/share/zoneinfo/{zone}")
        new.replace(self.at("/etc/localtime"))

    def live_in(self, zone, file=None):
        content = (file or ZONEINFO / zone).read_bytes()
        self.write(f"/usr/share/zoneinfo/{zone}", content)
        self.link(zone)

    def flags(self, *topics):
        return [
            f"--path.rootfs={self._path}",
            f"--path.recording={self._recording}",
            "--collector.disable-defaults",
            *(f"--collector.{topic}" for topic in topics),
        ]

    def check(self, *topics):
        """The exit status, and the rows by their requirement."""
        result = program.run("check", "--format=json", *self.flags(*topics))
        rows = json.loads(result.stdout or '{"requirements": []}')["requirements"]
        return result.returncode, {row["id"]: row for row in rows}

    def values(self):
        """What the program says of the zone, without its name."""
        _, rows = self.check("time_zone")
        del rows["time_zone_info"]
        return {id: row["value"] for id, row in rows.items()}


class ZonesCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.root = Root(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_agreement(self, dump, moments=MOMENTS):
        for now in moments:
            with self.subTest(now=now):
                self.root.set_time(now)
                self.assertEqual(dump.at(now), self.root.values())


@unittest.skipUnless(shutil.which("zdump"), "there is no zdump")
class ZdumpTest(ZonesCase):
    @unittest.skipUnless(ZONEINFO.is_dir(), f"there is no {ZONEINFO}")
    def test_the_program_and_zdump_agree_on_the_systems_zones(self):
        for zone in ZONES:
            with self.subTest(zone=zone):
                self.root.live_in(zone)
                dump = Dump(ZONEINFO / zone)
                self.assert_agreement(dump)
                changes = [dump.at(now).get("dst_next_change", now) for now in MOMENTS]
                self.assert_agreement(dump, [at - 1 for at in changes])
                self.assert_agreement(dump, changes)

    @unittest.skipUnless(shutil.which("zic"), "there is no zic")
    def test_a_slim_file_says_what_a_fat_one_says(self):
        rules = self.root.at("/rules")
        rules.write_text(RULES)
        files = {style: self.root.at(f"/{style}") for style in ("slim", "fat")}
        for style, directory in files.items():
            command = ["zic", "-b", style, "-d", directory, rules]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        for fat in sorted(files["fat"].glob("Test/*")):
            zone = f"Test/{fat.name}"
            slim = files["slim"] / zone
            self.assertLessEqual(slim.stat().st_size, fat.stat().st_size)
            for style, file in (("slim", slim), ("fat", fat)):
                with self.subTest(zone=zone, style=style):
                    self.root.live_in(zone, file)
                    self.assert_agreement(Dump(fat))


@unittest.skipUnless(ZONEINFO.is_dir(), f"there is no {ZONEINFO}")
class LocaltimeTest(ZonesCase):
    def assert_zone_unknown(self, reason):
        status, rows = self.root.check("time_zone", "clock")
        self.assertEqual("zone=Europe/Berlin", rows["time_zone_info"]["detail"])
        for id in ("time_zone_offset", "dst_active"):
            self.assertEqual("unknown", rows[id]["verdict"])
            self.assertRegex(rows[id]["reason"], reason)
        self.assertEqual(MOMENTS[0], rows["time"]["value"])
        self.assertEqual("met", rows["ntp_synchronized"]["verdict"])
        # What has no limit cannot be unmet.
        self.assertEqual(0, status)

    def test_a_file_that_is_cut_short_leaves_all_else_known(self):
        self.root.live_in("Europe/Berlin")
        content = (ZONEINFO / "Europe/Berlin").read_bytes()
        for length in (20, len(content) // 2, len(content) - 1):
            with self.subTest(length=length):
                zone = "/usr/share/zoneinfo/Europe/Berlin"
                self.root.write(zone, content[:length])
                self.assert_zone_unknown("cut short")

    def test_a_link_to_nowhere_leaves_all_else_known(self):
        self.root.link("Europe/Berlin")
        self.assert_zone_unknown("Europe/Berlin.*no file")

    def test_a_copy_is_named_by_etc_timezone(self):
        content = (ZONEINFO / "Europe/Berlin").read_bytes()
        self.root.write("/etc/localtime", content)
        _, rows = self.root.check("time_zone")
        self.assertEqual("unknown", rows["time_zone_info"]["verdict"])
        self.root.write("/etc/timezone", b"Europe/Berlin\n")
        _, rows = self.root.check("time_zone")
        self.assertEqual("zone=Europe/Berlin", rows["time_zone_info"]["detail"])
        self.assertEqual(7200, rows["time_zone_offset"]["value"])

    def test_a_zone_that_is_set_anew_is_read_anew(self):
        self.root.live_in("Asia/Kathmandu")
        self.root.live_in("Europe/Berlin")
        with program.Serving(*self.root.flags("time_zone")) as serving:
            self.assertEqual(
                ("Europe/Berlin", 7200, 1490490000), self.scrape(serving)
            )
            self.root.link("Asia/Kathmandu")
            program.wait_for(
                lambda: self.scrape(serving) == ("Asia/Kathmandu", 20700, None), 60
            )

    @staticmethod
    def scrape(serving):
        samples = serving.samples()
        (zone,) = [
            series.split('"')[1]
            for series in samples
            if series.startswith("mailcow_host_time_zone_info{")
        ]
        return (
            zone,
            samples["mailcow_host_time_zone_offset_seconds"],
            samples.get("mailcow_host_dst_last_change_timestamp_seconds"),
        )

    # The topics' threads outlived what they asked.
    def test_check_does_not_crash_as_it_ends(self):
        self.root.live_in("Europe/Berlin")
        statuses = {self.root.check("time_zone", "rtc")[0] for _ in range(40)}
        self.assertEqual({0}, statuses)


if __name__ == "__main__":
    program.main()
