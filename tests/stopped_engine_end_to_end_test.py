"""An engine that an administrator stopped stays so, though systemd would start it
for whoever connects to its socket."""

import json
import unittest

import booted_debian
import program

# As Docker's packages have them, with a program of ours for the engine.
SOCKET = "[Socket]\\nListenStream=/run/docker.sock\\n"
SERVICE = "[Service]\\nExecStart=/bin/sleep infinity\\n"


class StoppedEngineTest(unittest.TestCase):
    def setUp(self):
        booted_debian.prepare()
        self.machine = self.enterContext(booted_debian.Machine())
        for name, text in (("socket", SOCKET), ("service", SERVICE)):
            path = f"/etc/systemd/system/docker.{name}"
            self.machine.run("sh", "-c", f"printf '{text}' > {path}")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "docker.socket")

    def is_running(self):
        return "active\n" == self.machine.run(
            "systemctl", "show", "--value", "--property=ActiveState", "docker.service"
        )

    def reachable(self, *flags):
        report = program.run("check", "--format=json", *flags, *self.machine.flags)
        rows = json.loads(report.stdout)["requirements"]
        return next(row for row in rows if row["id"] == "docker_reachable")

    def test_it_is_said_to_be_stopped_and_is_not_started(self):
        row = self.reachable()
        self.assertEqual("unmet", row["verdict"])
        self.assertIn("is stopped", row["detail"])
        self.assertFalse(self.is_running())

    def test_to_connect_would_start_it(self):
        # By a name that the program does not know for systemd's.
        self.reachable("--docker.socket=/run/../run/docker.sock")
        program.wait_for(self.is_running)


if __name__ == "__main__":
    program.main()
