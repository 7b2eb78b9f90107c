#!/usr/bin/env bash
# Which kinds a process serves, on a real API server: those whose CRDs are there, also one that comes later; and a Lease for each of Flux's
# controllers, so that two processes with other kinds lead side by side.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
SOON=${SOON:-20}
h_registry_start reg
"$OCICTL" push "oci://$REGISTRY/app:1.0.0" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push"
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
FLAGS=(--kubeconfig="$H_TMP/sa.kubeconfig" --enable-leader-election --leader-election-lease-duration=4s --leader-election-renew-deadline=3s
	--leader-election-retry-period=500ms)
export RUNTIME_NAMESPACE=flux-system
start() { mkdir -p "$H_TMP/store-$1"; h_controller_start "$1" --storage-path="$H_TMP/store-$1" "${FLAGS[@]}" "${@:2}"; }
page() { curl -s "http://$(h_address "$1" metrics)/metrics"; }
# leads NAME LEASE: 1, 0, or nothing when the process does not ask for it.
leads() { page "$1" | awk -v m="leader_election_master_status{name=\"$2-leader-election\"}" 'index($0, m) == 1 { print $2 }'; }
holder() { k -n flux-system get lease "$1-leader-election" -o jsonpath='{.spec.holderIdentity}' 2>/dev/null; }
ready() { curl -s -o /dev/null -w '%{http_code}' "http://$(h_address "$1" health)/readyz"; }
served() { grep -F '"msg":"serving a kind"' "$H_TMP/log/$1.err" | jq -r .controllerKind | sort | tr '\n' ' '; }

# ---- a CRD that comes later ------------------------------------------------------------------------------------------
CRD=ocirepositories.source.toolkit.fluxcd.io
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
k get crd "$CRD" -o json | jq 'del(.metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, .status)' >"$H_TMP/crd.json"
k delete crd "$CRD" >/dev/null
h_until 30 bash -c "! curl -sf --cacert $KUBE_CA -H 'Authorization: Bearer $(cut -d, -f1 "$H_TMP/kube/tokens.csv")' $KUBE_SERVER/apis/source.toolkit.fluxcd.io/v1 | grep -q ocirepositories"
start late
check_soon "a kind whose CRD is not there keeps nobody from being ready" "$SOON" 200 ready late
check_hasnt "it is not served" OCIRepository "$(served late)"
check_eq "and its Lease is left alone" "" "$(holder source-controller)$(leads late source-controller)"
k apply -f "$H_TMP/crd.json" >/dev/null
k wait --for=condition=Established --timeout=30s "crd/$CRD" >/dev/null
k apply -f - >/dev/null <<YAML
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web, namespace: default}
spec: {interval: 1h, url: 'oci://$REGISTRY/app', ref: {tag: 1.0.0}}
YAML
check_soon "it comes: without a restart it is served, within a minute" 90 "True Succeeded" outcome web
check_has "the log says so" OCIRepository "$(served late)"
check_eq "under the Lease" 1 "$(leads late source-controller)"
check_eq "still ready" 200 "$(ready late)"
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
check_eq "the Lease is given back" "" "$(holder source-controller)"

# ---- a Lease for each of Flux's controllers ---------------------------------------------------------------------------
k apply -f "$H_ROOT/deploy/crds" >/dev/null || h_die "cannot apply the CRDs"
k wait --for=condition=Established --timeout=30s crd --all >/dev/null
# deploy/ alone gives no rights to the kinds of images: whoever has Flux's controllers for them goes on with these.
start few
check_soon "kinds that it may not list keep nobody from being ready" "$SOON" 200 ready few
check_eq "they are not served" "OCIRepository " "$(served few)"
check_has "and the log says why" '"msg":"a kind is not for this process","controllerKind":"ImageRepository"' "$(cat "$H_TMP/log/few.err")"
h_stop "$CONTROLLER_PID"
# Here it is who holds what, not who may.
FLAGS[0]=--kubeconfig=$ADMIN_KUBECONFIG
k apply -f - >/dev/null <<YAML
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: default}
spec: {interval: 1h, image: '$REGISTRY/app'}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: image-reflector-controller-leader-election, namespace: flux-system}
spec: {holderIdentity: flux-pod_1234, leaseDurationSeconds: 3600, acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:00:00.000000Z', leaseTransitions: 5}
YAML
scanned() { k get imagerepository web -o json | jq -r '[.status.conditions[]? | select(.type == "Ready") | "\(.status) \(.reason)"] | first // "none"'; }
# touched KIND: somebody asks; what is answered when it was handled.
ask() { k annotate --overwrite "$1" web "reconcile.fluxcd.io/requestedAt=$2" >/dev/null; }
handled() { k get "$1" web -o json | jq -r .status.lastHandledReconcileAt; }
start both --kinds=OCIRepository,ImageRepository
check_soon "it leads for its OCIRepositories" "$SOON" 1 leads both source-controller
check_soon "while Flux's image-reflector-controller leads for the images" "$SOON" 0 leads both image-reflector-controller
ask ocirepository one
check_soon "the one is answered" "$SOON" one handled ocirepository
check_eq "of the other nothing is written" "none null" "$(scanned) $(k get imagerepository web -o json | jq -c .metadata.finalizers)"
check_eq "the Lease stays whose it is" flux-pod_1234 "$(holder image-reflector-controller)"
check_eq "it is ready" 200 "$(ready both)"
k -n flux-system patch lease image-reflector-controller-leader-election --type=merge -p '{"spec":{"holderIdentity":""}}' >/dev/null
check_soon "given back, it is taken" "$SOON" 1 leads both image-reflector-controller
check_soon "and the images are scanned" "$SOON" "True Succeeded" scanned
BOTH_PID=$CONTROLLER_PID

# ---- two processes with other kinds, and a swap in both directions ----------------------------------------------------
start image --kinds=ImageRepository
IMAGE_PID=$CONTROLLER_PID
check_soon "another process with one of the kinds follows" "$SOON" 0 leads image image-reflector-controller
check_eq "and asks for no other Lease" "" "$(leads image source-controller)"
h_stop "$BOTH_PID"
check_soon "the first one ends: the second leads for the images" "$SOON" 1 leads image image-reflector-controller
check_eq "nobody for the artifacts" "" "$(holder source-controller)"
ask imagerepository two
ask ocirepository two
check_soon "it answers for its own" "$SOON" two handled imagerepository
check_eq "and for nothing else" one "$(handled ocirepository)"
start both --kinds=OCIRepository,ImageRepository
check_soon "the first one is back, for the artifacts" "$SOON" 1 leads both source-controller
check_soon "which are answered" "$SOON" two handled ocirepository
check_eq "and follows for the images" 0 "$(leads both image-reflector-controller)"
h_stop "$IMAGE_PID"
check_soon "until these are given back" "$SOON" 1 leads both image-reflector-controller
ask imagerepository three
check_soon "and answered" "$SOON" three handled imagerepository
h_stop "$CONTROLLER_PID"
check_eq "at the end both are given back" "|" "$(holder source-controller)|$(holder image-reflector-controller)"

# ---- a kind that nobody knows ----------------------------------------------------------------------------------------
out=$(timeout 20 "$CONTROLLER" --kubeconfig="$H_TMP/sa.kubeconfig" --kinds=OCIRepository,Nonsense 2>&1)
check_eq "an unknown kind: exit status" 1 $?
check_has "and what there is to choose from" "'Nonsense' is not known here; there are OCIRepository" "$out"
h_finish
