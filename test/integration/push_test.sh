#!/usr/bin/env bash
# ocictl push and tag against Debian's docker-registry: the same input makes the same manifest everywhere, in the form that Flux knows.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
REG=$REGISTRY
manifest() { curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REG/v2/$1/manifests/$2"; }
digest() { manifest "$@" | sha256sum | cut -d' ' -f1; }
layer() { curl -sf "http://$REG/v2/$1/blobs/$(manifest "$1" "$2" | jq -r '.layers[0].digest')"; }
push() { "$OCICTL" push "oci://$REG/$1" --path="$2" --source=https://example.com/a.git --revision=main@sha1:1234 "${@:3}" >>"$H_TMP/log/push.out" 2>>"$H_TMP/log/push.err"; }

cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/a"
check_ok "push" push app:1 "$H_TMP/a"
m=$(manifest app 1)
f() { jq -r "$1" <<<"$m"; }
check_eq "manifest media type" application/vnd.oci.image.manifest.v1+json "$(f .mediaType)"
check_eq "config media type" application/vnd.cncf.flux.config.v1+json "$(f .config.mediaType)"
check_eq "one layer of Flux's type" application/vnd.cncf.flux.content.v1.tar+gzip "$(f '[.layers[].mediaType] | join(" ")')"
check_eq "annotations" "1970-01-01T00:00:00Z https://example.com/a.git main@sha1:1234" \
	"$(f '.annotations | "\(.["org.opencontainers.image.created"]) \(.["org.opencontainers.image.source"]) \(.["org.opencontainers.image.revision"])"')"
layer app 1 >"$H_TMP/layer"
check_eq "owner, times" "0/0 1970-01-01" "$(tar --numeric-owner --utc -tvzf "$H_TMP/layer" | awk '{print $2, $4}' | sort -u | paste -sd ,)"
check_eq "names sorted" "$(tar tzf "$H_TMP/layer" | LC_ALL=C sort)" "$(tar tzf "$H_TMP/layer")"
check_has "with the files" "kind: Deployment" "$(tar xzOf "$H_TMP/layer" --wildcards '*deployment.yaml')"

# The same files with other times, another owner, another umask, made in another order.
mkdir "$H_TMP/b"
(umask 077; cd "$H_TMP/a" && for f in $(find . -type f | sort -r); do mkdir -p "$H_TMP/b/$(dirname "$f")"; cat "$f" >"$H_TMP/b/$f"; done)
chmod -R u=rwX,go=rX "$H_TMP/b"
find "$H_TMP/b" -exec touch -d 2001-01-01 {} +
check_ok "push the same files" push app:2 "$H_TMP/b"
check_eq "the same manifest digest" "$(digest app 1)" "$(digest app 2)"
echo more >>"$H_TMP/b/configmap.yaml"
check_ok "push other files" push app:3 "$H_TMP/b"
check_ne "another digest" "$(digest app 1)" "$(digest app 3)"
check_ok "push with a time" push app:4 "$H_TMP/a" --created=2026-01-31T09:30:00Z
check_eq "which is in the annotation" 2026-01-31T09:30:00Z "$(manifest app 4 | jq -r '.annotations["org.opencontainers.image.created"]')"
check_ok "tag" "$OCICTL" tag "oci://$REG/app:1" --tag stable
check_eq "is the same manifest" "$(digest app 1)" "$(digest app stable)"

# What a tool writes to stdout, as CI pipelines push it.
stdin() { printf "$1" | TMPDIR=$H_TMP/spool "$OCICTL" push "oci://$REG/$2" --path=- --source=s --revision=r --reproducible 2>&1; }
mkdir "$H_TMP/spool"
stdin 'kind: One\n' pipe:1 >/dev/null
check_eq "push from stdin" "stdin.yaml:kind: One" "$(layer pipe 1 | tar tz | grep yaml):$(layer pipe 1 | tar xzO)"
stdin 'kind: One\n' pipe:2 >/dev/null
check_eq "the same digest again" "$(digest pipe 1)" "$(digest pipe 2)"
check_has "an empty stdin is a mistake upstream" "nothing came on stdin" "$(stdin '' pipe:3)"
check_eq "nothing is left behind" "" "$(ls "$H_TMP/spool")"

# What is left out: the flux CLI's defaults, or the patterns given.
mkdir -p "$H_TMP/b/.git" "$H_TMP/b/img"
touch "$H_TMP/b/.git/HEAD" "$H_TMP/b/img/logo.png" "$H_TMP/b/.gitignore" "$H_TMP/b/keep.txt"
check_ok "push with files nobody wants" push app:5 "$H_TMP/b"
check_eq "they are left out" "" "$(layer app 5 | tar tz | grep -E '\.git|logo')"
check_has "the rest is not" keep.txt "$(layer app 5 | tar tz)"
check_ok "push with patterns" push app:6 "$H_TMP/b" --ignore-paths='*.yaml,examples/'
check_hasnt "the patterns count" .yaml "$(layer app 6 | tar tz)"

# A line for the eyes while it uploads, on a terminal only, and gone at the end.
head -c 3000000 /dev/urandom >"$H_TMP/b/noise.bin"
if command -v script >/dev/null; then
	out=$(script -qec "'$OCICTL' push oci://$REG/app:7 --path='$H_TMP/b' --source=s --revision=r" /dev/null </dev/null)
	check_match "progress on a terminal" $'\r''pushing [0-9.]+ of [0-9.]+ MiB, [0-9]+ %' "$out"
	check_has "wiped before the result" $'\r\033[K'"$REG/app:7@sha256:" "$out"
fi
check_eq "elsewhere the result alone" "$REG/app:8@sha256:" "$("$OCICTL" push "oci://$REG/app:8" --path="$H_TMP/b" --source=s --revision=r 2>&1 | sed 's/[0-9a-f]*$//')"

# Credentials: --creds, or the file that docker login writes.
h_registry_start priv "$HTPASSWD_USER:$HTPASSWD_WORD"
check_fails "nothing is not pushed" "$OCICTL" push "oci://$REG/app:9" --path="$H_TMP/b" --ignore-paths='*' --source=s --revision=r
check_ok "unless it is meant" "$OCICTL" push "oci://$REG/app:9" --path="$H_TMP/b" --ignore-paths='*' --source=s --revision=r --allow-empty
out=$("$OCICTL" push "oci://$REG/app:10" --path="$H_TMP/b" --source=https://ci:hunter2@git.example/x.git --revision=r 2>&1)
check_has "a token in --source is left out, which is said" "user information in --source is left out" "$out"
check_has "and stands nowhere" "https://git.example/x.git" "$("$OCICTL" list "oci://$REG/app" | grep '^10 ')"
check_fails "not without credentials" env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:1" --path="$H_TMP/a" --source=s --revision=r
check_fails "nor with wrong ones" env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:1" --path="$H_TMP/a" --source=s --revision=r --creds="$HTPASSWD_USER:wrong"
check_ok "--creds" env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:1" --path="$H_TMP/a" --source=s --revision=r --creds="$HTPASSWD_USER:$HTPASSWD_WORD"
mkdir "$H_TMP/.docker"
jq -n --arg r "$REGISTRY" --arg a "$(printf %s "$HTPASSWD_USER:$HTPASSWD_WORD" | base64)" '{auths: {($r): {auth: $a}}}' >"$H_TMP/.docker/config.json"
check_ok "~/.docker/config.json" env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:2" --path="$H_TMP/a" --source=s --revision=r
check_ok "tag with it" env HOME="$H_TMP" "$OCICTL" tag "oci://$REGISTRY/app:2" --tag other
check_hasnt "the password is told to nobody" "$HTPASSWD_WORD" "$(env HOME="$H_TMP" "$OCICTL" push "oci://$REGISTRY/app:2" --path=/nowhere --source=s --revision=r --creds="$HTPASSWD_USER:$HTPASSWD_WORD" 2>&1)"

# Mistakes are told, and nothing is pushed.
for args in "oci://$REG/app --path=$H_TMP/a" "https://$REG/app:9 --path=$H_TMP/a" "oci://$REG/App:9 --path=$H_TMP/a" "oci://$REG/app:9 --path=$H_TMP/nowhere" "oci://$REG/app:9"; do
	check_fails "refused: push $args" "$OCICTL" push $args --source=s --revision=r
done
check_eq "nothing was pushed by them" 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://$REG/v2/app/manifests/9")"
check_fails "tag: the first must exist" "$OCICTL" tag "oci://$REG/app:none" --tag x
check_fails "no command" "$OCICTL"
h_finish
