"""fetch.py [--kill=PID] [--again=SECONDS] ADDRESS PATHS COMMAND...: starts COMMAND and asks ADDRESS for every path of the
file PATHS as soon as it listens: HEAD, all at once on four connections, so that little of the time is ours. Prints one
JSON line: the seconds from exec to the first and to the last 200, and the pid. COMMAND goes on running.

--kill: SIGKILL to that process first, and the time counts from there. --again: what was answered with anything else than
200 is asked for again, for so long; "unavailable" counts those answers. Without it they are a failure."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time


def connect(address, child):
    host, port = address.split(":")
    while child.poll() is None:
        try:
            return socket.create_connection((host, int(port)), timeout=60)
        except ConnectionRefusedError:
            time.sleep(0.002)
    raise OSError(f"it has ended with exit status {child.returncode}")


def ask(address, child, paths, times):
    """One round. Gives the paths that had another answer than 200, or none."""
    with connect(address, child) as s:
        s.sendall(b"".join(b"HEAD /%s HTTP/1.1\r\nHost: x\r\n\r\n" % p for p in paths))
        got = b""
        while got.count(b"\r\n\r\n") < len(paths):
            more = s.recv(1 << 20)
            if not more:
                break
            good = got.count(b"HTTP/1.1 200 ")
            got += more
            if got.count(b"HTTP/1.1 200 ") > good:
                times.append(time.monotonic())
    said = re.findall(rb"HTTP/1.1 (\d+) ", got)
    said += [b""] * (len(paths) - len(said))
    return [p for p, code in zip(paths, said) if code != b"200"]


def ask_until(address, child, paths, end, times, left):
    while True:
        try:
            paths = ask(address, child, paths, times)
        except OSError as e:
            print(e, file=sys.stderr)
            left.append(len(paths))
            return
        left.append(len(paths))
        if not paths or time.monotonic() > end:
            return
        time.sleep(0.05)


def kill(pid):
    """And wait until it is gone, all threads: its successor takes the same port and the same lock."""
    os.kill(pid, signal.SIGKILL)
    while True:
        try:
            with open(f"/proc/{pid}/stat") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
            if state == "Z" and len(os.listdir(f"/proc/{pid}/task")) < 2:
                return
        except OSError:
            return
        time.sleep(0.001)


def main():
    options = dict(a[2:].split("=", 1) for a in sys.argv[1:3] if a.startswith("--"))
    address, names, *command = sys.argv[1 + len(options) :]
    with open(names, "rb") as f:
        paths = f.read().split()
    times, left = [], [[] for _ in range(4)]
    began = time.monotonic()
    if "kill" in options:
        kill(int(options["kill"]))
    child = subprocess.Popen(command, stdout=sys.stderr, stdin=subprocess.DEVNULL)
    end = began + float(options.get("again", 0))
    threads = [
        threading.Thread(target=ask_until, args=(address, child, paths[i::4], end, times, left[i]))
        for i in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    missing = sum(l[-1] for l in left)
    if missing or not times:
        print(f"{missing} of {len(paths)} were not 200", file=sys.stderr)
        child.kill()
        sys.exit(1)
    first, last = (round(t - began, 3) for t in (min(times), max(times)))
    unavailable = sum(sum(l) for l in left)
    print(json.dumps({"objects": len(paths), "first": first, "last": last, "unavailable": unavailable, "pid": child.pid}))


main()
