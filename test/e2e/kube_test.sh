#!/usr/bin/env bash
# The Kubernetes behaviour of the controller, as a user of kubectl sees it. The same file runs
#   against the real kube-apiserver, with the rights that deploy/ grants    API=real (default)
#   against the embedded API                                                API=embedded
# and with either kubectl: KUBECTL_FROM=tools (current, built from source) or KUBECTL_FROM=debian (1.20 on Debian 12).
# A behaviour counts when it holds in every combination; the few lines that ask for one API say why.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
API=${API:-real}
KUBECTL_FROM=${KUBECTL_FROM:-tools}
H_NAME=kube-$API-$KUBECTL_FROM
case $KUBECTL_FROM in
tools) KUBECTL=$(h_tool kube-apiserver)/kubectl || h_die "kubectl was not built" ;;
debian) KUBECTL=$(h_kubectl_debian) || h_die "no Debian kubectl" ;;
esac
SOON=${SOON:-20}

# ---- the parts -------------------------------------------------------------------------------------------------------
h_registry_start reg
REG=$REGISTRY
h_registry_start priv "$HTPASSWD_USER:$HTPASSWD_WORD"
PRIV=$REGISTRY
STORAGE=127.0.0.1:$(h_free_port)
mkdir -p "$H_TMP/objects"
if [ "$API" = real ]; then
	h_cluster_start
	cp -r "$H_ROOT/deploy" "$H_TMP/deploy"
	mkdir "$H_TMP/ours"
	printf 'resources: [../deploy]\ncomponents: [../deploy/image-kinds]\n' >"$H_TMP/ours/kustomization.yaml"
	# 1.20 cannot read the kustomization.
	newer() { "$(h_tool kube-apiserver)/kubectl" --kubeconfig "$ADMIN_KUBECONFIG" "$@" >/dev/null || h_die "kubectl $1 failed"; }
	newer apply --server-side -f "$H_ROOT/deploy/crds"
	newer apply --server-side --force-conflicts -k "$H_TMP/ours"
	k wait --for=condition=Established --timeout=30s crd --all >/dev/null
	h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
fi
start()
{
	if [ "$API" = real ]; then
		h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" \
			--storage-addr="$STORAGE" --storage-adv-addr="$STORAGE" "$@"
		h_address src artifacts >/dev/null || h_die "the controller did not start"
	else
		h_embedded_start src "$H_TMP/objects" --storage-addr="$STORAGE" --storage-adv-addr="$STORAGE" "$@"
	fi
}
mkdir -p "$H_TMP/store"
start
# files NAME: what the store holds of an object.
store() { find "$H_TMP/store" "$H_TMP/src.state" -type d -name ocirepository 2>/dev/null | head -n 1; }
files() { find "$(store)/$NS/$1" -type f 2>/dev/null; }

# ---- words for the checks below --------------------------------------------------------------------------------------
NS=kube-test
h_namespace $NS
kn() { k -n $NS "$@"; }

# push REPO:TAG VERSION [FILE...]: the sample app at a version; extra files are created empty.
push()
{
	local ref=$1 version=$2 f

	shift 2
	rm -rf "$H_TMP/app"
	cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
	sed -i "s/VERSION/$version/" "$H_TMP/app/configmap.yaml"
	for f in "$@"; do mkdir -p "$(dirname "$H_TMP/app/$f")"; : >"$H_TMP/app/$f"; done
	[ ! -e "$H_TMP/sourceignore" ] || cp "$H_TMP/sourceignore" "$H_TMP/app/.sourceignore"
	"$OCICTL" push "oci://$ref" --path="$H_TMP/app" --source=https://example.com/app.git --revision="main@sha1:$version" ${CREDS:+--creds="$CREDS"} \
		>>"$H_TMP/log/push.out" 2>>"$H_TMP/log/push.err" || h_die "cannot push $ref"
}
tag() { "$OCICTL" tag "oci://$1" --tag "$2" >>"$H_TMP/log/push.out" 2>>"$H_TMP/log/push.err" || h_die "cannot tag $1 as $2"; }
# digest REGISTRY REPO TAG
digest()
{
	curl -sfI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$1/v2/$2/manifests/$3" | tr -d '\r' |
		sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'
}
# object NAME SPEC: apply it; SPEC is JSON, url and interval have defaults.
object()
{
	jq -n --arg name "$1" --arg url "oci://$REG/app" --argjson spec "$2" \
		'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: $name}, spec: ({interval: "10m", url: $url} + $spec)}' |
		kn apply -f - >/dev/null || h_die "cannot apply $1"
}
get() { kn get ocirepository "$1" -o json; }
# condition NAME TYPE: "True Succeeded", or nothing.
condition() { field "$1" ".status.conditions[]? | select(.type == \"$2\") | \"\(.status) \(.reason)\""; }
revision() { field "$1" '.status.artifact.revision'; }
# request NAME [VALUE]: what `flux reconcile` does; waits until it was handled.
REQUEST=0
request()
{
	REQUEST=$((REQUEST + 1))
	kn annotate --overwrite ocirepository "$1" "reconcile.fluxcd.io/requestedAt=request-$REQUEST" >/dev/null
	h_until "$SOON" handled "$1" "request-$REQUEST" || h_fail "$1: the request is handled" "lastHandledReconcileAt request-$REQUEST" "$(field "$1" .status.lastHandledReconcileAt)"
}
handled() { [ "$(field "$1" .status.lastHandledReconcileAt)" = "$2" ]; }
code() { curl -s -o /dev/null -w '%{http_code}' "$1"; }

push "$REG/app:1.0.0" 1.0.0
tag "$REG/app:1.0.0" main
push "$REG/app:1.1.0" 1.1.0
push "$REG/app:1.2.0-rc.1" 1.2.0-rc.1
push "$REG/app:v0.0.0-staging-test-deploy-2" staging-2
push "$REG/app:v0.0.0-staging-test-deploy-3" staging-3
tag "$REG/app:v0.0.0-staging-test-deploy-3" v0.0.0-staging-test-deploy-20
push "$REG/app:latest" latest
tag "$REG/app:latest" 0123456789ab
D100=$(digest "$REG" app 1.0.0)
D110=$(digest "$REG" app 1.1.0)

# ---- one object, the whole way ---------------------------------------------------------------------------------------
object web '{"ref":{"tag":"1.0.0"}}'
check_soon "web becomes Ready" "$SOON" "True Succeeded" outcome web
o=$(get web)
f() { jq -r "$1" <<<"$o"; }
check_eq "revision is tag@digest" "1.0.0@$D100" "$(f .status.artifact.revision)"
check_eq "path" "ocirepository/$NS/web/$D100.tar.gz" "$(f .status.artifact.path)"
check_eq "artifact url" "http://$STORAGE/ocirepository/$NS/web/$D100.tar.gz" "$(f .status.artifact.url)"
check_eq "url of the newest" "http://$STORAGE/ocirepository/$NS/web/latest.tar.gz" "$(f .status.url)"
check_eq "download" 0 "$(curl -sf -o "$H_TMP/web.tgz" "$(f .status.artifact.url)"; echo $?)"
check_eq "digest is that of the bytes" "sha256:$(sha256sum <"$H_TMP/web.tgz" | cut -d' ' -f1)" "$(f .status.artifact.digest)"
check_eq "size is that of the bytes" "$(stat -c %s "$H_TMP/web.tgz")" "$(f .status.artifact.size)"
check_has "the tarball has the manifests" 'version: "1.0.0"' "$(tar xzOf "$H_TMP/web.tgz" --wildcards '*configmap.yaml' 2>&1)"
check_match "lastUpdateTime" '^[0-9-]{10}T[0-9:]{8}Z$' "$(f .status.artifact.lastUpdateTime)"
check_eq "metadata: source and revision" "https://example.com/app.git main@sha1:1.0.0" \
	"$(f '.status.artifact.metadata | "\(.["org.opencontainers.image.source"]) \(.["org.opencontainers.image.revision"])"')"
check_eq "finalizer" finalizers.fluxcd.io "$(f '.metadata.finalizers | join(" ")')"
check_eq "observedGeneration" "$(f .metadata.generation)" "$(f .status.observedGeneration)"
check_eq "conditions" "ArtifactInStorage=True/Succeeded Ready=True/Succeeded" "$(f '[.status.conditions[] | "\(.type)=\(.status)/\(.reason)"] | sort | join(" ")')"
check_eq "every condition is about this generation" "$(f .metadata.generation)" "$(f '[.status.conditions[].observedGeneration] | unique | join(" ")')"
check_has "the message names the revision" "1.0.0@$D100" "$(message web)"
check_eq "defaults of the CRD" "60s generic" "$(f '"\(.spec.timeout) \(.spec.provider)"')"
check_eq "nothing about rules that were not given" "null null" "$(f '"\(.status.observedIgnore) \(.status.observedLayerSelector)"')"
check_eq "latest.tar.gz is the same file" "$(sha256sum <"$H_TMP/web.tgz")" "$(curl -sf "http://$STORAGE/ocirepository/$NS/web/latest.tar.gz" | sha256sum)"

# ---- kubectl ---------------------------------------------------------------------------------------------------------
check_match "get: the columns" '^NAME +URL +READY +STATUS +AGE$' "$(kn get ocirepositories | head -n 1)"
check_match "get: the row" "^web +oci://$REG/app +True +stored artifact .*1\.0\.0@$D100.* +[0-9]+[smh].*$" "$(kn get ocirepo web --no-headers)"
check_match "get -A: the namespace first" "^NAMESPACE +NAME +URL" "$(k get ocirepositories -A | head -n 1)"
check_eq "get by category" ocirepository.source.toolkit.fluxcd.io/web "$(kn get fluxcd-sources -o name)"
check_has "get all shows it" ocirepository.source.toolkit.fluxcd.io/web "$(kn get all -o name 2>/dev/null)"
check_has "get -o yaml" 'kind: OCIRepository' "$(kn get ocirepository web -o yaml)"
check_eq "get as v1beta2" source.toolkit.fluxcd.io/v1beta2 "$(kn get ocirepositories.v1beta2.source.toolkit.fluxcd.io web -o jsonpath='{.apiVersion}')"
check_ok "wait" kn wait --for=condition=Ready --timeout=10s ocirepository/web
check_has "not found is said as kubectl says it" 'Error from server (NotFound): ocirepositories.source.toolkit.fluxcd.io "nope" not found' "$(kn get ocirepository nope 2>&1)"
check_soon_match "describe shows the event" "$SOON" 'Normal +NewArtifact' kn describe ocirepository web
check_has "describe shows the condition" "stored artifact" "$(kn describe ocirepository web)"
check_eq "one event for it" NewArtifact "$(kn get events --field-selector involvedObject.name=web,involvedObject.kind=OCIRepository -o json | jq -r '[.items[].reason] | join(" ")')"
check_has "a strategic patch is refused" 'application/merge-patch+json' "$(kn patch ocirepository web -p '{"spec":{"interval":"5m"}}' --type=strategic 2>&1)"

h_spawn watch env KUBECONFIG="$ADMIN_KUBECONFIG" "$KUBECTL" --cache-dir="$H_TMP/kubectl-cache" -n $NS get ocirepo -w
WATCH=$H_PID
check_soon_match "get -w: begins with what is there" "$SOON" 'web .*True' cat "$H_TMP/log/watch.out"

# ---- apply, diff, edit, replace, events ------------------------------------------------------------------------------
# 1.20 asks for an OpenAPI document before a dry run, which the embedded API does not have; and it has no `kubectl events`.
OLD_KUBECTL=
! "$KUBECTL" version --client 2>/dev/null | grep -q 'v1\.20\.' || OLD_KUBECTL=yes
# manifest NAME INTERVAL: what a user keeps in a file; suspended, so that nothing but kubectl changes it.
manifest()
{
	cat >"$H_TMP/$1.yaml" <<-EOF
	apiVersion: source.toolkit.fluxcd.io/v1
	kind: OCIRepository
	metadata: {name: $1, labels: {by: hand}}
	spec: {interval: $2, url: "oci://$REG/app", suspend: true}
	EOF
}
# edit SED-SCRIPT ARGS...: kubectl edit with an editor that does this; it gives up when it is shown what was refused.
edit()
{
	printf '#!/bin/sh\n! grep -qE "(is|was) (not valid|invalid)|unknown field" "$1" || exit 1\nsed -i -E %q "$1"\n' "$1" >"$H_TMP/editor"
	chmod +x "$H_TMP/editor"
	shift
	KUBE_EDITOR=$H_TMP/editor kn edit "$@" 2>&1
}
spec() { field "$1" '"\(.spec.interval) \(.metadata.generation)"'; }
manifest byhand 5m
check_match "apply: created" 'byhand created$' "$(kn apply -f "$H_TMP/byhand.yaml" 2>&1)"
check_match "apply: unchanged" 'byhand unchanged$' "$(kn apply -f "$H_TMP/byhand.yaml" 2>&1)"
check_eq "apply: and that is no new generation" "5m 1" "$(spec byhand)"
manifest byhand 6m
if [ "$API" = real ] || [ -z "$OLD_KUBECTL" ]; then
	diff=$(kn diff -f "$H_TMP/byhand.yaml" 2>&1)
	check_eq "diff: there is one" 1 $?
	check_has "diff: what is there" "-  interval: 5m" "$diff"
	check_has "diff: what would be" "+  interval: 6m" "$diff"
	check_match "apply --dry-run=server" 'byhand configured \(server dry run\)$' "$(kn apply --dry-run=server -f "$H_TMP/byhand.yaml" 2>&1)"
	check_eq "neither changes anything" "5m 1" "$(spec byhand)"
fi
kn label ocirepository byhand also=kept >/dev/null
check_match "apply: configured" 'byhand configured$' "$(kn apply -f "$H_TMP/byhand.yaml" 2>&1)"
check_eq "apply: another generation" "6m 2" "$(spec byhand)"
check_eq "apply: what others said stays" kept "$(field byhand .metadata.labels.also)"
check_eq "apply: what it has sent" 6m "$(kn apply view-last-applied ocirepository/byhand -o json | jq -r .spec.interval)"
[ "$API$OLD_KUBECTL" = embeddedyes ] || check_ok "diff: none" kn diff -f "$H_TMP/byhand.yaml"

check_match "edit" 'byhand edited$' "$(edit 's/^(  interval:).*/\1 7m/' ocirepository byhand)"
check_eq "edit: another generation" "7m 3" "$(spec byhand)"
check_has "edit: without a change" "no changes made" "$(edit '' ocirepository byhand)"
check_has "edit: a wrong value is told" '"byhand" is invalid' "$(edit 's/^(  interval:).*/\1 seven/' ocirepository byhand)"
check_eq "edit: and changes nothing" "7m 3" "$(spec byhand)"

kn annotate ocirepository byhand note=lost >/dev/null
check_match "replace" 'byhand replaced$' "$(kn replace -f "$H_TMP/byhand.yaml" 2>&1)"
check_eq "replace: another generation" "6m 4" "$(spec byhand)"
check_eq "replace: what the file does not have is gone" "null null" "$(field byhand '"\(.metadata.labels.also) \(.metadata.annotations.note)"')"
# Flux's finalizer went with the rest; the controller has nothing to do with the object before its spec changes.
get byhand | jq '.spec.interval = "8m"' >"$H_TMP/mine.json"
kn label ocirepository byhand other=writer >/dev/null
check_has "replace: of an older version" "the object has been modified; please apply your changes to the latest version" "$(kn replace -f "$H_TMP/mine.json" 2>&1)"
before=$(field byhand .metadata.uid)
check_match "replace --force" 'byhand replaced$' "$(kn replace --force --timeout=20s -f "$H_TMP/byhand.yaml" 2>&1 | tail -n 1)"
check_eq "replace --force: made anew" "6m 1" "$(spec byhand)"
check_ne "replace --force: another object" "$before" "$(field byhand .metadata.uid)"
manifest nobody 5m
check_has "replace: of what is not there" '"nobody" not found' "$(kn replace -f "$H_TMP/nobody.yaml" 2>&1)"
check_ok "delete -f" kn delete --timeout=20s -f "$H_TMP/byhand.yaml"

check_ok "a Secret to edit" kn create secret generic edited --from-literal=key=old
check_match "edit a Secret" 'edited edited$' "$(edit 's/^(  key:).*/\1 bmV3/' secret edited)"
check_eq "edit a Secret: its value" bmV3 "$(kn get secret edited -o jsonpath='{.data.key}')"
kn delete secret edited >/dev/null

if [ -z "$OLD_KUBECTL" ]; then
	check_match "events" 'Normal +NewArtifact +OCIRepository/web +stored artifact' "$(kn events)"
	check_match "events --for" 'NewArtifact' "$(kn events --for ocirepository/web)"
	check_has "events --for something else" "No events found" "$(kn events --for ocirepository/nobody 2>&1)"
	check_has "events --types" "No events found" "$(kn events --for ocirepository/web --types=Warning 2>&1)"
fi

# ---- requests, moved tags, changed specs -----------------------------------------------------------------------------
before=$(get web | jq -cS '[.status.artifact, .status.conditions]')
heads=$(h_registry_requests reg HEAD "/v2/app/manifests/.*")
gets=$(h_registry_requests reg GET "/v2/app/.*")
request web
check_eq "a request that finds nothing new changes nothing else" "$before" "$(get web | jq -cS '[.status.artifact, .status.conditions]')"
check_eq "and costs one HEAD" "1 0" "$(($(h_registry_requests reg HEAD "/v2/app/manifests/.*") - heads)) $(($(h_registry_requests reg GET "/v2/app/.*") - gets))"

object follow '{"ref":{"tag":"main"}}'
check_soon "follow becomes Ready" "$SOON" "True Succeeded" outcome follow
check_eq "tag main" "main@$D100" "$(revision follow)"
old=$(field follow .status.artifact.url)
tag "$REG/app:1.1.0" main
request follow
check_eq "a moved tag is followed" "main@$D110" "$(revision follow)"
check_eq "the new artifact is served" 200 "$(code "$(field follow .status.artifact.url)")"
check_eq "the one before it too, for who is just fetching it" 200 "$(code "$old")"
check_soon "a second event" "$SOON" 2 bash -c "KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n $NS get events --field-selector involvedObject.name=follow,reason=NewArtifact -o json | jq '[.items[]] | length'"
check_soon_match "get -w: shows the change" "$SOON" "follow .*True .*main@$D110" cat "$H_TMP/log/watch.out"
h_stop "$WATCH" >/dev/null

# The interval alone: nobody asks.
object interval '{"ref":{"tag":"moving"},"interval":"1s"}'
check_soon "a tag that is not there yet" "$SOON" "False OCIArtifactPullFailed" outcome interval
tag "$REG/app:1.0.0" moving
check_soon "is found by the retry" "$SOON" "moving@$D100" revision interval
tag "$REG/app:1.1.0" moving
check_soon "and followed at the interval" "$SOON" "moving@$D110" revision interval
kn delete ocirepository interval >/dev/null

# ---- which artifact: digest > semver (+ filter) > tag > latest -------------------------------------------------------
refs=(
	'latest|{}|latest@'"$(digest "$REG" app latest)"
	'empty-ref|{"ref":{}}|latest@'"$(digest "$REG" app latest)"
	'tag|{"ref":{"tag":"0123456789ab"}}|0123456789ab@'"$(digest "$REG" app latest)"
	'semver-over-tag|{"ref":{"tag":"latest","semver":"~1.0"}}|1.0.0@'"$D100"
	'digest-over-all|{"ref":{"tag":"latest","semver":"~1.0","digest":"'"$D110"'"}}|'"$D110"
	'stable|{"ref":{"semver":">=0.0.0"}}|1.1.0@'"$D110"
	'prerelease|{"ref":{"semver":">=1.0.0-0"}}|1.2.0-rc.1@'"$(digest "$REG" app 1.2.0-rc.1)"
	'filtered|{"ref":{"semver":">=0.0.0-0","semverFilter":".*-staging-test-deploy-.*"}}|v0.0.0-staging-test-deploy-3@'"$(digest "$REG" app v0.0.0-staging-test-deploy-3)"
	'filter-alone-is-nothing|{"ref":{"tag":"main","semverFilter":"^nothing$"}}|main@'"$D110"
	'range-with-or|{"ref":{"semver":"^3 || 1.0.x"}}|1.0.0@'"$D100"
	'docs-localhost|{"url":"oci://localhost:'"${REG#*:}"'/app","ref":{"tag":"1.0.0"}}|1.0.0@'"$D100"
)
for row in "${refs[@]}"; do IFS='|' read -r name spec want <<<"$row"; row=${row#*|}; object "$name" "${row%|*}"; done
for row in "${refs[@]}"; do
	name=${row%%|*}
	check_soon "ref $name" "$SOON" "${row##*|}" revision "$name"
done

# ---- what goes wrong -------------------------------------------------------------------------------------------------
# name | spec | Ready's reason | stalled? | part of the message | another part
bad=(
	'url-tag#{"url":"oci://'"$REG"'/app:1.0.0"}#URLInvalid#yes#1.0.0#app'
	'url-digest#{"url":"oci://'"$REG"'/app@sha256:0000000000000000000000000000000000000000000000000000000000000000"}#URLInvalid#yes#sha256:0000#spec.ref.digest'
	'url-upper#{"url":"oci://'"$REG"'/App"}#URLInvalid#yes#App#App'
	'url-user#{"url":"oci://user:word@'"$REG"'/app"}#URLInvalid#yes#app#app'
	'url-query#{"url":"oci://'"$REG"'/app?x=y"}#URLInvalid#yes#app#app'
	'no-tag#{"ref":{"tag":"nope"}}#OCIArtifactPullFailed#no#nope#'"$REG"'/app'
	'no-repository#{"url":"oci://'"$REG"'/nothing/here","ref":{"tag":"x"}}#OCIArtifactPullFailed#no#x#nothing/here'
	'no-digest#{"ref":{"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}#OCIArtifactPullFailed#no#sha256:0000000000#'"$REG"'/app'
	'no-version#{"ref":{"semver":"^9"}}#ReadOperationFailed#no#^9#'"$REG"'/app'
	'bad-range#{"ref":{"semver":">= x y"}}#ReadOperationFailed#no#>= x y#'"$REG"'/app'
	'bad-filter#{"ref":{"semver":"*","semverFilter":"(?=x)"}}#ReadOperationFailed#no#(?=x)#'"$REG"'/app'
	'bad-both#{"ref":{"semver":">= x y","semverFilter":"(?=x)"}}#ReadOperationFailed#no#(?=x)#'"$REG"'/app'
	'no-layer#{"ref":{"tag":"1.0.0"},"layerSelector":{"mediaType":"application/x-none"}}#OCIArtifactLayerOperationFailed#no#application/x-none#'"$REG"'/app'
	'no-secret#{"secretRef":{"name":"missing"}}#AuthenticationFailed#no#missing#'
	'no-policy#{"url":"oci://'"$REG"'/later","verify":{"provider":"notation"}}#InvalidSpec#yes#spec.verify.secretRef has no name#'
	'other-provider#{"url":"oci://'"$REG"'/later","provider":"aws"}#AuthenticationFailed#no#failed to get credential from aws#'"$REG"
	'no-account#{"url":"oci://'"$REG"'/later","serviceAccountName":"missing"}#AuthenticationFailed#no#service account#missing'
	'no-cert#{"url":"oci://'"$REG"'/later","certSecretRef":{"name":"missing"}}#AuthenticationFailed#no#failed to generate transport for#missing'
	'no-proxy#{"url":"oci://'"$REG"'/later","proxySecretRef":{"name":"missing"}}#AuthenticationFailed#no#failed to get proxy address#missing'
)
for row in "${bad[@]}"; do IFS='#' read -r name spec _ <<<"$row"; object "$name" "$spec"; done
for row in "${bad[@]}"; do
	IFS='#' read -r name spec reason stalled part1 part2 <<<"$row"
	check_soon "$name: Ready" "$SOON" "False $reason" outcome "$name"
	o=$(get "$name")
	if [ "$stalled" = yes ]; then
		check_eq "$name: Stalled" "True $reason" "$(condition "$name" Stalled)"
		check_eq "$name: settled at this generation" "$(f .metadata.generation)" "$(f .status.observedGeneration)"
		check_eq "$name: not reconciling" "" "$(condition "$name" Reconciling)"
		[ "$reason" != URLInvalid ] || check_eq "$name: FetchFailed, too" "True URLInvalid" "$(condition "$name" FetchFailed)"
	else
		check_eq "$name: FetchFailed" "True $reason" "$(condition "$name" FetchFailed)"
		check_eq "$name: will be tried again" "True ProgressingWithRetry" "$(condition "$name" Reconciling)"
		check_eq "$name: never observed" -1 "$(f .status.observedGeneration)"
		check_eq "$name: not stalled" "" "$(condition "$name" Stalled)"
	fi
	check_has "$name: the message names the value" "$part1" "$(message "$name")"
	check_has "$name: and where" "$part2" "$(message "$name")"
	check_eq "$name: no artifact" null "$(f .status.artifact)"
done
check_soon_match "a failure is an event, too" "$SOON" 'Warning +OCIArtifactPullFailed' kn describe ocirepository no-tag
check_soon "and is counted up, not written anew" "$SOON" yes bash -c "KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n $NS get events --field-selector involvedObject.name=no-tag -o json | jq -r 'if (.items | length) == 1 and .items[0].count > 1 then \"yes\" else \"no\" end'"
check_hasnt "a password in a URL is told to nobody" "word@" "$(message url-user; kn get events; cat "$H_TMP/log/src.err")"
check_eq "nothing was asked with what is missing" 0 "$(h_registry_requests reg '[A-Z]+' '/v2/later/.*')"

# A failure keeps what was there; the way back is a recovery.
object web '{"ref":{"tag":"gone"}}'
check_soon "web: its tag is gone" "$SOON" "False OCIArtifactPullFailed" outcome web
check_eq "the old artifact stays in the status" "1.0.0@$D100" "$(revision web)"
check_eq "and is served" 200 "$(code "$(field web .status.artifact.url)")"
check_eq "and ArtifactInStorage stays" "True Succeeded" "$(condition web ArtifactInStorage)"
check_ne "observedGeneration stays behind" "$(field web .metadata.generation)" "$(field web .status.observedGeneration)"
request web
check_eq "a request is answered by a failure, too" "request-$REQUEST" "$(field web .status.lastHandledReconcileAt)"
object web '{"ref":{"tag":"1.0.0"}}'
check_soon "web recovers" "$SOON" "True Succeeded" outcome web
check_eq "nothing of the failure is left" "ArtifactInStorage Ready" "$(field web '[.status.conditions[].type] | sort | join(" ")')"
check_soon "the recovery is an event" "$SOON" yes bash -c "KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n $NS get events --field-selector involvedObject.name=web -o json | jq -r 'if any(.items[]; .reason == \"Succeeded\") then \"yes\" else \"no\" end'"

# ---- what the API server refuses -------------------------------------------------------------------------------------
refused() { jq -n --argjson spec "$1" '{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "refused"}, spec: $spec}' | kn create --validate=false -f - 2>&1; }
check_match "url is oci://" 'spec\.url' "$(refused '{"interval":"1m","url":"https://x/y"}')"
check_match "interval has a unit" 'spec\.interval' "$(refused '{"interval":"5","url":"oci://x/y"}')"
check_match "timeout has no hours" 'spec\.timeout' "$(refused '{"interval":"5m","timeout":"1h","url":"oci://x/y"}')"
check_match "url is required" 'spec\.url' "$(refused '{"interval":"5m"}')"
check_match "providers are four" 'spec\.provider.*[Uu]nsupported value' "$(refused '{"interval":"5m","url":"oci://x/y","provider":"other"}')"
check_match "operations are two" 'spec\.layerSelector\.operation' "$(refused '{"interval":"5m","url":"oci://x/y","layerSelector":{"operation":"move"}}')"
check_match "a Secret reference has a name" 'spec\.secretRef\.name' "$(refused '{"interval":"5m","url":"oci://x/y","secretRef":{}}')"
if [ "$KUBECTL_FROM" = tools ]; then
	check_match "an unknown field is told" 'unknown field "spec.intervall"' \
		"$(kn create --validate=strict -f - 2>&1 <<<'{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"u"},"spec":{"interval":"5m","url":"oci://x/y","intervall":"1"}}')"
	check_match "kubectl edits of the status go to the subresource" 'request-' "$(kn get --subresource=status ocirepository web -o jsonpath='{.status.lastHandledReconcileAt}')"
fi

# ---- the image kinds, as far as the API server goes ------------------------------------------------------------------
# Suspended, so that what is seen here is its doing and nobody else's.
# spec_of KIND NAME SPEC: a manifest.
spec_of()
{
	local group=image

	[ "$1" != Receiver ] || group=notification
	jq -n --arg api "$group.toolkit.fluxcd.io/v1" --arg kind "$1" --arg name "$2" --argjson spec "$3" '{apiVersion: $api, kind: $kind, metadata: {name: $name}, spec: $spec}'
}
# created KIND NAME SPEC FILTER: what the API server made of it, at once.
created() { spec_of "$@" | kn create -o json -f - | jq -c "$4"; }
# rejected KIND SPEC: what kubectl says, without its own check.
rejected() { spec_of "$1" rejected "$2" | kn create --validate=false -f - 2>&1; }
check_eq "ImageRepository: defaults" '[["^.*\\.sig$"],"generic",{"observedGeneration":-1}]' \
	"$(created ImageRepository app '{"image":"'"$REG"'/app","interval":"1m","suspend":true}' '[.spec.exclusionList, .spec.provider, .status]')"
check_eq "ImagePolicy: defaults" '["Never","asc",{"observedGeneration":-1}]' \
	"$(created ImagePolicy app '{"imageRepositoryRef":{"name":"app"},"policy":{"numerical":{}},"suspend":true}' '[.spec.digestReflectionPolicy, .spec.policy.numerical.order, .status]')"
check_eq "Receiver: defaults" '["10m",{"observedGeneration":-1}]' \
	"$(created Receiver app '{"type":"generic","resources":[],"secretRef":{"name":"s"},"suspend":true}' '[.spec.interval, .status]')"
check_eq "ImageRepository: an empty list stays empty" '[]' \
	"$(created ImageRepository none '{"image":"'"$REG"'/app","interval":"1m","suspend":true,"exclusionList":[]}' .spec.exclusionList)"
OIDC='{"issuerURL":"https://issuer.example","validations":[{"expression":"true","message":"no"}]}'
check_eq "Receiver: generic-oidc without a Secret" '"generic-oidc"' "$(created Receiver oidc '{"type":"generic-oidc","resources":[],"suspend":true,"oidcProviders":['"$OIDC"']}' .spec.type)"

check_match "IR-36: columns" '^NAME +IMAGE +TAGS +READY +STATUS +AGE$' "$(kn get imagerepositories | head -n 1)"
check_match "IR-36: and the wide ones" '^NAME +IMAGE +TAGS +READY +STATUS +LAST SCAN +AGE$' "$(kn get imagerepositories -o wide | head -n 1)"
check_match "IR-36: the row" "^app +$REG/app " "$(kn get imagerepository app --no-headers)"
check_match "ImagePolicy: columns" '^NAME +IMAGE +TAG +READY +STATUS +AGE$' "$(kn get imagepolicies | head -n 1)"
check_match "Receiver: columns" '^NAME +AGE +READY +STATUS$' "$(kn get receivers | head -n 1)"
for short in imgrepo imagerepo imgpol imagepol receiver; do
	check_match "CL-06: $short" '^[a-z]+\.(image|notification)\.toolkit\.fluxcd\.io/app$' "$(kn get $short app -o name)"
done
check_eq "CL-06: category fluxcd-images" "imagepolicy.image.toolkit.fluxcd.io/app imagerepository.image.toolkit.fluxcd.io/app imagerepository.image.toolkit.fluxcd.io/none" \
	"$(kn get fluxcd-images -o name | sort | paste -sd ' ')"
check_eq "CL-06: category fluxcd-notifications" "receiver.notification.toolkit.fluxcd.io/app receiver.notification.toolkit.fluxcd.io/oidc" "$(kn get fluxcd-notifications -o name | sort | paste -sd ' ')"
check_eq "CL-06: all of them in all and in fluxcd" "5 5" "$(kn get all -o name | grep -cE '^(image|receiver)') $(kn get fluxcd -o name | grep -cE '^(image|receiver)')"
check_eq "as flux asks for one" app "$(kn get imagerepositories --field-selector metadata.name=app -o jsonpath='{.items[*].metadata.name}')"

IP='"imageRepositoryRef":{"name":"app"},"policy":{}'
check_eq "IP-27: interval without Always" "The ImagePolicy \"rejected\" is invalid: spec: Invalid value: \"object\": spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'" \
	"$(rejected ImagePolicy '{'"$IP"',"interval":"5m"}')"
check_eq "IP-27: Always without interval" "The ImagePolicy \"rejected\" is invalid: spec: Invalid value: \"object\": spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'" \
	"$(rejected ImagePolicy '{'"$IP"',"digestReflectionPolicy":"Always"}')"
check_eq "a rule is not asked where something is missing" 'The ImagePolicy "rejected" is invalid:
* spec.imageRepositoryRef: Required value
* <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation' \
	"$(rejected ImagePolicy '{"policy":{},"interval":"5m"}' | sed 's/ $//')"
check_eq "RC-34: no secretRef" 'The Receiver "rejected" is invalid: spec: Invalid value: "object": secretRef is required when type is not generic-oidc' \
	"$(rejected Receiver '{"type":"github","resources":[]}')"
check_eq "RC-34: generic-oidc with one, and without providers" 'The Receiver "rejected" is invalid:
* spec: Invalid value: "object": generic-oidc receivers must define at least one oidcProvider
* spec: Invalid value: "object": secretRef cannot be set when type is generic-oidc' \
	"$(rejected Receiver '{"type":"generic-oidc","resources":[],"secretRef":{"name":"s"}}' | sed 's/ $//')"
check_eq "RC-34: providers with another type" 'The Receiver "rejected" is invalid: spec: Invalid value: "object": oidcProviders can only be set when type is generic-oidc' \
	"$(rejected Receiver '{"type":"quay","resources":[],"secretRef":{"name":"s"},"oidcProviders":['"$OIDC"']}')"
check_eq "one issuer, once" 'The Receiver "rejected" is invalid: spec.oidcProviders[1]: Duplicate value: {"issuerURL":"https://issuer.example"}' \
	"$(rejected Receiver '{"type":"generic-oidc","resources":[],"oidcProviders":['"$OIDC,$OIDC"']}')"
check_eq "a token alone proves nothing" 'The Receiver "rejected" is invalid: spec.oidcProviders[0].validations: Invalid value: 0: spec.oidcProviders[0].validations in body should have at least 1 items' \
	"$(rejected Receiver '{"type":"generic-oidc","resources":[],"oidcProviders":[{"issuerURL":"https://x","validations":[]}]}')"
check_eq "IR-11: 26 exclusions" 'The ImageRepository "rejected" is invalid: spec.exclusionList: Too many: 26: must have at most 25 items' \
	"$(rejected ImageRepository "$(jq -nc '{image: "a", interval: "1m", exclusionList: [range(26) | tostring]}')")"
check_eq "IR-11: 25 are taken" 25 "$(created ImageRepository full "$(jq -nc '{image: "a", interval: "1m", suspend: true, exclusionList: [range(25) | tostring]}')" '.spec.exclusionList | length')"
check_match "a kind that nobody could wake" 'spec\.resources\[0\]\.kind: Unsupported value: "Pod"' "$(rejected Receiver '{"type":"generic","secretRef":{"name":"s"},"resources":[{"kind":"Pod","name":"x"}]}')"

# A rule holds on every way to write.
check_match "and a merge patch" 'spec\.interval is only accepted when' "$(kn patch imagepolicy app --type=merge -p '{"spec":{"interval":"5m"}}' 2>&1)"
check_match "and a JSON patch" 'spec\.interval is only accepted when' "$(kn patch imagepolicy app --type=json -p '[{"op":"add","path":"/spec/interval","value":"5m"}]' 2>&1)"
check_ok "one patch may do both" kn patch imagepolicy app --type=json -p '[{"op":"add","path":"/spec/interval","value":"5m"},{"op":"replace","path":"/spec/digestReflectionPolicy","value":"Always"}]'
check_eq "JSON patch: all six operations" '["b","c"] x 9m' "$(kn patch imagerepository app --type=json -o json -p '[
	{"op":"test","path":"/kind","value":"ImageRepository"}, {"op":"replace","path":"/spec/exclusionList","value":["a","b"]}, {"op":"add","path":"/spec/exclusionList/-","value":"c"},
	{"op":"remove","path":"/spec/exclusionList/0"}, {"op":"add","path":"/metadata/annotations","value":{"a~b":"x"}}, {"op":"move","from":"/metadata/annotations/a~0b","path":"/metadata/annotations/from"},
	{"op":"copy","from":"/metadata/annotations/from","path":"/metadata/annotations/to"}, {"op":"replace","path":"/spec/timeout","value":"9m"}]' |
	jq -r '"\(.spec.exclusionList | tojson) \(.metadata.annotations.to) \(.spec.timeout)"')"
check_match "JSON patch: a test that fails changes nothing" 'The request is invalid' \
	"$(kn patch imagerepository app --type=json -p '[{"op":"replace","path":"/spec/timeout","value":"8m"},{"op":"test","path":"/spec/image","value":"other"}]' 2>&1)"
check_eq "JSON patch: nothing at all" 9m "$(kn get imagerepository app -o jsonpath='{.spec.timeout}')"
check_has "JSON patch: of what is not there" 'The request is invalid' "$(kn patch imagerepository app --type=json -p '[{"op":"remove","path":"/spec/insecure"}]' 2>&1)"
check_ok "JSON patch: of a Secret" kn create secret generic patched --from-literal=key=old
check_eq "JSON patch: of a Secret, its value" bmV3 "$(kn patch secret patched --type=json -o jsonpath='{.data.key}' -p '[{"op":"replace","path":"/data/key","value":"bmV3"}]')"
kn delete secret patched >/dev/null

spec_of ImageRepository applied '{"image":"a","interval":"1m","suspend":true}' >"$H_TMP/applied.json"
if [ "$API" = real ]; then
	check_match "server-side apply" 'applied serverside-applied$' "$(kn apply --server-side --field-manager=gitops -f "$H_TMP/applied.json" 2>&1)"
	check_match "server-side apply: of what others have set" 'conflict with "gitops"|conflicts with "gitops"' \
		"$(jq '.spec.interval = "2m"' "$H_TMP/applied.json" | kn apply --server-side --field-manager=other -f - 2>&1)"
else
	check_match "server-side apply is left out, and said to be" '[Ss]erver-side apply' "$(kn apply --server-side -f "$H_TMP/applied.json" 2>&1)"
	check_ok "apply" kn apply -f "$H_TMP/applied.json"
fi
check_eq "applied" 1m "$(kn get imagerepository applied -o jsonpath='{.spec.interval}')"

# ---- ConfigMaps and ServiceAccounts ----------------------------------------------------------------------------------
check_ok "create configmap" kn create configmap settings --from-literal=a=b
check_match "get configmaps" '^settings +1 +[0-9]+s$' "$(kn get cm settings --no-headers)"
check_match "a key that is none" 'data\[a b\]: Invalid value: "a b": a valid config key' "$(kn patch configmap settings --type=merge -p '{"data":{"a b":"c"}}' 2>&1)"
check_ok "create serviceaccount" kn create serviceaccount puller
check_match "get serviceaccounts" '^puller +0 +[0-9]+s$' "$(kn get sa puller --no-headers)"
check_eq "a strategic patch, as the manuals have it" pull "$(kn patch serviceaccount puller -p '{"imagePullSecrets":[{"name":"pull"}]}' -o jsonpath='{.imagePullSecrets[*].name}')"
kn delete configmap/settings serviceaccount/puller >/dev/null

# ---- what the kinds are, for people ----------------------------------------------------------------------------------
if [ "$KUBECTL_FROM" = tools ]; then
	check_match "explain: the kind" 'KIND: +OCIRepository' "$(kn explain ocirepository.spec.ref 2>&1)"
	check_has "explain: the field's words" "Which artifact of the repository is wanted." "$(kn explain ocirepository.spec.ref 2>&1)"
	check_match "explain: its members" '  semver	<string>' "$(kn explain ocirepository.spec.ref 2>&1)"
	check_match "explain: by short name, all of it" '    order	<string>' "$(kn explain --recursive imgpol.spec.policy 2>&1)"
	check_has "explain: an older version" "v1beta2" "$(kn explain ocirepo --api-version=source.toolkit.fluxcd.io/v1beta2 2>&1)"
	check_match "explain: metadata" '  labels	<map\[string\]string>' "$(kn explain receivers.metadata 2>&1)"
	check_has "explain: a built-in kind" "imagePullSecrets" "$(kn explain serviceaccount 2>&1)"
	check_has "explain: no such field" 'field "nope" does not exist' "$(kn explain receiver.spec.nope 2>&1)"
	bogus=$(spec_of ImageRepository bogus '{"image":"a","interval":"1m","suspend":true,"intervall":"1"}')
	check_match "--validate=strict" 'unknown field "spec.intervall"' "$(kn apply --validate=strict -f - 2>&1 <<<"$bogus")"
	check_has "--validate=strict: and nothing is made" NotFound "$(kn get imagerepository bogus 2>&1)"
	warned=$(kn apply --validate=warn -f - 2>&1 <<<"$bogus")
	check_match "--validate=warn: a warning" 'Warning: unknown field "spec.intervall"' "$warned"
	check_match "--validate=warn: and it is made" 'bogus created$' "$warned"
	check_eq "without the field" null "$(kn get imagerepository bogus -o json | jq -c .spec.intervall)"
fi
kn delete --wait=false receivers,imagepolicies,imagerepositories --all >/dev/null

# ---- suspend ---------------------------------------------------------------------------------------------------------
kn patch ocirepository follow --type=merge -p '{"spec":{"suspend":true}}' >/dev/null
tag "$REG/app:1.0.0" main
before=$(get follow | jq -cS '.status | del(.lastHandledReconcileAt)')
request follow
check_eq "suspended: only lastHandledReconcileAt changes" "$before" "$(get follow | jq -cS '.status | del(.lastHandledReconcileAt)')"
check_eq "suspended: the artifact is served" 200 "$(code "$(field follow .status.artifact.url)")"
kn patch ocirepository follow --type=merge -p '{"spec":{"suspend":false}}' >/dev/null
check_soon "resumed: it catches up" "$SOON" "main@$D100" revision follow

# ---- layers and ignore rules -----------------------------------------------------------------------------------------
push "$REG/files:1" 1 docs/guide.md img/logo.png deep/img/keep.txt
names() { curl -sf "$(field "$1" .status.artifact.url)" | tar tz | sed 's#^\./##; s#/$##' | grep -v '^\.\?$' | sort | paste -sd ' '; }
object default-rules '{"url":"oci://'"$REG"'/files","ref":{"tag":"1"}}'
check_soon "default rules" "$SOON" "True Succeeded" outcome default-rules
check_hasnt "pictures are left out by default" logo.png "$(names default-rules)"
check_has "the rest is there" docs/guide.md "$(names default-rules)"
object own-rules '{"url":"oci://'"$REG"'/files","ref":{"tag":"1"},"ignore":"/*\n!/deep\n"}'
check_soon "own rules" "$SOON" "True Succeeded" outcome own-rules
check_eq "own rules" "deep deep/img deep/img/keep.txt" "$(names own-rules)"
check_eq "are written down" '"/*\n!/deep\n"' "$(field own-rules '.status.observedIgnore | tojson')"
before=$(field own-rules .status.artifact.digest)
object own-rules '{"url":"oci://'"$REG"'/files","ref":{"tag":"1"},"ignore":"/*\n!/docs\n"}'
check_soon "changed rules make another file at the same path" "$SOON" "docs docs/guide.md" names own-rules
check_ne "with another digest" "$before" "$(field own-rules .status.artifact.digest)"
check_eq "which is that of the bytes" "$(field own-rules .status.artifact.digest)" "sha256:$(curl -sf "$(field own-rules .status.artifact.url)" | sha256sum | cut -d' ' -f1)"
object copied '{"url":"oci://'"$REG"'/files","ref":{"tag":"1"},"layerSelector":{"operation":"copy"}}'
check_soon "copy" "$SOON" "True Succeeded" outcome copied
layer=$(curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REG/v2/files/manifests/1" | jq -r '.layers[0].digest')
check_eq "copy: the layer itself" "$layer" "$(field copied .status.artifact.digest)"
check_eq "copy: is written down" '{"operation":"copy"}' "$(field copied '.status.observedLayerSelector | tostring')"

# ---- Secrets ---------------------------------------------------------------------------------------------------------
CREDS=$HTPASSWD_USER:$HTPASSWD_WORD push "$PRIV/private:1" 1
object private '{"url":"oci://'"$PRIV"'/private","ref":{"tag":"1"}}'
check_soon "private: not without credentials" "$SOON" "False OCIArtifactPullFailed" outcome private
check_ok "create secret docker-registry" kn create secret docker-registry pull --docker-server="$PRIV" --docker-username="$HTPASSWD_USER" --docker-password="$HTPASSWD_WORD"
object private '{"url":"oci://'"$PRIV"'/private","ref":{"tag":"1"},"secretRef":{"name":"pull"}}'
check_soon "private: with them" "$SOON" "True Succeeded" outcome private
# Nobody touches the object below: a changed Secret alone asks its users again.
secret() { jq -n --arg reg "$PRIV" --arg word "$1" '{auths: {($reg): {username: "'$HTPASSWD_USER'", password: $word}}} | tostring | @base64 | {data: {".dockerconfigjson": .}}'; }
kn patch secret pull --type=merge -p "$(secret wrong)" >/dev/null
check_soon "private: a wrong password is noticed" "$SOON" "False OCIArtifactPullFailed" outcome private
check_hasnt "and told to nobody" "$HTPASSWD_WORD" "$(cat "$H_TMP/log/src.err")$(kn get events -o yaml)"
kn patch secret pull --type=merge -p "$(secret "$HTPASSWD_WORD")" >/dev/null
check_soon "private: so is the right one" "$SOON" "True Succeeded" outcome private
# The older type is as good; one of another type is no pull Secret, whatever it holds.
secret "$HTPASSWD_WORD" | jq '{apiVersion: "v1", kind: "Secret", metadata: {name: "old-form"}, type: "kubernetes.io/dockercfg", data: {".dockercfg": (.data[".dockerconfigjson"] | @base64d | fromjson | .auths | tostring | @base64)}}' |
	kn create -f - >/dev/null || h_die "cannot create a dockercfg Secret"
secret "$HTPASSWD_WORD" | jq '{apiVersion: "v1", kind: "Secret", metadata: {name: "opaque"}, type: "Opaque", data}' | kn create -f - >/dev/null || h_die "cannot create a Secret"
object old-form '{"url":"oci://'"$PRIV"'/private","ref":{"tag":"1"},"secretRef":{"name":"old-form"}}'
object opaque '{"url":"oci://'"$PRIV"'/private","ref":{"tag":"1"},"secretRef":{"name":"opaque"}}'
check_soon "a Secret of type dockercfg" "$SOON" "True Succeeded" outcome old-form
check_soon "an Opaque one counts for nothing" "$SOON" "False OCIArtifactPullFailed" outcome opaque
# The same through a ServiceAccount: what it names is read, and watched.
kn create serviceaccount robot >/dev/null
object by-account '{"url":"oci://'"$PRIV"'/private","ref":{"tag":"1"},"serviceAccountName":"robot"}'
check_soon "a ServiceAccount without pull Secrets shows nobody" "$SOON" "False OCIArtifactPullFailed" outcome by-account
kn patch serviceaccount robot --type=merge -p '{"imagePullSecrets":[{"name":"later"}]}' >/dev/null
check_soon "one that names what is not there" "$SOON" "False AuthenticationFailed" outcome by-account
check_has "is told with both names" "service account '$NS/robot': failed to get image pull secret '$NS/later'" "$(message by-account)"
kn create secret docker-registry later --docker-server="$PRIV" --docker-username="$HTPASSWD_USER" --docker-password="$HTPASSWD_WORD" >/dev/null
check_soon "its Secret comes" "$SOON" "True Succeeded" outcome by-account
kn patch secret later --type=merge -p "$(secret wrong)" >/dev/null
check_soon "and changes" "$SOON" "False OCIArtifactPullFailed" outcome by-account
kn patch serviceaccount robot --type=merge -p '{"imagePullSecrets":[{"name":"pull"}]}' >/dev/null
check_soon "another one is named" "$SOON" "True Succeeded" outcome by-account
object of-cloud '{"url":"oci://'"$PRIV"'/private","ref":{"tag":"1"},"serviceAccountName":"robot","provider":"aws"}'
check_soon "what is given wins over a provider" "$SOON" "True Succeeded" outcome of-cloud
kn delete secret pull >/dev/null
check_soon "and one that goes, which a ServiceAccount names" "$SOON" "False AuthenticationFailed" outcome by-account
kn delete ocirepository by-account of-cloud >/dev/null
request private
check_eq "private: a Secret that is gone" "False AuthenticationFailed" "$(outcome private)"

# ---- v1beta2, labels, many -------------------------------------------------------------------------------------------
check_ok "an older manifest" kn apply -f - <<<'{"apiVersion":"source.toolkit.fluxcd.io/v1beta2","kind":"OCIRepository","metadata":{"name":"older"},"spec":{"interval":"1m","url":"oci://'"$REG"'/app","ref":{"tag":"1.0.0"}}}'
check_soon "becomes Ready" "$SOON" "1.0.0@$D100" revision older
many=60
for ((i = 0; i < many; i++)); do
	printf '{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"many-%d","labels":{"many":"yes"}},"spec":{"interval":"10m","url":"oci://%s/app","ref":{"tag":"1.0.0"}}}\n' $i "$REG"
done >"$H_TMP/many.json"
kn create -f "$H_TMP/many.json" >/dev/null
check_soon "$many objects at once become Ready" 60 $many bash -c "KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n $NS get ocirepositories -l many=yes -o json | jq '[.items[] | select(any(.status.conditions[]?; .type == \"Ready\" and .status == \"True\"))] | length'"
check_eq "and go in one command" 0 "$(kn delete ocirepositories -l many=yes --timeout=30s >/dev/null; echo $?)"
# What Flux's dashboards ask for, and what is forgotten with an object.
METRICS=$(h_address src metrics) || h_die "no metrics"
HEALTH=$(h_address src health) || h_die "no health"
metrics() { curl -sf "http://$METRICS/metrics"; }
page=$(metrics)
for m in 'gotk_reconcile_duration_seconds_count{kind="OCIRepository",name="web",namespace="'$NS'"}' 'gotk_reconcile_duration_seconds_sum{kind="OCIRepository",name="web",namespace="'$NS'"}' \
	'controller_runtime_reconcile_total{controller="ocirepository",result="success"}' 'controller_runtime_reconcile_total{controller="ocirepository",result="error"}' \
	'workqueue_longest_running_processor_seconds{name="ocirepository",controller="ocirepository"}' 'rest_client_requests_total{code="200",method="PATCH",host="' 'process_cpu_seconds_total' 'process_resident_memory_bytes' \
	'gotk_resource_info{customresource_group="source.toolkit.fluxcd.io",customresource_version="v1",customresource_kind="OCIRepository",' 'memory_allocated_bytes' 'go_info{' 'go_memstats_alloc_bytes' 'loop_busy_worst_seconds' 'file_syncs_total' 'bytes_hashed_total' 'kube_events_total{outcome="dropped"}'; do
	check_match "metric $m: a number" '^[0-9.e+-]+$' "$(awk -v m="$m" 'index($0, m) == 1 { print $NF; exit }' <<<"$page")"
done
check_eq "ten buckets and infinity" 11 "$(grep -cF 'gotk_reconcile_duration_seconds_bucket{kind="OCIRepository",name="web",namespace="'$NS'"' <<<"$page")"
check_hasnt "a deleted object leaves no series behind" 'name="many-' "$page"
check_eq "healthz and readyz" "200 200" "$(code "http://$HEALTH/healthz") $(code "http://$HEALTH/readyz")"
check_eq "with their files" "" "$(find "$(store)/$NS" -maxdepth 1 -name 'many-*' 2>/dev/null)"

# ---- delete ----------------------------------------------------------------------------------------------------------
url=$(field older .status.artifact.url)
check_ok "delete waits for the finalizer, and ends" kn delete ocirepository older --timeout=20s
check_eq "the artifact is gone" 404 "$(code "$url")"
check_eq "and so are its files" "" "$(files older)"

# ---- kill -9, restart, lost files ------------------------------------------------------------------------------------
kn patch ocirepository follow --type=merge -p '{"spec":{"suspend":true}}' >/dev/null
tag "$REG/app:1.1.0" main # a restored artifact is what the status names, not what the tag names now
before=$(kn get ocirepositories -o json | jq -cS '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True")) | [.metadata.name, .status.artifact]]')
h_stop "$CONTROLLER_PID" KILL
kn delete ocirepository filtered --wait=false >/dev/null 2>&1 # in embedded mode there is no API now, so nothing to delete
blobs=$(h_registry_requests reg GET '/v2/.*/blobs/.*')
start
check_soon "after kill -9: ready again" "$SOON" 200 code "http://$STORAGE/"
check_eq "after kill -9: what was served is served" 200 "$(code "$(field web .status.artifact.url)")"
if [ "$API" = real ]; then
	check_soon "an object that was deleted meanwhile is finished" "$SOON" "" bash -c "KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n $NS get ocirepository filtered -o name 2>/dev/null"
	before=$(jq -cS '[.[] | select(.[0] != "filtered")]' <<<"$before")
fi
check_soon "no status has changed" "$SOON" "$before" bash -c "KUBECONFIG=$ADMIN_KUBECONFIG $KUBECTL -n $NS get ocirepositories -o json | jq -cS '[.items[] | select(any(.status.conditions[]?; .type == \"Ready\" and .status == \"True\")) | [.metadata.name, .status.artifact]]'"
check_eq "and no blob was asked for" "$blobs" "$(h_registry_requests reg GET '/v2/.*/blobs/.*')"

h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
[ -n "$(files web)" ] || h_die "the store is not where this test looks for it: $(store)"
rm -rf "$(store)"
start
check_soon "the store was lost: restored" "$SOON" 200 code "$(field web .status.artifact.url)"
check_soon "a suspended object, too" "$SOON" 200 code "$(field follow .status.artifact.url)"
check_eq "with the bytes that the status names" "$(field follow .status.artifact.digest)" "sha256:$(curl -sf "$(field follow .status.artifact.url)" | sha256sum | cut -d' ' -f1)"
check_eq "though its tag has moved on" "main@$D100" "$(revision follow)"

# What `flux logs` reads of a line about an object.
check_eq "a log line says which object, kind and run it is about" "info|string|ocirepository|source.toolkit.fluxcd.io|OCIRepository|{\"name\":\"web\",\"namespace\":\"$NS\"}|web|$NS|string" \
	"$(grep -F '"msg":"stored artifact"' "$H_TMP/log/src.err" | jq -r 'select(.name == "web") | [.level, (.ts | type), .controller, .controllerGroup, .controllerKind, (.OCIRepository | tojson), .name, .namespace, (.reconcileID | type)] | join("|")' | head -n 1)"
check_match "a failure's line has the error" '"level":"error".*"name":"no-tag".*"error":"' "$(grep -F '"name":"no-tag"' "$H_TMP/log/src.err" | grep -F '"level":"error"' | head -n 1)"
check_match "times are ISO 8601 with milliseconds" '"ts":"20[0-9-]{8}T[0-9:]{8}\.[0-9]{3}Z"' "$(head -n 1 "$H_TMP/log/src.err")"
h_stop "$CONTROLLER_PID" INT
check_eq "SIGINT ends it as well" 0 $?
check_eq "every log line is JSON" "" "$(jq -e . <"$H_TMP/log/src.err" 2>&1 >/dev/null | head -n 1)"
h_finish
