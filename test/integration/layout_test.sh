#!/usr/bin/env bash
# An image layout as a mirror, as a folder and as a tar: objects become Ready with no registry running at all, and see what is new there.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"

# layout DIR NAME TEXT: adds an artifact with one file to the layout, as crane and oras do: what had that name keeps its entry.
cat >"$H_TMP/layout.py" <<'PY'
import gzip, hashlib, io, json, os, sys, tarfile
folder, name, text = sys.argv[1:]
def blob(data):
    digest = hashlib.sha256(data).hexdigest()
    os.makedirs(f"{folder}/blobs/sha256", exist_ok=True)
    with open(f"{folder}/blobs/sha256/{digest}", "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w") as t:
    e = tarfile.TarInfo("file.yaml")
    e.size = len(text)
    t.addfile(e, io.BytesIO(text.encode()))
layer = {"mediaType": "application/vnd.cncf.flux.content.v1.tar+gzip", **blob(gzip.compress(tar.getvalue(), mtime=0))}
config = {"mediaType": "application/vnd.cncf.flux.config.v1+json", **blob(b"{}")}
kind = "application/vnd.oci.image.manifest.v1+json"
manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}).encode()
entry = {"mediaType": kind, **blob(manifest), "annotations": {"org.opencontainers.image.ref.name": name}}
try:
    index = json.load(open(f"{folder}/index.json"))
except FileNotFoundError:
    index = {"schemaVersion": 2, "manifests": []}
index["manifests"].append(entry)
with open(f"{folder}/oci-layout", "w") as f:
    f.write('{"imageLayoutVersion":"1.0.0"}')
with open(f"{folder}/index.new", "w") as f:
    json.dump(index, f)
os.rename(f"{folder}/index.new", f"{folder}/index.json")
print(entry["digest"])
PY
layout() { python3 "$H_TMP/layout.py" "$@" || h_die "cannot make the layout $1"; }
object()
{
	jq -n --arg name "$1" --arg url "$2" --argjson ref "$3" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository",
		metadata: {name: $name}, spec: {interval: "1s", timeout: "20s", url: $url, ref: $ref}}' | k apply -f - >/dev/null || h_die "cannot apply $1"
}
# rules HOST PATH: the host's repositories are in the layout, and nowhere else. A name of .invalid is nobody's.
rules()
{
	while [ $# -gt 0 ]; do
		printf -- '- {match: %s, mirrors: [{url: "oci-layout://%s"}], fallback: false}\n' "$1" "$2"
		shift 2
	done | sed '1i rules:' >"$H_TMP/rules.new"
	mv "$H_TMP/rules.new" "$H_TMP/rules.yaml"
}

metric() { curl -s "http://$(h_address src metrics)/metrics" | sed -n "s/^$1 //p"; }

mkdir -p "$H_TMP/objects" "$H_TMP/all/org/own"
ALL=$H_TMP/all
one=$(layout "$ALL" registry.invalid/org/app:1.0.0 one)
two=$(layout "$ALL" registry.invalid/org/app:1.1.0 two)
own=$(layout "$ALL/org/own" stable own)
rules registry.invalid "$ALL"
h_embedded_start src "$H_TMP/objects" --registry-mirrors="$H_TMP/rules.yaml" --log-level=debug

# ---- a folder --------------------------------------------------------------------------------------------------------

object tag oci://registry.invalid/org/app '{"tag": "1.0.0"}'
object range oci://registry.invalid/org/app '{"semver": "1.x"}'
object digest oci://registry.invalid/org/app "{\"digest\": \"$one\"}"
object own oci://registry.invalid/org/own '{"tag": "stable"}'
object other oci://registry.invalid/org/other '{"tag": "stable"}'
for o in tag range digest own; do
	check_soon "$o is Ready without a registry" 30 "True Succeeded" outcome $o
done
check_eq "the tag's revision" "1.0.0@$one" "$(field tag .status.artifact.revision)"
check_eq "the highest version" "1.1.0@$two" "$(field range .status.artifact.revision)"
check_eq "a layout of its own" "stable@$own" "$(field own .status.artifact.revision)"
url=$(field tag .status.artifact.url)
check_eq "the artifact holds the file" one "$(curl -s "http://$(h_address src artifacts)/${url#http://*/}" | tar -xzO file.yaml)"
check_soon "what it does not have" 30 "False OCIArtifactPullFailed" outcome other
check_has "is told with its path" "the layout '$ALL' answered 404 Not Found (MANIFEST_UNKNOWN: no entry is named " "$(message other)"

three=$(layout "$ALL" registry.invalid/org/app:1.2.0 three)
check_soon "a new index.json is seen at the next run" 30 "1.2.0@$three" field range .status.artifact.revision
four=$(layout "$ALL" registry.invalid/org/app:1.0.0 four)
check_soon "of one tag twice the later one counts" 30 "1.0.0@$four" field tag .status.artifact.revision

# ---- a tar -----------------------------------------------------------------------------------------------------------

# packed: the layout as a tar, under its name at once.
packed() { tar -C "$ALL" -cf "$H_TMP/all.new" . && mv "$H_TMP/all.new" "$H_TMP/all.tar"; }
packed
rules registry.invalid "$ALL" tar.invalid "$H_TMP/all.tar" gz.invalid "$H_TMP/all.tar.gz"
gzip -k "$H_TMP/all.tar"
check_soon "new rules are taken" 30 1 metric 'file_reloads_total{file="mirrors",outcome="taken"}'
object packed oci://tar.invalid/org/own '{"tag": "stable"}'
object squeezed oci://gz.invalid/org/own '{"tag": "stable"}'
check_soon "a tar will do" 30 "True Succeeded" outcome packed
check_eq "with the same artifact" "$(field own .status.artifact.digest)" "$(field packed .status.artifact.digest)"
five=$(layout "$ALL/org/own" stable five)
packed
check_soon "another tar is seen at the next run" 30 "stable@$five" field packed .status.artifact.revision
check_soon "one that is compressed" 30 "False OCIArtifactPullFailed" outcome squeezed
check_has "is refused" "it is compressed with gzip" "$(message squeezed)"

# ---- hostile ---------------------------------------------------------------------------------------------------------

echo liar >"$ALL/blobs/sha256/${two#sha256:}"
object liar oci://registry.invalid/org/app '{"tag": "1.1.0"}'
check_soon "another content than the digest says" 30 "False OCIArtifactPullFailed" outcome liar
check_has "is told" "the digest of what the registry sent is" "$(message liar)"
ln "$ALL/index.json" "$ALL/index.aside"
mkfifo "$ALL/index.fifo"
mv "$ALL/index.fifo" "$ALL/index.json" # in one step: a run in between would find no file, and be refused for that
check_soon "a FIFO as index.json hangs nobody" 30 "False ReadOperationFailed" outcome range
check_has "and is named" "'index.json' is no regular file" "$(message range)"
check_eq "the artifact stays" "1.2.0@$three" "$(field range .status.artifact.revision)"
mv "$ALL/index.aside" "$ALL/index.json"
check_soon "and afterwards it goes on" 60 "True Succeeded" outcome range

h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_finish
