"""Name servers on loopback: real ones, and one that does as it is told.

Knot is authoritative for zones that a test writes, signed ones among them. Unbound
is a resolver that validates what Knot serves, and that knows of nothing else.
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
from json import loads
from typing import NamedTuple

import program

TOOLS = ("kdig", "knotc", "knotd", "unbound")

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
A, CNAME, TXT = 1, 5, 16


def missing_tools():
    # They stand where not every user looks for programs.
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [tool for tool in TOOLS if shutil.which(tool, path=path) is None]


def bound_pair(address, port=0):
    """A UDP and a TCP socket on one port, to be closed by who called."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(100):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind((address, port))
            tcp.bind((address, udp.getsockname()[1]))
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
            if port:
                raise
    raise AssertionError(f"no port of {address} is free")


def free_port():
    """A port that nobody has on either loopback address."""
    while True:
        ipv4 = bound_pair("127.0.0.1")
        ipv6 = ()
        try:
            port = ipv4[0].getsockname()[1]
            ipv6 = bound_pair("::1", port)
            return port
        except OSError:
            continue
        finally:
            for made in (*ipv4, *ipv6):
                made.close()


class Answer(NamedTuple):
    """What a server said; `data` is what kdig prints of the records."""

    rcode: int
    is_authenticated: bool
    is_truncated: bool
    data: list


def ask(port, name, record_type, *options, address="127.0.0.1"):
    """Asks once, as kdig does; None where no answer comes."""
    asked = subprocess.run(
        ["kdig", f"@{address}", "-p", str(port), "+json", "+time=1", "+retry=0"]
        + ["+dnssec", *options, name, record_type],
        capture_output=True,
        text=True,
        timeout=program.DEADLINE_SECONDS,
    )
    said = loads(asked.stdout or "{}")
    if "RCODE" not in said:
        return None
    # "rdataMX": "10 mail.example.test."
    data = [
        value
        for record in said.get("answerRRs", [])
        for key, value in record.items()
        if key.startswith("rdata") and key != "rdataRRSIG"
    ]
    return Answer(said["RCODE"], bool(said["AD"]), bool(said["TC"]), data)


class _Server:
    """A process with a directory of its own, ended by its number."""

    def __init__(self):
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with self._stack:
            self.directory = pathlib.Path(
                self._stack.enter_context(tempfile.TemporaryDirectory())
            )
            self.port = free_port()
            self.name = f"127.0.0.1:{self.port}"
            self._log = self._stack.enter_context(
                open(self.directory / "log", "w", encoding="utf-8")
            )
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
            self._stack.callback(self._end)
            program.wait_for(self._answers)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _end(self):
        self._process.terminate()
        try:
            self._process.wait(program.DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(f"it does not serve: {self.log()}")
        return self._is_ready()

    def log(self):
        return (self.directory / "log").read_text(encoding="utf-8")


KNOT_CONF = """
server:
    rundir: {directory}
    listen: 127.0.0.1@{port}
    listen: ::1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: {directory}
    kasp-db-max-size: 20M
    timer-db-max-size: 10M
    journal-db-max-size: 20M
control:
    listen: {directory}/control
policy:
  - id: signed
    algorithm: ecdsap256sha256
    single-type-signing: on
    cds-cdnskey-publish: none
acl:
  - id: loopback
    address: [127.0.0.1, ::1]
    action: transfer
template:
  - id: default
    storage: {directory}
    acl: loopback
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
zone:
"""

# A zone's text need not begin with these.
ZONE_HEAD = """\
$ORIGIN {name}.
$TTL 60
@ SOA ns.{name}. hostmaster.{name}. {serial} 3600 600 86400 60
@ NS ns.{name}.
ns A 127.0.0.1
"""


class Knot(_Server):
    """knotd with the zones {name: text}, of which it signs some itself.

    A text of one's own SOA is served as it is, any other gets one and a name
    server.
    """

    def __init__(self, zones, signed=()):
        super().__init__()
        self._zones = dict(zones)
        self._signed = signed
        self._serial = 1

    def _command(self):
        conf = KNOT_CONF.format(directory=self.directory, port=self.port)
        for zone, text in self._zones.items():
            self._write(zone, text)
            conf += f"  - domain: {zone}\n    file: {zone}.zone\n"
            if zone in self._signed:
                conf += "    dnssec-signing: on\n    dnssec-policy: signed\n"
        (self.directory / "knot.conf").write_text(conf)
        return ["knotd", "-c", self.directory / "knot.conf"]

    def _is_ready(self):
        return (self.directory / "control").exists() and all(
            map(self._has, self._zones)
        )

    def _has(self, zone):
        answer = ask(self.port, zone, "SOA")
        return answer is not None and answer.rcode == NOERROR

    def _write(self, zone, text):
        if not re.search(r"\sSOA\s", text):
            text = ZONE_HEAD.format(name=zone, serial=self._serial) + text
        (self.directory / f"{zone}.zone").write_text(text, encoding="utf-8")

    def serve(self, zone, text):
        """Replaces a zone, and returns once the new one is served."""
        self._serial += 1
        self._zones[zone] = text
        self._write(zone, text)
        done = subprocess.run(
            ["knotc", "-b", "-c", self.directory / "knot.conf", "zone-reload", zone],
            capture_output=True,
            text=True,
            timeout=program.DEADLINE_SECONDS,
        )
        if done.returncode != 0 or not self._has(zone):
            raise AssertionError(f"{done.stderr}{self.log()}")

    def copy(self, zone):
        """The zone as it is served, with its signatures: what a test can break."""
        return subprocess.run(
            ["kdig", "@127.0.0.1", "-p", str(self.port), zone, "AXFR"]
            + ["+nocomments", "+nostats", "+noquestion"],
            capture_output=True,
            text=True,
            check=True,
            timeout=program.DEADLINE_SECONDS,
        ).stdout

    def trust_anchors(self):
        """The keys of the zones that it signs, as a resolver is told of them."""
        return [
            f"{zone}. DNSKEY {key}"
            for zone in self._signed
            for key in ask(self.port, zone, "DNSKEY").data
        ]


UNBOUND_CONF = """
server:
    directory: "{directory}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    num-threads: 1
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    do-not-query-localhost: no
    qname-minimisation: no
    rrset-roundrobin: no
    module-config: "validator iterator"
    val-bogus-ttl: 0
    val-sig-skew-min: 0
    val-sig-skew-max: 0
    local-zone: "." static
remote-control:
    control-enable: no
server:
"""


class Unbound(_Server):
    """A resolver for zones {name: port of their server}; no other name exists.

    It remembers nothing. `anchors` are the keys it believes, `local_data` records
    that hide those of the zones, `addresses` where it is found besides loopback;
    with `port`, on that one. `date` (YYYYMMDDHHMMSS) is what it takes for today:
    signatures can so be out of date.
    """

    def __init__(self, zones, anchors=(), local_data=(), addresses=(), port=0, date=""):
        super().__init__()
        self._zones = dict(zones)
        self._anchors = anchors
        self._local_data = local_data
        self._addresses = ("127.0.0.1", "::1", *addresses)
        self._own_port = port
        self._date = date

    def _command(self):
        self.port = self._own_port or self.port
        self.name = f"127.0.0.1:{self.port}"
        conf = UNBOUND_CONF.format(directory=self.directory)
        if self._date:
            conf += f"    val-override-date: {self._date}\n"
        conf += "".join(f"    interface: {a}@{self.port}\n" for a in self._addresses)
        conf += "".join(f"    trust-anchor: '{key}'\n" for key in self._anchors)
        conf += "".join(f"    local-zone: '{z}' transparent\n" for z in self._zones)
        conf += "".join(f"    local-data: '{record}'\n" for record in self._local_data)
        for zone, port in self._zones.items():
            conf += f"stub-zone:\n    name: '{zone}'\n    stub-addr: 127.0.0.1@{port}\n"
            conf += "    stub-no-cache: yes\n"
        (self.directory / "unbound.conf").write_text(conf)
        return ["unbound", "-d", "-c", self.directory / "unbound.conf"]

    def _is_ready(self):
        return ask(self.port, next(iter(self._zones)), "SOA") is not None


class Question(NamedTuple):
    """What a resolver was asked; `name` is in lower case, without the last dot."""

    message: bytes
    name: str
    type: int
    is_tcp: bool


def question_in(message, is_tcp):
    labels, at = [], 12
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode("latin-1").lower())
        at += 1 + length
    [record_type] = struct.unpack_from("!H", message, at + 1)
    return Question(message, ".".join(labels), record_type, is_tcp)


def wire_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(name, record_type, data):
    """A record as it stands in a message."""
    head = struct.pack("!HHIH", record_type, 1, 60, len(data))
    return wire_name(name) + head + data


def reply(question, *records, rcode=NOERROR, shift=0, truncated=False, name=None):
    """An answer of a resolver; `shift` moves its id, `name` is what it is about."""
    [number] = struct.unpack_from("!H", question.message)
    flags = 0x8180 | rcode | (0x0200 if truncated else 0)
    head = struct.pack("!6H", (number + shift) % 2**16, flags, 1, len(records), 0, 0)
    asked = wire_name(question.name if name is None else name)
    return head + asked + struct.pack("!HH", question.type, 1) + b"".join(records)


def never(question):
    return []


def refuses(question):
    return [reply(question, rcode=REFUSED)]


def fails(question):
    return [reply(question, rcode=SERVFAIL)]


def forward_to(port):
    """Answers as the server on the port does."""

    def answers(question):
        if question.is_tcp:
            with socket.create_connection(("127.0.0.1", port), 5) as server:
                send_by_tcp(server, question.message)
                return [receive_by_tcp(server)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.settimeout(5)
            server.sendto(question.message, ("127.0.0.1", port))
            return [server.recv(65535)]

    return answers


def with_wrong_id(answers):
    def wrong(question):
        for answer in answers(question):
            number = (int.from_bytes(answer[:2], "big") + 1) % 2**16
            yield number.to_bytes(2, "big") + answer[2:]

    return wrong


def about_another_name(answers):
    """Right answers, but to another question: its first letter is not ours."""

    def wrong(question):
        for answer in answers(question):
            yield answer[:13] + b"z" + answer[14:]

    return wrong


def late(answers, seconds):
    def slow(question):
        time.sleep(seconds)
        return answers(question)

    return slow


def truncated_by_udp(answers):
    """Nothing but a request to ask by TCP; answers there."""
    return lambda question: (
        answers(question) if question.is_tcp else [reply(question, truncated=True)]
    )


def send_by_tcp(connection, message):
    connection.sendall(struct.pack("!H", len(message)) + message)


def receive_exactly(connection, size):
    """So many bytes, and no more; fewer where the other end closes the connection."""
    received = b""
    while len(received) < size:
        more = connection.recv(size - len(received))
        if not more:
            break
        received += more
    return received


def receive_by_tcp(connection):
    """One message; empty where the other end closes the connection. Another one may
    stand behind it."""
    length = receive_exactly(connection, 2)
    return receive_exactly(connection, int.from_bytes(length, "big"))


class StrangeResolver:
    """Sends what `answers` returns for a question, and remembers each.

    It listens by UDP and by TCP. A connection is held until the other end closes
    it, or the resolver ends.
    """

    def __init__(self, answers):
        self._answers = answers
        self._ended = threading.Event()
        self.asked = []
        self.asked_at = []

    def __enter__(self):
        udp, tcp = bound_pair("127.0.0.1")
        tcp.listen()
        self.port = udp.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        self._servers = [
            self._server(socketserver.ThreadingUDPServer, udp, self._by_udp),
            self._server(socketserver.ThreadingTCPServer, tcp, self._by_tcp),
        ]
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,))
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    @staticmethod
    def _server(kind, made, handle):
        server = kind(("", 0), None, bind_and_activate=False)
        server.socket.close()
        server.socket = made
        server.finish_request = handle
        return server

    def _answers_to(self, message, is_tcp):
        question = question_in(message, is_tcp)
        self.asked.append(question)
        self.asked_at.append(time.monotonic())
        return self._answers(question)

    def _by_udp(self, request, address):
        message, sender = request
        # The socket is closed where the resolver ended meanwhile, and a server that
        # is to be asked may be silent.
        with contextlib.suppress(OSError):
            for answer in self._answers_to(message, False):
                sender.sendto(answer, address)

    def _by_tcp(self, connection, _):
        connection.settimeout(0.1)
        while not self._ended.is_set():
            try:
                with contextlib.suppress(TimeoutError):
                    if not (message := receive_by_tcp(connection)):
                        return
                    for answer in self._answers_to(message, True):
                        send_by_tcp(connection, answer)
            except OSError:
                return
