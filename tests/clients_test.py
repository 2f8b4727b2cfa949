"""Clients that are silent, slow, gone or many: the program goes on serving.

And what a client may say of the scrape it wants: topics, and how long it waits.
"""

import contextlib
import http.client
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

import monitoring
import program
import prometheus_test
from hung_mount_test import HungMount
from serve_test import read_raw

# Prometheus' default for a scrape, and what it says of it.
SCRAPE_TIMEOUT_SECONDS = 10
TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# For how long a client may take over the head of its request.
REQUEST_TIMEOUT_SECONDS = 3

DEFAULT_MAX_REQUESTS = 40

HEAD = b"GET /metrics HTTP/1.1\r\nHost: test\r\n"
REQUEST = HEAD + b"\r\n"


def connected(serving, receive_buffer=None):
    """A connection on which nothing is said yet, to be closed by who called."""
    client = socket.socket()
    if receive_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(program.DEADLINE_SECONDS)
    client.connect(("127.0.0.1", serving.port))
    return client


def scrape(serving, query="", timeout=SCRAPE_TIMEOUT_SECONDS, **headers):
    """(status, body) of a scrape on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", f"/metrics{query}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def descriptors(serving):
    return len(os.listdir(f"/proc/{serving.process.pid}/fd"))


class Drippers:
    """Clients that send a request a byte at a time, and never come to its end."""

    def __init__(self, serving, count):
        self._clients = [connected(serving) for _ in range(count)]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self.cut_off = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._thread.join()
        for client in self._clients:
            client.close()

    def _drip(self):
        with selectors.DefaultSelector() as open_ones:
            for client in self._clients:
                open_ones.register(client, selectors.EVENT_READ)
            sent = 0
            while not self._ended.wait(0.07):
                for key, _ in open_ones.select(0):
                    # An answer, or the end: both are one to a client like this.
                    open_ones.unregister(key.fileobj)
                    self.cut_off += 1
                byte = HEAD[sent : sent + 1] or b"x"
                sent += 1
                for key in list(open_ones.get_map().values()):
                    with contextlib.suppress(OSError):
                        key.fileobj.send(byte, socket.MSG_NOSIGNAL)


class ClientsTest(unittest.TestCase):
    def setUp(self):
        self.serving = self.enterContext(program.Serving())

    def connect(self, count, **options):
        return [
            self.enterContext(contextlib.closing(connected(self.serving, **options)))
            for _ in range(count)
        ]

    def assert_scraped(self):
        """Within the time that Prometheus gives it."""
        status, text = scrape(self.serving)
        self.assertEqual(200, status)
        self.assertIn("\nmailcow_host_ready ", text)

    def test_silent_clients_reach_no_thread(self):
        self.assert_scraped()
        before = descriptors(self.serving)
        silent = self.connect(200)
        # Twice as long as a request may take: none of them is ever turned away.
        end = time.monotonic() + 2 * REQUEST_TIMEOUT_SECONDS + 1
        while time.monotonic() < end:
            self.assert_scraped()
            # The scrapes' own, and what asks others in the background.
            self.assertLess(descriptors(self.serving), before + 20)
            time.sleep(0.5)
        for client in silent:
            client.setblocking(False)
            with self.assertRaises(BlockingIOError, msg="it was turned away"):
                client.recv(1)
        for client in silent:
            client.setblocking(True)
            client.settimeout(program.DEADLINE_SECONDS)
            client.sendall(HEAD + b"Connection: close\r\n\r\n")
            self.assertTrue(client.recv(16).startswith(b"HTTP/1.1 200 "))

    def test_drippers_are_cut_off_and_scrapes_go_on(self):
        with Drippers(self.serving, 100) as drippers:
            for _ in range(3):
                self.assert_scraped()
            program.wait_for(lambda: drippers.cut_off == 100)
            self.assert_scraped()

    def test_clients_that_vanish_leave_nothing_behind(self):
        before = self.serving.samples()["process_open_fds"]
        reset = struct.pack("ii", 1, 0)
        for client in self.connect(200):
            client.sendall(HEAD)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            client.close()
        for client in self.connect(100):
            client.sendall(REQUEST)
            client.close()
        self.assert_scraped()
        program.wait_for(lambda: self.serving.samples()["process_open_fds"] <= before)

    def test_clients_that_do_not_read_hold_nobody_up(self):
        # They are many at once, and none of them is to be refused.
        flags = ("--web.max-requests=0",)
        self.serving = self.enterContext(program.Serving(*flags))
        before = self.serving.samples()["process_open_fds"]
        greedy = self.connect(100, receive_buffer=2048)
        for client in greedy:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(REQUEST * 1000)
        for _ in range(3):
            self.assert_scraped()
        for client in greedy:
            client.close()
        program.wait_for(lambda: self.serving.samples()["process_open_fds"] <= before)

    def test_a_head_without_an_end_is_refused(self):
        for head in (HEAD + b"X: " + b"x" * (1 << 20), HEAD + b"X: x\r\n" * (1 << 16)):
            with contextlib.closing(connected(self.serving)) as client:
                with contextlib.suppress(ConnectionError):
                    client.sendall(head)
                with contextlib.suppress(ConnectionError):
                    self.assertRegex(client.recv(64), b"^(HTTP/1.1 4|$)")
            self.assert_scraped()


class ManyScrapesTest(unittest.TestCase):
    """The first scrape waits for mailcow.conf, on a mount that hangs."""

    def serve(self, *flags):
        path = self.enterContext(tempfile.TemporaryDirectory())
        try:
            self.addCleanup(HungMount(path).heal)
        except OSError as error:
            self.skipTest(f"a FUSE mount takes root and /dev/fuse: {error}")
        topics = ("--collector.disable-defaults", "--collector.ports")
        return self.enterContext(
            program.Serving(*topics, f"--mailcow.dir={path}", *flags)
        )

    def answers(self, serving, count):
        """What as many scrapes get that come while the program does not run, so
        that it sees them all at once."""
        serving.process.send_signal(signal.SIGSTOP)
        with contextlib.ExitStack() as stack:
            clients = []
            for _ in range(count):
                client = connected(serving)
                clients.append(stack.enter_context(contextlib.closing(client)))
                client.sendall(HEAD + b"Connection: close\r\n\r\n")
            serving.process.send_signal(signal.SIGCONT)
            answers = []
            for client in clients:
                with client.makefile("rb") as answer:
                    head, _, body = answer.read().partition(b"\r\n\r\n")
                answers.append((int(head.split()[1]), body.decode()))
        return answers

    def assert_limit(self, limit, *flags):
        serving = self.serve(*flags)
        answers = self.answers(serving, limit + 5)
        served = [body for status, body in answers if status == 200]
        refused = [body for status, body in answers if status == 503]
        self.assertEqual((limit, 5), (len(served), len(refused)))
        for body in refused:
            self.assertIn(f"limit of concurrent scrapes reached ({limit})", body)
        # One scrape served them all: each would tell its own time.
        self.assertIn("process_cpu_seconds_total", served[0])
        self.assertEqual(1, len(set(served)))
        status, text = scrape(serving)
        self.assertEqual(200, status)
        self.assertNotIn(text, served)

    def test_no_more_than_forty_wait_by_default(self):
        self.assert_limit(DEFAULT_MAX_REQUESTS)

    def test_no_more_wait_than_max_requests(self):
        self.assert_limit(1, "--web.max-requests=1")

    def test_who_waits_less_than_it_takes_is_told(self):
        serving = self.serve()
        status, text = scrape(serving, **{TIMEOUT: "0.05"})
        self.assertEqual((503, "no answer within 50ms\n"), (status, text))
        # That of the first scrape may still be under way.
        self.assertEqual(200, scrape(serving)[0])
        self.assertEqual(200, scrape(serving, **{TIMEOUT: "5"})[0])


def families(text):
    return set(re.findall(r"(?m)^# TYPE (\S+) ", text))


def collectors(text):
    return set(re.findall(r'_collector_success\{collector="(\w+)"\}', text))


class RequestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = cls.enterClassContext(program.Serving())
        cls.serving.settled_scrape()
        cls.all = collectors(cls.serving.scrape())

    def collected(self, query):
        status, text = scrape(self.serving, query)
        self.assertEqual(200, status, text)
        return collectors(text)

    def assert_refused(self, why, query="", **headers):
        status, text = scrape(self.serving, query, **headers)
        self.assertEqual(400, status)
        self.assertIn(why, text)

    def test_collect_chooses_topics(self):
        for query, topics in (
            ("?collect%5B%5D=memory", {"memory"}),
            ("?collect[]=memory", {"memory"}),
            ("?collect%5b%5d=memory&collect%5B%5D=clock", {"memory", "clock"}),
            ("?collect[]=memory&collect[]=memory", {"memory"}),
            ("?exclude%5B%5D=memory", self.all - {"memory"}),
            ("?exclude[]=ports&exclude[]=disk", self.all - {"ports", "disk"}),
            ("?collect=memory", self.all),
            ("?", self.all),
        ):
            with self.subTest(query):
                self.assertEqual(topics, self.collected(query))

    def test_families_of_other_topics_are_left_out(self):
        _, text = scrape(self.serving, "?collect[]=memory")
        _, other = scrape(self.serving, "?exclude[]=memory")
        own = families(self.serving.scrape()) - families(other)
        self.assertIn("mailcow_host_memory_bytes", own)
        self.assertNotIn("mailcow_host_ntp_synchronized", families(text))
        self.assertLessEqual(own, families(text))
        # Of the program, of scrapes and of verdicts is all that both have.
        for family in families(text) & families(other):
            self.assertRegex(
                family, "^(process_|mailcow_host_(exporter|scrape|requirement|ready))"
            )
        requirements = set(re.findall(r'_known\{requirement="(\w+)"', text))
        self.assertIn("memory", requirements)
        self.assertNotIn("disk", requirements)

    def test_what_cannot_be_meant_is_refused(self):
        self.assert_refused('no topic "nosuch"', "?collect[]=nosuch")
        self.assert_refused('no topic "nosuch"', "?exclude[]=nosuch")
        self.assert_refused('no topic ""', "?collect[]=")
        self.assert_refused('no topic "nosuch"', "?collect[]=memory&collect[]=nosuch")
        self.assert_refused("do not go together", "?collect[]=memory&exclude[]=clock")
        everything = "&".join(f"exclude[]={topic}" for topic in self.all)
        self.assert_refused("every topic is excluded", f"?{everything}")

    def test_a_topic_that_is_turned_off_cannot_be_collected(self):
        with program.Serving("--no-collector.memory") as serving:
            status, text = scrape(serving, "?collect[]=memory")
            self.assertEqual(400, status)
            self.assertIn('no topic "memory"', text)

    def test_a_timeout_is_a_number_of_seconds(self):
        for value in ("", "ten", "0", "-1", "nan", "inf", "1s", "1e999", "10 10"):
            with self.subTest(value):
                status, text = scrape(self.serving, **{TIMEOUT: value})
                # Without a value it is as if nobody said a word.
                if not value:
                    self.assertEqual(200, status)
                    continue
                self.assertEqual(400, status)
                self.assertIn(f"{TIMEOUT} is no number of seconds", text)
        for value in ("10", "9.5", "0.9", "1e1", "1e300", " 10 "):
            with self.subTest(value):
                self.assertEqual(200, scrape(self.serving, **{TIMEOUT: value})[0])

    def test_who_hardly_waits_is_answered_or_told(self):
        for value in ("0.001", "1e-9", "1e-300"):
            with self.subTest(value):
                status, text = scrape(self.serving, **{TIMEOUT: value})
                self.assertIn(status, (200, 503))
                if status == 503:
                    self.assertRegex(text, "^no answer within ")
        self.assertEqual(200, scrape(self.serving)[0])

    def test_head_chooses_and_refuses_as_get_does(self):
        for query, status in (("?collect[]=memory", 200), ("?collect[]=nosuch", 400)):
            answer = read_raw(
                self.serving,
                f"HEAD /metrics{query} HTTP/1.1\r\nHost: test\r\n"
                "Connection: close\r\n\r\n",
            )
            head, _, body = answer.partition("\r\n\r\n")
            self.assertEqual("", body)
            self.assertTrue(head.startswith(f"HTTP/1.1 {status} "), head)
            self.assertRegex(head, r"\r\nContent-Length: [1-9]")

    def test_the_content_type_is_that_of_the_text_format(self):
        for query in ("", "?collect[]=memory", "?exclude[]=memory"):
            with contextlib.closing(self.serving.connect()) as connection:
                connection.request("GET", f"/metrics{query}")
                response = connection.getresponse()
                self.assertEqual(CONTENT_TYPE, response.headers["Content-Type"])

    @unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
    def test_prometheus_gets_the_topics_that_its_params_name(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        configuration = pathlib.Path(directory) / "prometheus.yml"
        configuration.write_text(
            prometheus_test.CONFIGURATION.format(port=self.serving.port)
            + '    params: {"collect[]": [memory, clock]}\n'
        )
        with monitoring.Prometheus(
            directory, configuration, program.free_ports(11)[-1]
        ) as prometheus:
            success = "mailcow_host_scrape_collector_success"
            found = program.wait_for(lambda: prometheus.query(success))
            self.assertEqual(
                {"memory", "clock"}, {labels["collector"] for labels, _ in found}
            )
            self.assertEqual(1, prometheus.value("up"))
            self.assertTrue(prometheus.query("mailcow_host_memory_bytes"))
            self.assertFalse(prometheus.query("mailcow_host_disk_bytes"))


if __name__ == "__main__":
    program.main()
