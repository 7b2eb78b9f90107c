"""browser.py: drives a headless Chromium for a test, over its DevTools pipe, with the standard library only.

Reads commands from standard input, one a line, and prints what they give, one line each:

    open URL              loads the page and waits until it is there
    size WIDTH HEIGHT     of the window, as a phone or a desk has it
    scheme light|dark     what prefers-color-scheme says
    eval NAME EXPRESSION  prints NAME, a tab, and the value as JSON
    wait EXPRESSION       until it is true, at most a minute
    shot FILE             the window as PNG
    errors                prints "errors", a tab, and as JSON what the browser has complained about so far
    requests              prints "requests" likewise: the URLs that were asked for

Expressions are evaluated by the debugger, which the page's Content-Security-Policy does not bind.
"""
import base64, fcntl, json, os, select, shutil, subprocess, sys, tempfile, time

CHROMIUM = os.environ.get("CHROMIUM", "chromium")
LIMIT_S = 60


class Refused(Exception):
    pass


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="oci-chromium-")
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()
        # It reads commands from descriptor 3 and answers on 4.
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD, 30) for fd in (to_read, to_write)]
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage",
             "--disable-background-networking", "--disable-component-update", f"--user-data-dir={self.profile}",
             "--remote-debugging-pipe", "about:blank"],
            pass_fds=(3, 4), preexec_fn=lambda: (os.dup2(ends[0], 3), os.dup2(ends[1], 4)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in (to_read, to_write, *ends):
            os.close(fd)
        self.buffer, self.n, self.errors, self.requests, self.loaded, self.session = b"", 0, [], [], False, None
        target = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in target if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- messages: JSON with a NUL behind

    def message(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                return None
            data = os.read(self.back, 1 << 16)
            if not data:
                sys.exit("browser.py: Chromium has ended")
            self.buffer += data
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def seen(self, m):
        method, p = m.get("method"), m.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            self.errors.append(p["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(p["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.errors.append(str([a.get("value") for a in p["args"]]))
        elif method == "Page.javascriptDialogOpening":
            self.errors.append(f"a dialog: {p['message']}")
            self.send("Page.handleJavaScriptDialog", accept=True)
        elif method == "Network.requestWillBeSent":
            self.requests.append(p["request"]["url"])

    def send(self, method, **params):
        self.n += 1
        m = {"id": self.n, "method": method, "params": params}
        if self.session:
            m["sessionId"] = self.session
        os.write(self.to, json.dumps(m).encode() + b"\0")
        return self.n

    def call(self, method, **params):
        n, until = self.send(method, **params), time.monotonic() + LIMIT_S
        while (m := self.message(until)) is not None:
            if m.get("id") == n:
                if "error" in m:
                    raise Refused(f"{method}: {m['error']['message']}")
                return m["result"]
            self.seen(m)
        sys.exit(f"browser.py: {method}: no answer")

    # ---- commands

    def open(self, url):
        self.loaded, until = False, time.monotonic() + LIMIT_S
        self.call("Page.navigate", url=url)
        while not self.loaded:
            m = self.message(until)
            if m is None:
                sys.exit(f"browser.py: {url} does not load")
            self.seen(m)

    def eval(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in r:
            raise Refused(f"{expression}: {r['exceptionDetails']['exception']['description']}")
        return r["result"].get("value")

    def wait(self, expression):
        until = time.monotonic() + LIMIT_S
        while True:
            try:
                if self.eval(expression):
                    return
            except Refused:
                pass  # one page has gone, and the next one is not there yet
            if time.monotonic() > until:
                sys.exit(f"browser.py: {expression}: not within {LIMIT_S} s")
            time.sleep(0.05)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=int(width), height=int(height), deviceScaleFactor=1, mobile=int(width) < 600)

    def scheme(self, value):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def shot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


def main():
    b = Browser()
    try:
        for line in sys.stdin:
            command, _, rest = line.strip().partition(" ")
            if command == "eval":
                name, _, expression = rest.partition(" ")
                print(f"{name}\t{json.dumps(b.eval(expression), ensure_ascii=False)}", flush=True)
            elif command == "errors":
                b.eval("0")  # what came before this answer was seen
                print(f"errors\t{json.dumps(b.errors)}", flush=True)
            elif command == "requests":
                print(f"requests\t{json.dumps(sorted(set(b.requests)))}", flush=True)
            elif command in ("open", "wait", "shot", "scheme"):
                getattr(b, command)(rest)
            elif command == "size":
                b.size(*rest.split())
            elif command:
                sys.exit(f"browser.py: no command '{command}'")
    except Refused as e:
        sys.exit(f"browser.py: {e}")
    finally:
        b.close()


main()
