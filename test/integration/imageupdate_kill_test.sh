#!/usr/bin/env bash
# kill -9 of the program while an ImageUpdateAutomation begins to fetch, pushes, and between its push and its status: no choice is lost, none is committed
# twice, and the status of the next start knows whose commit it is.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/automation.sh"

start() { a_start "$@"; echo "$CONTROLLER_PID" >"$H_TMP/pid"; }
start
tags app '{"tags": ["1.0.0"]}'
repository app "{\"image\": \"$TAGS/app\", \"insecure\": true}"
policy app '{"imageRepositoryRef": {"name": "app"}, "policy": {"semver": {"range": "1.x"}}}'
check_soon "the policy has chosen" 20 1.0.0 chosen app
a_repo app main 0.9.0
a_source app "http://$GIT/git/app.git" main
# Signed: what is compared with a commit that is there is all but its signature.
ssh-keygen -q -t ecdsa -N '' -f "$H_TMP/key" || h_die "ssh-keygen makes no key"
kn create secret generic signing --from-file=identity="$H_TMP/key" >/dev/null || h_die "cannot create the Secret"
automation app app '{"push": {"refspec": "refs/heads/main:refs/heads/mirror"}, "commit": {"signingKey": {"type": "ssh", "secretRef": {"name": "signing"}}}}'
check_soon "a first commit" 20 1.0.0 new_tag app mirror
check_soon "Ready" 10 "True Succeeded" ready app
check_has "it is signed" "BEGIN SSH SIGNATURE" "$(g app cat-file commit main)"
commits=2

# killed WHAT TAG: the next choice, and a start after the process has died of it.
killed()
{
	tags app "{\"tags\": [\"1.0.0\", \"$2\"]}"
	kn annotate --overwrite imagerepository app "reconcile.fluxcd.io/requestedAt=$2" >/dev/null 2>&1
	h_until 20 h_gone "$CONTROLLER_PID" || h_fail "killed $1" "it ends" "it lives"
	h_stop "$CONTROLLER_PID" KILL
	rm -f "$GIT_ROOT"/app.git/hooks/{pre,post}-receive
	start
	check_soon "killed $1: the choice is not lost" 20 "$2" new_tag app main
	check_soon "killed $1: IU-22 lastPushCommit" 20 "$(head_of app main)" status app lastPushCommit
	check_soon "killed $1: the second push" 10 "$(head_of app main)" head_of app mirror
	commits=$((commits + 1))
	check_eq "killed $1: no second commit" $commits "$(g app rev-list --count main)"
	check_soon "killed $1: Ready" 10 "True Succeeded" ready app
	check_soon_match "killed $1: IU-20 the event" 10 "pushed commit '$(g app rev-parse --short=7 main)' to branch 'main'" said app
}
# at HOOK [COMMAND]: the server kills it there.
at() { printf '#!/bin/sh\nkill -9 "$(cat %s)"\n%s\n' "$H_TMP/pid" "${2:-exit 0}" >"$GIT_ROOT/app.git/hooks/$1" && chmod +x "$GIT_ROOT/app.git/hooks/$1"; }

at pre-receive
killed "at the push" 1.1.0
at pre-receive 'exit 1'
killed "at a push that is refused" 1.2.0
at post-receive
killed "between push and status" 1.3.0
at pre-receive
sed -i '2i read -r a b ref; [ "$ref" != refs/heads/main ] || exit 0' "$GIT_ROOT/app.git/hooks/pre-receive"
killed "between the two pushes" 1.4.0
# 2 KiB a second: the fetch takes its time.
a_source app "http://$GIT/drip/app.git" main
check_soon "Ready at another URL" 20 "True Succeeded" ready app
is_chosen() { [ "$(chosen app)" = "$1" ]; }
(h_until 20 is_chosen 1.5.0; kill -9 "$CONTROLLER_PID") &
killed "when it begins to fetch" 1.5.0
h_finish
