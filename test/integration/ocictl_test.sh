#!/usr/bin/env bash
# ocictl resolve, pull, list and diff against Debian's docker-registry, and against registries that lie.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/rawpush.sh"
h_registry_start reg
REG=$REGISTRY
R=oci://$REG
run() { "$OCICTL" "$@" >"$H_TMP/out" 2>"$H_TMP/err"; RC=$?; return $RC; }
out() { cat "$H_TMP/out"; }
err() { cat "$H_TMP/err"; }
push() { run push "$R/$1" --path="$2" --source="https://example.com/$1.git" --revision="main@sha1:${1##*:}" "${@:3}" || h_die "cannot push $1: $(err)"; PUSHED=$(out | sed "s/.*@//"); }

# ---- resolve ---------------------------------------------------------------------------------------------------------
cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/a"
for v in 1.0.0 1.1.0 v1.2.0 1.3.0-rc.1 2.0.0 nightly beta-1.9.0; do
	sed -i "s/^  version: .*/  version: \"$v\"/" "$H_TMP/a/configmap.yaml"
	push "app:$v" "$H_TMP/a" --created=2026-01-31T09:30:00Z
	[ "$v" != v1.2.0 ] || WANT=$PUSHED
done
check_ok "resolve a range" run resolve "$R/app" --semver=1.x --semver-filter='^[^b]'
check_eq "stdout has the choice alone" "$REG/app:v1.2.0@$WANT" "$(out)"
for line in 'v1.2.0      is chosen' '1.1.0       is in the range, but v1.2.0 is better' '1.3.0-rc.1  is a prerelease, and the range takes none' \
	'2.0.0       is outside of the range' 'nightly     is no version' 'beta-1.9.0  does not pass the filter' \
	"v1.2.0 is chosen for semver '1.x': of 7 tags 6 pass the filter '^[^b]', 3 are in the range, '1.1.0' is the next best"; do
	check_has "stderr: $line" "$line" "$(err)"
done
check_eq "the highest version first, then other tags" "2.0.0 1.3.0-rc.1 v1.2.0 1.1.0 1.0.0 beta-1.9.0 nightly v1.2.0" "$(awk '{print $1}' "$H_TMP/err" | paste -sd ' ')"
check_fails "resolve: nothing in the range" run resolve "$R/app" --semver='>=3'
check_has "each tag with its reason" '2.0.0       is outside of the range' "$(err)"
check_has "and the sum" "no match found for semver '>=3': of 7 tags 5 are versions" "$(err)"
check_eq "stdout stays empty" "" "$(out)"
check_ok "resolve a tag" run resolve "$R/app:v1.2.0"
check_eq "its digest" "$REG/app:v1.2.0@$WANT" "$(out)"
check_fails "resolve: no such tag" run resolve "$R/app:none"
check_has "it is named" none "$(err)"
for args in "resolve $R/app:1.0.0 --semver=1.x" "resolve $R/app --semver-filter=x" "resolve $R/app --output=x" "list $R/app:1.0.0" "pull $R/app:1.0.0" \
	"pull $R/app --output=$H_TMP/x" "pull $R/app:1.0.0 --output=$H_TMP/x --platform=arm64" "diff $R/app:1.0.0" "push $R/app:1 --semver=1" "frob $R/app"; do
	run $args
	check_eq "wrong: $args" 2 "$RC"
	check_has "see the help: $args" "see ocictl --help" "$(err)"
done
run frob "$R/app"
check_has "a command that is none is named" "unknown command 'frob': there are push, tag, resolve, pull, list, diff, verify and policy" "$(err)"
run push "$R/app:1" --semver=x
check_has "a flag of another command is named" "--semver is no flag of ocictl push" "$(err)"

for args in "resolve $R/app --semver=1.x --semver=2.x|semver" "pull $R/app:1.0.0 -o $H_TMP/x --output=$H_TMP/y|output" "list $R/app --timeout=5s --timeout=5s|timeout"; do
	run ${args%|*}
	check_eq "twice: $args" "2 ocictl: --${args#*|} is given twice; see ocictl --help" "$RC $(err)"
done

# A Helm chart's tags: `_` is the `+` of the version.
mkdir "$H_TMP/chart"
echo x >"$H_TMP/chart/Chart.yaml"
push "chart:1.0.0_b.1" "$H_TMP/chart"
run resolve "$R/chart" --semver='*'
check_has "without the chart's type it is no version" "1.0.0_b.1  is no version" "$(err)"
check_ok "with it it is one" run resolve "$R/chart" --semver='*' --layer-type=application/vnd.cncf.helm.chart.content.v1.tar+gzip
check_eq "under the registry's tag" "$REG/chart:1.0.0_b.1@$PUSHED" "$(out)"
check_ok "and a tag may have the plus" run resolve "$R/chart:1.0.0_b.1" --layer-type=application/vnd.cncf.helm.chart.content.v1.tar+gzip

# ---- pull ------------------------------------------------------------------------------------------------------------
push "app:whole" "$H_TMP/a"
check_ok "pull into a new folder" run pull "$R/app:whole" --output="$H_TMP/pulled/deep"
check_eq "says what it was" "$REG/app:whole@$PUSHED" "$(out)"
check_ok "all files are there" diff -r "$H_TMP/a" "$H_TMP/pulled/deep"
check_eq "with the umask's modes" 644 "$(stat -c %a "$H_TMP/pulled/deep/configmap.yaml")"
echo other >"$H_TMP/pulled/deep/configmap.yaml"
echo mine >"$H_TMP/pulled/deep/mine"
check_ok "pull by digest, over what is there" run pull "$R/app@$PUSHED" -o "$H_TMP/pulled/deep"
check_eq "what is ours is replaced, other files stay" "Only in $H_TMP/pulled/deep: mine" "$(diff -r "$H_TMP/a" "$H_TMP/pulled/deep")"
check_ok "pull to stdout" run pull "$R/app:whole" --output=-
check_eq "is the layer, byte for byte" "$(curl -sf "http://$REG/v2/app/manifests/whole" -H "Accept: $OCI_MANIFEST" | jq -r '.layers[0].digest')" "$(sha256 "$H_TMP/out")"
if [ -e /dev/full ]; then
	"$OCICTL" pull "$R/app:whole" --output=- >/dev/full 2>"$H_TMP/err"
	check_eq "a full disk behind stdout" 1 $?
fi
# 3 MiB: larger than what stays in memory.
mkdir "$H_TMP/big"
head -c 3000000 /dev/urandom >"$H_TMP/big/noise"
push "big:1" "$H_TMP/big"
check_ok "pull a large one" run pull "$R/big:1" --output="$H_TMP/big2"
check_ok "the same bytes" cmp "$H_TMP/big/noise" "$H_TMP/big2/noise"

# raw REPO:TAG FILE [TYPE]: an image with this file as its layer.
raw()
{
	local config=$H_TMP/config layer

	printf '{}' >"$config"
	layer=$(raw_blob "${1%:*}" "$2")
	image "$OCI_MANIFEST" "$(descriptor "$FLUX_CONFIG" "$(raw_blob "${1%:*}" "$config")" 2)" \
		"$(descriptor "${3:-$FLUX_CONTENT}" "$layer" "$(stat -c %s "$2")")" | raw_manifest "${1%:*}" "${1#*:}" "$OCI_MANIFEST"
}
# Nothing leaves the folder: neither by a name nor through a link that lies there already.
mkdir -p "$H_TMP/evil/sub" "$H_TMP/outside"
echo gotcha >"$H_TMP/evil/sub/file"
tar -C "$H_TMP/evil" --transform='s|^sub|../outside|' -Pczf "$H_TMP/evil.tgz" sub/file
raw evil:name "$H_TMP/evil.tgz" >/dev/null
check_fails "a name that leads out" run pull "$R/evil:name" --output="$H_TMP/in"
check_has "is named" "../outside/file" "$(err)"
tar -C "$H_TMP/evil" -czf "$H_TMP/evil.tgz" sub/file
raw evil:link "$H_TMP/evil.tgz" >/dev/null
mkdir -p "$H_TMP/in"
ln -s "$H_TMP/outside" "$H_TMP/in/sub"
check_fails "a link that leads out" run pull "$R/evil:link" --output="$H_TMP/in"
check_has "is named, too" "'sub/file'" "$(err)"
rm "$H_TMP/in/sub"
mkdir "$H_TMP/in/sub"
ln -s "$H_TMP/outside/file" "$H_TMP/in/sub/file"
check_ok "a link in the place of a file" run pull "$R/evil:link" --output="$H_TMP/in"
check_eq "is replaced" "gotcha" "$([ -L "$H_TMP/in/sub/file" ] || cat "$H_TMP/in/sub/file")"
check_eq "nothing was written outside" "" "$(ls "$H_TMP/outside")"
echo 'kind: ConfigMap' >"$H_TMP/plain.yaml"
raw plain:1 "$H_TMP/plain.yaml" application/yaml >/dev/null
check_fails "no archive" run pull "$R/plain:1" --output="$H_TMP/plain"
check_has "says how to have it" "a layer of media type 'application/yaml' is no archive (--output=- takes it as it is)" "$(err)"
check_ok "as it is" run pull "$R/plain:1" --output=- --layer-type=application/yaml
check_eq "it is there" "kind: ConfigMap" "$(out)"

# An index: the platform decides.
arm=$(raw multi:arm "$H_TMP/plain.yaml" application/yaml)
amd=$(raw multi:amd "$H_TMP/evil.tgz")
size() { curl -sf -H "Accept: $OCI_MANIFEST" "http://$REG/v2/multi/manifests/$1" | wc -c; }
jq -cn --arg t "$OCI_INDEX" --arg m "$OCI_MANIFEST" --arg a "$amd" --arg b "$arm" --argjson x "$(size amd)" --argjson y "$(size arm)" \
	'{schemaVersion: 2, mediaType: $t, manifests: [{mediaType: $m, digest: $a, size: $x, platform: {os: "linux", architecture: "amd64"}},
	{mediaType: $m, digest: $b, size: $y, platform: {os: "linux", architecture: "arm64"}}]}' | raw_manifest multi index "$OCI_INDEX" >/dev/null
check_ok "pull of an index" run pull "$R/multi:index" --output=- --platform=linux/arm64
check_eq "takes the platform's" "kind: ConfigMap" "$(out)"
check_ok "by default" run pull "$R/multi:index" --output="$H_TMP/multi"
check_eq "that of linux/amd64" gotcha "$(cat "$H_TMP/multi/sub/file")"
check_fails "no such platform" run pull "$R/multi:index" --output=- --platform=linux/s390x
check_has "those that there are" "no manifest for linux/s390x, only for 'linux/amd64', 'linux/arm64'" "$(err)"

# ---- diff ------------------------------------------------------------------------------------------------------------
mkdir -p "$H_TMP/d/one" "$H_TMP/d/.git"
for f in same changed gone one/exec .git/HEAD logo.png; do echo "$f" >"$H_TMP/d/$f"; done
push "diff:1" "$H_TMP/d"
run diff "$R/diff:1" --path="$H_TMP/d"
check_eq "nothing differs" "0:" "$RC:$(out)$(err)"
echo now >"$H_TMP/d/changed"
rm "$H_TMP/d/gone"
chmod +x "$H_TMP/d/one/exec"
mkdir "$H_TMP/d/two"
echo new >"$H_TMP/d/two/new"
run diff "$R/diff:1" --path="$H_TMP/d"
check_eq "exit status" 1 "$RC"
check_eq "the paths" "M changed,D gone,M one/exec,A two,A two/new" "$(paste -sd, "$H_TMP/out")"
run diff "$R/diff:1" --path="$H_TMP/d" --ignore-paths='two/,.git/,*.png,changed'
check_eq "the rules of a push count" "D changed,D gone,M one/exec" "$(paste -sd, "$H_TMP/out")"
run diff "$R/diff:none" --path="$H_TMP/d"
check_eq "it could not find out" 2 "$RC"
run diff "$R/diff:1" --path="$H_TMP/nowhere"
check_eq "nor so" 2 "$RC"
run push "$R/pipe:1" --path=- --source=s --revision=r <<<'kind: A'
run diff "$R/pipe:1" --path=- <<<'kind: A'
check_eq "stdin" 0 "$RC"

# ---- list ------------------------------------------------------------------------------------------------------------
check_ok "list" run list "$R/app" --semver=1.x
check_eq "a line each, the highest version first" "TAG v1.2.0 1.1.0 1.0.0" "$(awk '{print $1}' "$H_TMP/out" | paste -sd ' ')"
check_match "digest, created, revision, source" "^v1\.2\.0 +$WANT  2026-01-31T09:30:00Z +main@sha1:v1\.2\.0 +https://example\.com/app:v1\.2\.0\.git$" "$(grep v1.2.0 "$H_TMP/out")"
check_eq "each value below its heading" "1 1 1 1 1" "$(awk 'NR == 1 { for (i = 1; i <= NF; i++) at[i] = index($0, $i) }
	NR > 1 { for (i = 1; i <= NF; i++) wrong[i] += substr($0, at[i], length($i)) != $i }
	END { for (i = 1; i <= 5; i++) printf("%s%d", (i > 1 ? " " : ""), !wrong[i]) }' "$H_TMP/out")"
check_ok "an index is listed by its child's annotations" run list "$R/multi" --semver-filter='^index$'
check_eq "all of the repository" 8 "$("$OCICTL" list "$R/app" | tail -n +2 | wc -l)"
check_fails "no such repository" run list "$R/nowhere"
# What an annotation says to a terminal is not said.
push "esc:1" "$H_TMP/chart" --annotations=$'org.opencontainers.image.source=a\e]0;x\nb\xc2\x9bc'
check_ok "list of a hostile one" run list "$R/esc"
check_match "is one clean line" '  a\?\]0;x\?b\?\?c$' "$(tail -n 1 "$H_TMP/out")"

# 5,000 tags, of a registry that is asked for eight at a time, and in which one is missing.
cat >"$H_TMP/many.py" <<'END'
import hashlib, json, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
M = json.dumps({'schemaVersion': 2, 'layers': [], 'annotations': {'org.opencontainers.image.source': 's' * 5000}}).encode()
D = 'sha256:' + hashlib.sha256(M).hexdigest()
now, most, lock = 0, 0, threading.Lock()
class H(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Content-Type', 'application/vnd.oci.image.manifest.v1+json')
        self.send_header('Docker-Content-Digest', D)
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(body)
    def do_HEAD(self): self.do_GET()
    def do_GET(self):
        global now, most
        if self.path == '/most': return self.answer(str(most).encode())
        if 'tags/list' in self.path: return self.answer(json.dumps({'tags': ['t%d' % i for i in range(5000)]}).encode())
        with lock:
            now += 1
            most = max(most, now)
        missing = self.path.endswith('/t77') or '/down/' in self.path
        self.answer(b'{}' if missing else M, 404 if missing else 200)
        with lock: now -= 1
s = ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), H)
s.daemon_threads = True
s.serve_forever()
END
MANY=$(h_free_port)
h_spawn many python3 "$H_TMP/many.py" "$MANY"
h_until 20 curl -sf "http://127.0.0.1:$MANY/most"
run list "oci://127.0.0.1:$MANY/app"
check_eq "5,000 tags but one: exit status" 1 "$RC"
check_eq "the others are there, in order" "$(seq -f 't%.0f' 0 4999 | grep -vx t77 | LC_ALL=C sort | sha256sum)" "$(tail -n +2 "$H_TMP/out" | awk '{print $1}' | sha256sum)"
check_has "the one is named" "ocictl: t77: " "$(err)"
check_eq "an annotation is cut" 200 "$(sed -n 2p "$H_TMP/out" | awk '{print length($NF)}')"
most=$(curl -sf "http://127.0.0.1:$MANY/most")
check_ok "at most eight requests at a time ($most)" test "$most" -le 8
run list "oci://127.0.0.1:$MANY/down/app"
check_eq "a registry that has nothing of what it lists: exit status" 1 "$RC"
check_has "is given up" "given up after 16 failures in a row" "$(err)"

# ---- for programs ----------------------------------------------------------------------------------------------------

mkdir -p "$H_TMP/json"
echo a: b >"$H_TMP/json/a.yaml"
run push "oci://$REG/json:1.0.0" --path="$H_TMP/json" --source=https://example.com/a.git --revision=main@sha1:1 --output=json
pushed=$(jq -r .digest "$H_TMP/out")
check_eq "push --output=json: what cosign is given" "$REG/json@$pushed" "$(jq -r '.repository + "@" + .digest' "$H_TMP/out")"
check_eq "all of it" "oci://$REG/json@$pushed $REG/json 1.0.0" "$(jq -r '"\(.url) \(.repository) \(.tag)"' "$H_TMP/out")"
run tag "oci://$REG/json:1.0.0" --tag=one --tag=two --output=json
check_eq "tag: an object a tag" "one $pushed two $pushed " "$(jq -r '"\(.tag) \(.digest)"' "$H_TMP/out" | tr '\n' ' ')"
run resolve "oci://$REG/json" --semver=1.x --output=json
check_eq "resolve" "1.0.0 $pushed" "$(jq -r '"\(.tag) \(.digest)"' "$H_TMP/out")"
run list "oci://$REG/json" --output=json
check_eq "list" "1.0.0 main@sha1:1 https://example.com/a.git" "$(jq -r 'select(.tag == "1.0.0") | "\(.tag) \(.revision) \(.source)"' "$H_TMP/out")"
check_eq "has no heading" 3 "$(jq -s length "$H_TMP/out")"
run list "oci://$REG/json" --output=yaml
check_eq "another form is refused: exit status" 2 "$RC"
check_has "with the one that there is" "--output is json, but for pull" "$(err)"
h_finish
