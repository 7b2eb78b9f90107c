#!/usr/bin/env bash
# GitRepositories on a full disk: the objects that were fetched for them lie beside the artifacts, outside of the quota of the store. Those that are only
# kept go first; then the reason is clear, and what was there is served.
. "$(dirname "$0")/../lib/harness.sh"
if [ -z "${GIT_DISK_TEST_NS:-}" ]; then
	trap - EXIT
	rm -rf "$H_TMP"
	export GIT_DISK_TEST_NS=1
	if [ "$(id -u)" -eq 0 ]; then exec "${H_UNSHARE[@]}" bash "$0"; else exec "${H_UNSHARE[@]}" --map-root-user bash "$0"; fi
fi
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/gitrepository.sh"
h_git_start git
h_git_init app main
mkdir "$H_TMP/objects" "$H_TMP/store"
mount -t tmpfs -o size=8m,mode=0700 tmpfs "$H_TMP/store" || h_die "cannot mount a small file system"
# With a back-off that nobody waits for: what goes on does so because the volume is better.
h_embedded_start src "$H_TMP/objects" --storage-path="$H_TMP/store" --min-retry-delay=30m --max-retry-delay=30m
ART=$(h_address src artifacts)
# noise BRANCH BYTES: a commit of so many bytes that no archive makes smaller, and a GitRepository of it. Its artifact takes as much, and so do its
# objects for as long as they are kept.
noise()
{
	head -c "$2" /dev/urandom >"$GIT_WORK/app/noise"
	h_git_push app "$1"
	repo "$1" "{\"ref\": {\"branch\": \"$1\"}}" >/dev/null
}
is_ready() { ready "$1" | sed 's/@.*//'; }
room() { df --output=avail -B 1 "$H_TMP/store" | tail -n 1; }
noise one 2300000
check_soon "the first one" 20 "True/Succeeded one" is_ready one
check_le "its objects are kept beside the artifact" $((8388608 - 4600000)) "$(room)"
noise two 2300000
check_soon "the second one has room without what is kept" 40 "True/Succeeded two" is_ready two
noise three 2300000
check_soon "the third one has none" 20 "False/ArchiveOperationFailed -" is_ready three
check_has "and says so" "no space left on the storage volume" "$(message three Ready)"
check_eq "by the condition of the storage" "True/ArchiveOperationFailed" "$(cond three StorageOperationFailed)"
noise large 6000000
check_soon "nor is there any for the objects of a large one" 20 "False/ArchiveOperationFailed -" is_ready large
check_has "which says the same" "no space left on the storage volume" "$(message large Ready)"
for o in one two; do check_eq "$o is served" "$(artifact $o digest)" "$(served $o)"; done
check_le "nothing else takes room" 4700000 $((8388608 - $(room)))
k delete gitrepository large one --timeout=20s >/dev/null
check_soon "when there is room the third one comes" 60 "True/Succeeded three" is_ready three
check_eq "whole" "$(artifact three digest)" "$(served three)"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_finish
