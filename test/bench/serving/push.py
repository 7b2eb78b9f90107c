"""Pushes small artifacts without a process for each: `Registry("127.0.0.1:5000").push("web-1", "main", b"text")`, or
`push.py ADDRESS PREFIX N [EVERY]`: one artifact for each of N repositories, or, with EVERY, a new revision of one of
them each EVERY seconds, until it is ended."""

import gzip
import hashlib
import http.client
import io
import json
import os
import random
import sys
import tarfile
import time

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def layer(text):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as g, tarfile.open(fileobj=g, mode="w") as t:
        for name, data in (("a.yaml", text), ("noise", os.urandom(4096))):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def described(kind, data):
    return {"mediaType": kind, "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}


class Registry:
    def __init__(self, address):
        self.c = http.client.HTTPConnection(address, timeout=30)

    def _ask(self, method, path, body=b"", kind="application/octet-stream"):
        self.c.request(method, path, body, {"Content-Type": kind})
        r = self.c.getresponse()
        r.read()
        if not 200 <= r.status < 300:
            raise RuntimeError(f"{method} {path}: {r.status}")
        return r

    def _blob(self, repository, data):
        to = self._ask("POST", f"/v2/{repository}/blobs/uploads/").getheader("Location")
        to = "/" + to.split("://", 1)[-1].split("/", 1)[1]
        digest = described("", data)["digest"]
        self._ask("PUT", f"{to}{'&' if '?' in to else '?'}digest={digest}", data)

    def push(self, repository, tag, text):
        """The digest of the manifest."""
        config, blob = b"{}", layer(text)
        self._blob(repository, config)
        self._blob(repository, blob)
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": described("application/vnd.cncf.flux.config.v1+json", config),
            "layers": [described("application/vnd.cncf.flux.content.v1.tar+gzip", blob)]}).encode()
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST)
        return described("", manifest)["digest"]


def main():
    address, prefix, n, *every = sys.argv[1:]
    registry = Registry(address)
    for i in range(0 if every else int(n)):
        registry.push(f"{prefix}{i}", "main", b"0")
    while every:
        registry.push(f"{prefix}{random.randrange(int(n))}", "main", str(time.time()).encode())
        time.sleep(float(every[0]))


if __name__ == "__main__":
    main()
