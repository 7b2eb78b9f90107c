#!/usr/bin/env bash
# The consumer that most artifacts are for: a real kustomize-controller on a real API server applies from our artifact, and follows a moved
# tag, also across kill -9 of our controller. Ours runs with the rights that deploy/ grants; the other kinds are our placeholder CRDs.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
h_registry_start reg
h_cluster_start
crds=$(h_kustomize_controller_crds)
k apply -k "$H_ROOT/deploy" >/dev/null
k create -k "$H_ROOT/deploy/placeholder-crds" >/dev/null
h_crds_apply "$crds"
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
STORAGE=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/store"
start()
{
	h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" \
		--storage-addr="$STORAGE" --storage-adv-addr="$STORAGE" "$@"
	h_address src artifacts >/dev/null || h_die "the controller did not start"
}
start
h_kustomize_controller_start
h_namespace apps
kn() { k -n apps "$@"; }

push()
{
	rm -rf "$H_TMP/app"
	cp -r "$H_ROOT/deploy/samples/app" "$H_TMP/app"
	sed -i "s/VERSION/$1/" "$H_TMP/app/configmap.yaml"
	"$OCICTL" push "oci://$REGISTRY/web:$1" --path="$H_TMP/app" --source=https://example.com/web.git --revision="main@sha1:$1" >>"$H_TMP/log/push.out" 2>&1 &&
		"$OCICTL" tag "oci://$REGISTRY/web:$1" --tag main >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push $1"
}
push 1
kn apply -f - >/dev/null <<EOF
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web}
spec: {interval: 1s, url: 'oci://$REGISTRY/web', ref: {tag: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec:
  interval: 10m
  path: ./
  prune: true
  targetNamespace: apps
  sourceRef: {kind: OCIRepository, name: web}
EOF
version() { kn get configmap web -o jsonpath='{.data.version}' 2>/dev/null; }
applied() { kn get kustomization web -o jsonpath='{.status.lastAppliedRevision}' 2>/dev/null; }
found() { kn get ocirepository web -o jsonpath='{.status.artifact.revision}' 2>/dev/null; }
check_soon "kustomize-controller applies our artifact" 60 1 version
check_soon "the revision it applied is the one we found" 20 "$(found)" applied
check_eq "with everything in it" "configmap/web deployment.apps/web service/web" "$(kn get configmap/web deployment/web service/web -o name 2>/dev/null | paste -sd ' ')"
check_soon_match "where it came from" 20 'main@sha1:1' kn get kustomization web -o jsonpath='{.status.lastAppliedOriginRevision}'
push 2
check_soon "it follows a moved tag" 60 2 version

# kill -9 at any moment; the tag moves while nobody looks.
h_stop "$CONTROLLER_PID" KILL
push 3
start
check_soon "after kill -9: the tag that moved meanwhile" 60 3 version
for i in 4 5 6; do
	push $i
	h_until 5 grep -q "$(found | sed 's/.*@//')" "$H_TMP/log/src.err"
	h_stop "$CONTROLLER_PID" KILL
	start
	check_soon "kill -9 around a new revision ($i)" 60 $i version
done
check_eq "no half file was left to be served" "" "$(find "$H_TMP/store/ocirepository" -type f ! -name '*.tar.gz')"
check_soon "the consumer is content" 20 True kn get kustomization web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'

# A store that was lost while we were down: the same revision again, so the consumer has nothing to do.
before=$(kn get kustomization web -o jsonpath='{.status.lastAppliedRevision}')
h_stop "$CONTROLLER_PID"
check_eq "SIGTERM: exit status" 0 $?
rm -rf "$H_TMP/store/ocirepository"
start
check_soon "the artifact is restored" 20 200 curl -s -o /dev/null -w '%{http_code}' "$(kn get ocirepository web -o jsonpath='{.status.artifact.url}')"
kn annotate --overwrite kustomization web reconcile.fluxcd.io/requestedAt=again >/dev/null
check_soon "and can be applied again" 60 again kn get kustomization web -o jsonpath='{.status.lastHandledReconcileAt}'
check_soon "successfully" 20 "True $before" kn get kustomization web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status} {.status.lastAppliedRevision}'

# URLs with a secret, that changes and is given up at once: the consumer takes what the status says.
secret() { openssl rand -hex 32 >"$H_TMP/secret"; }
secret
h_stop "$CONTROLLER_PID"
start --artifact-url-secret="$H_TMP/secret"
push 7
check_soon "a URL with a secret is as good" 60 7 version
check_match "it has one" '^http://[^/]+/[0-9a-f]{64}/ocirepository/' "$(kn get ocirepository web -o jsonpath='{.status.artifact.url}')"
secret
push 8
check_soon "and so is one with another secret" 60 8 version
check_soon_match "when it is taken" 20 'a file has changed' h_log_since_start src
kn annotate --overwrite kustomization web reconcile.fluxcd.io/requestedAt=secret >/dev/null
check_soon "the artifact can be applied again" 60 secret kn get kustomization web -o jsonpath='{.status.lastHandledReconcileAt}'
check_soon "successfully" 20 "True $(found)" kn get kustomization web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status} {.status.lastAppliedRevision}'

# Deleting the source takes the artifact away, and the consumer says so instead of applying something else.
kn delete ocirepository web --timeout=20s >/dev/null
check_eq "the files are gone" "" "$(find "$H_TMP/store/ocirepository" -type f 2>/dev/null)"
check_eq "what was applied stays" 8 "$(version)"
h_finish
