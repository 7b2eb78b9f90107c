"""An API server for the measuring programs, by a kubeconfig that test/lib/parts.sh or --embedded has written.

    api = Api(path); api.request("GET", "/api/v1/namespaces"); for kind, o in api.watch(REPOSITORIES): ...

One connection for each thread; a watch has its own. Standard library only."""

import http.client
import json
import re
import ssl
import threading

REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/ocirepositories"


def repository(namespace, name):
    return f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/ocirepositories/{name}"


class Api:
    def __init__(self, kubeconfig):
        with open(kubeconfig) as f:
            text = f.read()

        def of(key):
            found = re.search(rf"{key}: *['\"]?([^\s'\",}}]+)", text)
            return found and found.group(1)

        scheme, self.host, port, self.prefix = re.fullmatch(r"(https?)://([^:/]+):(\d+)(/\S*)?", of("server")).groups()
        self.port, self.prefix = int(port), self.prefix or ""
        self.tls = ssl.create_default_context(cafile=of("certificate-authority")) if scheme == "https" else None
        self.headers = {"Authorization": f"Bearer {of('token')}"} if of("token") else {}
        self.own = threading.local()

    def _connect(self, timeout):
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, kind="application/json"):
        """The answer as an object. Anything but 2xx is an error."""
        data = None if body is None else json.dumps(body)
        for last in (False, True):
            if not getattr(self.own, "c", None):
                self.own.c = self._connect(30)
            try:
                self.own.c.request(method, self.prefix + path, data, {**self.headers, "Content-Type": kind})
                r = self.own.c.getresponse()
                said = r.read()
                break
            except (http.client.HTTPException, ConnectionError):  # an idle connection may have been closed
                self.own.c = None
                if last:
                    raise
        if not 200 <= r.status < 300:
            raise RuntimeError(f"{method} {path}: {r.status} {said[:300]!r}")
        return json.loads(said)

    def patch(self, namespace, name, change):
        return self.request("PATCH", repository(namespace, name), change, "application/merge-patch+json")

    def watch(self, path):
        """("ADDED" or ..., object): first what is there, then every change, without an end."""
        while True:
            there = self.request("GET", path)
            for o in there["items"]:
                yield "ADDED", o
            c = self._connect(None)
            version = there["metadata"]["resourceVersion"]
            c.request("GET", f"{self.prefix}{path}?watch=1&resourceVersion={version}", headers=self.headers)
            r = c.getresponse()
            try:
                while r.status == 200 and (line := r.readline()):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        break
                    yield event["type"], event["object"]
            except (http.client.HTTPException, OSError):
                pass
            c.close()


class Artifacts:
    """What the statuses say now, from a watch on a thread of its own: `now[name]` is (path, digest, revision). `heard(name, path, digest,
    revision)` is called from that thread as soon as one of them changes."""

    def __init__(self, api, namespace, heard=None):
        self.now, self.heard = {}, heard
        path = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/ocirepositories"
        threading.Thread(target=self._run, args=(api, path), daemon=True).start()

    def _run(self, api, path):
        for kind, o in api.watch(path):
            name, a = o["metadata"]["name"], o.get("status", {}).get("artifact")
            if kind == "DELETED" or not a:
                self.now.pop(name, None)
                continue
            said = (re.sub(r"^https?://[^/]+", "", a["url"]), a["digest"], a["revision"])
            if self.now.get(name) != said:
                self.now[name] = said
                if self.heard:
                    self.heard(name, *said)
