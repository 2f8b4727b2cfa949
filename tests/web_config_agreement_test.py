"""What promtool and an exporter of the Prometheus family take for a web
configuration, the program takes too, and nothing else."""

import concurrent.futures
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import typing
import unittest

import program

PROMTOOL = shutil.which("promtool")
NODE_EXPORTER = shutil.which("prometheus-node-exporter")
OPENSSL = shutil.which("openssl")

DIGEST = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
HASH = "$2y$10$" + DIGEST
PAIR = "  cert_file: server.crt\n  key_file: server.key\n"
TLS = "tls_server_config:\n" + PAIR
HEADERS = "http_server_config:\n  headers:\n"
USERS = "basic_auth_users:\n"

# Those that Go 1.19 calls secure. In HTTP/2, which the family speaks and the
# program does not, the first is a must.
CIPHERS = (
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
)

# The files that all three take.
GOOD = {
    "empty": "",
    "comment": "# nothing\n",
    "null": "~\n",
    "start of a document": "---\n",
    "end of a document": TLS + "...\n",
    "byte order mark": "\ufeff" + TLS,
    "CR LF": TLS.replace("\n", "\r\n"),
    "empty mapping": "{}\n",
    "empty sections": "tls_server_config: {}\nhttp_server_config: {}\n"
    "basic_auth_users: {}\n",
    "sections of null": "tls_server_config:\nhttp_server_config: ~\n"
    "basic_auth_users: null\n",
    "TLS": TLS,
    "TLS as a flow": "tls_server_config: {cert_file: server.crt, "
    "'key_file': \"server.key\"}\n",
    "absolute path": "tls_server_config:\n  cert_file: DIR/server.crt\n"
    "  key_file: DIR/server.key\n",
    "path through a directory": "tls_server_config:\n"
    "  cert_file: ./server.crt\n  key_file: ../NAME/server.key\n",
    "folded path": "tls_server_config:\n  cert_file: >-\n    server.crt\n"
    "  key_file: server.key\n",
    "number as a file": "tls_server_config:\n  cert_file: 1\n"
    "  key_file: server.key\n",
    "tag of a text": "tls_server_config:\n  cert_file: !!str 1\n"
    "  key_file: server.key\n",
    "TLS without files": "tls_server_config:\n  min_version: TLS13\n",
    "files of null": "tls_server_config:\n  cert_file: ~\n  key_file: ''\n",
    "blank client_auth_type": TLS + "  client_auth_type: ''\n",
    "client_auth_type of null": TLS + "  client_auth_type: ~\n",
    "null for a version": TLS + "  min_version: ~\n  max_version: null\n",
    "TLS 1.0 to 1.1": TLS + "  min_version: TLS10\n  max_version: TLS11\n",
    "TLS 1.2 to 1.2": TLS + "  min_version: TLS12\n  max_version: TLS12\n",
    "TLS 1.3 only": TLS + "  min_version: TLS13\n",
    "all ciphers": TLS
    + "  cipher_suites:\n"
    + "".join(f"  - {name}\n" for name in CIPHERS),
    "no ciphers": TLS + "  cipher_suites: []\n  curve_preferences: ~\n",
    "curves": TLS + "  curve_preferences: [X25519, CurveP256, CurveP384, CurveP521]\n",
    "order of the client": TLS + "  prefer_server_cipher_suites: off\n",
    "HTTP/1.1": "http_server_config: {http2: No}\n",
    "HTTP/2 with TLS": TLS + "http_server_config:\n  http2: y\n",
    "no headers": "http_server_config:\n  headers:\n",
    "all headers": HEADERS
    + "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
    + "    X-Content-Type-Options: nosniff\n    X-Frame-Options: sameorigin\n"
    + "    X-XSS-Protection: 1\n"
    + "    Content-Security-Policy: \"default-src 'self'\"\n",
    "frames denied": HEADERS + "    X-Frame-Options: deny\n",
    "blank header": HEADERS + "    X-XSS-Protection: ''\n",
    "header of null": HEADERS + "    Strict-Transport-Security: ~\n",
    "users": USERS + f"  alice: {HASH}\n  'bob': \"{HASH}\"\n  1: {HASH}\n",
    "anchor and alias": USERS + f"  alice: &hash {HASH}\n  bob: *hash\n",
    "folded hash": USERS + f"  alice: >-\n    {HASH}\n",
    "all bcrypts": USERS + "".join(f"  {x}: $2{x}$12${DIGEST}\n" for x in "aby"),
    "cost of 4 and of 31": USERS + f"  a: $2y$04${DIGEST}\n  b: $2y$31${DIGEST}\n",
} | {
    f"client_auth_type {name}": TLS
    + f"  client_auth_type: {name}\n"
    + ("" if name == "NoClientCert" else "  client_ca_file: ca.crt\n")
    for name in (
        "NoClientCert",
        "RequestClientCert",
        "RequireClientCert",
        "RequireAnyClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    )
}

# The files that all three refuse, with the line that the program names; none
# where what is wrong is in another file.
BAD = {
    "word": ("tls\n", 1),
    "list": ("\n- tls_server_config\n", 2),
    "no YAML": ("tls_server_config: [\n", 1),
    "tab as indentation": ("tls_server_config:\n\tcert_file: server.crt\n", 2),
    "quote that is not closed": (TLS + f'  min_version: "TLS12\n{USERS}', 5),
    "unknown alias": (USERS + "  alice: *hash\n", 2),
    "control character": (TLS + "# \x01\n", 4),
    "no UTF-8": (TLS + "# \udcff\n", 4),
    "unknown section": (TLS + "tls_config: {}\n", 4),
    "unknown key": (TLS + "  cert: server.crt\n", 4),
    "unknown key of HTTP": ("http_server_config:\n  http3: true\n", 2),
    "section twice": (TLS + USERS + TLS, 5),
    "key twice": (TLS + "  key_file: server.key\n", 4),
    "header twice": (HEADERS + 2 * "    X-Frame-Options: deny\n", 4),
    "user twice": (USERS + 2 * f"  alice: {HASH}\n", 3),
    "user twice, once quoted": (USERS + f"  1: {HASH}\n  '1': {HASH}\n", 3),
    "section of a list": ("tls_server_config:\n- cert_file\n", 2),
    "section of a word": ("http_server_config: yes\n", 1),
    "users of a word": ("basic_auth_users: alice\n", 1),
    "file of a list": ("tls_server_config:\n  cert_file: [server.crt]\n", 2),
    "file of a mapping": ("tls_server_config:\n  key_file: {a: b}\n", 2),
    "no key": ("\ntls_server_config:\n  cert_file: server.crt\n", 2),
    "no certificate": ("tls_server_config:\n  key_file: server.key\n", 1),
    "client_auth_type alone": (
        "tls_server_config:\n  client_auth_type: RequireAnyClientCert\n",
        1,
    ),
    "client_ca_file alone": ("tls_server_config:\n  client_ca_file: ca.crt\n", 1),
    "client_ca_file that nobody needs": (TLS + "  client_ca_file: ca.crt\n", 1),
    "client_ca_file with NoClientCert": (
        TLS + "  client_ca_file: ca.crt\n  client_auth_type: NoClientCert\n",
        1,
    ),
    "unknown client_auth_type": (TLS + "  client_auth_type: Require\n", 4),
    "unknown version": (TLS + "  min_version: TLS1.2\n", 4),
    "blank version": (TLS + "  max_version: ''\n", 4),
    "version of SSL": (TLS + "  min_version: SSL30\n", 4),
    "unknown cipher": (TLS + "  cipher_suites:\n  - AES128-SHA\n", 5),
    "insecure cipher": (TLS + "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n", 4),
    "cipher without a list": (TLS + f"  cipher_suites: {CIPHERS[0]}\n", 4),
    "unknown curve": (TLS + "  curve_preferences: [P256]\n", 4),
    "list of curves in a list": (TLS + "  curve_preferences: [[X25519]]\n", 4),
    "no boolean": (TLS + "  prefer_server_cipher_suites: 1\n", 4),
    "boolean in quotes": ("http_server_config:\n  http2: 'true'\n", 2),
    "unknown header": (HEADERS + "    Server: x\n", 3),
    "header in lower case": (HEADERS + "    x-frame-options: deny\n", 3),
    "value of X-Frame-Options": (HEADERS + "    X-Frame-Options: DENY\n", 3),
    "blank X-Frame-Options": (HEADERS + "    X-Frame-Options: ''\n", 3),
    "value of X-Content-Type-Options": (
        HEADERS + "    X-Content-Type-Options: sniff\n",
        3,
    ),
    "header of a list": (HEADERS + "    X-XSS-Protection: [1]\n", 3),
    "plain password": (USERS + "  alice: hunter2\n", 2),
    "no password": (USERS + "  alice:\n", 2),
    "hash of MD5": (USERS + "  alice: $apr1$QgpFHRYQ$X9ZDhlzQuBDXiIPqUuHMF1\n", 2),
    "short hash": (USERS + f"  alice: {HASH[:58]}\n", 2),
    "cost of 3": (USERS + f"  alice: $2y$03${DIGEST}\n", 2),
    "cost of 32": (USERS + f"  alice: $2y$32${DIGEST}\n", 2),
    "cost that is no number": (USERS + f"  alice: $2y$xx${DIGEST}\n", 2),
    "certificate that is not there": (TLS.replace("server.crt", "none.crt"), None),
    "key that is not there": (TLS.replace("server.key", "none.key"), None),
    "authority that is not there": (
        TLS + "  client_ca_file: none.crt\n  client_auth_type: RequestClientCert\n",
        None,
    ),
    "key of another certificate": (TLS.replace("server.key", "other.key"), None),
    "certificate that is none": (TLS.replace("server.crt", "server.key"), None),
}


class Difference(typing.NamedTuple):
    text: str
    # Of promtool, the exporter and the program, those that take it.
    accepted_by: tuple
    line: int | None  # that the program names where it refuses
    reason: str


FAMILY = ("promtool", "exporter")
PROGRAM_ONLY = ("program",)

# Where the program deliberately does not do as the other two.
DIFFERENCES = {
    "rate limit": Difference(
        "rate_limit:\n  burst: 20\n  interval: 100ms\n",
        PROGRAM_ONLY,
        None,
        "Debian's exporters do not know it yet",
    ),
    "ciphers without HTTP/2's": Difference(
        TLS + f"  cipher_suites: [{CIPHERS[3]}]\n",
        ("promtool", "program"),
        None,
        "the exporter lacks what HTTP/2 insists on; the program speaks HTTP/1.1",
    ),
    "tab after a dash": Difference(
        TLS + f"  cipher_suites:\n  -\t{CIPHERS[0]}\n",
        PROGRAM_ONLY,
        None,
        "yaml-cpp reads YAML 1.2, where a tab may stand there",
    ),
    "second document": Difference(
        TLS + "---\n" + USERS,
        FAMILY,
        4,
        "the family ignores the users, and lets everybody in",
    ),
    "section indented less": Difference(
        f" tls_server_config: {{}}\n{USERS}  alice: {HASH}\n",
        FAMILY,
        2,
        "the family ignores the users, and lets everybody in",
    ),
    "end of line of YAML 1.1": Difference(
        TLS + "# comment\u2028  min_version: TLS13\n",
        FAMILY,
        4,
        "a setting to the family, a comment to YAML 1.2",
    ),
    "lone CR": Difference(
        TLS + "# comment\r  min_version: TLS13\n",
        FAMILY,
        4,
        "a setting to the family, a comment to yaml-cpp",
    ),
    "merge key": Difference(
        f"tls_server_config:\n  <<: {{cert_file: server.crt}}\n"
        "  key_file: server.key\n",
        FAMILY,
        2,
        "the family lets it win over keys that stand before it, against YAML",
    ),
    "tag": Difference(
        USERS + f"  alice: !hash {HASH}\n",
        FAMILY,
        2,
        "the family ignores what it does not know",
    ),
    "tag of bytes": Difference(
        "tls_server_config:\n  cert_file: !!binary c2VydmVyLmNydA==\n"
        "  key_file: server.key\n",
        FAMILY,
        2,
        "nobody writes the name of a file in Base64",
    ),
    "null among ciphers": Difference(
        TLS + f"  cipher_suites: [{CIPHERS[0]}, ~]\n",
        FAMILY,
        4,
        "it is no cipher; the family takes it for number 0",
    ),
    "user of null": Difference(
        USERS + f"  ~: {HASH}\n", FAMILY, 2, "it is no name; the family takes it for ''"
    ),
    "version of Null": Difference(
        TLS + "  min_version: Null\n",
        PROGRAM_ONLY,
        None,
        "the family knows null and ~ there, YAML also Null and NULL",
    ),
    "versions that leave none": Difference(
        TLS + "  max_version: TLS11\n",
        FAMILY,
        1,
        "nobody could connect, as min_version is TLS12",
    ),
    "header over two lines": Difference(
        HEADERS + '    X-XSS-Protection: "0\\r\\nX-Other: 1"\n',
        FAMILY,
        3,
        "what ends a line could begin a header",
    ),
    "header of a block": Difference(
        HEADERS + "    Content-Security-Policy: |\n      default-src 'self'\n",
        FAMILY,
        3,
        "it ends with an end of line",
    ),
    "header with a NUL": Difference(
        HEADERS + '    X-XSS-Protection: "\\0"\n',
        FAMILY,
        3,
        "no text of the file needs one, and C ends there",
    ),
} | {
    name: Difference(
        f"{USERS}  alice: {hashed}\n",
        FAMILY,
        2,
        "nobody could log in, or crypt(3) would take it for another method",
    )
    for name, hashed in {
        "bcrypt without a letter": "$2$10$" + DIGEST,
        "bcrypt's x": "$2x$10$" + DIGEST,
        "bcrypt's z": "$2z$10$" + DIGEST,
        "older than bcrypt": "$1$10$" + DIGEST,
        "cost with a sign": "$2y$+9$" + DIGEST,
        "hash too long": HASH + "x",
        "hash one too short": HASH[:59],
        "hash of other characters": HASH[:59] + "-",
    }.items()
}

TEXTS = (
    GOOD
    | {name: text for name, (text, _) in BAD.items()}
    | {name: difference.text for name, difference in DIFFERENCES.items()}
)


def make_certificate(directory, name):
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        + ["ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"]
        + ["-keyout", f"{name}.key", "-out", f"{name}.crt"],
        check=True,
        capture_output=True,
        cwd=directory,
    )


def promtool_takes(path):
    command = [PROMTOOL, "check", "web-config", path]
    result = subprocess.run(
        command, capture_output=True, timeout=program.DEADLINE_SECONDS
    )
    return result.returncode == 0


def answers(address):
    """Does a request get any answer? HTTP is also answered where TLS is spoken."""
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection(
            (host, int(port)), program.DEADLINE_SECONDS
        ) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(1) != b""
    except ConnectionError:
        return False


def exporter_takes(path):
    """Does node_exporter serve, rather than end?"""
    with subprocess.Popen(
        [NODE_EXPORTER, f"--web.config.file={path}"]
        + ["--collector.disable-defaults", "--web.listen-address=127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            for line in process.stderr:
                if listening := re.search(r'"Listening on" address=(\S+)', line):
                    if answers(listening[1]):
                        return True
                    break
            process.wait(program.DEADLINE_SECONDS)
            return False
        finally:
            process.kill()


def check(path):
    return program.run("--config.check", f"--web.config.file={path}")


@unittest.skipUnless(
    PROMTOOL and NODE_EXPORTER and OPENSSL,
    "needs promtool, prometheus-node-exporter and openssl",
)
class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        for name in ("server", "other", "ca"):
            make_certificate(cls.directory, name)
        shutil.copy(f"{cls.directory}/server.crt", f"{cls.directory}/1")
        cls.paths = {name: cls.write(i, TEXTS[name]) for i, name in enumerate(TEXTS)}
        cls.judged = {
            "promtool": cls.judge(promtool_takes),
            "exporter": cls.judge(exporter_takes),
        }
        cls.results = cls.judge(check)

    @classmethod
    def write(cls, number, text):
        path = pathlib.Path(cls.directory, f"{number}.yml")
        text = text.replace("DIR", cls.directory)
        text = text.replace("NAME", pathlib.Path(cls.directory).name)
        path.write_bytes(text.encode(errors="surrogateescape"))
        return str(path)

    @classmethod
    def judge(cls, takes):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return dict(zip(cls.paths, pool.map(takes, cls.paths.values())))

    def assert_accepted_by(self, name, judges):
        for judge, verdicts in self.judged.items():
            self.assertEqual(judge in judges, verdicts[name], f"{judge}: {name}")
        result = self.results[name]
        self.assertEqual(
            0 if "program" in judges else 2, result.returncode, f"{name}: {result}"
        )

    def assert_refusal_names(self, name, line):
        where = self.paths[name] + ("" if line is None else f":{line}: ")
        self.assertIn(where, self.results[name].stderr, name)
        self.assertNotIn("$2", self.results[name].stderr, name)

    def test_names_are_not_used_twice(self):
        self.assertEqual(len(GOOD) + len(BAD) + len(DIFFERENCES), len(TEXTS))

    def test_what_the_family_takes(self):
        for name in GOOD:
            with self.subTest(name):
                self.assert_accepted_by(name, (*FAMILY, "program"))

    def test_what_the_family_refuses(self):
        for name, (_, line) in BAD.items():
            with self.subTest(name):
                self.assert_accepted_by(name, ())
                self.assert_refusal_names(name, line)

    def test_deliberate_differences(self):
        for name, difference in DIFFERENCES.items():
            with self.subTest(name, reason=difference.reason):
                self.assert_accepted_by(name, difference.accepted_by)
                if "program" not in difference.accepted_by:
                    self.assert_refusal_names(name, difference.line)


if __name__ == "__main__":
    program.main()
