"""A headless Chromium, driven by chromedriver over the W3C WebDriver protocol."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import program

# An element's key in the protocol.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


needs_browser = unittest.skipUnless(
    shutil.which("chromium") and shutil.which("chromedriver"),
    "needs chromium and chromium-driver",
)


class Browser:
    """Chromium with a profile of its own, which goes when it does."""

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = pathlib.Path(self._profile.name, "chromedriver.log")
        with self._log.open("w") as log:
            self._driver = subprocess.Popen(
                ["chromedriver", "--port=0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._session = None
        try:
            port = program.wait_for(self._port)
            self._url = f"http://127.0.0.1:{port}/session"
            options = {
                "args": [*ARGUMENTS, f"--user-data-dir={self._profile.name}/profile"]
            }
            capabilities = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            self._session = self._send(
                "", capabilities={"alwaysMatch": capabilities}
            )["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        if self._session:
            self._request("DELETE", "")
        self._driver.terminate()
        self._driver.wait()
        self._profile.cleanup()

    def _port(self):
        started = re.search(r"successfully on port (\d+)", self._log.read_text())
        return started and started[1]

    def _request(self, method, path, body=None):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"{self._url}/{self._session}{path}" if self._session else self._url
        request = urllib.request.Request(url, body, method=method)
        with opener.open(request, timeout=program.DEADLINE_SECONDS) as reply:
            return json.load(reply)["value"]

    def _send(self, path, **body):
        return self._request("POST", path, json.dumps(body).encode())

    def open(self, url):
        self._send("/url", url=url)

    def run(self, script, *args):
        """What the body of a function returns that runs in the page."""
        return self._send("/execute/sync", script=script, args=args)

    def devtools(self, command, **parameters):
        return self._send("/goog/cdp/execute", cmd=command, params=parameters)

    def texts(self, selector):
        """The visible text of each element; takes no script of the page."""
        elements = self._send("/elements", using="css selector", value=selector)
        return [
            self._request("GET", f"/element/{element[ELEMENT]}/text")
            for element in elements
        ]

    def log(self, kind):
        """What came in since the last call: "browser" is the console."""
        return self._send("/se/log", type=kind)

    def requested(self):
        """The URL of each request since the last call."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def screen(self, width, height, scheme="light"):
        """Shows pages on a screen of that many pixels, light or dark."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.devtools(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def picture(self):
        """The screen as PNG."""
        return base64.b64decode(self._request("GET", "/screenshot"))
