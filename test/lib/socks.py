#!/usr/bin/env python3
"""socks.py PORT LOG USER PASSWORD: a SOCKS5 proxy (RFC 1928) that takes one name and password (RFC 1929).
Each connection that it makes is a line of LOG."""
import socket
import sys
import threading

PORT, LOG, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode(), sys.argv[4].encode()


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def relay(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def greet(s):
    methods = exactly(s, exactly(s, 2)[1])
    if 2 not in methods:
        s.sendall(b"\x05\xff")
        return False
    s.sendall(b"\x05\x02")
    user = exactly(s, exactly(s, 2)[1])
    password = exactly(s, exactly(s, 1)[0])
    good = (user, password) == (USER, PASSWORD)
    s.sendall(b"\x01\x00" if good else b"\x01\x01")
    return good


def serve(s):
    try:
        if not greet(s):
            return
        kind = exactly(s, 4)[3]
        if kind == 1:
            host = socket.inet_ntoa(exactly(s, 4))
        else:
            host = exactly(s, exactly(s, 1)[0]).decode()
        port = int.from_bytes(exactly(s, 2), "big")
        there = socket.create_connection((host, port), 10)
        s.sendall(b"\x05\x00\x00\x01" + bytes(6))
        with open(LOG, "a") as log:
            log.write(f"{host}:{port}\n")
        threading.Thread(target=relay, args=(there, s), daemon=True).start()
        relay(s, there)
    except (EOFError, OSError):
        pass
    finally:
        s.close()


listener = socket.create_server(("127.0.0.1", PORT))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
