"""Azure DevOps: Git behind a token of Entra for its scope; a Git server elsewhere has the repositories.

Settings of a host, kind "devops": git (where a repository's two requests are passed on to, "http://HOST:PORT/git/app.git"), path (its own)."""
import re
import urllib.request

from state import Reply, need


class Git:
    name = "devops"

    def serve(self, fake, q):
        m = re.fullmatch(r"(/.*)/(info/refs|git-upload-pack)", q.path)
        need(m and m[1] == fake.setting(q, "path"), f"path {q.path!r}")
        shown = q.header("Authorization") or ""
        need(shown.startswith("Bearer "), f"Authorization {shown.split(' ')[0]!r}")
        source = fake.token("entra token", shown.removeprefix("Bearer "))["source"]
        need(source == fake.setting(q, "source", source), f"a token of {source!r}")
        headers = {n: q.header(n) for n in ("Git-Protocol", "Content-Type", "Accept") if q.header(n)}
        asked = urllib.request.Request(f"{fake.setting(q, 'git')}/{m[2]}?{q.query_text}", q.body or None, headers, method=q.method)
        with urllib.request.urlopen(asked) as answer:
            return Reply(200, answer.read(), answer.headers["Content-Type"])

    def error(self, status, code, text):
        return Reply(status, text, "text/plain")


def role(fake, host, path, local):
    return Git() if fake.settings(host).get("kind") == "devops" else None
