#!/usr/bin/env bash
# What lies on the disk: an intact store is served by the next process without a registry and without being read; a file that rots is found; and there is a quota.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
SOON=${SOON:-30}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
mkdir "$H_TMP/objects" "$H_TMP/app"
STORE=$H_TMP/store
STORAGE=127.0.0.1:$(h_free_port)
start() { h_embedded_start src "$H_TMP/objects" --storage-path="$STORE" --storage-addr="$STORAGE" --min-retry-delay=200ms --max-retry-delay=1s "$@"; }
metric() { curl -sf "http://$(h_address_now src metrics)/metrics" | awk -v m="$1" '$1 == m { print $2 }'; }
bytes() { echo "sha256:$(curl -sf "$(field "$1" .status.artifact.url)" | sha256sum | cut -d' ' -f1)"; }
push()
{
	echo "$1" >"$H_TMP/app/name"
	head -c $((2 * 1048576)) /dev/urandom >"$H_TMP/app/noise.bin"
	"$OCICTL" push "oci://$REGISTRY/web:$1" --path="$H_TMP/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push $1"
}
object()
{
	jq -n --arg name "$1" --arg tag "$2" --arg url "oci://$REGISTRY/web" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: {interval: "1m", url: $url, ref: {tag: $tag}}}' |
		k apply -f - >/dev/null || h_die "cannot apply $1"
}
known() { h_log_since_start src | jq -r 'select(.msg == "read the store") | "\(.known) of \(.files) \(.forgot // "")"'; }
push 1
start
object one 1
check_soon "an artifact" "$SOON" "True Succeeded" outcome one
want=$(field one .status.artifact.digest)
url=$(field one .status.artifact.url)
path=$(field one .status.artifact.path)

# ---- the index -------------------------------------------------------------------------------------------------------
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
check_eq "the index is on the disk" 600 "$(stat -c %a "$STORE/.index")"
h_stop "$REGISTRY_PID" KILL >/dev/null
start --storage-scrub-rate=0
check_soon "the next process knows the file" "$SOON" "1 of 1 " known
check_eq "it is served without a registry" "$want" "sha256:$(curl -sf "$url" | sha256sum | cut -d' ' -f1)"
check_le "and without being read" 1000000 "$(metric bytes_hashed_total)"
h_stop "$CONTROLLER_PID" KILL >/dev/null
start --storage-scrub-rate=0
check_soon "also after kill -9" "$SOON" "1 of 1 " known
h_stop "$CONTROLLER_PID" >/dev/null
sed -i 's/^boot ./boot x/' "$STORE/.index"
start --storage-scrub-rate=0
check_soon_match "an index that was changed: all is hashed" "$SOON" "0 of 1 .*'.index' has other bytes than were written" known
check_eq "and served" "$want" "$(bytes one)"
check_le "after it was read" "$(metric bytes_hashed_total)" 2000000
h_registry_start reg
h_stop "$CONTROLLER_PID" >/dev/null

# ---- the scrub -------------------------------------------------------------------------------------------------------
start --storage-scrub-rate=32Mi
wrong() { metric artifact_store_wrong_files_total; }
check_soon "the file is known" "$SOON" "1 of 1 " known
check_soon_match "it is read again" "$SOON" '^[1-9]' metric artifact_store_scrubbed_bytes_total
h_stop "$CONTROLLER_PID" >/dev/null
file=$STORE/$path
time=$(stat -c %y "$file")
printf X | dd of="$file" bs=1 seek=1000000 conv=notrunc status=none
touch -d "$time" "$file"
start --storage-scrub-rate=32Mi
check_soon "a file that rots, and no stat shows it: the next process knows it" "$SOON" "1 of 1 " known
check_soon "the scrub finds it" "$SOON" 1 wrong
check_soon "it is fetched again" "$SOON" "$want" bytes one
check_soon_match "and people are told" "$SOON" 'ArtifactVerificationFailed' k get events -A
h_stop "$CONTROLLER_PID" >/dev/null

# ---- the quota -------------------------------------------------------------------------------------------------------
start --storage-quota=3Mi
push 2
object two 2
check_soon "over the quota: not Ready" "$SOON" "False StorageQuotaExceeded" outcome two
check_eq "the message has quota, use and need" "no room in the storage quota of 3.0 MiB (--storage-quota): 2.0 MiB are taken, 2.0 MiB more are needed" "$(message two)"
check_eq "what was there is served" "$want" "$(bytes one)"
check_eq "the quota is a metric" 3145728 "$(metric artifact_store_quota_bytes)"
check_soon_match "so are refusals" "$SOON" '^[1-9]' metric artifact_store_over_quota_total
k get ocirepository two >"$H_TMP/log/two.out"
k delete ocirepository one >/dev/null
check_soon "room: it comes" "$SOON" "True Succeeded" outcome two
push 3
object two 3
check_soon_match "a new artifact of its own has no room beside the one that is named" "$SOON" 'False StorageQuotaExceeded' outcome two
check_eq "nothing is reserved for it" 0 "$(metric artifact_store_reserved_bytes)"
h_stop "$CONTROLLER_PID" >/dev/null
start --storage-quota=5Mi
check_soon "a larger quota" "$SOON" "True Succeeded" outcome two
push 4
object two 4
revision() { field "$1" '.status.artifact.revision // "" | sub("@.*"; "")'; }
check_soon "the next one: the superseded one gives way" "$SOON" 4 revision two
check_le "within the quota" 5242880 "$(metric artifact_store_bytes)"
h_stop "$CONTROLLER_PID" >/dev/null
h_finish
