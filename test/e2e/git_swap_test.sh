#!/usr/bin/env bash
# Row CL-08: the controller that serves the Git kinds is swapped under load, and back: no commit is lost, no choice is committed twice. Six
# automations, four of them on one branch, get new choices all the time on a real API server, while one process ends or is killed and another
# one goes on, by the Leases of Flux's controllers. Then two processes of ours alone: the Lease changes at each side of a push.
#
# The other one is a second process of ours, with a store and an identity of its own. With PEER_SC, PEER_IRC and PEER_IAC, programs of Flux's
# controllers, it is these, with the CRDs of their modules.
# Alone: it lives by short Leases.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
API=real
PEER=''
[ -z "${PEER_SC:-}" ] || [ -z "${PEER_IRC:-}" ] || [ -z "${PEER_IAC:-}" ] || PEER=yes CRDS=peers
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
. "$H_ROOT/test/lib/automation.sh"
[ -z "$PEER" ] || H_NAME=git_swap_peer
KUBECTL=$(h_tool kube-apiserver)/kubectl || h_die "kubectl was not built"
LEASE_FLAGS=(--enable-leader-election --leader-election-lease-duration=4s --leader-election-renew-deadline=3s --leader-election-retry-period=500ms)

# Asked again and again: a tenth of what kubectl costs.
ask() { curl -s --max-time 20 --cacert "$KUBE_CA" -H "Authorization: Bearer $TOKEN" "$KUBE_SERVER/apis/$1" "${@:2}"; }
get()
{
	local many=${1,,}s

	ask "$(i_version "$1")/namespaces/$NS/${many/%ys/ies}/$2"
}
status() { get ImageUpdateAutomation "$1" | jq -r ".status.$2 // empty"; }
outcome() { get "$1" "$2" | jq -r '.metadata.generation as $g | .status.conditions[]? | select(.type == "Ready" and .observedGeneration == $g and .status != "Unknown") | "\(.status) \(.reason)"'; }
revision() { get GitRepository "$1" | jq -r '.status.artifact.revision // empty'; }

# ---- the two ---------------------------------------------------------------------------------------------------------
declare -A PIDS=() STORAGE_OF=([a]=127.0.0.1:$(h_free_port) [b]=127.0.0.1:$(h_free_port))
# in_pod PROGRAM: a program that runs it where the file is that tells a Pod its namespace: Flux's controllers elect in no other one.
in_pod()
{
	local file=$H_TMP/pod-${1##*/}

	cat >"$file" <<-POD
	#!/bin/sh
	exec ${H_UNSHARE[*]} -- sh -c 'mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
		printf flux-system >/run/secrets/kubernetes.io/serviceaccount/namespace && exec "\$@"' sh "$1" "\$@"
	POD
	chmod +x "$file"
	echo "$file"
}
# begin SIDE: a is always ours.
begin()
{
	local side=$1 storage=(--storage-path="$H_TMP/store-$1" --storage-addr="${STORAGE_OF[$1]}" --storage-adv-addr=artifacts.test)

	if [ -n "$PEER" ] && [ "$side" = b ]; then
		rm -rf "$H_TMP/store-b" "$H_TMP/store-irc" # a new Pod has an empty volume
		mkdir -p "$H_TMP/store-b"
		PEER_PIDS=()
		peer_start sc "$(in_pod "$PEER_SC")" "${storage[@]}" "${LEASE_FLAGS[@]}"
		peer_start irc "$(in_pod "$PEER_IRC")" --storage-path="$H_TMP/store-irc" "${LEASE_FLAGS[@]}"
		peer_start iac "$(in_pod "$PEER_IAC")" "${LEASE_FLAGS[@]}"
		PIDS[b]=${PEER_PIDS[*]}
		return
	fi
	mkdir -p "$H_TMP/store-$side"
	RUNTIME_NAMESPACE=flux-system h_controller_start "$side" --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces \
		--kinds=GitRepository,ImageRepository,ImagePolicy,ImageUpdateAutomation "${storage[@]}" "${LEASE_FLAGS[@]}"
	PIDS[$side]=$CONTROLLER_PID
	h_address "$side" metrics >/dev/null || h_die "$side did not start"
}
end()
{
	local pid rc=0

	# shellcheck disable=SC2086
	kill -s "$2" ${PIDS[$1]} # once: who is told twice does not finish what it does
	for pid in ${PIDS[$1]}; do
		h_until 30 h_gone "$pid" || h_fail "$1 ends" "it is gone" "it is there"
		wait "$pid" 2>/dev/null || rc=$?
		h_forget "$pid"
	done
	PIDS[$1]=''
	return $rc
}

holders()
{
	ask coordination.k8s.io/v1/namespaces/flux-system/leases |
		jq -r '.items[] | select(.metadata.name | test("^(source|image-reflector|image-automation)-controller-leader-election$")) | .spec.holderIdentity // ""'
}
# Each Lease has a holder that had none of them.
led_by_another()
{
	local holder n=0

	while read -r holder; do
		[ -n "$holder" ] && ! grep -qxF -- "$holder" <<<"$1" || return 1
		n=$((n + 1))
	done < <(holders)
	[ $n -eq 3 ]
}

i_cluster_start
# It starts with none of its kinds unknown.
[ -z "$PEER" ] || k apply --server-side --force-conflicts -f "$(dirname "$(h_git_crds | head -n 1)")" >/dev/null || h_die "cannot apply the CRDs of source-controller"
TOKEN=$(cut -d, -f1 "$H_TMP/kube/tokens.csv")
h_namespace "$NS"
i_tags_start
h_git_start git
begin a
h_until 30 led_by_another none || h_die "nobody leads"
LEADER=a

# ---- what is automated -------------------------------------------------------------------------------------------------
BRANCH_OF=(main main main main other bot/images) # the last one reads main and pushes elsewhere
APPS=(0 1 2 3 4 5)
h_git_init app main
# Who moved a branch from where to where stands in its log, whatever became of it later.
g app config core.logAllRefUpdates always
for i in "${APPS[@]}"; do
	mkdir -p "$GIT_WORK/app/apps/$i"
	cat >"$GIT_WORK/app/apps/$i/web.yaml" <<-YAML
	apiVersion: v1
	kind: ConfigMap
	metadata:
	  name: web-$i
	data:
	  tag: none # {"\$imagepolicy": "$NS:p$i:tag"}
	YAML
done
h_git_push app main first
FIRST=$(g app rev-parse main)
g app branch other main
ROUND=0
# choose APP...: each of them gets the tag of another round, and the repository is to be scanned.
declare -a ROUND_OF=(0 0 0 0 0 0)
choose()
{
	local i

	ROUND=$((ROUND + 1))
	for i in "$@"; do ROUND_OF[i]=$ROUND; done
	for i in "${APPS[@]}"; do echo "p$i-${ROUND_OF[i]}"; done | jq -cnR '{tags: [inputs]}' >"$H_TMP/tags/.next"
	mv "$H_TMP/tags/.next" "$H_TMP/tags/app.json"
	echo "${ROUND_OF[*]}" >"$H_TMP/rounds"
	ask "image.toolkit.fluxcd.io/v1/namespaces/$NS/imagerepositories/app" -o /dev/null -X PATCH -H 'Content-Type: application/merge-patch+json' \
		-d "{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"round-$ROUND\"}}}"
}
repository app "{\"image\":\"$TAGS/app\"}"
choose "${APPS[@]}"
for branch in main other; do a_source "$branch" "http://$GIT/git/app.git" "$branch"; done
for i in "${APPS[@]}"; do
	policy "p$i" "{\"imageRepositoryRef\":{\"name\":\"app\"},\"filterTags\":{\"pattern\":\"^p$i-(?P<n>[0-9]+)\$\",\"extract\":\"\$n\"},\"policy\":{\"numerical\":{\"order\":\"asc\"}}}"
	case ${BRANCH_OF[i]} in
	main) automation "a$i" main '{}' "{\"update\":{\"path\":\"./apps/$i\"}}" ;;
	other) automation "a$i" other '{}' "{\"update\":{\"path\":\"./apps/$i\"}}" ;;
	*) automation "a$i" main "{\"checkout\":{\"ref\":{\"branch\":\"main\"}},\"push\":{\"branch\":\"${BRANCH_OF[i]}\"}}" "{\"update\":{\"path\":\"./apps/$i\"}}" ;;
	esac
done
in_git()
{
	local i

	for i in "${APPS[@]}"; do echo "${BRANCH_OF[i]}:apps/$i/web.yaml"; done | g app cat-file --batch | sed -n "s/^  tag: p[0-9]-\([0-9]*\) .*/\1/p" | xargs
}
check_soon "the first choices are in Git" 30 "${ROUND_OF[*]}" in_git
a_source bot "http://$GIT/git/app.git" bot/images

# ---- the load ----------------------------------------------------------------------------------------------------------
# Each policy gets another choice with every second turn.
load()
{
	while [ -e "$H_TMP/loads" ]; do
		choose $((ROUND % 2)) $((ROUND % 2 + 2)) $((ROUND % 2 + 4))
		sleep 0.5
	done
}
moves() { cat "$GIT_ROOT"/app.git/logs/refs/heads/{main,other,bot/images} | wc -l; }
moved_to() { [ "$(moves)" -ge "$1" ]; }
# What each automation says that it has pushed.
said_pushed() { ask "image.toolkit.fluxcd.io/v1/namespaces/$NS/imageupdateautomations" | jq -r '.items[] | "\(.metadata.name) \(.status.lastPushCommit // "none")"'; }
touch "$H_TMP/loads"
h_spawn load load
LOAD_PID=$H_PID
WORST_MS=0
# works: the one who leads lands some commits.
works()
{
	local from

	from=$(moves)
	h_until 40 moved_to $((from + 6)) || h_fail "$WHAT: choices land" "6 commits more" "$(($(moves) - from))"
	said_pushed >>"$H_TMP/said_pushed"
}
# swap SIGNAL HOW: `waits`, the next one is there when the signal comes, as in a rollout; or `comes`, it is started after that.
swap()
{
	local next before since took rc

	next=$([ $LEADER = a ] && echo b || echo a)
	WHAT="from $LEADER to $next by SIG$1, which $2"
	before=$(holders)
	[ "$2" = comes ] || begin $next
	since=$(h_now_ms)
	end $LEADER "$1"
	rc=$?
	[ "$1" = KILL ] || check_eq "$WHAT: exit status" 0 $rc
	[ "$2" = waits ] || begin $next
	LEADER=$next
	check_ok "$WHAT: it leads" h_until 30 led_by_another "$before"
	took=$(($(h_now_ms) - since))
	[ $took -le $WORST_MS ] || WORST_MS=$took
	works
}
WHAT="before all"
works
swap TERM waits
swap TERM waits
swap KILL comes
swap TERM comes
swap KILL waits
swap KILL comes
rm "$H_TMP/loads"
wait "$LOAD_PID"
h_forget "$LOAD_PID"
read -ra ROUND_OF <"$H_TMP/rounds"
ROUND=$(printf '%s\n' "${ROUND_OF[@]}" | sort -n | tail -n 1)

# ---- what has become of it -----------------------------------------------------------------------------------------------
check_soon "no choice is lost: the last ones are in Git" 60 "${ROUND_OF[*]}" in_git
UNDER_LOAD=$(($(moves) - 2)) # without where two of the branches began
choose "${APPS[@]}"
check_soon "nor is one after that" 30 "${ROUND_OF[*]}" in_git
# history BRANCH: what is wrong with it. Each move goes on from where the one before has ended, by one commit, which has one parent, changes
# one line of one file, and that to a later choice than there was.
history()
{
	local branch=$1 at='' old new rest

	while read -r old new rest; do
		[ -z "$at" ] && at=$new && continue
		[ "$old" = "$at" ] || echo "$branch: a move from $old, where it was at $at"
		[ "$(g app rev-list "$old..$new")" = "$new" ] && [ "$(g app rev-parse "$new^@")" = "$old" ] || echo "$branch: from $old to $new is not one commit"
		at=$new
	done <"$GIT_ROOT/app.git/logs/refs/heads/$branch"
	[ "$at" = "$(head_of app "$branch")" ] || echo "$branch: it is at $(head_of app "$branch"), and was seen at $at"
	g app log --reverse --format='commit %h' -U0 --no-prefix "$FIRST..$branch" | awk -v branch="$branch" '
		function done() { if (commit != "" && lines != 2) print branch ": " commit " changes " lines + 0 " lines" }
		$1 == "commit" { done(); commit = $2; lines = 0; next }
		/^(---|\+\+\+) / { next }
		/^[-+]/ { lines++ }
		/^\+ / { split($3, is, "-"); if (is[2] + 0 <= last[is[1]] + 0) print branch ": " commit " sets " $3 " behind " is[1] "-" last[is[1]]; last[is[1]] = is[2] }
		END { done() }'
}
for branch in main other bot/images; do
	check_eq "$branch: no commit is lost, no choice is committed twice, none comes back" "" "$(history $branch)"
done
check_eq "nobody else has committed" fluxcdbot "$(g app log --format=%cn "$FIRST..main" "$FIRST..other" "$FIRST..bot/images" | sort -u)"
last_of() { g app log -1 --format=%H "${BRANCH_OF[$1]}" -- "apps/$1"; }
for i in "${APPS[@]}"; do
	check_soon "a$i: lastPushCommit is its last commit" 20 "$(last_of "$i")" status "a$i" lastPushCommit
	check_soon "a$i: Ready" 20 "True Succeeded" outcome ImageUpdateAutomation "a$i"
done
# All that was ever said is in the branch, and that automation's.
strange()
{
	local name commit i

	sort -u "$H_TMP/said_pushed" | while read -r name commit; do
		i=${name#a}
		[ "$commit" = none ] || { g app merge-base --is-ancestor "$commit" "${BRANCH_OF[i]}" && [ -n "$(g app show --format= --name-only "$commit" -- "apps/$i")" ]; } || echo "$name $commit"
	done
}
check_eq "each lastPushCommit on the way is a commit of its own in the branch" "" "$(strange)"
for pair in main:main other:other bot:bot/images; do
	check_soon "the GitRepository ${pair%%:*} follows" 20 "${pair#*:}@sha1:$(head_of app "${pair#*:}")" revision "${pair%%:*}"
	check_eq "and its artifact is served" "$(get GitRepository "${pair%%:*}" | jq -r .status.artifact.digest)" \
		"sha256:$(curl -s --max-time 30 "http://${STORAGE_OF[$LEADER]}/$(get GitRepository "${pair%%:*}" | jq -r .status.artifact.path)" | sha256sum | cut -d' ' -f1)"
done
echo "$H_NAME: $UNDER_LOAD commits of $((ROUND * 3)) choices under load; 6 swaps, the next one led after $WORST_MS ms at most"
[ -z "$PEER" ] || h_finish

# ---- the Lease changes at a push -----------------------------------------------------------------------------------------
# The server (of /kept/: what is asked for by one who goes away is done all the same) says in which moment that is, and can keep a push there: `pause` stops the process as a machine that hangs would, `ends` ends it.
kn delete imageupdateautomations --all >/dev/null
begin "$([ $LEADER = a ] && echo b || echo a)"
cat >"$H_TMP/arrive" <<HOOK
#!/bin/sh
n=1
while ! mkdir $H_TMP/came\$n 2>/dev/null; do n=\$((n + 1)); done
[ \$n -gt 1 ] || kill -s \$(cat $H_TMP/signal)
while [ -e $H_TMP/held\$n ]; do sleep 0.05; done
HOOK
chmod +x "$H_TMP/arrive"
h_git_init one main
h_git_init lender main
mkdir "$GIT_WORK/one/apps"
sed "s/tag: [^ ]*/tag: none/" "$GIT_WORK/app/apps/0/web.yaml" >"$GIT_WORK/one/apps/web.yaml"
h_git_push one main first
# Who advertises for a push looks for what is borrowed: so a push can be kept before anything of it is sent.
echo "$GIT_ROOT/lender.git/objects" >"$GIT_ROOT/one.git/objects/info/alternates"
a_source one "http://$GIT/kept/one.git" main
automation one one
one_tag() { g one show main:apps/web.yaml | sed -n 's/^  tag: p0-\([0-9]*\) .*/\1/p'; }
check_soon "one automation: its first commit" 30 "${ROUND_OF[0]}" one_tag
check_soon "Ready" 20 "True Succeeded" outcome ImageUpdateAutomation one
COMMITS=2
at()
{
	rm -rf "$H_TMP"/came* "$H_TMP"/held*
	rm -f "$GIT_ROOT"/one.git/hooks/{pre,post}-receive
	g one config --unset core.alternateRefsCommand
	case $1 in
	advert) g one config core.alternateRefsCommand "$H_TMP/arrive" ;;
	pre | post) cp "$H_TMP/arrive" "$GIT_ROOT/one.git/hooks/$1-receive" ;;
	esac
}
# scene NAME WHERE SIGNAL [UNTIL]: the push of the one who leads is kept WHERE and its process gets SIGNAL, until the next one has done it
# (UNTIL=done), or until the next one is about to push as well (UNTIL=comes): then the older push is the first.
scene()
{
	local old next

	WHAT="the Lease changes $1"
	h_until 30 leader || h_die "$WHAT: nobody leads"
	old=$LEADER
	next=$([ $old = a ] && echo b || echo a)
	at "$2"
	echo "$3 ${PIDS[$old]}" >"$H_TMP/signal"
	touch "$H_TMP/held1"
	[ "${4:-done}" != comes ] || touch "$H_TMP/held2"
	choose 0
	h_until 30 test -d "$H_TMP/came1" || h_fail "$WHAT: it pushes" "a push" "none"
	check_soon "$WHAT: another one leads" 30 1 leads "$next"
	if [ "${4:-done}" = comes ]; then
		h_until 30 test -d "$H_TMP/came2" || h_fail "$WHAT: the next one pushes" "a push" "none"
		rm "$H_TMP/held1"
		check_soon "$WHAT: the older push lands" 10 $((COMMITS + 1)) g one rev-list --count main
		rm "$H_TMP/held2"
	fi
	check_soon "$WHAT: the choice is in Git" 30 "$ROUND" one_tag
	check_soon "$WHAT: lastPushCommit" 30 "$(head_of one main)" status one lastPushCommit
	rm -f "$H_TMP"/held*
	if [ "$3" = STOP ]; then
		kill -s CONT "${PIDS[$old]}"
		check_soon "$WHAT: who comes back follows" 20 0 leads "$old"
	else
		h_stop "${PIDS[$old]}" "$3" || h_fail "$WHAT: it ends" 0 $?
		begin "$old"
	fi
	# Whatever is still under way comes to its end before the next run has.
	request imageupdateautomation one
	COMMITS=$((COMMITS + 1))
	check_eq "$WHAT: one commit" $COMMITS "$(g one rev-list --count main)"
	check_eq "$WHAT: lastPushCommit stays" "$(head_of one main)" "$(status one lastPushCommit)"
	check_soon "$WHAT: Ready" 20 "True Succeeded" outcome ImageUpdateAutomation one
	check_eq "$WHAT: it was told once" 1 "$(said one | grep -c "pushed commit '$(g one rev-parse --short=7 main)'")"
}
leads() { curl -s --max-time 5 "http://$(h_address_now "$1" metrics)/metrics" | awk '/^leader_election_master_status\{name="image-automation/ { print $2 }'; }
# A machine that is busy may have changed it meanwhile.
leader()
{
	LEADER=a
	[ "$(leads a)" = 1 ] || LEADER=b
	[ "$(leads $LEADER)" = 1 ]
}
for signal in STOP TERM; do
	by=$([ $signal = STOP ] && echo "whose leader hangs" || echo "whose leader ends")
	scene "between commit and push, $by" advert $signal
	scene "at a push that comes too late, $by" pre $signal
	scene "at a push that comes first, $by" pre $signal comes
	scene "between push and status, $by" post $signal
done
h_finish
