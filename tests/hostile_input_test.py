"""What means harm: requests from the network, and strings of the host."""

import contextlib
import html.parser
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import program

HIJACKED = pathlib.Path(__file__).parent / "hosts/mailcow-hijacked"

HOST = b"Host: x\r\n"
GET = b"GET /metrics HTTP/1.1\r\n" + HOST
RELOAD = b"POST /-/reload HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# Would be answered with 200, were it taken for a request.
INNER = b"GET /-/healthy HTTP/1.0\r\n\r\n"

# Ambiguous or no HTTP: one refusal, and the connection is closed.
REFUSED = {
    "two lengths": (400, GET + 2 * b"Content-Length: 0\r\n" + b"\r\n"),
    "two lengths that differ": (
        400,
        RELOAD + b"Content-Length: 0\r\ncontent-length: 27\r\n\r\n" + INNER,
    ),
    "list of lengths": (400, GET + b"Content-Length: 0, 0\r\n\r\n"),
    "length below zero": (400, GET + b"Content-Length: -1\r\n\r\n"),
    "length with a sign": (400, GET + b"Content-Length: +0\r\n\r\n"),
    "length of nothing": (400, GET + b"Content-Length:\r\n\r\n"),
    "length in hex": (400, GET + b"Content-Length: 0x5\r\n\r\nhello"),
    "length beyond 64 bits": (
        400,
        GET + b"Content-Length: 18446744073709551616\r\n\r\n" + INNER,
    ),
    "length and chunked": (
        400,
        RELOAD + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + INNER,
    ),
    "chunked and length": (
        400,
        GET + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + INNER,
    ),
    "length and chunked where nothing is": (
        400,
        b"GET /x HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n" + CHUNKED + b"\r\n",
    ),
    "chunked": (400, GET + CHUNKED + b"\r\n0\r\n\r\n" + INNER),
    "chunked twice": (400, GET + 2 * CHUNKED + b"\r\n0\r\n\r\n" + INNER),
    "chunked where nothing is": (
        404,
        b"GET /x HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n" + INNER,
    ),
    "another coding": (
        400,
        GET + b"Transfer-Encoding: identity\r\n\r\n" + INNER,
    ),
    "unknown coding": (400, GET + b"Transfer-Encoding: xchunked\r\n\r\n" + INNER),
    "body": (400, GET + b"Content-Length: 27\r\n\r\n" + INNER),
    "body of a reload": (400, RELOAD + b"Content-Length: 27\r\n\r\n" + INNER),
    "chunked body of a reload": (400, RELOAD + CHUNKED + b"\r\n0\r\n\r\n" + INNER),
    "body that is announced": (
        400,
        GET + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    ),
    "folded line": (400, GET + b"X-A: 1\r\n 2\r\n\r\n"),
    "folded first line": (400, b"GET / HTTP/1.1\r\n X-A: 1\r\n" + HOST + b"\r\n"),
    "blank before the colon": (400, GET + b"Content-Length : 27\r\n\r\n" + INNER),
    "line without a colon": (400, GET + b"X-A\r\n\r\n"),
    "line without a name": (400, GET + b": a\r\n\r\n"),
    "NUL in a header": (400, GET + b"X-A: a\0b\r\n\r\n"),
    "NUL in the path": (400, b"GET /metrics\0 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "DEL in a header": (400, GET + b"X-A: a\x7fb\r\n\r\n"),
    "CR in a header": (400, GET + b"X-A: a\rContent-Length: 27\r\n\r\n" + INNER),
    "byte in the path that is not ASCII": (400, b"GET /\xff HTTP/1.0\r\n\r\n"),
    "no host": (400, b"GET /metrics HTTP/1.1\r\n\r\n"),
    "two hosts": (400, GET + HOST + b"\r\n"),
    "65 headers": (400, GET + 64 * b"X-A: 1\r\n" + b"\r\n"),
    "huge header": (400, GET + b"X-A: " + 17_000 * b"a" + b"\r\n\r\n"),
    "huge path": (400, b"GET /" + 17_000 * b"a" + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "huge head": (400, GET + 60 * (b"X-A: " + 300 * b"a" + b"\r\n") + b"\r\n"),
    "megabyte": (400, b"GET /" + 1_000_000 * b"a" + b" HTTP/1.1\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /metrics\r\n\r\n"),
    "version 0.9": (505, b"GET /metrics HTTP/0.9\r\n" + HOST + b"\r\n"),
    "version 1.2": (505, b"GET /metrics HTTP/1.2\r\n" + HOST + b"\r\n"),
    "version 2.0": (505, b"GET /metrics HTTP/2.0\r\n" + HOST + b"\r\n"),
    "version 1.10": (400, b"GET /metrics HTTP/1.10\r\n" + HOST + b"\r\n"),
    "version in lower case": (400, b"GET /metrics http/1.1\r\n" + HOST + b"\r\n"),
    "start of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "start of TLS": (400, b"\x16\x03\x01\x00\xa5\x01\0\0\xa1\x03\x03" + bytes(160)),
    "noise": (400, bytes(range(128, 256)) + b"\r\n\r\n"),
    "method in lower case": (400, b"get /metrics HTTP/1.1\r\n" + HOST + b"\r\n"),
    "unknown method": (400, b"FETCH /metrics HTTP/1.1\r\n" + HOST + b"\r\n"),
    "TRACE": (400, b"TRACE /metrics HTTP/1.1\r\n" + HOST + b"\r\n"),
    "CONNECT": (400, b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "authority": (400, b"GET x:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "path without a slash": (400, b"GET metrics HTTP/1.1\r\n" + HOST + b"\r\n"),
    "leading blank": (400, b" " + GET + b"\r\n"),
    "leading empty lines": (400, b"\r\n\r\n" + GET + b"\r\n"),
    "two blanks": (400, b"GET  /metrics HTTP/1.1\r\n" + HOST + b"\r\n"),
    "tabs for blanks": (400, b"GET\t/metrics\tHTTP/1.1\r\n" + HOST + b"\r\n"),
    "trailing blank": (400, b"GET /metrics HTTP/1.1 \r\n" + HOST + b"\r\n"),
    "nothing but an empty line": (400, b"\r\n\r\n"),
}

# Closed without a word.
DROPPED = {
    "absolute form of another host": b"GET http://other/metrics HTTP/1.1\r\n",
    "absolute form of another scheme": b"GET https://x/metrics HTTP/1.1\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\n",
}

# Good HTTP that asks for what there is not; the connection may live on.
NOT_FOUND = (
    b"/%6detrics",
    b"/metrics%00",
    b"/metrics%20",
    b"/metrics%0d%0aX-A:%201",
    b"/..%2fmetrics",
    b"/%2e%2e/metrics",
    b"/%2fmetrics",
    b"/x/../metrics",
    b"//metrics",
    b"/metrics;x",
    b"/metrics#x",
    b"/%zz",
    b"/-/%72eload",
)


def exchange(serving, request):
    """All that comes back until the program closes the connection."""
    with socket.create_connection(("127.0.0.1", serving.port)) as client:
        client.settimeout(program.DEADLINE_SECONDS)
        # It may be closed while the rest is still on its way.
        with contextlib.suppress(ConnectionError):
            client.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while received := client.recv(1 << 16):
                answer += received
        return answer


def answers(text):
    """[(status, headers, body)] of answers that stand one behind the other."""
    found = []
    while text:
        head, _, text = text.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("ascii").split("\r\n")
        status = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z ]+", status_line)
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers["Content-Length"])
        found.append((int(status[1]), headers, text[:length]))
        text = text[length:]
    return found


class RequestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = cls.enterClassContext(program.Serving())
        cls.serving.settled_scrape()

    def tearDown(self):
        self.assertIn("mailcow_host_ready ", self.serving.scrape())
        self.assertEqual(1, self.serving.log.count("\n"), self.serving.log)

    def statuses(self, request):
        return [status for status, _, _ in answers(exchange(self.serving, request))]

    def test_what_is_malformed_huge_or_smuggled_has_one_refusal_and_is_closed(self):
        for name, (status, request) in REFUSED.items():
            with self.subTest(name):
                [(refused, headers, body)] = answers(exchange(self.serving, request))
                self.assertEqual(status, refused)
                self.assertEqual("close", headers["Connection"])
                self.assertNotIn(b"healthy", body)
                self.assertIn("mailcow_host_ready ", self.serving.scrape())

    def test_what_is_meant_for_somebody_else_is_closed(self):
        for name, lines in DROPPED.items():
            with self.subTest(name):
                request = lines + HOST + b"\r\n" + INNER
                self.assertEqual(b"", exchange(self.serving, request))

    def test_an_encoded_path_is_no_path_of_ours(self):
        for path in NOT_FOUND:
            with self.subTest(path=path):
                request = b"GET %b HTTP/1.1\r\n%bConnection: close\r\n\r\n"
                self.assertEqual([404], self.statuses(request % (path, HOST)))

    def test_64_headers_are_no_more_than_it_takes(self):
        more = b"Connection: close\r\n" + 62 * b"X-A: 1\r\n"
        self.assertEqual([200], self.statuses(GET + more + b"\r\n"))

    def test_one_empty_line_may_stand_before_a_request(self):
        request = b"\r\n" + GET + b"Connection: close\r\n\r\n"
        self.assertEqual([200], self.statuses(request))

    def test_lines_may_end_without_cr(self):
        self.assertEqual([200], self.statuses(INNER.replace(b"\r", b"")))

    def test_a_client_that_wants_to_end_is_let_go(self):
        for wish in (b"close", b"Close", b"TE, close", b"close , TE"):
            with self.subTest(wish=wish):
                request = GET + b"Connection: " + wish + b"\r\n\r\n" + INNER
                [(status, headers, _)] = answers(exchange(self.serving, request))
                self.assertEqual((200, "close"), (status, headers["Connection"]))

    def test_clean_requests_on_one_connection_are_answered_in_turn(self):
        request = b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n"
        found = answers(exchange(self.serving, 3 * request + GET + CHUNKED + b"\r\n"))
        self.assertEqual([200, 200, 200, 400], [status for status, _, _ in found])
        self.assertEqual(b"healthy\n", found[2][2])

    def test_nothing_behind_a_refusal_is_answered(self):
        request = b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n"
        for name, (status, refused) in REFUSED.items():
            with self.subTest(name):
                self.assertEqual(
                    [200, status], self.statuses(request + refused + INNER)
                )

    def test_a_query_is_repeated_without_what_could_do_harm(self):
        query = b"collect[]=%3Cscript%3E%0a%0d%1b%00%ff"
        request = b"GET /metrics?%b HTTP/1.0\r\n\r\n" % query
        [(status, headers, body)] = answers(exchange(self.serving, request))
        self.assertEqual(400, status)
        self.assertEqual("text/plain; charset=utf-8", headers["Content-Type"])
        self.assertEqual("nosniff", headers["X-Content-Type-Options"])
        self.assertRegex(body.decode(), ONE_LINE)

    def test_a_head_that_never_ends_is_given_up(self):
        for request in (GET, b"GET /metrics HTTP/1.1\rHost: x\r\r"):
            with self.subTest(request=request):
                answer = exchange(self.serving, request)
                self.assertNotIn(b" 200 ", answer)


# What a host can be made to say. Labels of containers and names of units come as
# text, files as bytes.
SCRIPT = "<script>alert('1')</script>"
TEXT = SCRIPT + '\n\r\t\x1b[31m\x7f\x9b31m"&\\{x="y"} 1 | $(reboot) `reboot`'
BYTES = TEXT.replace("\n", "\\").encode() + b"\xff\xc0\x80\xed\xa0\x80"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
ONE_LINE = r"\A[^\x00-\x1f\x7f-\x9f]+\n\Z"


class Tags(html.parser.HTMLParser):
    """The names of the tags of a page, its text, and what is to be typed."""

    def __init__(self, page):
        super().__init__()
        self.names = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        for name, value in attributes:
            if name.startswith("on") or (value or "").startswith("javascript:"):
                raise AssertionError(f"{name}={value}")

    def handle_data(self, data):
        self.text += data


@contextlib.contextmanager
def listener(name, port):
    """Another process, called `name` in bytes, that listens."""
    command = (
        "import os, signal, socket, sys\n"
        "open('/proc/self/comm', 'wb').write(os.fsencode(sys.argv[1]))\n"
        "held = socket.create_server(('127.0.0.1', int(sys.argv[2])))\n"
        "print(flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", command, name, str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


class HostTest(unittest.TestCase):
    def setUp(self):
        self.directory = os.fsencode(self.enterContext(tempfile.TemporaryDirectory()))

    def assert_harmless(self, *flags):
        """Nothing that is shown does harm; returns metrics and text of the page."""
        with program.Serving(*flags) as serving:
            metrics = serving.settled_scrape()
            page = serving.get("/")
            report = json.loads(serving.get("/?format=json"))
        self.assertTrue(report["requirements"])
        self.assert_lines_are_whole(serving.log)
        self.assertIn("mailcow_host_ready", program.parse_samples(metrics))
        self.assert_linted(metrics)
        self.assert_no_control(page)
        tags = Tags(page)
        self.assertNotIn("script", tags.names)
        self.assertEqual(1, tags.names.count("style"))
        for form in ("text", "nagios", "json"):
            result = program.run("check", f"--format={form}", *flags)
            if form == "json":
                json.loads(result.stdout)
            else:
                self.assert_no_control(result.stdout)
            self.assertEqual("", result.stderr)
            if form == "nagios":
                self.assertEqual(1, result.stdout.count("|"))
        return metrics, tags.text

    def assert_no_control(self, text):
        found = CONTROL.search(text)
        self.assertIsNone(found, found and text[: found.end()].splitlines()[-1:])

    def assert_linted(self, metrics):
        if shutil.which("promtool") is None:
            return
        result = subprocess.run(
            ["promtool", "check", "metrics"],
            input=metrics,
            capture_output=True,
            text=True,
        )
        self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))

    def assert_lines_are_whole(self, log):
        self.assert_no_control(log)
        for line in log.splitlines():
            self.assertRegex(line, r"^ts=\S+ level=\w+ msg=")

    def test_a_process_with_the_name_of_a_tag(self):
        port = program.write_mailcow_conf(os.fsdecode(self.directory))["SMTP_PORT"]
        flags = (b"--mailcow.dir=" + self.directory, "--no-collector.time_servers")
        for name, shown in (
            (b"<script>alert(1", "<script>alert(1"),
            (b"</style><b>\n\"'&", "</style><b>"),
            (b'\xff\xc0\x1b[31m\\"', "\ufffd"),
        ):
            with self.subTest(name=name), listener(name, port):
                metrics, text = self.assert_harmless(*map(os.fsdecode, flags))
                self.assertIn(shown, metrics)
                self.assertIn(shown, text)

    def test_a_path_with_everything_that_ends_something(self):
        path = os.path.join(self.directory, b"a\nb\"c'd\\e\xff<", b"style><script>")
        os.makedirs(path)
        for each in (path, path + b"/missing"):
            flags = (b"--disk.path=" + each, b"--mailcow.dir=" + each)
            metrics, text = self.assert_harmless(*map(os.fsdecode, flags))
            self.assertIn(r"/a\nb\"c'd\\e" + "\ufffd</style><script>", metrics)
            self.assertIn("</style><script>", text)

    def test_a_machine_on_which_every_name_does_harm(self):
        machine = pathlib.Path(os.fsdecode(self.directory), "machine")
        shutil.copytree(HIJACKED, machine)
        recording = machine / "recording.json"
        text = recording.read_text()
        for name in (
            "exim4",
            "apache2",
            "nginx-mailcow",
            "Exited",
            "24.0.7",
            "Created",
        ):
            text = text.replace(name, name + json.dumps(TEXT)[1:-1])
        recording.write_text(text)
        root = machine / "rootfs"
        (root / "etc/hostname").write_bytes(b"</title>" + BYTES)
        (root / "etc/os-release").write_bytes(b"ID=x\nPRETTY_NAME='" + BYTES + b"'\n")
        (root / "sys/class/dmi/id/product_name").write_bytes(BYTES)
        conf = root / "opt/mailcow-dockerized/mailcow.conf"
        conf.write_bytes(conf.read_bytes() + b"SMTP_PORT=" + BYTES + b"\n")
        metrics, text = self.assert_harmless(
            f"--path.rootfs={root}", f"--path.recording={recording}"
        )
        for shown in (metrics, text):
            self.assertIn("<script>", shown)

    def test_a_mistake_is_one_line_whatever_it_is_in(self):
        file = os.path.join(self.directory, b'a\nb"c\xff\x1b[31m\xc2\x9b<.yml')
        for text in (b"log.level: {", b'"a\\nb\\e[31m\\"": 1', b"log.level: \xff"):
            with open(file, "wb") as config:
                config.write(text)
            for flag in (b"--config.file=", b"--web.config.file="):
                with self.subTest(text=text, flag=flag):
                    self.assert_one_line("check", "--config.check", flag + file)
        for flag in (
            b"--log.level=a\nb\x1b[31m\xc2\x9b31m\xff",
            b"--web.listen-address=\n\xff",
            b"--path.rootfs=/\n\xff",
            b"--\n\xff",
            b"--config.file=/\n\xff",
            b"--web.config.file=/\n\xff\x1b\xc2\x9b31m",
            b"--path.recording=/\n\xff\x1b\xc2\x9b31m",
        ):
            with self.subTest(flag=flag):
                self.assert_one_line("serve", flag)

    def test_an_answer_to_a_reload_is_one_line(self):
        file = os.path.join(self.directory, b"a\nb\x1b[31m\xc2\x9b\xff.yml")
        pathlib.Path(os.fsdecode(file)).write_text("")
        with program.Serving(os.fsdecode(b"--web.config.file=" + file)) as serving:
            pathlib.Path(os.fsdecode(file)).write_text('"\\e[31m\\n\x9b": 1\n')
            request = RELOAD + b"Connection: close\r\n\r\n"
            [(status, _, body)] = answers(exchange(serving, request))
            program.wait_for(lambda: "level=error" in serving.log)
            self.assert_lines_are_whole(serving.log)
        self.assertEqual(500, status)
        self.assertRegex(body.decode(), ONE_LINE)

    def assert_one_line(self, *arguments):
        result = subprocess.run(
            [program.PROGRAM, *arguments],
            capture_output=True,
            timeout=program.DEADLINE_SECONDS,
        )
        self.assertIn(result.returncode, (1, 2))
        self.assertEqual(b"", result.stdout)
        self.assertRegex(result.stderr.decode(), ONE_LINE)


if __name__ == "__main__":
    program.main()
