#!/usr/bin/env python3
"""Clouds and their registries behind one proxy, on loopback. No cloud is needed, and no endpoint of a client has to be moved: it is given
HTTPS_PROXY and SSL_CERT_FILE, and finds every host that it asks for here.

    python3 test/fake/cloud serve DIR [local=ADDRESS:PORT]...
        listens, writes DIR/ports.json and DIR/ca.pem, then one line a request to DIR/log.jsonl. ports.json has
            proxy    takes CONNECT; the one for the environment
            tenant   a second one, which wants tenant:pass@word
            nobody   a third one; nothing should come there
            local    plain http: the metadata services and the container's credentials
            control  POST /script, /reset, /revoke; GET /log, /wrong, /secrets
        ADDRESS:PORT: the local endpoints there, too; their settings have the name "ADDRESS:PORT".
    python3 test/fake/cloud jwt KEY.PEM CLAIMS [HEADER]
        prints a token; CLAIMS and HEADER are JSON, iat and exp (+1 h) are added
    python3 test/fake/cloud selftest
        ends with "fake-cloud: N passed, N failed"

What a script says is in state.py, what is checked of a request in the file of its cloud. Python's own library, and the openssl command."""
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the tree
import jwt
import selftest
import server
from state import Fake

TENANT = "tenant:pass@word"


def serve(folder, addresses):
    fake = Fake(f"{folder}/log.jsonl")
    certificates = server.Certificates(folder)
    fake.know("proxy password", "pass@word")
    ports = {}
    for name, handler, password in (("proxy", server.ProxyHandler, None), ("tenant", server.ProxyHandler, TENANT),
                                    ("nobody", server.ProxyHandler, None), ("local", server.Handler, None),
                                    ("control", server.ControlHandler, None)):
        ports[name] = server.Listener(name, handler, fake, certificates, password=password).port
    for address in addresses:
        host, _, port = address.rpartition(":")
        server.Listener(address, server.Handler, fake, certificates, (host, int(port)))
    with open(f"{folder}/ports.json.new", "w") as f:
        json.dump(ports, f)
    os.rename(f"{folder}/ports.json.new", f"{folder}/ports.json")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def main(args):
    if len(args) >= 2 and args[0] == "serve":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        serve(args[1], [a.removeprefix("local=") for a in args[2:]])
    elif len(args) in (3, 4) and args[0] == "jwt":
        now = int(time.time())
        print(jwt.make({"iat": now, "exp": now + 3600, **json.loads(args[2])}, args[1], **(json.loads(args[3]) if args[3:] else {})), end="")
    elif args == ["selftest"]:
        return selftest.main()
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


sys.exit(main(sys.argv[1:]))
