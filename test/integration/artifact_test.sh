#!/usr/bin/env bash
# What a registry can hold, honest and not, and what becomes of it: layers in every form, hostile archives, manifests of every kind.
# Against Debian's docker-registry, which checks digests and nothing else, and the embedded API.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/rawpush.sh"
SOON=${SOON:-20}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
mkdir "$H_TMP/objects"
h_embedded_start src "$H_TMP/objects"
h_namespace art
kn() { k -n art "$@"; }
get() { kn get ocirepository "$1" -o json; }
fetch() { curl -sf "$(field "$1" .status.artifact.url)"; }
object()
{
	jq -n --arg name "$1" --arg url "oci://$REGISTRY/$2" --argjson spec "$3" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: ({interval: "10m", url: $url} + $spec)}' | kn apply -f - >/dev/null
}

# ---- archives made on the spot ---------------------------------------------------------------------------------------
A=$H_TMP/a
mkdir -p "$A/dir/sub"
echo one >"$A/one.yaml"
echo two >"$A/dir/sub/two.yaml"
tarball() { (cd "$A" && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 "${@:2}" -cf "$H_TMP/$1" *); }
tarball plain.tar --format=ustar
gzip -nc "$H_TMP/plain.tar" >"$H_TMP/plain.tgz"
# ustar PATCH: entry names as no tar would write them. names NAME...: empty regular files with these very names.
names()
{
	local n

	for n in "$@"; do
		entry "$n" 0 0
	done
	head -c 1024 /dev/zero
}
# entry NAME TYPE SIZE [LINK]: one ustar header with the right checksum.
entry()
{
	local h sum

	h=$(mktemp -p "$H_TMP")
	{
		printf '%s' "$1" | head -c 100; head -c $((100 - ${#1})) /dev/zero
		printf '0000644\0000000000\0000000000\0%011o\00000000000000\0        %s' "$3" "$2"
		printf '%s' "${4:-}"; x=${4:-}; head -c $((100 - ${#x})) /dev/zero
		printf 'ustar\00000'; head -c 64 /dev/zero; printf '0000000\0000000000\0'; head -c 167 /dev/zero
	} >"$h"
	sum=$(od -An -v -tu1 "$h" | awk '{for (i = 1; i <= NF; i++) s += $i} END {print s}')
	printf '%06o\0 ' "$sum" | dd of="$h" bs=1 seek=148 conv=notrunc status=none
	cat "$h"
	rm -f "$h"
}

# ---- good layers -----------------------------------------------------------------------------------------------------
good() { fetch "$1" | tar tz 2>/dev/null | sed 's#^\./##; s#/$##' | grep -v '^\.\?$' | sort | paste -sd ' '; }
everything="dir dir/sub dir/sub/two.yaml one.yaml"
raw_push good plain "$H_TMP/plain.tgz" >/dev/null
object passed good '{"ref":{"tag":"plain"}}'
raw_push good tar "$H_TMP/plain.tar" application/vnd.oci.image.layer.v1.tar >/dev/null
object uncompressed good '{"ref":{"tag":"tar"}}'
cat <(head -c 700 "$H_TMP/plain.tar" | gzip -n) <(tail -c +701 "$H_TMP/plain.tar" | gzip -n) >"$H_TMP/members.tgz"
raw_push good members "$H_TMP/members.tgz" >/dev/null
object two-members good '{"ref":{"tag":"members"}}'
ln -s one.yaml "$A/link.yaml"
tarball link.tar
gzip -nc "$H_TMP/link.tar" >"$H_TMP/link.tgz"
rm "$A/link.yaml"
raw_push good link "$H_TMP/link.tgz" >/dev/null
object symlink good '{"ref":{"tag":"link"}}'
check_soon "a plain layer" "$SOON" "True Succeeded" outcome passed
check_eq "passes through: its digest is the layer's" "$(sha256 "$H_TMP/plain.tgz")" "$(field passed .status.artifact.digest)"
check_eq "with everything in it" "$everything" "$(good passed)"
for o in uncompressed two-members symlink; do
	check_soon "$o: Ready" "$SOON" "True Succeeded" outcome $o
	check_eq "$o: every file, no link" "$everything" "$(good $o)"
	check_eq "$o: the digest is that of the bytes" "$(field $o .status.artifact.digest)" "sha256:$(fetch $o | sha256sum | cut -d' ' -f1)"
	fetch $o >"$H_TMP/repacked.tgz"
	check_eq "$o: repacked: owner 0, time 0, modes of the contract" "0/0 1970-01-01 -rw------- drwxr-x---" \
		"$(tar --numeric-owner --utc -tvzf "$H_TMP/repacked.tgz" | awk '{print $2, $4}' | sort -u | paste -sd ,) $(tar --numeric-owner --utc -tvzf "$H_TMP/repacked.tgz" | awk '{print $1}' | sort -u | sort -r | grep -v '^$' | paste -sd ' ' | awk '{print $1 < $2 ? $1 " " $2 : $2 " " $1}')"
done
check_eq "the same files make the same bytes" "$(field uncompressed .status.artifact.digest)" "$(field two-members .status.artifact.digest)"

# ---- bad layers: each fails with a reason, and nothing is served -----------------------------------------------------
bad() { raw_push bad "$1" "$2" >/dev/null; object "bad-$1" bad '{"ref":{"tag":"'"$1"'"}}'; BAD="${BAD:-} $1"; }
cp "$H_TMP/plain.tgz" "$H_TMP/x"; printf '\001' | dd of="$H_TMP/x" bs=1 seek=$(($(stat -c %s "$H_TMP/x") - 8)) conv=notrunc status=none; bad gzip-crc "$H_TMP/x"
head -c $(($(stat -c %s "$H_TMP/plain.tgz") - 9)) "$H_TMP/plain.tgz" >"$H_TMP/x"; bad gzip-cut "$H_TMP/x"
{ cat "$H_TMP/plain.tgz"; echo more; } >"$H_TMP/x"; bad gzip-tail "$H_TMP/x"
head -c 3000 /dev/urandom >"$H_TMP/x"; bad noise "$H_TMP/x"
: >"$H_TMP/x"; bad empty "$H_TMP/x"
head -c 1000 "$H_TMP/plain.tar" | gzip -n >"$H_TMP/x"; bad tar-cut "$H_TMP/x"
cp "$H_TMP/plain.tar" "$H_TMP/y"; printf 9 | dd of="$H_TMP/y" bs=1 seek=600 conv=notrunc status=none; gzip -nc "$H_TMP/y" >"$H_TMP/x"; bad tar-checksum "$H_TMP/x"
names ../escape.yaml | gzip -n >"$H_TMP/x"; bad dot-dot "$H_TMP/x"
names dir/../../escape.yaml | gzip -n >"$H_TMP/x"; bad dot-dot-inside "$H_TMP/x"
names /etc/absolute.yaml | gzip -n >"$H_TMP/x"; bad absolute "$H_TMP/x"
names 'back\slash.yaml' | gzip -n >"$H_TMP/x"; bad backslash "$H_TMP/x"
names $'bad-\xff-utf8.yaml' | gzip -n >"$H_TMP/x"; bad not-utf8 "$H_TMP/x"
{ entry fifo 6 0; head -c 1024 /dev/zero; } | gzip -n >"$H_TMP/x"; bad fifo "$H_TMP/x"
{ entry null 3 0; head -c 1024 /dev/zero; } | gzip -n >"$H_TMP/x"; bad device "$H_TMP/x"
{ entry bomb 0 400000000; head -c 400000000 /dev/zero; head -c 1536 /dev/zero; } | gzip -n >"$H_TMP/x"; bad bomb "$H_TMP/x"
for b in $BAD; do
	check_soon_match "bad-$b: not Ready" "$SOON" '^False (OCIArtifactLayerOperationFailed|OCIArtifactPullFailed|ArchiveOperationFailed)$' outcome "bad-$b"
	check_eq "bad-$b: no artifact" null "$(field "bad-$b" .status.artifact)"
	check_match "bad-$b: a message with the repository or the layer" 'bad|sha256:|layer' "$(message "bad-$b")"
done
check_eq "nothing escaped" "" "$(find "$H_TMP/src.state" \( -name 'escape*' -o -name 'absolute*' \) 2>/dev/null)"
h_find() { find "$H_TMP/src.state" -path '*/.tmp/*' -type f 2>/dev/null; }
check_soon "no temporary file is left, but while one is tried again" "$SOON" "" h_find

# A bad push keeps the old artifact in service.
raw_push turn now "$H_TMP/plain.tgz" >/dev/null
object turn turn '{"ref":{"tag":"now"},"interval":"1s"}'
check_soon "turn: Ready" "$SOON" "True Succeeded" outcome turn
before=$(field turn .status.artifact.digest)
names ../escape.yaml | gzip -n >"$H_TMP/x"; raw_push turn now "$H_TMP/x" >/dev/null
check_soon_match "turn: a bad push is noticed" "$SOON" '^False' outcome turn
check_eq "turn: the artifact is known to be outdated" "True NewRevision" "$(field turn '.status.conditions[] | select(.type == "ArtifactOutdated") | "\(.status) \(.reason)"')"
check_eq "turn: the old artifact is still in the status" "$before" "$(field turn .status.artifact.digest)"
check_eq "turn: and served" "$before" "sha256:$(fetch turn | sha256sum | cut -d' ' -f1)"

# ---- manifests -------------------------------------------------------------------------------------------------------
echo '{}' >"$H_TMP/config.json"
config=$(descriptor $FLUX_CONFIG "$(raw_blob kinds "$H_TMP/config.json")" 3)
layer=$(descriptor $FLUX_CONTENT "$(raw_blob kinds "$H_TMP/plain.tgz")" "$(stat -c %s "$H_TMP/plain.tgz")")
other=$(descriptor application/vnd.oci.image.layer.v1.tar+gzip "$(raw_blob kinds "$H_TMP/link.tgz")" "$(stat -c %s "$H_TMP/link.tgz")")
image $OCI_MANIFEST "$config" "$other" "$layer" | raw_manifest kinds two-layers $OCI_MANIFEST >/dev/null
object first-layer kinds '{"ref":{"tag":"two-layers"},"layerSelector":{"operation":"copy"}}'
object second-layer kinds '{"ref":{"tag":"two-layers"},"layerSelector":{"operation":"copy","mediaType":"'$FLUX_CONTENT'"}}'
image $DOCKER_MANIFEST "$(jq -c '.mediaType = "application/vnd.docker.container.image.v1+json"' <<<"$config")" "$(jq -c '.mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"' <<<"$layer")" |
	raw_manifest kinds docker $DOCKER_MANIFEST >/dev/null
object docker kinds '{"ref":{"tag":"docker"}}'
child=$(image $OCI_MANIFEST "$config" "$layer" | raw_manifest kinds child $OCI_MANIFEST)
size=$(image $OCI_MANIFEST "$config" "$layer" | wc -c)
# index MEDIATYPE PLATFORM...
index() { local m=$1; shift; for p in "$@"; do descriptor $OCI_MANIFEST "$child" "$size" | jq -c --argjson p "$p" 'if $p == null then . else . + {platform: $p} end'; done | jq -cs --arg m "$m" '{schemaVersion: 2, mediaType: $m, manifests: .}'; }
tag_index=$(index $OCI_INDEX '{"os":"linux","architecture":"arm64"}' '{"os":"linux","architecture":"amd64"}' | raw_manifest kinds index $OCI_INDEX)
object index kinds '{"ref":{"tag":"index"}}'
index $DOCKER_LIST '{"os":"linux","architecture":"amd64"}' | raw_manifest kinds list $DOCKER_LIST >/dev/null
object list kinds '{"ref":{"tag":"list"}}'
index $OCI_INDEX '{"os":"linux","architecture":"arm64"}' '{"os":"windows","architecture":"amd64"}' | raw_manifest kinds foreign $OCI_INDEX >/dev/null
object foreign kinds '{"ref":{"tag":"foreign"}}'
check_soon "without a selector the first layer" "$SOON" "$(sha256 "$H_TMP/link.tgz")" field first-layer .status.artifact.digest
check_soon "a media type selects" "$SOON" "$(sha256 "$H_TMP/plain.tgz")" field second-layer .status.artifact.digest
check_soon "a Docker manifest" "$SOON" "True Succeeded" outcome docker
check_soon "an index: linux/amd64" "$SOON" "True Succeeded" outcome index
check_eq "an index: the revision is what the tag names" "index@$tag_index" "$(field index .status.artifact.revision)"
check_eq "an index: the metadata is the child's" raw "$(field index '.status.artifact.metadata["org.opencontainers.image.revision"]')"
check_soon "a Docker list" "$SOON" "True Succeeded" outcome list
check_soon_match "an index without linux/amd64" "$SOON" '^False' outcome foreign
check_match "says so" 'linux/amd64' "$(message foreign)"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
