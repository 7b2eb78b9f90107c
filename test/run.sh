#!/usr/bin/env bash
# test/run.sh: what `make run` shows. A registry with a sample app, the controller with its embedded API on a copy of deploy/samples,
# the tables that kubectl would print, an artifact to download, and what a push of an image and a call of the webhook change. Stays until Ctrl-C; RUN_FOR=SECONDS ends it by itself.
# Everything lives in a temporary directory and on free loopback ports, and is gone afterwards.
. "$(dirname "$0")/lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
trap 'echo; exit 0' INT TERM

RUN_FOR=${RUN_FOR:-}
case $RUN_FOR in *[!0-9]*) echo "RUN_FOR is a number of seconds, not '$RUN_FOR'" >&2; exit 2 ;; esac
fail() { h_log "make run: $*"; h_show_logs; exit 1; }

# ---- the registry and what is in it ----------------------------------------------------------------------------------
h_registry_start registry
repo=$REGISTRY/manifests/web

# push VERSION TAG...: the app at this version, under the first tag and under the hash of the commit it stands for; then the other tags.
push()
{
	local version=$1 first=$2 commit tag

	shift 2
	rm -rf "$H_TMP/app"
	cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
	sed -i "s/VERSION/$version/" "$H_TMP/app/configmap.yaml"
	commit=$(printf '%s' "$version" | sha1sum | cut -c1-40)
	"$OCICTL" push "oci://$repo:$first" --path="$H_TMP/app" --source=https://github.com/example/web \
		--revision="main@sha1:$commit" >>"$H_TMP/log/push.out" 2>&1 || fail "ocictl push $first failed"
	for tag in "${commit:0:12}" "$@"; do
		"$OCICTL" tag "oci://$repo:$first" --tag "$tag" >>"$H_TMP/log/push.out" 2>&1 || fail "ocictl tag $tag failed"
	done
}
echo "pushing the sample app to oci://$repo"
push 1.0.0 1.0.0
push 1.1.0 1.1.0 staging
push 1.2.0-rc.1 1.2.0-rc.1
push 0.0.0-feature-login v0.0.0-staging-test-deploy-2
push 0.0.0-feature-search v0.0.0-staging-test-deploy-3
push 1.2.0-dev latest main
digest=$(curl -sfI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/manifests/web/manifests/1.0.0" |
	tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')
[ -n "$digest" ] || fail "the registry does not know the tag 1.0.0"

# The image of the samples, under the tags that CI gives it: releases, a branch with commit and time, commits.
image=$REGISTRY/images/web
# images TAG...: each of them is another name of the same image; only tags count here.
images()
{
	local tag

	"$OCICTL" push "oci://$image:$1" --path="$H_ROOT/deploy/samples/app" --source=https://github.com/example/web --revision=main \
		>>"$H_TMP/log/push.out" 2>&1 || fail "ocictl push $1 failed"
	for tag in "${@:2}"; do "$OCICTL" tag "oci://$image:$1" --tag "$tag" >>"$H_TMP/log/push.out" 2>&1 || fail "ocictl tag $tag failed"; done
}
echo "pushing images to $image"
images 1.0.0 1.1.0 2.0.0-rc.1 latest main-4f2a9c1-1769852345 main-9b1e0d7-1769938745 sha-2c26b46b68ffc68ff99b453c1d30413413422d70 sha-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b

# ---- the controller --------------------------------------------------------------------------------------------------
mkdir "$H_TMP/objects"
token=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
for f in "$H_ROOT"/deploy/samples/*.yaml; do
	sed "s#REGISTRY/#$REGISTRY/#; s#digest: DIGEST#digest: $digest#; s#token: TOKEN#token: $token#" "$f" >"$H_TMP/objects/${f##*/}"
done
wanted=$(grep -lE '^kind: (OCIRepository|ImageRepository|ImagePolicy|Receiver)' "$H_TMP"/objects/*.yaml | wc -l)
KUBECTL=kubectl # only for the line to try: nothing here needs it
echo "starting oci-source-controller --embedded on a copy of deploy/samples ($wanted objects)"
h_controller_start controller --embedded="$H_TMP/objects" --state-dir="$H_TMP/state" --receiverAddr=127.0.0.1:0
h_address controller embedded-api >/dev/null || fail "the controller did not start"
server=$(sed -n 's/^ *server: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$H_TMP/state/kubeconfig" | head -n 1)
list=$server/apis/source.toolkit.fluxcd.io/v1/ocirepositories
repositories=$server/apis/image.toolkit.fluxcd.io/v1/imagerepositories
policies=$server/apis/image.toolkit.fluxcd.io/v1/imagepolicies
receivers=$server/apis/notification.toolkit.fluxcd.io/v1/receivers

ready()
{
	curl -sf "$list" "$repositories" "$policies" "$receivers" |
		jq -se --argjson n "$wanted" '[.[].items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length == $n'
}
# As kubectl prints them; each with the command.
tables()
{
	local l

	for l in "$list" "$repositories" "$policies" "$receivers"; do
		echo "\$ kubectl get ${l##*/} -A"
		table "$l"
		echo
	done
}
# table LIST. What kubectl does with a Table: the namespace, then the cells of the columns that are not for -o wide, padded to the widest and three spaces.
table()
{
	curl -sf -H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' "$1" | jq -r '
		[.columnDefinitions | to_entries[] | select(.value.priority == 0 or .value.priority == null)] as $columns
		| (["NAMESPACE"] + [$columns[].value.name | ascii_upcase]),
		  (.rows[] | [.object.metadata.namespace] + [.cells[$columns[].key] | tostring])
		| @tsv' |
		awk -F '\t' '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
			END { for (r = 1; r <= NR; r++) { line = ""; for (i = 1; i <= NF; i++) line = line sprintf("%-" (width[i] + 3) "s", cell[r, i]); sub(/ +$/, "", line); print line } }'
}
h_until 60 ready || { tables; fail "not every object became Ready within a minute"; }

echo
tables
url=$(curl -sf "$list" | jq -r '.items[] | select(.metadata.name == "web-production") | .status.artifact.url')
curl -sf "$url" | tar tz >"$H_TMP/listing" || fail "$url is no tarball"
grep -q deployment.yaml "$H_TMP/listing" || fail "$url lacks deployment.yaml"

# ---- a push, the webhook, the choice ---------------------------------------------------------------------------------
chosen() { curl -sf "$policies" | jq -r '.items[] | "  \(.metadata.name) \(.status.latestRef.tag)"'; }
before=$(chosen)
hook=http://$(h_address controller webhooks)$(curl -sf "$receivers" | jq -r '.items[].status.webhookPath')
new=(1.2.0 main-c0ffee1-1770025145 sha-f2ca1bb6c7e907d06dafe4687e579fce76b37e4e)
images "${new[@]}"
# Each change of a policy, with the time at which it came.
watch()
{
	curl -sN "$policies?watch=1&resourceVersion=$1" |
		while IFS= read -r event; do
			printf '%s %s\n' "${EPOCHREALTIME/./}" "$event"
		done
}
# changes: for each policy that has chosen anew, its tag and the milliseconds since the call.
changes()
{
	while read -r at event; do
		jq -r --argjson us $((at - pushed)) '.object | "  \(.metadata.name) \(.status.latestRef.tag) \($us / 100 | round / 10)"' <<<"$event"
	done <"$H_TMP/log/watch.out" | grep -vFf <(echo "$before") | sort -u -k 1,1
}
all_new() { [ "$(changes | wc -l)" = 3 ]; }
h_spawn watch watch "$(curl -sf "$policies" | jq -r .metadata.resourceVersion)"
pushed=${EPOCHREALTIME/./}
curl -sf -d '{}' "$hook" >/dev/null || fail "the webhook refuses the call"
h_until 30 all_new || fail "the policies did not follow"
took=$(changes | sort -n -k 3 | tail -n 1 | awk '{ printf "%d\n", $3 + 0.5 }')
cat <<EOF
What the three ImagePolicies chose:
$before
Three tags more are pushed (${new[*]}),
and the Receiver is called, as CI would do it:
  curl -d '{}' $hook
What they chose $took milliseconds later, the start of curl included:
$(chosen)

An artifact, as kustomize-controller would fetch it:
  curl -s $url | tar tz

With kubectl (1.20 or newer):
  export KUBECONFIG=$H_TMP/state/kubeconfig
  kubectl get ocirepositories -A -w
  kubectl get imagerepositories,imagepolicies,receivers -A

A new image; the ImagePolicy web-main takes it when the Receiver is called:
  ${OCICTL#"$PWD"/} tag oci://$image:latest --tag main-0ddba11-1770111545
  curl -d '{}' $hook
  kubectl -n apps get imagepolicy web-main

A new version of the app; the OCIRepository web-main follows within its interval of a minute, or at once when asked:
  ${OCICTL#"$PWD"/} push oci://$repo:main --path=deploy/samples/app --source=https://github.com/example/web --revision=main@sha1:$(printf 0 | sha1sum | cut -c1-40)
  kubectl -n apps annotate --overwrite ocirepository/web-main reconcile.fluxcd.io/requestedAt="\$(date +%s)"

The controller's log: $H_TMP/log/controller.err
All of it is in $H_TMP, and is removed at the end.
EOF
if [ -n "$RUN_FOR" ]; then
	! h_until "$RUN_FOR" h_gone "$CONTROLLER_PID" || fail "the controller ended by itself"
	h_stop "$CONTROLLER_PID" || fail "the controller did not end cleanly (exit $?)"
	exit 0
fi
echo "Ctrl-C ends it all."
wait "$CONTROLLER_PID"
fail "the controller ended by itself"
