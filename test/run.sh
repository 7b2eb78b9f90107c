#!/usr/bin/env bash
# test/run.sh: what `make run` shows. A registry with a sample app, a Git server, the controller with its embedded API on a copy of deploy/samples,
# the tables that kubectl would print, an artifact to download, and how a push of an image and a call of the webhook end in a commit. Stays until
# Ctrl-C; RUN_FOR=SECONDS ends it by itself. Everything lives in a temporary directory and on free loopback ports, and is gone afterwards.
. "$(dirname "$0")/lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/git.sh"
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

# ---- the Git repository --------------------------------------------------------------------------------------------------
# What the cluster is to run, and where the tags of the images stand in it. Only staging is written to by machines.
h_git_start git
h_git_init web staging
for app in main release sha; do
	mkdir -p "$GIT_WORK/web/apps/$app"
	cat >"$GIT_WORK/web/apps/$app/kustomization.yaml" <<-YAML
		apiVersion: kustomize.config.k8s.io/v1beta1
		kind: Kustomization
		metadata: {name: $app}
		resources:
		  - ../../base          # the same for all of them
		images:
		  - name: web
		    newName: $image # {"\$imagepolicy": "apps:web-$app:name"}
		    newTag: none # {"\$imagepolicy": "apps:web-$app:tag"}
	YAML
done
cp -r "$H_ROOT/deploy/samples/app" "$GIT_WORK/web/base"
h_git_push web staging "the apps, without a tag"
echo "pushed what is to run to http://$GIT/basic/web.git"

# ---- the controller --------------------------------------------------------------------------------------------------
mkdir "$H_TMP/objects"
token=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
for f in "$H_ROOT"/deploy/samples/*.yaml; do
	sed "s#REGISTRY/#$REGISTRY/#; s#digest: DIGEST#digest: $digest#; s#token: TOKEN#token: $token#; s#https://GIT/#http://$GIT/basic/#; s#password: PASSWORD#password: $GIT_WORD#" "$f" >"$H_TMP/objects/${f##*/}"
done
wanted=$(grep -lE '^kind: (OCIRepository|GitRepository|ImageRepository|ImagePolicy|ImageUpdateAutomation|Receiver)' "$H_TMP"/objects/*.yaml | wc -l)
KUBECTL=kubectl # only for the line to try: nothing here needs it
echo "starting oci-source-controller --embedded on a copy of deploy/samples ($wanted objects)"
h_controller_start controller --embedded="$H_TMP/objects" --state-dir="$H_TMP/state" --receiverAddr=127.0.0.1:0
h_address controller embedded-api >/dev/null || fail "the controller did not start"
server=$(sed -n 's/^ *server: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$H_TMP/state/kubeconfig" | head -n 1)
list=$server/apis/source.toolkit.fluxcd.io/v1/ocirepositories
gits=$server/apis/source.toolkit.fluxcd.io/v1/gitrepositories
repositories=$server/apis/image.toolkit.fluxcd.io/v1/imagerepositories
policies=$server/apis/image.toolkit.fluxcd.io/v1/imagepolicies
automations=$server/apis/image.toolkit.fluxcd.io/v1/imageupdateautomations
receivers=$server/apis/notification.toolkit.fluxcd.io/v1/receivers

ready()
{
	curl -sf "$list" "$gits" "$repositories" "$policies" "$automations" "$receivers" |
		jq -se --argjson n "$wanted" '[.[].items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length == $n'
}
# As kubectl prints them; each with the command.
tables()
{
	local l

	for l in "$list" "$gits" "$repositories" "$policies" "$automations" "$receivers"; do
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

# ---- a push, the webhook, the choice, the commit -----------------------------------------------------------------------
chosen() { curl -sf "$policies" | jq -r '.items[] | "  \(.metadata.name) \(.status.latestRef.tag)"'; }
artifact() { curl -sf "$gits" | jq -r '.items[0].status.artifact | "\(.revision) \(.url)"'; }
tags_of() { g web grep -h newTag: "$1" -- apps | awk '{ print $2 }' | sort | paste -sd ' '; }
# The first choices are in Git, and the artifact is of that commit.
settled() { [ "$(tags_of staging)" = "$(chosen | awk '{ print $2 }' | sort | paste -sd ' ')" ] && [[ $(artifact) = "staging@sha1:$(g web rev-parse staging) "* ]]; }
h_until 30 settled || fail "the first choices did not get into Git"
before=$(chosen) old=$(g web rev-parse staging)
hook=http://$(h_address controller webhooks)$(curl -sf "$receivers" | jq -r '.items[].status.webhookPath')
new=(1.2.0 main-c0ffee1-1770025145 sha-f2ca1bb6c7e907d06dafe4687e579fce76b37e4e)
images "${new[@]}"
# Each change of a list, with the time at which it came.
watch()
{
	curl -sN "$1?watch=1&resourceVersion=$2" |
		while IFS= read -r event; do
			printf '%s %s\n' "${EPOCHREALTIME/./}" "$event"
		done
}
follow() { h_spawn "$1" watch "$2" "$(curl -sf "$2" | jq -r .metadata.resourceVersion)"; }
# since NAME FILTER: the milliseconds from the call until the filter of jq had said the last of the things that it says.
since()
{
	local at event what us=0
	declare -A seen

	while read -r at event; do
		what=$(jq -r ".object | $2" <<<"$event")
		[ -z "$what" ] || [ -n "${seen[$what]:-}" ] || us=$((at - pushed))
		[ -z "$what" ] || seen[$what]=yes
	done <"$H_TMP/log/$1.out"
	echo $(((us + 500) / 1000))
}
all_new() { [ "$(tags_of staging)" = "$(printf '%s\n' "${new[@]}" | sort | paste -sd ' ')" ] && settled; }
follow choices "$policies"
follow artifacts "$gits"
pushed=${EPOCHREALTIME/./}
curl -sf -d '{}' "$hook" >/dev/null || fail "the webhook refuses the call"
h_until 30 all_new || fail "the choices did not get into Git"
read -r revision git_url < <(artifact)
h_until 5 grep -q "\"$revision\"" "$H_TMP/log/artifacts.out" || fail "nobody was told of $revision"
took=$(since choices ".status.latestRef.tag | select(IN($(printf '"%s",' "${new[@]}")\"\"))")
arrived=$(since artifacts ".status.artifact.revision | select(. == \"$revision\")")
curl -sf "$git_url" | tar tz >"$H_TMP/listing" || fail "$git_url is no tarball"
grep -q apps/main/kustomization.yaml "$H_TMP/listing" || fail "$git_url lacks apps/main/kustomization.yaml"
cat <<EOF
What the three ImagePolicies chose:
$before
Three tags more are pushed (${new[*]}),
and the Receiver is called, as CI would do it:
  curl -d '{}' $hook
What they chose $took milliseconds later, the start of curl included:
$(chosen)
and what is in Git since then, as commits that the GitRepository has fetched $arrived milliseconds after the call:
$(g web log --reverse --format='  %h %an <%ae>%n%w(0,6,6)%B' "$old..staging" | sed 's/ *$//')
All that they changed:
$(g web diff -U0 "$old" staging -- apps | grep '^[-+] ' | sed 's/^/  /')

An artifact, as kustomize-controller would fetch it:
  curl -s $url | tar tz

With kubectl (1.20 or newer):
  export KUBECONFIG=$H_TMP/state/kubeconfig
  kubectl get ocirepositories -A -w
  kubectl get gitrepositories,imagerepositories,imagepolicies,imageupdateautomations,receivers -A

A new image; the ImagePolicy web-main takes it when the Receiver is called:
  ${OCICTL#"$PWD"/} tag oci://$image:latest --tag main-0ddba11-1770111545
  curl -d '{}' $hook
  kubectl -n apps get imagepolicy web-main
  git --git-dir=$GIT_ROOT/web.git log -1 -p staging

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
