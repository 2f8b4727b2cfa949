"""Alertmanager with the configuration in deploy/alertmanager: what its tests share."""

import contextlib
import pathlib
import shutil
import tempfile
import unittest

import monitoring
import program

CONFIGURATION = monitoring.ALERTMANAGER_CONFIGURATION
TEMPLATES = CONFIGURATION.parent / "mailcow_host.tmpl"
EXAMPLES = sorted((CONFIGURATION.parent / "receivers").glob("*.yml"))

# Where the examples have their secrets.
SECRETS = "/etc/prometheus/secrets"

is_installed = unittest.skipUnless(
    monitoring.Alertmanager.program() and shutil.which("amtool"),
    "Alertmanager is not installed",
)


def assemble(example):
    """The configuration with the receivers of the example, which is a path."""
    before, _, _ = CONFIGURATION.read_text().partition("\nreceivers:")
    return f"{before}\n{example.read_text()}"


def install(directory, configuration):
    """Writes the configuration, and the templates, to where they are to be read."""
    shutil.copy(TEMPLATES, directory)
    path = pathlib.Path(directory) / "alertmanager.yml"
    path.write_text(configuration)
    return str(path)


@contextlib.contextmanager
def serving(configuration):
    """Alertmanager with that configuration, alone and on a free port."""
    with tempfile.TemporaryDirectory() as directory:
        file = install(directory, configuration)
        [port] = program.free_ports(1)
        with monitoring.Alertmanager(directory, file, port) as alertmanager:
            yield alertmanager


def alert(name, instance, severity="critical", **labels):
    labels = {key: value for key, value in labels.items() if value}
    return {
        "labels": {"alertname": name, "severity": severity}
        | {"job": "mailcow_host", "instance": instance}
        | labels
    }


PORT_TAKEN = alert(
    "MailcowHostRequirementUnmet",
    "mail.example.com:9025",
    requirement="port_foreign_listeners",
    subject="25",
    level="required",
) | {
    "annotations": {
        "summary": "Port 25 is taken on mail.example.com:9025.",
        "description": "Measured: 1\nLimit: 0\nListening: exim4 at 127.0.0.1:25\n"
        "Remedy: systemctl disable --now <unit> && reboot",
        "runbook_url": "https://example.com/runbooks.md#unmet",
    }
}
