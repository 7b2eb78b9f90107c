"""raw_http.py HOST:PORT [SECONDS]: what no client of HTTP would send. The request is stdin, byte for byte.

Prints the status of the answer; "closed" when the connection ends without one, "silent" when
neither happens within SECONDS (20).
"""
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
request = sys.stdin.buffer.read()
with socket.create_connection((host, int(port)), timeout=seconds) as there:
    got = b""
    try:
        there.sendall(request)
    except OSError:
        pass  # the answer may have come before the end of what was sent
    try:
        while b"\r\n" not in got:
            more = there.recv(65536)
            if not more:
                break
            got += more
    except TimeoutError:
        print("silent")
        sys.exit()
    except OSError:
        pass
print(got.split(b" ")[1].decode() if got.startswith(b"HTTP/1.") else "closed")
