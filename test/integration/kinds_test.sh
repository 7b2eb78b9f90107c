#!/usr/bin/env bash
# --kinds with the embedded API: which kinds a process serves, alone and beside others, and what is refused.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
SOON=${SOON:-20}
KUBECTL=$(h_kubectl_debian) || h_die "no kubectl"
h_registry_start reg
for tag in 1.0.0 1.1.0; do
	"$OCICTL" push "oci://$REGISTRY/app:$tag" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
done
mkdir "$H_TMP/objects"
cat >"$H_TMP/objects/all.yaml" <<YAML
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web}
spec: {interval: 1h, url: 'oci://$REGISTRY/app', ref: {tag: 1.0.0}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web}
spec: {interval: 1h, image: '$REGISTRY/app'}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web}
spec: {imageRepositoryRef: {name: web}, policy: {semver: {range: '>=1.0.0'}}}
---
apiVersion: v1
kind: Secret
metadata: {name: hook}
stringData: {token: open-sesame}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: web}
spec:
  type: generic
  secretRef: {name: hook}
  resources: [{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImageRepository, name: web}]
YAML
ready() { k get "$1" web -o json | jq -r '[.status.conditions[]? | select(.type == "Ready") | "\(.status) \(.reason)"] | first // "none"'; }
page() { curl -s "http://$(h_address "$1" metrics)/metrics"; }
kinds() { page "$1" | grep -o '^workqueue_depth{name="[a-z]*"' | cut -d'"' -f2 | sort | tr '\n' ' '; }
objects() { curl -s "http://$(h_address "$1" health)/api/objects" | jq -r '[.objects[] | "\(.kind)/\(.name) \(.state)"] | sort | join(", ")'; }

# ---- all of them, as --embedded does without the flag ----------------------------------------------------------------
h_embedded_start all "$H_TMP/objects"
check_soon "OCIRepository" "$SOON" "True Succeeded" ready ocirepository
check_soon "ImageRepository" "$SOON" "True Succeeded" ready imagerepository
check_has "the tags are counted" '"tagCount":2' "$(k get imagerepository web -o json | jq -c .status)"
check_soon "ImagePolicy" "$SOON" "True Succeeded" ready imagepolicy
check_eq "has chosen" 1.1.0 "$(k get imagepolicy web -o json | jq -r .status.latestRef.tag)"
check_soon "Receiver" "$SOON" "True Succeeded" ready receiver
check_eq "the status page has all" "imagepolicy/web ready, imagerepository/web ready, ocirepository/web ready, receiver/web ready" "$(objects all)"
check_has "and says of which kind each is" "ImageRepository" "$(curl -s "http://$(h_address all health)/")"
check_eq "one object's page" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$(h_address all health)/objects/imagerepository/default/web")"
info() { page all | grep -c "gotk_resource_info{customresource_group=\"$1\",customresource_version=\"v1\",customresource_kind=\"$2\",name=\"web\",exported_namespace=\"default\",ready=\"True\""; }
check_eq "gotk_resource_info of OCIRepository" 1 "$(info source.toolkit.fluxcd.io OCIRepository)"
check_eq "of ImageRepository" 1 "$(info image.toolkit.fluxcd.io ImageRepository)"
check_eq "of ImagePolicy" 1 "$(info image.toolkit.fluxcd.io ImagePolicy)"
check_eq "of Receiver" 1 "$(info notification.toolkit.fluxcd.io Receiver)"
check_has "gotk_reconcile_duration_seconds has the kind" 'gotk_reconcile_duration_seconds_count{kind="ImageRepository",name="web",namespace="default"}' "$(page all)"
said() { k get events -o json | jq -r --arg kind "$1" '[.items[] | select(.involvedObject.kind == $kind) | "\(.source.component) \(.reportingComponent)"] | unique | join(", ")'; }
check_soon "Events of OCIRepository are source-controller's" "$SOON" "source-controller source-controller" said OCIRepository
check_soon "those of ImageRepository image-reflector-controller's" "$SOON" "image-reflector-controller image-reflector-controller" said ImageRepository
check_soon "those of Receiver notification-controller's" "$SOON" "notification-controller notification-controller" said Receiver

# ---- a push, the webhook, the choice ---------------------------------------------------------------------------------
hook() { curl -s -o /dev/null -w '%{http_code}' -X "$1" -d '{}' "http://$(h_address all webhooks)$(k get receiver web -o json | jq -r .status.webhookPath)${2:-}"; }
"$OCICTL" push "oci://$REGISTRY/app:1.2.0" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
check_eq "a call of the webhook" 200 "$(hook POST)"
chosen() { k get imagepolicy web -o json | jq -r .status.latestRef.tag; }
check_soon "the new tag is chosen" "$SOON" 1.2.0 chosen
check_eq "a path that is nobody's" 404 "$(hook POST x)"
check_eq "GET fires nothing" 405 "$(hook GET)"
check_has "the server is counted" 'http_server_requests_total{server="webhooks",code="200"} 1' "$(page all)"
logged() { grep -F "\"controllerKind\":\"$1\"" "$H_TMP/log/all.err" | jq -r 'select(.controller) | .controller' | sort -u | head -1; }
k patch imagerepository web --type=merge -p '{"spec":{"image":"HTTP://no"}}' >/dev/null
check_soon "a stall" "$SOON" "False ImageURLInvalid" ready imagerepository
check_eq "log lines carry the kind" imagerepository "$(logged ImageRepository)"
k patch imagerepository web --type=merge -p "{\"spec\":{\"image\":\"$REGISTRY/app\"}}" >/dev/null
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?

# ---- one alone -------------------------------------------------------------------------------------------------------
h_embedded_start image "$H_TMP/objects" --kinds=ImageRepository
check_soon "ImageRepository alone" "$SOON" "True Succeeded" ready imagerepository
check_eq "nothing else is served" "imagerepository " "$(kinds image)"
check_eq "nor looked at" none "$(ready ocirepository)"
check_eq "ready" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$(h_address image health)/readyz")"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_embedded_start source "$H_TMP/objects" --kinds=' OCIRepository, '
check_soon "OCIRepository alone" "$SOON" "True Succeeded" ready ocirepository
check_eq "and nothing else" "ocirepository " "$(kinds source)"
h_stop "$CONTROLLER_PID"
h_embedded_start both "$H_TMP/objects" --kinds=OCIRepository --kinds=ImageRepository
check_soon "a second --kinds adds to the first" "$SOON" "imagerepository ocirepository " kinds both
h_stop "$CONTROLLER_PID"

h_embedded_start any "$H_TMP/objects" --kinds=Receiver --receiver-any-method
check_soon "Receiver alone" "$SOON" "True Succeeded" ready receiver
check_eq "and nothing else" "receiver " "$(kinds any)"
check_eq "--receiver-any-method" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$(h_address any webhooks)$(k get receiver web -o json | jq -r .status.webhookPath)")"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
h_embedded_start off "$H_TMP/objects" --receiverAddr=0
check_soon "--receiverAddr=0: the Receiver is served" "$SOON" "True Succeeded" ready receiver
check_hasnt "but there is no server" webhooks "$(page off)"
h_stop "$CONTROLLER_PID"

# ---- what is refused -------------------------------------------------------------------------------------------------
refused()
{
	out=$(timeout 20 "$CONTROLLER" --embedded --state-dir="$H_TMP/refused" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 \
		--receiverAddr=127.0.0.1:0 "--kinds=$1" 2>&1)
	check_eq "--kinds=$1: exit status" 1 $?
	check_has "--kinds=$1: why" "$2" "$out"
}
refused OCIRepository,Bucket "--kinds: 'Bucket' is not known here; there are OCIRepository, GitRepository, ImageRepository, ImagePolicy, ImageUpdateAutomation, Receiver"
refused OCIRepository,ImagePolicy "--kinds: ImagePolicy needs ImageRepository in the same process"
refused ocirepository "'ocirepository' is not known"
refused , "--kinds names no kind"
h_finish
