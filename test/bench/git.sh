#!/usr/bin/env bash
# test/bench/git.sh: what GitRepositories and ImageUpdateAutomations cost. A real API server, etcd, git's own http-backend behind nginx, and a
# registry that has nothing but tags. One JSON line a scenario on stdout; nothing here passes or fails by a time.
#
# With PEER_SC, PEER_IRC, PEER_IAC and PEER_NC, the programs of Flux's controllers, the same is done with these, one after the other: `who` in
# a line says whose figures they are. Bytes and connections are those that the Git server has counted.
# API=embedded takes the embedded API, whose part is in the figures then: no Go is needed.
# REPOSITORIES=200 IDLE_SECONDS=120 FILES=20000 COMMITS=5000 YAML_FILES=2000 ROUNDS=10 RACERS=8 change the sizes.
if [ -z "${API:-}" ]; then
	API=real bash "$0" || exit 1
	if [ -n "${PEER_SC:-}" ] && [ -n "${PEER_IRC:-}" ] && [ -n "${PEER_IAC:-}" ] && [ -n "${PEER_NC:-}" ]; then API=peers bash "$0" || exit 1; fi
	exit 0
fi
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
NS=bench
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
REPOSITORIES=${REPOSITORIES:-200}
IDLE_SECONDS=${IDLE_SECONDS:-120}
FILES=${FILES:-20000}
COMMITS=${COMMITS:-5000}
YAML_FILES=${YAML_FILES:-2000}
ROUNDS=${ROUNDS:-10}
RACERS=${RACERS:-8}

i_tags_start
i_start
h_namespace $NS
GROUP=source.toolkit.fluxcd.io/v1
. "$H_ROOT/test/bench/measure.sh"
h_git_start git
# begin; …; spent: what it took since then, as members of an object. Bytes: what the server has sent.
begin()
{
	h_git_mark git
	peak_reset
	C0=$(cpu_ms)
	T0=$(h_now_ms)
}
spent()
{
	local ms=$(($(h_now_ms) - T0)) cpu=$(($(cpu_ms) - C0))

	h_git_lines git | awk -v connections="$(h_git_connections git)" -v ms="$ms" -v cpu="$cpu" -v peak="$(status_mib VmHWM)" -v rss="$(status_mib VmRSS)" \
		'{ n++; bytes += $6 } END { printf "{\"ms\":%d,\"cpu_ms\":%d,\"peak_rss_mib\":%s,\"rss_mib\":%s,\"git_requests\":%d,\"git_connections\":%d,\"git_bytes\":%d}\n", ms, cpu, peak, rss, n, connections, bytes }'
}
source_of() { echo "{\"interval\":\"$2\",\"timeout\":\"5m\",\"url\":\"http://$GIT/git/$1.git\",\"ref\":{\"branch\":\"main\"}}"; }
has_artifact() { [ -n "$(field gitrepository "$1" '.status.artifact.revision // empty')" ]; }
all_ready() { [ "$(kn get gitrepositories -o json | jq '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')" = "$1" ]; }

# ---- many repositories of one host, first and unchanged ----------------------------------------------------------------
h_git_init small main
cp -r "$H_ROOT/deploy" "$GIT_WORK/small/deploy"
h_git_push small main first
for ((i = 0; i < REPOSITORIES; i++)); do cp -r "$GIT_ROOT/small.git" "$GIT_ROOT/small-$i.git"; done
begin
for ((i = 0; i < REPOSITORIES; i++)); do manifest GitRepository "small-$i" "$(source_of "small-$i" 1m)"; done | kn create -f - >/dev/null || h_die "cannot create"
h_until 600 all_ready "$REPOSITORIES" || h_die "not every GitRepository is Ready"
line git-first "$(spent | jq -c --argjson n "$REPOSITORIES" '{repositories: $n} + .')"
sleep 70 # all of them have been asked once more, each at its own time
begin
sleep "$IDLE_SECONDS"
line git-unchanged "$(spent | jq -c --argjson n "$REPOSITORIES" --argjson s "$IDLE_SECONDS" '{repositories: $n, seconds: $s} + . | .cpu_ms_per_question = (.cpu_ms / ([.git_requests, 1] | max) * 100 | round / 100)')"
kn delete gitrepositories --all >/dev/null

# ---- one large repository ----------------------------------------------------------------------------------------------
h_git_init large main
# Without room on top fast-import gives the end of its memory back and takes it again for each object: minutes of kernel time.
export MALLOC_TOP_PAD_=67108864 MALLOC_TRIM_THRESHOLD_=268435456
python3 - "$FILES" "$COMMITS" <<-'PY' | g large fast-import --quiet --force || h_die "git fast-import"
	import sys
	files, commits = int(sys.argv[1]), int(sys.argv[2])
	out = sys.stdout
	for c in range(commits):
	    out.write(f"commit refs/heads/main\ncommitter Dev <dev@example.com> {1700000000 + c} +0000\ndata 8\ncommit {c % 10}\n")
	    for f in range(files) if c == 0 else [c * 7 % files]:
	        text = f"kind: ConfigMap\ndata:\n  file: '{f}'\n  commit: '{c}'\n" + f"  line: '{f * 7919}'\n" * 20
	        out.write(f"M 100644 inline apps/{f % 100}/{f}.yaml\ndata {len(text)}\n{text}\n")
	    out.write("\n")
PY
unset MALLOC_TOP_PAD_ MALLOC_TRIM_THRESHOLD_
for ref in branch commit; do
	begin
	apply GitRepository "large-$ref" "$(source_of large 1h | jq -c --arg ref "$ref" --arg commit "$(g large rev-parse main~10)" 'if $ref == "commit" then .ref.commit = $commit else . end')"
	h_until 600 has_artifact "large-$ref" || h_die "large: not Ready"
	line "git-large-$ref" "$(spent | jq -c --argjson files "$FILES" --argjson commits "$COMMITS" '{files: $files, commits: $commits} + .')"
done
kn delete gitrepositories --all >/dev/null

# ---- one change in many YAML files -------------------------------------------------------------------------------------
automation()
{
	apply ImageUpdateAutomation "$1" "{\"interval\":\"1h\",\"sourceRef\":{\"kind\":\"GitRepository\",\"name\":\"$2\"},\"update\":{\"path\":\"$3\"},\"policySelector\":{\"matchLabels\":{\"for\":\"$1\"}},
		\"git\":{\"checkout\":{\"ref\":{\"branch\":\"main\"}},\"commit\":{\"author\":{\"name\":\"bot\",\"email\":\"bot@example.com\"}}}}"
}
# chosen_by NAME TAG: a policy whose choice is that tag, labelled for the automation of this name.
chosen_by()
{
	tags "$1" "{\"tags\":[\"$2\"]}"
	if [ -z "$(kn get imagerepository "$1" -o name 2>/dev/null)" ]; then
		repository "$1" "{\"image\":\"$TAGS/$1\",\"interval\":\"1h\"}"
		manifest ImagePolicy "$1" "{\"imageRepositoryRef\":{\"name\":\"$1\"},\"policy\":{\"semver\":{\"range\":\">=0.0.0\"}}}" | jq -c --arg n "$1" '.metadata.labels.for = $n' | kn apply -f - >/dev/null
	else
		kn annotate --overwrite imagerepository "$1" "reconcile.fluxcd.io/requestedAt=$2" >/dev/null
	fi
}
marked() { printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  tag: none # {"$imagepolicy": "%s:%s:tag"}\n' $NS "$1"; }
h_git_init yaml main
for ((i = 0; i < YAML_FILES; i++)); do
	mkdir -p "$GIT_WORK/yaml/apps/$((i % 100))"
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-%d}\ndata:\n  a: b # nothing to do here\n' $i >"$GIT_WORK/yaml/apps/$((i % 100))/$i.yaml"
done
marked yaml >"$GIT_WORK/yaml/apps/7/marked.yaml"
h_git_push yaml main first
apply GitRepository yaml "$(source_of yaml 1h)"
landed() { g "$1" show "main:$2" | grep -q "tag: $3 "; }
chosen_by yaml 1.0.0
automation yaml yaml ./apps
h_until 120 landed yaml apps/7/marked.yaml 1.0.0 || h_die "the first choice did not land"
begin
for ((i = 1; i <= ROUNDS; i++)); do
	t0=${EPOCHREALTIME/./}
	chosen_by yaml "1.0.$i"
	h_until 120 landed yaml apps/7/marked.yaml "1.0.$i" || h_die "round $i did not land"
	echo $((${EPOCHREALTIME/./} - t0))
done >"$H_TMP/times"
line automation "$(jq -cn --argjson a "$(percentiles <"$H_TMP/times")" --argjson b "$(spent)" --argjson n "$YAML_FILES" '{yaml_files: $n} + $a + ($b | del(.ms)) | .cpu_ms_per_round = (.cpu_ms / .rounds) | .git_bytes_per_round = (.git_bytes / .rounds | floor)')"
kn delete imageupdateautomations,imagerepositories,imagepolicies,gitrepositories --all >/dev/null

# ---- several automations of one branch ---------------------------------------------------------------------------------
h_git_init race main
for ((i = 0; i < RACERS; i++)); do
	mkdir -p "$GIT_WORK/race/apps/$i"
	marked "race-$i" >"$GIT_WORK/race/apps/$i/web.yaml"
done
h_git_push race main first
apply GitRepository race "$(source_of race 1h)"
for ((i = 0; i < RACERS; i++)); do
	chosen_by "race-$i" 1.0.0
	automation "race-$i" race "./apps/$i"
done
all_landed() { local i; for ((i = 0; i < RACERS; i++)); do landed race "apps/$i/web.yaml" "$1" || return 1; done; }
h_until 1800 all_landed 1.0.0 || h_die "the first choices did not land"
c0=$(g race rev-list --count main)
begin
for ((i = 0; i < RACERS; i++)); do chosen_by "race-$i" 2.0.0; done
h_until 3600 all_landed 2.0.0 || h_die "not all choices landed"
line push-race "$(spent | jq -c --argjson n "$RACERS" --argjson commits $(($(g race rev-list --count main) - c0)) --argjson pushes "$(h_git_asked git '/git-receive-pack$')" '{automations: $n, commits: $commits, pushes: $pushes} + .')"
i_stop >/dev/null
h_finish
