"""The programs that are compared: how each is started, and what it is."""

import json
import os
import re
import shutil
import subprocess

PROGRAM = os.environ["PROGRAM"]

DEADLINE_SECONDS = 30

OURS = "this program"
COMPARABLE = "node_exporter, comparable"
DEFAULTS = "node_exporter, defaults"
COLLECTD = "collectd"

# What node_exporter has of what this program reads.
COMPARABLE_COLLECTORS = (
    *("meminfo", "filesystem", "timex", "uname"),
    *("os", "netstat", "sockstat", "time"),
)

# The ports that mailcow serves: what both are asked about.
MAIL_PORTS = (25, 80, 110, 143, 443, 465, 587, 993, 995, 4190)

COLLECTD_PLUGINS = ("memory", "swap", "df", "load", "tcpconns", "write_prometheus")
COLLECTD_LIBRARIES = "/usr/lib/collectd"

COLLECTD_CONF = """
BaseDir "{directory}"
PIDFile "{directory}/pid"
TypesDB "/usr/share/collectd/types.db"
{plugins}
<Plugin tcpconns>
  ListeningPorts false
{ports}
</Plugin>
<Plugin write_prometheus>
  Host "127.0.0.1"
  Port "{port}"
</Plugin>
"""


def output_of(*command):
    """What the command prints, whatever its exit status."""
    run = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    return run.stdout


class MailcowHostExporter:
    """All its defaults, but for time servers: nothing is asked on the internet."""

    name = OURS
    cycle_seconds = 15

    def __init__(self):
        self.path = PROGRAM
        self.files = [PROGRAM]
        self.version = output_of(PROGRAM, "--version").splitlines()[0]
        report = json.loads(
            output_of(
                *(PROGRAM, "check", "--format=json"),
                *("--collector.disable-defaults", "--collector.ntp"),
            )
        )
        values = {it["id"]: it["value"] for it in report["requirements"]}
        names_servers = values["ntp_servers_configured"] != 0
        self.flags = ["--ntp.server=127.0.0.1:1"] if names_servers else []

    def command(self, port, _directory):
        return [self.path, f"--web.listen-address=127.0.0.1:{port}", *self.flags]


class NodeExporter:
    """Does nothing between scrapes, but for what Go does."""

    cycle_seconds = 15

    def __init__(self, name, flags=()):
        self.name = name
        self.path = shutil.which("prometheus-node-exporter")
        if self.path is None:
            raise FileNotFoundError("prometheus-node-exporter is not installed")
        self.files = [self.path]
        version = re.search(r"version (\S+)", output_of(self.path, "--version"))
        self.version = f"node_exporter {version[1]}"
        self.flags = flags

    def command(self, port, _directory):
        return [self.path, f"--web.listen-address=127.0.0.1:{port}", *self.flags]


def comparable_node_exporter():
    flags = ["--collector.disable-defaults"]
    return NodeExporter(
        COMPARABLE,
        flags + [f"--collector.{name}" for name in COMPARABLE_COLLECTORS],
    )


def default_node_exporter():
    return NodeExporter(DEFAULTS)


class Collectd:
    """Reads every ten seconds what it serves."""

    name = COLLECTD
    cycle_seconds = 20

    def __init__(self):
        self.path = shutil.which("collectd", path=f"{os.environ['PATH']}:/usr/sbin")
        if self.path is None:
            raise FileNotFoundError("collectd is not installed")
        plugins = [f"{COLLECTD_LIBRARIES}/{name}.so" for name in COLLECTD_PLUGINS]
        self.files = [self.path, *plugins]
        version = re.search(r"collectd (\d[\d.]*\d)", output_of(self.path, "-h"))
        self.version = f"collectd {version[1]}"

    def command(self, port, directory):
        conf = f"{directory}/collectd.conf"
        with open(conf, "w") as file:
            file.write(
                COLLECTD_CONF.format(
                    directory=directory,
                    plugins="\n".join(f"LoadPlugin {it}" for it in COLLECTD_PLUGINS),
                    ports="\n".join(f'  LocalPort "{it}"' for it in MAIL_PORTS),
                    port=port,
                )
            )
        return [self.path, "-f", "-C", conf]
