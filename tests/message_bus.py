"""A system bus for tests, with a systemd on it that knows no unit."""

import re
import socketserver
import struct

METHOD_RETURN, ERROR = 2, 3
# Fields of a message's head.
ERROR_NAME, REPLY_SERIAL, SIGNATURE = 4, 5, 8

NO_FILE = b"org.freedesktop.DBus.Error.FileNotFound"


def padded(message):
    return message + bytes(-len(message) % 8)


def text(value):
    return struct.pack("<I", len(value)) + value + b"\0"


def reply(kind, serial, signature=b"", body=b"", error=b""):
    """A message of D-Bus that answers the one of that serial."""
    fields = struct.pack("<B3sI", REPLY_SERIAL, b"\1u\0", serial)
    if signature:
        value = bytes([len(signature)]) + signature + b"\0"
        fields = padded(fields) + struct.pack("<B3s", SIGNATURE, b"\1g\0") + value
    if error:
        fields = padded(fields) + struct.pack("<B3s", ERROR_NAME, b"\1s\0")
        fields += text(error)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), 1, len(fields))
    return padded(head + fields) + body


ANSWERS = {
    b"Hello": {"kind": METHOD_RETURN, "signature": b"s", "body": text(b":1.1")},
    # An array of nothing, padded to where its first element would begin.
    b"ListUnitsByNames": {
        "kind": METHOD_RETURN,
        "signature": b"a(ssssssouso)",
        "body": bytes(8),
    },
    b"GetUnitFileState": {"kind": ERROR, "error": NO_FILE},
}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        lines = b""
        while not lines.endswith(b"BEGIN\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            lines += line
        agreed = b"AGREE_UNIX_FD\r\n" if b"NEGOTIATE_UNIX_FD" in lines else b""
        self.wfile.write(b"DATA\r\nOK " + b"0" * 32 + b"\r\n" + agreed)
        while start := self.rfile.read(16):
            body_size, serial, fields_size = struct.unpack("<4xIII", start)
            fields = self.rfile.read(fields_size + -fields_size % 8)
            self.rfile.read(body_size)
            method = next(name for name in ANSWERS if re.search(name + b"\0", fields))
            self.wfile.write(reply(serial=serial, **ANSWERS[method]))


class MessageBus(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path):
        super().__init__(path, Handler)

    def handle_error(self, request, client_address):
        """A client may leave when it has its answer."""
