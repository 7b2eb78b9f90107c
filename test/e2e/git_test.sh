#!/usr/bin/env bash
# The real flux and a current kubectl with GitRepository and ImageUpdateAutomation objects: what people type, what it prints, how it ends.
# API=real (default; CRDS=peers with the CRDs of Flux's modules), embedded, or peers: Flux's own controllers (test/lib/image.sh).
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
API=${API:-real}
. "$H_ROOT/test/lib/image.sh"
. "$H_ROOT/test/lib/git.sh"
H_NAME=git-$API-$CRDS
KUBECTL=$(h_tool kube-apiserver)/kubectl || h_die "kubectl was not built"
FLUX=$(h_tool flux)/flux || h_die "flux was not built"
i_start
h_namespace "$NS"
i_tags_start
h_git_start git
# said COMMAND...: its last line; OUT has all, RC the exit status.
said() { OUT=$("$FLUX" --kubeconfig "$ADMIN_KUBECONFIG" --cache-dir "$H_TMP/flux-cache" -n "$NS" "$@" 2>&1); RC=$?; }
# good NAME LASTLINE COMMAND..., bad: exit status 0 or 1, and what the last line has in it.
good() { said "${@:3}"; check_eq "$1: exit status" 0 $RC; check_match "$1: the last line" "$2" "$(tail -n 1 <<<"$OUT")"; }
bad() { said "${@:3}"; check_eq "$1: exit status" 1 $RC; check_match "$1: the last line" "$2" "$(tail -n 1 <<<"$OUT")"; }
row() { grep -E "^$1[[:space:]]" <<<"$OUT"; }
TIME='20[0-9-]{8}T[0-9:]{8}Z'
T=$'[ \t]+'
revision() { field gitrepository "$1" '.status.artifact.revision // empty'; }
tag() { g app show "staging:apps/kustomization.yaml" | sed -n 's/.*newTag: \([^ ]*\).*/\1/p'; }

# A repository as the seed has it, and the tags that its images have.
h_git_init app staging
mkdir "$GIT_WORK/app/apps"
cat >"$GIT_WORK/app/apps/kustomization.yaml" <<EOF
kind: Kustomization
apiVersion: kustomize.config.k8s.io/v1beta1
metadata: {name: app}
images:
  - name: app
    newName: nobody/app # {"\$imagepolicy": "$NS:app:name"}
    newTag: none # {"\$imagepolicy": "$NS:app:tag"}
EOF
h_git_push app staging first
tags app '{"tags":["1.0.0"]}'
repository app "{\"image\":\"$TAGS/app\"}"
policy app '{"imageRepositoryRef":{"name":"app"},"policy":{"semver":{"range":">=1.0.0"}}}'
kn create secret generic git --from-literal=username=$GIT_USER --from-literal=password=$GIT_WORD >/dev/null

# ---- create ------------------------------------------------------------------------------------------------------------
good "CL-04 create source git" "^✔ fetched revision: staging@sha1:$GIT_COMMIT\$" \
	create source git app --url="http://$GIT/basic/app.git" --branch=staging --secret-ref=git --interval=10m
good "CL-04 create source git, again" "^✔ fetched revision: staging@sha1:$GIT_COMMIT\$" \
	create source git app --url="http://$GIT/basic/app.git" --branch=staging --secret-ref=git --interval=5m
check_eq "CL-04 changes it" 5m0s "$(field gitrepository app .spec.interval)"
good "CL-04 create source git, with user and password" 'fetched revision: staging@sha1:' \
	create source git other --url="http://$GIT/basic/app.git" --branch=staging --username=$GIT_USER --password=$GIT_WORD --interval=10m
good "CL-04 create source git, sparse and with a pattern" 'fetched revision: staging@sha1:' \
	create source git part --url="http://$GIT/git/app.git" --branch=staging --sparse-checkout-paths=./apps --ignore-paths='*.md' --interval=10m
bad "CL-04 create source git without the branch" '^✗ ' create source git nobranch --url="http://$GIT/git/app.git" --branch=nobody --interval=10m --timeout=3s
bad "CL-04 create source git without a right" '^✗ ' create source git noright --url="http://$GIT/basic/app.git" --branch=staging --interval=10m --timeout=3s
template='Automated image update

{{ range $resource, $changes := .Changed.Objects -}}
- {{ $resource.Kind }}/{{ $resource.Name }}:{{ range $change := $changes }} {{ $change.OldValue }} -> {{ $change.NewValue }}{{ end }}
{{ end -}}'
good "CL-04 create image update" '^✔ ImageUpdateAutomation reconciliation completed$' create image update app --git-repo-ref=app --git-repo-path=./apps \
	--checkout-branch=staging --push-branch=staging --author-name=fluxcdbot --author-email=fluxcdbot@users.noreply.github.com \
	--commit-template="$template" --interval=10m
check_soon "the choice is in Git" "$SOON" 1.0.0 tag
check_eq "IU-01 by whom" "fluxcdbot <fluxcdbot@users.noreply.github.com>" "$(g app log -1 --format='%an <%ae>' staging)"
check_eq "IU-01 with the message" "Automated image update

- Kustomization/app: nobody/app -> $TAGS/app none -> 1.0.0" "$(g app log -1 --format=%B staging)"
check_soon "IU-23 and the GitRepository follows, long before its interval" "$SOON" "staging@sha1:$(g app rev-parse staging)" revision app
bad "CL-04 create image update without a source" '^✗ ' create image update nosource --git-repo-ref=nobody --checkout-branch=staging \
	--author-name=x --author-email=x@example.com --timeout=3s

# ---- get ---------------------------------------------------------------------------------------------------------------
short=$(g app rev-parse staging | cut -c1-8)
for words in 'sources git' 'source git'; do
	# shellcheck disable=SC2086
	said get $words
	check_match "CL-01 get $words: the columns" "^NAME${T}REVISION${T}SUSPENDED${T}READY${T}MESSAGE" "$(head -n 1 <<<"$OUT")"
	check_match "CL-01 get $words: the row" "^app${T}staging@sha1:$short${T}False${T}True${T}stored artifact for revision 'staging@sha1:$short'" "$(row app)"
done
check_match "CL-01 get source git: one that fails" "^nobranch${T}.*False" "$(row nobranch)"
said get image update
check_match "CL-01 get image update: the columns" "^NAME${T}LAST RUN${T}SUSPENDED${T}READY${T}MESSAGE" "$(head -n 1 <<<"$OUT")"
check_match "CL-01 get image update: the row" "^app${T}$TIME${T}False${T}True${T}repository up-to-date" "$(row app)"
check_match "CL-01 get image update: one that fails" "^nosource${T}.*False" "$(row nosource)"
said get image all
check_match "CL-01 get image all: automations, too" 'imageupdateautomation/app' "$OUT"
said get all
check_match "CL-01 get all" 'gitrepository/app' "$OUT"
kn delete gitrepository nobranch noright >/dev/null
kn delete imageupdateautomation nosource >/dev/null

# ---- reconcile ---------------------------------------------------------------------------------------------------------
h_git_pull app staging
echo '# a line of somebody' >>"$GIT_WORK/app/apps/kustomization.yaml"
h_git_push app staging "by hand"
good "CL-02 reconcile source git" "^✔ fetched revision staging@sha1:$GIT_COMMIT\$" reconcile source git app
good "CL-02 reconcile image update" '^✔ repository up-to-date$' reconcile image update app
tags app '{"tags":["1.0.0","1.1.0"]}'
good "CL-02 reconcile image repository" '^✔ scan fetched 2 tags$' reconcile image repository app
check_soon "IU-03 and the choice gets into Git, without a word to the automation" "$SOON" 1.1.0 tag
check_eq "IU-03 with what somebody did meanwhile" "# a line of somebody" "$(g app show staging:apps/kustomization.yaml | tail -n 1)"
bad "CL-02 reconcile source git that is not there" '"nosuch" not found' reconcile source git nosuch
bad "CL-02 reconcile image update that is not there" '"nosuch" not found' reconcile image update nosuch
apply GitRepository broken "{\"interval\":\"10m\",\"url\":\"http://$GIT/git/nobody.git\"}"
bad "CL-02 reconcile source git that fails" '^✗ ' reconcile source git broken --timeout=4s
apply ImageUpdateAutomation broken '{"interval":"10m","sourceRef":{"kind":"GitRepository","name":"app"}}'
bad "CL-02 reconcile image update that stalls" '^✗ ' reconcile image update broken --timeout=4s
check_soon "IU-14 and why" "$SOON" "False InvalidSourceConfiguration" outcome imageupdateautomation broken
kn delete gitrepository/broken imageupdateautomation/broken >/dev/null

# ---- suspend, resume ---------------------------------------------------------------------------------------------------
good "CL-03 suspend image update" '^✔ image update automation suspended$' suspend image update app
said get image update app
check_match "CL-03 get says so" "^app${T}$TIME${T}True${T}True" "$(row app)"
bad "CL-03 reconcile of a suspended one" '^✗ resource is suspended$' reconcile image update app
tags app '{"tags":["1.0.0","1.1.0","1.2.0"]}'
said reconcile image repository app
check_soon "the policy goes on" "$SOON" 1.2.0 chosen app
before=$(field imageupdateautomation app .status.lastHandledReconcileAt)
kn annotate --overwrite imageupdateautomation app reconcile.fluxcd.io/requestedAt=now >/dev/null
good "CL-03 resume image update" '^✔ repository up-to-date$' resume image update app
check_ne "IU-18 what was asked while it was suspended is answered after that" "$before" "$(field imageupdateautomation app .status.lastHandledReconcileAt)"
check_eq "CL-03 spec.suspend is gone" null "$(field imageupdateautomation app .spec.suspend)"
check_soon "CL-03 and what it has missed is done" "$SOON" 1.2.0 tag
good "CL-03 suspend source git" '^✔ source git suspended$' suspend source git app
bad "CL-03 reconcile of a suspended one" '^✗ resource is suspended$' reconcile source git app
h_git_pull app staging
h_git_push app staging "while it was suspended"
good "CL-03 resume source git" "^✔ fetched revision staging@sha1:$GIT_COMMIT\$" resume source git app
good "CL-03 suspend source git --all" '^✔ source git suspended$' suspend source git --all
check_eq "CL-03 all of them" true "$(kn get gitrepositories -o json | jq -r '[.items[].spec.suspend] | unique | join(" ")')"
good "CL-03 resume source git --all" 'fetched revision staging@sha1:|source git resumed' resume source git --all

# ---- export, events, kubectl, delete -----------------------------------------------------------------------------------
said export source git app
check_eq "CL-04 export source git can be applied" 0 "$(kn apply --dry-run=server -f - <<<"$OUT" >/dev/null 2>&1; echo $?)"
check_match "CL-04 export source git" 'interval: 5m0s' "$OUT"
check_hasnt "CL-04 export has no status" status: "$OUT"
said export image update app
check_match "CL-04 export image update" 'strategy: Setters' "$OUT"
check_eq "CL-04 export image update can be applied" 0 "$(kn apply --dry-run=server -f - <<<"$OUT" >/dev/null 2>&1; echo $?)"
said events --for ImageUpdateAutomation/app
check_match "IU-20 events" "Normal.*Succeeded.*ImageUpdateAutomation/app.*pushed commit '[0-9a-f]{7}' to branch 'staging'" "$OUT"
said events --for GitRepository/app
check_match "CL-01 events of a source" "Normal.*NewArtifact.*GitRepository/app.*stored artifact for commit '" "$OUT"
names() { kn get "$1" -o name | sort | tr '\n' ' '; }
check_match "CL-06 kubectl get fluxcd-images" 'imageupdateautomation.image.toolkit.fluxcd.io/app ' "$(names fluxcd-images)"
check_match "CL-06 kubectl get fluxcd-sources" 'gitrepository.source.toolkit.fluxcd.io/app ' "$(names fluxcd-sources)"
for s in iua imgupd imgauto; do check_eq "CL-06 kubectl get $s" "imageupdateautomation.image.toolkit.fluxcd.io/app " "$(names $s)"; done
check_match "CL-06 kubectl get gitrepo" 'gitrepository.source.toolkit.fluxcd.io/app ' "$(names gitrepo)"
check_match "the row of a source" "^app +http://$GIT/basic/app.git +[0-9a-z]+ +True +stored artifact for revision 'staging@sha1:[0-9a-f]{40}'" "$(kn get gitrepo app --no-headers)"
check_match "the row of an automation" "^app +True +repository up-to-date +[0-9a-z]+" "$(kn get iua app --no-headers)"
check_match "the last run with -o wide" "^app +True +repository up-to-date +$TIME +" "$(kn get iua app --no-headers -o wide)"
check_ok "kubectl wait" kn wait --for=condition=Ready --timeout=10s gitrepository/app imageupdateautomation/app
for kind in gitrepository.spec.ref.semver imageupdateautomation.spec.git.push.refspec; do
	check_match "kubectl explain $kind" 'DESCRIPTION|FIELD' "$(kn explain "$kind" 2>&1)"
done
check_has "IU-07 a refspec that would force" 'spec.git.push.refspec' \
	"$(manifest ImageUpdateAutomation forces '{"interval":"1m","sourceRef":{"kind":"GitRepository","name":"app"},"git":{"commit":{"author":{"email":"a@b"}},"push":{"refspec":"+a:b"}}}' | kn apply -f - 2>&1)"
check_has "a ServiceAccount without a cloud" "serviceAccountName can only be set when provider is 'azure' or 'aws'" \
	"$(manifest GitRepository account '{"interval":"1m","url":"https://example.com/x.git","serviceAccountName":"a"}' | kn apply -f - 2>&1)"
good "CL-04 delete image update" '^✔ image update automation deleted$' delete image update app -s
good "CL-04 delete source git" '^✔ source git deleted$' delete source git app -s
check_soon "CL-04 they are gone" "$SOON" "" kn get imageupdateautomations,gitrepositories -l none!=none --field-selector=metadata.name=app -o name
check_eq "no password is told" "" "$(cat "$H_TMP"/log/src.* | grep -oE "$GIT_WORD" | head -n 1)"
i_stop
check_eq "SIGTERM: exit status" 0 $?
h_finish
