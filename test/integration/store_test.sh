#!/usr/bin/env bash
# The store when things go wrong: a full disk, a read-only one, one that vanishes, files that rot, and kill -9 at any moment of a pull. What is served is always
# the whole file that the status names, and the next good moment needs no restart.
. "$(dirname "$0")/../lib/harness.sh"
if [ -z "${STORE_TEST_NS:-}" ]; then
	trap - EXIT
	rm -rf "$H_TMP"
	export STORE_TEST_NS=1
	if [ "$(id -u)" -eq 0 ]; then exec "${H_UNSHARE[@]}" bash "$0"; else exec "${H_UNSHARE[@]}" --map-root-user bash "$0"; fi
fi
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
SOON=${SOON:-30}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
mkdir "$H_TMP/objects" "$H_TMP/store"
mount -t tmpfs -o size=4m,mode=0700 tmpfs "$H_TMP/store" || h_die "cannot mount a small file system"
STORAGE=127.0.0.1:$(h_free_port)
start() { h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store" --storage-addr="$STORAGE" --min-retry-delay="${1:-200ms}" --max-retry-delay="${1:-1s}"; }
# With a back-off that nobody waits for: what goes on does so because the volume is better.
start 30m
h_namespace store
kn() { k -n store "$@"; }
get() { kn get ocirepository "$1" -o json; }
ready() { field "$1" '.status.conditions[]? | select(.type == "Ready") | .status'; }
failed() { field "$1" '[.status.conditions[]? | select(.type == "FetchFailed" or .type == "StorageOperationFailed") | "\(.type) \(.status) \(.reason)"] | join(",")'; }
revision() { field "$1" '.status.artifact.revision // "" | sub("@.*"; "")'; }
temporary() { find "$H_TMP/store/.tmp" -type f 2>/dev/null; }
code() { curl -s -o /dev/null -w '%{http_code}' "$1"; }
bytes() { echo "sha256:$(curl -sf "$(field "$1" .status.artifact.url)" | sha256sum | cut -d' ' -f1)"; }
object()
{
	jq -n --arg name "$1" --arg tag "$2" --arg url "oci://$REGISTRY/web" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: {interval: "1m", url: $url, ref: {tag: $tag}}}' |
		kn apply -f - >/dev/null || h_die "cannot apply $1"
}
# push TAG MIB: an artifact of about this size.
push()
{
	rm -rf "$H_TMP/app"
	mkdir "$H_TMP/app"
	echo "$1" >"$H_TMP/app/name"
	head -c "$(($2 * 1048576))" /dev/urandom >"$H_TMP/app/noise.bin"
	"$OCICTL" push "oci://$REGISTRY/web:$1" --path="$H_TMP/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push $1"
}
for t in small-1 small-2 small-3; do push $t 0; done
push big 8
object one small-1
check_soon "one is Ready" "$SOON" "True Succeeded" outcome one

# ---- a full disk -----------------------------------------------------------------------------------------------------
object large big
check_soon "a disk that is full: not Ready" "$SOON" False ready large
check_eq "and the message says so" "unable to store the layer: no space left on the storage volume" "$(message large)"
check_eq "it is the store's failure, not the registry's" "StorageOperationFailed True ArchiveOperationFailed" "$(failed large)"
check_eq "nothing half is in the store" "" "$(find "$H_TMP/store/ocirepository/store/large" -name 'sha256*' 2>/dev/null)"
check_soon "no temporary file stays, but while it is tried again" "$SOON" "" temporary
check_eq "the others are served" 200 "$(code "$(field one .status.artifact.url)")"
object one small-2
check_soon "and go on" "$SOON" small-2 revision one
mount -o remount,size=64m "$H_TMP/store"
check_soon "room again: no restart needed" "$SOON" "True Succeeded" outcome large
check_eq "the whole of it" "$(field large .status.artifact.digest)" "$(bytes large)"

# ---- a read-only one -------------------------------------------------------------------------------------------------
mount -o remount,ro "$H_TMP/store"
object one small-3
check_soon "a read-only disk: not Ready" "$SOON" False ready one
check_eq "and the message says so" "unable to archive artifact to storage: the storage volume is read-only" "$(message one)"
check_match "it is the store's failure" '^StorageOperationFailed True (ArchiveOperationFailed|DirectoryCreationFailed|StatOperationFailed)$' "$(failed one)"
check_eq "the old artifact is named" small-2 "$(revision one)"
check_eq "and served" "$(field one .status.artifact.digest)" "$(bytes one)"
mount -o remount,rw "$H_TMP/store"
check_soon "writable again: no restart needed" "$SOON" "True Succeeded" outcome one
check_eq "with what was asked for" small-3 "$(revision one)"

# ---- one that vanishes: its folder is removed, another volume takes its place, it goes again ----------------------------
whole() { [ "$(field one .status.artifact.digest)" = "$(bytes one)" ] && [ "$(field large .status.artifact.digest)" = "$(bytes large)" ] && echo whole; }
files() { find "$H_TMP/store/ocirepository" -name 'sha256*' | wc -l; }
umount -l "$H_TMP/store"
check_soon "unmounted: all is brought to where the path leads now" "$SOON" 2 files
check_soon "and served" "$SOON" whole whole
rm -rf "$H_TMP/store"
check_soon "removed: the folder is made again, with what statuses name" "$SOON" 2 files
check_soon "and served" "$SOON" whole whole
mount -t tmpfs -o size=64m,mode=0700 tmpfs "$H_TMP/store" || h_die "cannot mount a small file system"
check_soon "another volume: that one has them" "$SOON" 2 files
check_soon "and serves them" "$SOON" whole whole
object one small-1
check_soon "and takes new ones" "$SOON" small-1 revision one
check_soon "Ready" "$SOON" "True Succeeded" outcome one
h_stop "$CONTROLLER_PID" >/dev/null
start

# ---- files that are not what they were -------------------------------------------------------------------------------
h_stop "$CONTROLLER_PID" KILL
file=$(find "$H_TMP/store/ocirepository/store/one" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
printf X | dd of="$file" bs=1 seek=20 conv=notrunc status=none
start
check_soon "a file that rotted is fetched again" "$SOON" 200 code "$(field one .status.artifact.url)"
check_eq "before anyone gets it" "$(field one .status.artifact.digest)" "$(bytes one)"

# ---- kill -9 at any moment of a pull ---------------------------------------------------------------------------------
wrong=0 kills=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	push "turn-$i" 6
	object large "turn-$i"
	sleep "0.0$((i * 13 % 100))" # another moment each time
	h_stop "$CONTROLLER_PID" KILL >/dev/null
	kills=$((kills + 1))
	start
	h_until "$SOON" curl -sf "http://$STORAGE/"
	for o in one large; do
		url=$(field $o .status.artifact.url)
		want=$(field $o .status.artifact.digest)
		rc=$(curl -s -o "$H_TMP/body" -w '%{http_code}' "$url")
		[ "$rc" != 200 ] || [ "$(field $o .status.artifact.digest)" != "$want" ] || [ "sha256:$(sha256sum <"$H_TMP/body" | cut -d' ' -f1)" = "$want" ] || wrong=$((wrong + 1))
	done
done
check_eq "$kills kills: never anything but the whole file" 0 $wrong
check_soon "and the last one arrives" "$SOON" turn-10 revision large
check_eq "whole" "$(field large .status.artifact.digest)" "$(bytes large)"
check_le "old files go: two records at most" 4 "$(find "$H_TMP/store/ocirepository/store/large" -type f | wc -l)"
check_soon "no temporary file stays" "$SOON" "" temporary

# ---- SIGTERM while somebody downloads -----------------------------------------------------------------------------------
push end 24 # more than the kernel keeps for a connection whose process has ended
object large end
check_soon "a larger one" "$SOON" end revision large
url=$(field large .status.artifact.url)
want=$(field large .status.artifact.digest)
h_spawn download curl -s --limit-rate 4M -o "$H_TMP/slow" "$url"
DOWNLOAD=$H_PID
h_until 10 test -s "$H_TMP/slow" || h_die "the download does not begin"
kill -s TERM "$CONTROLLER_PID"
h_until 10 bash -c "! curl -sf -o /dev/null --max-time 1 http://$STORAGE/"
check_ok "SIGTERM: a running download goes on" h_alive "$DOWNLOAD"
wait "$DOWNLOAD"
check_eq "and ends well" 0 $?
h_forget "$DOWNLOAD"
check_eq "with the whole file" "$want" "sha256:$(sha256sum <"$H_TMP/slow" | cut -d' ' -f1)"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
umount "$H_TMP/store"
h_finish
