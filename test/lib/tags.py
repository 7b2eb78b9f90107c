"""tags.py PORT FOLDER LOG: a registry that has tags and nothing below them.

FOLDER/REPO.json says what it answers for REPO (a slash in the name is a + there), read at each
request:

    {"tags": ["1.0.0", ...],    in this order; with "count": N beside it, t-0 to t-(N-1) come first
     "page": 1000,              tags of one answer; the Link to the next one is relative
     "status": 200,             another status is the whole answer to each request
     "headers": {"Retry-After": "2"},
     "delay": 0,                seconds before each answer
     "login": "user:password",  Basic, asked for with 401
     "moved": {"1.0.0": "x"}}   text that makes another digest of a tag

A repository without a file is 404. Each request is a line in LOG: method, target, user of a login.
"""
import base64
import hashlib
import http.server
import json
import os
import sys
import time
import urllib.parse

port, folder, log = int(sys.argv[1]), sys.argv[2], sys.argv[3]
cache = {}


def load(repo):
    path = os.path.join(folder, repo.replace("/", "+") + ".json")
    try:
        stamp = os.stat(path)
        stamp = (stamp.st_mtime_ns, stamp.st_ino)
    except OSError:
        return None
    if path not in cache or cache[path][0] != stamp:
        with open(path) as f:
            said = json.load(f)
        said["tags"] = [f"t-{n}" for n in range(said.get("count", 0))] + said.get("tags", [])
        cache[path] = (stamp, said, {t: n for n, t in enumerate(said["tags"])})
    return cache[path][1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self, status, body=b"", headers={}):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, headers={}):
        self.answer(status, json.dumps({"errors": [{"code": code, "message": code}]}).encode(), headers)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        given = self.headers.get("Authorization", "")
        user = base64.b64decode(given[6:]).decode() if given.startswith("Basic ") else ""
        with open(log, "a") as f:
            f.write(f"{self.command} {self.path} {user.split(':')[0]}\n")
        if url.path == "/v2/":
            return self.answer(200, b"{}")
        repo, what, name = url.path[len("/v2/"):].rsplit("/", 2)
        found = load(repo)
        if not found:
            return self.refuse(404, "NAME_UNKNOWN")
        said, places = found
        time.sleep(said.get("delay", 0))
        if said.get("login", user) != user:
            return self.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": 'Basic realm="test"'})
        if said.get("status", 200) != 200:
            return self.refuse(said["status"], "UNAVAILABLE", said.get("headers", {}))
        if what == "tags":
            return self.tags(repo, said, places, urllib.parse.parse_qs(url.query))
        if name not in places:
            return self.refuse(404, "MANIFEST_UNKNOWN")
        text = json.dumps({"schemaVersion": 2, "tag": name, "is": said.get("moved", {}).get(name, "")})
        self.answer(200, text.encode(), {
            "Content-Type": "application/vnd.oci.image.manifest.v1+json",
            "Docker-Content-Digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()})

    def tags(self, repo, said, places, query):
        tags, headers = said["tags"], {}
        first = places[query["last"][0]] + 1 if "last" in query else 0
        size = min(said.get("page", 1 << 30), int(query.get("n", [1 << 30])[0]))
        part = tags[first:first + size]
        if part and first + size < len(tags):
            next_ = urllib.parse.urlencode({"n": size, "last": part[-1]})
            headers["Link"] = f'</v2/{repo}/tags/list?{next_}>; rel="next"'
        self.answer(200, json.dumps({"name": repo, "tags": part}).encode(), headers)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
