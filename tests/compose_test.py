"""deploy/compose.yaml and deploy/Dockerfile, as far as can be told without images."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

import program

ROOT = pathlib.Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
# Debian's, which has the YAML parser that docker-compose takes.
PYTHON = "/usr/bin/python3"
TO_JSON = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"

BINARIES = {
    "exporter": program.PROGRAM,
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
}
# Every image of Debian has these, as apt is linked with them.
IN_EVERY_DEBIAN = {"libc6", "libgcc-s1", "libstdc++6"}


def read_yaml(path):
    """What the YAML file holds; None where there is no parser."""
    with path.open() as file:
        parsed = subprocess.run(
            [PYTHON, "-c", TO_JSON], stdin=file, capture_output=True, text=True
        )
    if "ModuleNotFoundError" in parsed.stderr or parsed.returncode == 127:
        return None
    if parsed.returncode != 0:
        raise AssertionError(parsed.stderr)
    return json.loads(parsed.stdout)


def environment_of(service):
    """The variables of the service, those of its file included."""
    variables = dict(service.get("environment", {}))
    if "env_file" in service:
        for line in (DEPLOY / service["env_file"]).read_text().splitlines():
            if line and not line.startswith("#"):
                name, value = line.split("=", 1)
                variables[name] = value
    return variables


def bind_mounts(service):
    """{path in the container: path on the host}, of files and directories."""
    mounts = {}
    for volume in service["volumes"]:
        if isinstance(volume, dict):
            mounts[volume["target"]] = pathlib.Path(volume["source"])
        elif volume.startswith("."):
            source, target = volume.split(":")[:2]
            mounts[target] = (DEPLOY / source).resolve()
    return mounts


class ComposeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        compose = read_yaml(DEPLOY / "compose.yaml")
        if compose is None:
            raise unittest.SkipTest("python3-yaml is not installed")
        cls.volumes = compose["volumes"]
        cls.services = compose["services"]

    def flags(self, name):
        """[(flag, value)] of the service's command line."""
        return [
            tuple(word.removeprefix("--").split("=", 1))
            for word in self.services[name]["command"]
        ]

    @unittest.skipUnless(shutil.which("docker-compose"), "needs docker-compose")
    def test_compose_takes_the_file(self):
        text = (DEPLOY / "compose.yaml").read_text()
        # Debian's Compose, which is version 1, does not know the project's name.
        checked = subprocess.run(
            ["docker-compose", "--file=-", "config", "--quiet"],
            input=re.sub(r"(?m)^name: .*\n", "", text),
            cwd=DEPLOY,
            capture_output=True,
            text=True,
        )
        self.assertEqual((0, ""), (checked.returncode, checked.stderr))

    def test_images_are_of_one_version(self):
        for name, service in self.services.items():
            if "build" not in service:
                self.assertRegex(service["image"], r":v?\d+\.\d+\.\d+$", name)

    def test_what_is_built_is_in_the_repository(self):
        build = self.services["exporter"]["build"]
        context = (DEPLOY / build["context"]).resolve()
        self.assertEqual(ROOT.resolve(), context)
        self.assertTrue((context / build["dockerfile"]).is_file())

    def test_what_is_mounted_is_there(self):
        for name, service in self.services.items():
            for source in bind_mounts(service).values():
                self.assertTrue(source.is_dir(), f"{name}: {source}")

    def test_nothing_of_the_host_is_mounted_for_writing(self):
        for name, service in self.services.items():
            for volume in service["volumes"]:
                if isinstance(volume, dict):
                    self.assertTrue(volume["read_only"], f"{name}: {volume}")
                elif volume.partition(":")[0] not in self.volumes:
                    self.assertTrue(volume.endswith(":ro"), f"{name}: {volume}")

    def test_the_host_itself_is_shown_to_the_exporter_alone(self):
        for name, service in self.services.items():
            outside = [
                source
                for source in bind_mounts(service).values()
                if not source.is_relative_to(ROOT.resolve())
            ]
            self.assertEqual([pathlib.Path("/")] * (name == "exporter"), outside)

    def test_data_is_in_volumes(self):
        for name in self.volumes:
            [target] = [
                volume.removeprefix(f"{name}:")
                for volume in self.services[name]["volumes"]
                if volume.startswith(f"{name}:")
            ]
            flags = dict(self.flags(name)) if name != "grafana" else {}
            storage = flags.get("storage.tsdb.path", flags.get("storage.path"))
            self.assertIn(target, (storage, "/var/lib/grafana"))

    def test_configuration_that_is_named_is_mounted(self):
        named = {
            "prometheus": [dict(self.flags("prometheus"))["config.file"]],
            "alertmanager": [dict(self.flags("alertmanager"))["config.file"]],
            "grafana": [
                value
                for value in environment_of(self.services["grafana"]).values()
                if value.startswith("/")
            ],
        }
        self.assertEqual(3, len(named["grafana"]))
        for name, paths in named.items():
            mounts = bind_mounts(self.services[name])
            for path in map(pathlib.PurePath, paths):
                [source] = [
                    source / path.relative_to(target)
                    for target, source in mounts.items()
                    if path.is_relative_to(target)
                ]
                self.assertTrue(source.exists(), f"{name}: {path}")

    def test_the_variable_of_grafanas_provisioning_is_given(self):
        provisioning = (ROOT / "grafana/provisioning").rglob("*.yml")
        text = "".join(file.read_text() for file in provisioning)
        used = set(re.findall(r"(?m)^ *\w+: \$(\w+)$", text))
        self.assertTrue(used)
        self.assertLessEqual(used, set(environment_of(self.services["grafana"])))

    def test_the_programs_know_every_flag(self):
        for name, binary in BINARIES.items():
            with self.subTest(name):
                if shutil.which(binary) is None:
                    self.skipTest(f"{binary} is not installed")
                described = program.run("--help", path=binary)
                for flag, _ in self.flags(name):
                    self.assertIn(f"--{flag}", described.stdout + described.stderr)

    def test_it_listens_where_stack_sh_does(self):
        ports = re.search(
            r"declare -A port=\((.*)\)", (DEPLOY / "stack.sh").read_text()
        )[1]
        ports = dict(re.findall(r"\[(\w+)\]=(\d+)", ports))
        self.assertEqual(set(ports), set(self.services))
        for name in BINARIES:
            address = dict(self.flags(name))["web.listen-address"]
            self.assertEqual(f"127.0.0.1:{ports[name]}", address)
        grafana = environment_of(self.services["grafana"])
        self.assertEqual("127.0.0.1", grafana["GF_SERVER_HTTP_ADDR"])
        self.assertEqual(ports["grafana"], grafana["GF_SERVER_HTTP_PORT"])
        self.assertIn(("cluster.listen-address", ""), self.flags("alertmanager"))
        for service in self.services.values():
            self.assertEqual("host", service["network_mode"])

    def test_no_service_may_more_than_it_must(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(["ALL"], service["cap_drop"])
                self.assertIn("no-new-privileges:true", service["security_opt"])
                self.assertNotIn("privileged", service)
                if name != "exporter":
                    for key in ("cap_add", "pid", "user", "userns_mode"):
                        self.assertNotIn(key, service)

    def test_readme_says_what_each_privilege_of_the_exporter_is_for(self):
        exporter = self.services["exporter"]
        readme = (ROOT / "README.md").read_text()
        privileges = readme.partition("\n## Privileges\n")[2].partition("\n## ")[0]
        for capability in exporter["cap_add"]:
            self.assertIn(f"CAP_{capability}", privileges)

    def test_the_exporter_looks_where_the_host_is_mounted(self):
        exporter = self.services["exporter"]
        [mount] = exporter["volumes"]
        self.assertEqual(mount["target"], dict(self.flags("exporter"))["path.rootfs"])
        self.assertEqual("host", exporter["pid"])


class DockerfileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
        _, cls.build, cls.runtime = text.split("\nFROM ")
        cls.context = (ROOT / ".dockerignore").read_text().splitlines()

    def test_the_runtime_has_the_libraries_that_the_program_takes(self):
        for tool in ("dpkg", "ldd", "readelf"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        dynamic = program.run("--dynamic", program.PROGRAM, path="readelf").stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        linked = program.run(program.PROGRAM, path="ldd").stdout
        packages = set()
        for name in needed:
            path = re.search(rf"{re.escape(name)} => (\S+)", linked)[1]
            # The same file by both of its names, as /lib is /usr/lib.
            paths = {path, path.removeprefix("/usr"), f"/usr{path}"}
            owners = program.run("--search", *paths, path="dpkg").stdout
            self.assertTrue(owners, path)
            packages.add(owners.partition(":")[0])
        installed = re.search(r"install .*recommends (.*?) +&&", self.runtime)[1]
        self.assertEqual(
            packages - IN_EVERY_DEBIAN, set(installed.split()) - {"ca-certificates"}
        )

    def test_what_it_copies_is_in_the_context(self):
        self.assertIn("*", self.context)
        allowed = {line[1:] for line in self.context if line.startswith("!")}
        for path in allowed:
            self.assertTrue((ROOT / path).exists(), path)
        copied = set(re.findall(r"(?m)^COPY (\w\S*) ", self.build))
        self.assertEqual(copied, {path.partition("/")[0] for path in allowed})

    def test_what_setup_reads_is_in_the_context(self):
        setup = (DEPLOY / "setup.sh").read_text()
        read = set(re.findall(r'\$root/(deploy/[\w.]+)"', setup))
        self.assertTrue(read)
        self.assertLessEqual(read, {line[1:] for line in self.context})

    def test_both_stages_are_the_same_debian(self):
        self.assertEqual(self.build.split()[0], self.runtime.split()[0])
        self.assertIn("debian:bookworm", self.runtime)


if __name__ == "__main__":
    program.main()
