"""A time server on loopback, for tests that need one that does as it is told."""

import socket
import struct
import threading
import time


def ntp_time(seconds):
    return int((seconds + 2208988800) * 2**32)


def answer_to(question, shift=0.0, leap=0, mode=4, stratum=2, reference=b"TEST"):
    """What a time server answers whose clock is `shift` seconds ahead."""
    now = ntp_time(time.time() + shift)
    return struct.pack(
        *("!BBBbII4sQ8sQQ", leap << 6 | 4 << 3 | mode, stratum, 6, -20, 0, 0),
        *(reference, now, question[40:48], now, now),
    )


def bound(address="127.0.0.1", port=0):
    """A socket, to be closed by who called."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, port))
    return made


class TimeServer:
    """Sends what `answers` returns for a question, and remembers when each came."""

    def __init__(self, answers=lambda question: [answer_to(question)], sender=None):
        self._answers = answers
        self._sender = sender
        self.asked_at = []

    def __enter__(self):
        self._socket = bound()
        self.port = self._socket.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        with bound() as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            question, address = self._socket.recvfrom(512)
            if not question:
                return
            self.asked_at.append(time.monotonic())
            for answer in self._answers(question):
                (self._sender or self._socket).sendto(answer, address)
