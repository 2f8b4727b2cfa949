"""Who gets in, and how: --web.config.file beside an exporter of the Prometheus
family that has the same file."""

import base64
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings

import program

NODE_EXPORTER = shutil.which("prometheus-node-exporter")
OPENSSL = shutil.which("openssl")

# bcrypt with the least cost it has, but where the cost counts.
PASSWORD = "correct horse"
HASH = "$2b$04$AXjk160lalqoWIeqSowXzODghyhGaRIJPK9rY3uQ8m0i8Zda5c1au"
HASH_OF_COST_12 = "$2b$12$eiZbQXoHL6RFaIYhFp0i4up8rqOaKjo6eyIWG43Tirp.QSdDw11QG"
USERS = f"basic_auth_users:\n  alice: {HASH}\n"
RELOADED = "mailcow_host_exporter_config_last_reload_successful"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


ALICE = basic("alice", PASSWORD)


def connect(port, context=None):
    arguments = ("127.0.0.1", port)
    if context is None:
        return http.client.HTTPConnection(*arguments, timeout=program.DEADLINE_SECONDS)
    return http.client.HTTPSConnection(
        *arguments, timeout=program.DEADLINE_SECONDS, context=context
    )


def ask(connection, path="/metrics", authorization=None, method="GET"):
    headers = {} if authorization is None else {"Authorization": authorization}
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    response.text = response.read().decode()
    return response


def ask_once(port, path="/metrics", authorization=None, method="GET", context=None):
    with contextlib.closing(connect(port, context)) as connection:
        return ask(connection, path, authorization, method)


@contextlib.contextmanager
def node_exporter(file):
    """The port of an exporter of the family that has the file."""
    with subprocess.Popen(
        [NODE_EXPORTER, f"--web.config.file={file}"]
        + ["--collector.disable-defaults", "--web.listen-address=127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            for line in process.stderr:
                if listening := re.search(r'"Listening on" address=\S+:(\d+)', line):
                    break
            yield int(listening[1])
        finally:
            process.kill()


class WebTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.file = pathlib.Path(directory, "web.yml")

    def serve(self, text):
        self.file.write_text(text)
        return program.Serving(f"--web.config.file={self.file}")

    def replace(self, path, text):
        """As an administrator does who wants no half of a file to be read."""
        new = path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, path)

    def gauge(self, serving, authorization=ALICE):
        text = ask_once(serving.port, authorization=authorization).text
        return program.parse_samples(text)[RELOADED]


class BasicAuthTest(WebTest):
    # Of users that the file has: a password of 72 bytes, of which bcrypt looks
    # at no more, and none.
    LONG = 72 * "x"
    MORE_USERS = (
        "  long: $2b$04$pLCxEVwh4fgik4brS7aZEOF45CBh5gF6KCs347i162p7IKlW0R/3m\n"
        "  none: $2b$04$G79oIRqvWv9FqgTxs.K.NepFE39phwtrwDW3VfQ8rEf/h2mcPkqdu\n"
        "  umlaut: $2b$04$cuTpz1rTS3z1D7./eMEt3.ks9HS8MVFT1YHrIAaf16G70uiZs9m4C\n"
    )
    REFUSED = (
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Bearer " + ALICE.removeprefix("Basic "),
        ALICE.replace(" ", "  "),
        ALICE + "=",
        ALICE + ", " + ALICE,
        ALICE.rstrip("="),
        "Basic " + base64.b64encode(b"alice").decode(),
        basic("alice", ""),
        basic("alice", PASSWORD[:-1]),
        basic("alice", PASSWORD + "x"),
        basic("alice", PASSWORD + "\0"),
        basic("alice", PASSWORD + "\0x"),
        basic("alice", HASH),
        basic("Alice", PASSWORD),
        basic("alice ", PASSWORD),
        basic("bob", PASSWORD),
        basic("", PASSWORD),
        basic("", ""),
        basic("none", " "),
        basic("umlaut", "ä"),
    )
    ACCEPTED = (
        ALICE,
        ALICE.replace("Basic", "basic"),
        ALICE.replace("Basic", "BASIC"),
        basic("none", ""),
        basic("umlaut", "ü:ü"),
        basic("long", LONG),
    )

    def test_every_path_is_closed_to_who_does_not_say_who_they_are(self):
        with self.serve(USERS) as serving:
            for method, path in (
                ("GET", "/"),
                ("GET", "/?format=json"),
                ("GET", "/metrics"),
                ("HEAD", "/metrics"),
                ("GET", "/-/healthy"),
                ("POST", "/-/reload"),
                ("GET", "/nosuch"),
                ("DELETE", "/"),
            ):
                with self.subTest(method=method, path=path):
                    response = ask_once(serving.port, path, method=method)
                    self.assertEqual(401, response.status)
                    self.assertNotIn("mailcow", response.text)
            self.assertNotIn("reload", serving.log)
            self.assertEqual(200, ask_once(serving.port, "/", ALICE).status)
            self.assertEqual(
                200, ask_once(serving.port, "/-/reload", ALICE, "POST").status
            )

    @unittest.skipUnless(NODE_EXPORTER, "needs prometheus-node-exporter")
    def test_it_answers_as_the_family_does(self):
        with (
            self.serve(USERS + self.MORE_USERS) as serving,
            node_exporter(self.file) as port,
        ):
            for status, lines in ((401, self.REFUSED), (200, self.ACCEPTED)):
                for authorization in lines:
                    with self.subTest(authorization=authorization):
                        ours = ask_once(serving.port, "/metrics", authorization)
                        theirs = ask_once(port, "/metrics", authorization)
                        self.assertEqual((status, status), (theirs.status, ours.status))
                        if status == 401:
                            self.assert_alike(theirs, ours)

    def assert_alike(self, theirs, ours):
        self.assertEqual(theirs.text, ours.text)
        self.assertEqual(theirs.reason, ours.reason)
        for header in ("WWW-Authenticate", "Content-Type", "X-Content-Type-Options"):
            self.assertEqual(theirs.headers[header], ours.headers[header], header)

    def test_nothing_tells_a_password_or_a_hash(self):
        with self.serve(USERS) as serving:
            shown = ""
            for path in ("/metrics", "/", "/?format=json"):
                for authorization in (ALICE, basic("alice", "wrong horse")):
                    response = ask_once(serving.port, path, authorization)
                    shown += str(response.headers) + response.text
            self.replace(self.file, USERS + f"  bob: {HASH[:-1]}\n  eve: {PASSWORD}\n")
            program.wait_for(lambda: self.gauge(serving) == 0)
            shown += ask_once(serving.port, "/-/reload", ALICE, "POST").text
            shown += serving.log
        self.assertIn(f"{self.file}:3: ", shown)
        for secret in (PASSWORD, "wrong horse", HASH[:12], ALICE[6:]):
            self.assertNotIn(secret, shown)

    def test_a_scrape_does_not_pay_for_bcrypt(self):
        with self.serve(USERS.replace(HASH, HASH_OF_COST_12)) as serving:
            for _ in range(200):
                response = ask_once(serving.port, authorization=ALICE)
                self.assertEqual(200, response.status)
            samples = program.parse_samples(response.text)
        # To hash 200 times takes more than forty.
        self.assertLess(samples["process_cpu_seconds_total"], 10)

    def test_an_unknown_user_costs_as_much_work_as_a_known_one(self):
        with self.serve(USERS.replace(HASH, HASH_OF_COST_12)) as serving:

            def cost(user):
                before = self.cpu_seconds(serving)
                for _ in range(3):
                    refused = ask_once(serving.port, authorization=basic(user, "wrong"))
                    self.assertEqual(401, refused.status)
                return self.cpu_seconds(serving) - before

            known, unknown = cost("alice"), cost("bob")
        self.assertGreater(known, 0.1)
        self.assertGreater(unknown, known / 3)
        self.assertLess(unknown, known * 3)

    def cpu_seconds(self, serving):
        text = ask_once(serving.port, authorization=ALICE).text
        return program.parse_samples(text)["process_cpu_seconds_total"]

    def test_a_changed_password_counts_without_a_restart(self):
        with self.serve(USERS) as serving:
            self.assertEqual(200, ask_once(serving.port, authorization=ALICE).status)
            self.replace(self.file, USERS.replace("alice", "bob"))
            bob = basic("bob", PASSWORD)
            program.wait_for(
                lambda: ask_once(serving.port, authorization=bob).status == 200
            )
            self.assertEqual(401, ask_once(serving.port, authorization=ALICE).status)


class HeadersTest(WebTest):
    CONFIGURED = {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "deny",
        "X-XSS-Protection": "1; mode=block",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    FILE = "http_server_config:\n  headers:\n" + "".join(
        f'    {name}: "{value}"\n' for name, value in CONFIGURED.items()
    )

    def test_they_stand_once_on_every_answer(self):
        with self.serve(USERS + self.FILE) as serving:
            for status, path, method, authorization in (
                (200, "/metrics", "GET", ALICE),
                (200, "/metrics", "HEAD", ALICE),
                (200, "/", "GET", ALICE),
                (200, "/-/reload", "POST", ALICE),
                (400, "/metrics?collect[]=x", "GET", ALICE),
                (400, "/ ", "FETCH", ALICE),
                (401, "/metrics", "GET", None),
                (404, "/nosuch", "GET", ALICE),
                (405, "/metrics", "PUT", ALICE),
            ):
                with self.subTest(status=status, path=path):
                    response = self.ask_raw(serving, method, path, authorization)
                    self.assertEqual(status, response.status)
                    for name, value in self.CONFIGURED.items():
                        self.assertEqual([value], response.headers.get_all(name))

    def ask_raw(self, serving, method, path, authorization):
        """Whatever the method and the path are made of."""
        with socket.create_connection(("127.0.0.1", serving.port)) as client:
            client.settimeout(program.DEADLINE_SECONDS)
            lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
            if authorization is not None:
                lines.append(f"Authorization: {authorization}")
            client.sendall("\r\n".join([*lines, "", ""]).encode())
            response = http.client.HTTPResponse(client, method=method)
            response.begin()
            response.read()
            return response

    def test_without_a_file_the_page_has_a_policy_of_its_own(self):
        with program.Serving() as serving:
            response = ask_once(serving.port, "/")
        [policy] = response.headers.get_all("Content-Security-Policy")
        self.assertIn("default-src 'none'", policy)


class RateLimitTest(WebTest):
    def test_who_asks_too_often_is_told(self):
        with self.serve("rate_limit:\n  burst: 3\n  interval: 1h\n") as serving:
            statuses = [ask_once(serving.port).status for _ in range(5)]
            refused = ask_once(serving.port, "/-/healthy")
        self.assertEqual([200, 200, 200, 429, 429], statuses)
        self.assertEqual(
            (429, "Too Many Requests", "Too Many Requests\n"),
            (refused.status, refused.reason, refused.text),
        )

    def test_who_guesses_passwords_is_held_up(self):
        limit = "rate_limit:\n  burst: 2\n  interval: 1h\n"
        with self.serve(USERS + limit) as serving:
            guesses = [
                ask_once(serving.port, authorization=basic("alice", guess)).status
                for guess in ("1", "2", "3")
            ]
            self.assertEqual([401, 401, 429], guesses)
            self.assertEqual(429, ask_once(serving.port, authorization=ALICE).status)


class ReloadTest(WebTest):
    def test_a_broken_file_leaves_the_old_one_in_force(self):
        with self.serve(USERS) as serving:
            self.assertEqual(1, self.gauge(serving))
            self.replace(self.file, USERS + "basic_auth_user: {}\n")
            program.wait_for(lambda: self.gauge(serving) == 0)
            self.assertEqual(401, ask_once(serving.port).status)
            self.replace(self.file, USERS + f"  bob: {HASH}\n")
            bob = basic("bob", PASSWORD)
            program.wait_for(
                lambda: ask_once(serving.port, authorization=bob).status == 200
            )
            program.wait_for(lambda: self.gauge(serving) == 1)
            log = serving.log
        errors = [line for line in log.splitlines() if "level=error" in line]
        self.assertEqual(1, len(errors), log)
        self.assertIn(f"{self.file}:3: ", errors[0])
        self.assertEqual(1, log.count('msg="web configuration reloaded"'), log)

    def test_no_file_opens_to_everybody_what_was_closed(self):
        with self.serve(USERS) as serving:
            for harm in (self.file.unlink, lambda: self.file.mkdir()):
                harm()
                program.wait_for(lambda: self.gauge(serving) == 0)
                self.assertEqual(401, ask_once(serving.port).status)

    def test_a_broken_file_keeps_the_program_from_starting(self):
        self.file.write_text(USERS + "basic_auth_user: {}\n")
        result = program.run(
            f"--web.config.file={self.file}", "--web.listen-address=127.0.0.1:0"
        )
        self.assertEqual(1, result.returncode)
        self.assertIn(f"{self.file}:3: ", result.stderr)
        self.assertEqual(1, result.stderr.count("\n"))


def run_openssl(directory, *arguments):
    subprocess.run(
        [OPENSSL, *arguments], check=True, capture_output=True, cwd=directory
    )


def make_certificate(directory, name, *signed_by):
    run_openssl(
        directory,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", f"{name}.key", "-out", f"{name}.crt", *signed_by),
    )


VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


@unittest.skipUnless(OPENSSL, "needs openssl")
class TlsTest(WebTest):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        by_ca = ("-CA", "ca.crt", "-CAkey", "ca.key")
        make_certificate(directory, "ca")
        for name in ("server", "renewed", "client"):
            make_certificate(directory, name, *by_ca)
        make_certificate(directory, "stranger")
        cls.made = pathlib.Path(directory)

    def setUp(self):
        super().setUp()
        self.install("server")
        shutil.copy(self.made / "ca.crt", self.file.parent)

    def install(self, name):
        for suffix in (".key", ".crt"):
            text = (self.made / f"{name}{suffix}").read_text()
            self.replace(self.file.parent / f"server{suffix}", text)

    def settings(self, *lines):
        return "tls_server_config:\n" + "".join(
            f"  {line}\n"
            for line in ("cert_file: server.crt", "key_file: server.key", *lines)
        )

    def context(self, authority="ca", client=None):
        context = ssl.create_default_context(cafile=self.made / f"{authority}.crt")
        if client is not None:
            context.load_cert_chain(
                self.made / f"{client}.crt", self.made / f"{client}.key"
            )
        return context

    def is_served(self, port, context):
        try:
            return ask_once(port, context=context).status == 200
        except (ConnectionError, http.client.BadStatusLine):
            return False
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError:
            return False

    def certificate(self, port):
        with socket.create_connection(("127.0.0.1", port)) as plain:
            context = self.context()
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                return ssl.DER_cert_to_PEM_cert(client.getpeercert(True))

    def installed(self, name):
        """The certificate as Python writes it."""
        pem = (self.made / f"{name}.crt").read_text()
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(pem))

    def test_who_trusts_the_authority_is_served_by_the_newest_version(self):
        with self.serve(self.settings()) as serving:
            with contextlib.closing(connect(serving.port, self.context())) as client:
                self.assertIn("mailcow_host_ready", ask(client).text)
                self.assertEqual("TLSv1.3", client.sock.version())
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.is_served(serving.port, self.context("stranger"))

    def test_handshakes_that_fail_leave_room_for_those_that_succeed(self):
        """CivetWeb tells of their end, but not of their beginning."""
        with (
            self.serve(self.settings()) as serving,
            contextlib.ExitStack() as kept,
        ):
            for _ in range(60):
                with socket.create_connection(("127.0.0.1", serving.port)) as client:
                    client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                    with contextlib.suppress(ConnectionError):
                        while client.recv(4096):
                            pass
            for _ in range(60):
                client = connect(serving.port, self.context())
                kept.enter_context(contextlib.closing(client))
                self.assertEqual(200, ask(client, "/-/healthy").status)
            self.assertTrue(self.is_served(serving.port, self.context()))

    def test_plain_http_is_not_served_beside_it(self):
        with self.serve(self.settings()) as serving:
            with socket.create_connection(("127.0.0.1", serving.port)) as client:
                client.settimeout(program.DEADLINE_SECONDS)
                client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                received = b""
                with contextlib.suppress(ConnectionError):
                    while more := client.recv(1 << 16):
                        received += more
            self.assertNotIn(b"200", received)
            self.assertNotIn(b"mailcow", received)
            self.assertTrue(self.is_served(serving.port, self.context()))

    def test_versions(self):
        for lines, served in {
            (): {"TLS12", "TLS13"},
            ("min_version: TLS13",): {"TLS13"},
            ("max_version: TLS12",): {"TLS12"},
            ("min_version: TLS10",): set(VERSIONS),
            ("min_version: TLS11", "max_version: TLS12"): {"TLS11", "TLS12"},
        }.items():
            with self.serve(self.settings(*lines)) as serving:
                for name, version in VERSIONS.items():
                    with self.subTest(lines=lines, version=name):
                        self.assertEqual(
                            name in served,
                            self.is_served(serving.port, self.only(version)),
                        )

    def only(self, version):
        context = self.context()
        # Python's default leaves out those before TLS 1.2, and warns of them.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
            context.maximum_version = version
        return context

    def test_client_certificates(self):
        for kind, served in {
            "NoClientCert": {None, "client", "stranger"},
            "RequestClientCert": {None, "client", "stranger"},
            "RequireClientCert": {"client", "stranger"},
            "RequireAnyClientCert": {"client", "stranger"},
            "VerifyClientCertIfGiven": {None, "client"},
            "RequireAndVerifyClientCert": {"client"},
        }.items():
            lines = [f"client_auth_type: {kind}"]
            if kind != "NoClientCert":
                lines.append("client_ca_file: ca.crt")
            with self.serve(self.settings(*lines)) as serving:
                ports = {"program": serving.port}
                with contextlib.ExitStack() as beside:
                    if NODE_EXPORTER:
                        other = beside.enter_context(node_exporter(self.file))
                        ports["exporter"] = other
                    for who, port in ports.items():
                        for client in (None, "client", "stranger"):
                            with self.subTest(kind, who=who, client=client):
                                self.assertEqual(
                                    client in served,
                                    self.is_served(port, self.context(client=client)),
                                )

    def test_a_certificate_is_replaced_without_a_restart(self):
        with self.serve(self.settings()) as serving:
            with contextlib.closing(connect(serving.port, self.context())) as kept:
                self.assertEqual(200, ask(kept).status)
                before = kept.sock
                self.assertEqual(
                    self.installed("server"), self.certificate(serving.port)
                )
                self.install("renewed")
                renewed = self.installed("renewed")
                program.wait_for(lambda: self.certificate(serving.port) == renewed)
                self.assertEqual(200, ask(kept).status)
                self.assertIs(before, kept.sock)
            self.assertIn('msg="web configuration reloaded"', serving.log)

    def test_a_certificate_without_its_key_leaves_the_old_one_in_force(self):
        with self.serve(self.settings()) as serving:
            context = self.context()

            def gauge():
                text = ask_once(serving.port, context=context).text
                return program.parse_samples(text)[RELOADED]

            self.replace(
                self.file.parent / "server.crt",
                (self.made / "renewed.crt").read_text(),
            )
            program.wait_for(lambda: gauge() == 0)
            self.assertEqual(self.installed("server"), self.certificate(serving.port))
            self.install("renewed")
            program.wait_for(lambda: gauge() == 1)
            self.assertEqual(self.installed("renewed"), self.certificate(serving.port))
            log = serving.log
        self.assertEqual(1, log.count("level=error"), log)
        self.assertIn("server.key does not belong to ", log)

    def test_an_authority_is_replaced_without_a_restart(self):
        lines = (
            "client_auth_type: RequireAndVerifyClientCert",
            "client_ca_file: ca.crt",
        )
        with self.serve(self.settings(*lines)) as serving:
            self.assertFalse(
                self.is_served(serving.port, self.context(client="stranger"))
            )
            self.replace(
                self.file.parent / "ca.crt", (self.made / "stranger.crt").read_text()
            )
            program.wait_for(
                lambda: self.is_served(serving.port, self.context(client="stranger"))
            )
            self.assertFalse(
                self.is_served(serving.port, self.context(client="client"))
            )

    def test_turning_tls_off_takes_a_restart(self):
        with self.serve(self.settings()) as serving:
            self.replace(self.file, "")
            program.wait_for(lambda: "TLS on or off takes a restart" in serving.log)
            self.assertTrue(self.is_served(serving.port, self.context()))


if __name__ == "__main__":
    program.main()
