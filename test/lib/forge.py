#!/usr/bin/env python3
"""A forge for the tests: tokens of a GitHub App, and the pull or merge requests of one repository.

    forge.py PORT FOLDER REPOSITORY     "owner/name"; Git's own part of the forge is somebody else's

Each request is checked: its path, its query, what it is shown and what is in it. FOLDER/asked has a
line of each, FOLDER/wrong of those that nobody should send, which are answered with 599.
Where FOLDER/closed is there, all that are open are closed by then; FOLDER/titles has a line of each
title that was given. FOLDER/token is the token that the App's installation has; a forge that is asked for one gives the
next: ghs_1, ghs_2. What it is shown elsewhere has to be that one, or the text of FOLDER/word."""
import base64
import http.server
import json
import sys
import urllib.parse

PORT, FOLDER, REPOSITORY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
OWNER = REPOSITORY.partition("/")[0]
QUOTED = urllib.parse.quote(REPOSITORY, safe="")
LINK = f"http://127.0.0.1:{PORT}/{REPOSITORY}"
TOKENS = "/api/v3/app/installations/42/access_tokens"
# collection, the words of a new one, and what names the branches of one that is there
FORGES = {
    "github": (f"/api/v3/repos/{REPOSITORY}/pulls", "body", "head", "base"),
    "gitlab": (f"/api/v4/projects/{QUOTED}/merge_requests", "description",
               "source_branch", "target_branch"),
    "gitea": (f"/api/v1/repos/{REPOSITORY}/pulls", "body", "head", "base"),
}
open_ones = {name: [] for name in FORGES}
given = 0


def read(name):
    try:
        with open(f"{FOLDER}/{name}") as f:
            return f.read().strip()
    except OSError:
        return None


def write(name, text, mode="a"):
    with open(f"{FOLDER}/{name}", mode) as f:
        f.write(text + "\n")


def need(ok, why):
    if not ok:
        raise ValueError(why)


def claims(bearer):
    parts = bearer.removeprefix("Bearer ").split(".")
    need(len(parts) == 3, "no JWT")
    return json.loads(base64.urlsafe_b64decode(parts[1] + "=="))


def token(shown):
    global given
    c = claims(shown)
    need(c["iss"] == "1234", f"iss {c['iss']!r}")
    need(0 < c["exp"] - c["iat"] <= 600, "a JWT that lasts too long")
    given += 1
    write("token", f"ghs_{given}", "w")
    return 201, {"token": f"ghs_{given}", "expires_at": "2099-01-01T00:00:00Z"}


def shape(forge, number, said):
    _, _, head, base = FORGES[forge]
    one = {"title": said["title"]}
    if forge == "gitlab":
        return one | {"iid": number, "web_url": f"{LINK}/-/merge_requests/{number}",
                      head: said[head], base: said[base],
                      "source_project_id": 5, "target_project_id": 5}
    branch = lambda name: {"ref": name, "repo": {"id": 5}}
    return one | {"number": number, "html_url": f"{LINK}/pulls/{number}",
                  "head": branch(said[head]), "base": branch(said[base])}


def query_of(forge, head, base):
    if forge == "github":
        return {"state": "open", "head": f"{OWNER}:{head}", "base": base, "per_page": "100"}
    if forge == "gitlab":
        return {"state": "opened", "source_branch": head, "target_branch": base, "per_page": "100"}
    return {"state": "open", "limit": "50", "page": "1"}


def rename(forge, method, body):
    said = json.loads(body)
    need(method == ("PUT" if forge == "gitlab" else "PATCH"), "no way to change one")
    need(open_ones[forge], "none is open")
    need(set(said) == {"title"} and said["title"], f"members {sorted(said)}")
    open_ones[forge][-1]["title"] = said["title"]
    write("titles", f"{forge} {said['title']}")
    return 200, open_ones[forge][-1]


def requests(forge, method, query, body):
    _, text, head, base = FORGES[forge]
    if read("closed") is not None:
        open_ones[forge].clear()
    if method == "GET":
        want = query_of(forge, f"bot/{forge}", "main")
        need(dict(urllib.parse.parse_qsl(query)) == want, f"query {query!r}")
        return 200, open_ones[forge]
    need(method == "POST" and not query, "neither a question nor a new one")
    said = json.loads(body)
    need(set(said) == {"title", text, head, base}, f"members {sorted(said)}")
    need((said[head], said[base]) == (f"bot/{forge}", "main"), f"branches {said}")
    need(said["title"] and said["title"] in said[text], f"words {said}")
    need(not open_ones[forge], "a second one")
    open_ones[forge].append(shape(forge, 7, said))
    write("titles", f"{forge} {said['title']}")
    return 201, open_ones[forge][-1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body):
        path, _, query = self.path.partition("?")
        shown = self.headers.get("Authorization") or ""
        if path == TOKENS:
            need(self.command == "POST" and not body, "a token is asked for by an empty POST")
            return token(shown)
        for forge, (collection, *_) in FORGES.items():
            if path == collection:
                need(shown in [f"Bearer {read(name)}" for name in ("token", "word")],
                     "whoever this is")
                return requests(forge, self.command, query, body)
            if path == f"{collection}/7":
                need(shown in [f"Bearer {read(name)}" for name in ("token", "word")],
                     "whoever this is")
                return rename(forge, self.command, body)
        raise ValueError("nobody has such a path")

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {self.path}"
        try:
            status, said = self.answer(body)
        except (ValueError, KeyError, AttributeError, TypeError) as e:
            status, said = 599, {"message": str(e)}
            write("wrong", f"{line}: {e}")
        write("asked", line)
        text = json.dumps(said).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
