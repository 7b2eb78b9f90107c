#!/usr/bin/env bash
# kill -9 of the program with its embedded API: at every change that a first start makes to its state directory, at points that SEED chooses,
# and at any time (that is where SQLite is). The next start has the object Ready, serves what its status names, and nothing temporary stays. Then the same of
# a GitRepository, at its rows and at what the disk does for them.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/git.sh"
h_points_build
export ASAN_OPTIONS=detect_leaks=0
h_seed
RANDOM_KILLS=${RANDOM_KILLS:-5} # of each of two kinds
STATE=$H_TMP/src.state

h_registry_start reg
mkdir "$H_TMP/objects" "$H_TMP/app"
echo one >"$H_TMP/app/app.yaml"
head -c 700000 /dev/urandom >"$H_TMP/app/large"
"$OCICTL" push "oci://$REGISTRY/web:main" --path="$H_TMP/app" --source=x --revision=1 >/dev/null || h_die "cannot push"
cat >"$H_TMP/objects/web.yaml" <<EOF
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web, namespace: apps}
spec: {interval: 1h, url: 'oci://$REGISTRY/web', ref: {tag: main}}
---
apiVersion: v1
kind: Namespace
metadata: {name: apps}
EOF

OBJECTS=$H_TMP/objects RESOURCE=ocirepositories/web
start() { h_controller_start src --embedded="$OBJECTS" --state-dir="$STATE"; }
# status FILTER: of the object, by the API of this very start.
status()
{
	curl -s "$(sed -n 's/^ *server: //p' "$STATE/kubeconfig" 2>/dev/null)/apis/source.toolkit.fluxcd.io/v1/namespaces/apps/$RESOURCE" | jq -r "$1"
}
is_ready() { status '.status.conditions[]? | select(.type == "Ready") | .status'; }
served() { curl -s "http://$(h_address src artifacts)/$(status .status.artifact.path)" | sha256sum | cut -d' ' -f1; }
temps() { find "$STATE" -path '*/.tmp/*' -o -path '*/.git-objects/*' -o -name '?*.tmp' | wc -l; }
# What the status names right after a start can be had: true also when it names nothing.
advertised()
{
	local path digest

	path=$(status '.status.artifact.path // empty') digest=$(status '.status.artifact.digest // empty')
	[ -z "$path" ] || [ "$digest" = "sha256:$(curl -s --max-time 30 "http://$(h_address src artifacts)/$path" | sha256sum | cut -d' ' -f1)" ] ||
		[ "$path" != "$(status '.status.artifact.path // empty')" ]
}
api_answers() { [ -n "$(status .metadata.name)" ]; }
ends() { h_stop "$CONTROLLER_PID"; }

check_healed()
{
	start
	h_until 40 api_answers
	check_ok "$WHAT: what is advertised can be had" advertised
	check_soon "$WHAT: Ready" 40 True is_ready
	check_eq "$WHAT: what is served is what the status names" "$(status .status.artifact.digest | cut -d: -f2)" "$(served)"
	check_eq "$WHAT: nothing temporary" 0 "$(temps)"
	ends
}

# kill_at POINT:N: of a first start, or of the end after it.
NOT_REACHED=0
kill_at()
{
	WHAT="SEED=$SEED, killed at '$1'"
	rm -rf "$STATE"
	SYS_KILL_AT=$1 start
	h_until 20 is_over
	ends || [ $? -eq 137 ] || NOT_REACHED=$((NOT_REACHED + 1))
	check_healed
}
is_over() { h_gone "$CONTROLLER_PID" || [ "$(is_ready)" = True ]; }

passages() { grep -cFx -- "$1" "$H_TMP/points"; }
# points: those of a start that nobody kills are POINTS, in $H_TMP/points as often as they were passed.
points()
{
	rm -rf "$STATE" "$H_TMP/points"
	SYS_POINTS=$H_TMP/points start
	check_soon "$RESOURCE: a start that nobody kills" 40 True is_ready
	ends
	mapfile -t POINTS < <(sort -u "$H_TMP/points")
	check_has "its points are known" reconcile/publish+ "${POINTS[*]}"
	check_has "to the end" shutdown/save "${POINTS[*]}"
}
points
for point in sys.mkdir sys.write sys.fdatasync sys.rename sys.symlink; do
	for n in $(seq "$(passages $point)"); do kill_at "$point:$n"; done
done
check_eq "each of them was reached" 0 $NOT_REACHED
for ((i = 0; i < RANDOM_KILLS; i++)); do
	h_choose "${POINTS[@]}"
	point=$CHOSEN
	h_choose $(seq "$(passages "$point")")
	kill_at "$point:$CHOSEN"
done
for ((i = 0; i < RANDOM_KILLS; i++)); do
	h_choose $(seq -f %.2f 0.05 0.05 1)
	WHAT="SEED=$SEED, killed after $CHOSEN s"
	rm -rf "$STATE"
	start
	sleep "$CHOSEN"
	h_stop "$CONTROLLER_PID" KILL
	check_healed
done

# ---- a GitRepository -------------------------------------------------------------------------------------------------
h_git_start git
h_git_init app main
cp "$H_TMP/app"/* "$GIT_WORK/app"
h_git_push app main one
OBJECTS=$H_TMP/git-objects RESOURCE=gitrepositories/web
mkdir "$OBJECTS"
cat >"$OBJECTS/web.yaml" <<EOF
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: web, namespace: apps}
spec: {interval: 1h, url: 'http://$GIT/git/app.git', ref: {branch: main}}
---
apiVersion: v1
kind: Namespace
metadata: {name: apps}
EOF
points
NOT_REACHED=0
# The first look, during the fetch and behind it, the archive, between file and status, and behind both.
for point in reconcile/resolve reconcile/resolve+ reconcile/fetch reconcile/fetch+ reconcile/make reconcile/publish reconcile/publish+ reconcile/status reconcile/status+; do
	[ "$(passages $point)" -eq 0 ] || kill_at "$point:1"
done
for point in sys.fdatasync sys.rename; do
	for n in $(seq "$(passages $point)"); do kill_at "$point:$n"; done
done
n=$(passages sys.write)
for i in 1 2 3 4; do kill_at "sys.write:$((n * i / 5 + 1))"; done
check_eq "each of them was reached" 0 $NOT_REACHED
h_finish
