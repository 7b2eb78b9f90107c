#!/usr/bin/env bash
# The consumer of Helm charts: a real helm-controller on a real API server installs a chart from our artifact (layerSelector, operation copy) and
# follows a new version. There is no kubelet here, so the chart is a ConfigMap. Tags are written as helm push writes them: `+` stands as `_`.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/rawpush.sh"
HELM_CONFIG=application/vnd.cncf.helm.config.v1+json
HELM_CHART=application/vnd.cncf.helm.chart.content.v1.tar+gzip
HELM_PROVENANCE=application/vnd.cncf.helm.chart.provenance.v1.prov
h_registry_start reg
h_cluster_start
k apply -k "$H_ROOT/deploy" >/dev/null
k create -k "$H_ROOT/deploy/placeholder-crds" >/dev/null
h_crds_apply "$(h_helm_controller_crds)"
h_sa_kubeconfig "$H_TMP/sa.kubeconfig" flux-system source-controller
STORAGE=127.0.0.1:$(h_free_port)
h_controller_start src --kubeconfig="$H_TMP/sa.kubeconfig" --watch-all-namespaces --storage-path="$H_TMP/store" \
	--storage-addr="$STORAGE" --storage-adv-addr="$STORAGE"
h_address src artifacts >/dev/null || h_die "the controller did not start"
h_helm_controller_start
h_namespace apps
kn() { k -n apps "$@"; }

# push VERSION: a chart `web` of that version, as helm package and helm push make it. The provenance comes first: only the selector finds the chart.
push()
{
	local dir=$H_TMP/chart.$1 chart=$H_TMP/web-$1.tgz tag=${1//+/_} layer config prov

	mkdir -p "$dir/web/templates"
	printf 'apiVersion: v2\nname: web\nversion: %s\n' "$1" >"$dir/web/Chart.yaml"
	echo 'greeting: hello' >"$dir/web/values.yaml"
	cat >"$dir/web/templates/configmap.yaml" <<-'END'
	apiVersion: v1
	kind: ConfigMap
	metadata: {name: '{{ .Release.Name }}'}
	data: {version: '{{ .Chart.Version | regexFind "^[^+]*" }}', greeting: '{{ .Values.greeting }}'}
	END
	tar -C "$dir" -czf "$chart" web
	jq -cn --arg v "$1" '{name: "web", version: $v, apiVersion: "v2"}' >"$dir/config"
	echo "signed by nobody" >"$dir/prov"
	layer=$(raw_blob charts/web "$chart")
	config=$(raw_blob charts/web "$dir/config")
	prov=$(raw_blob charts/web "$dir/prov")
	image "$OCI_MANIFEST" "$(descriptor "$HELM_CONFIG" "$config" "$(stat -c %s "$dir/config")")" \
		"$(descriptor "$HELM_PROVENANCE" "$prov" "$(stat -c %s "$dir/prov")")" \
		"$(descriptor "$HELM_CHART" "$layer" "$(stat -c %s "$chart")")" | raw_manifest charts/web "$tag" "$OCI_MANIFEST" >/dev/null
	CHART_DIGEST=$layer
}
push 1.0.0
kn apply -f - >/dev/null <<END
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web}
spec:
  interval: 1s
  url: 'oci://$REGISTRY/charts/web'
  ref: {semver: '>=1.0.0'}
  layerSelector: {mediaType: $HELM_CHART, operation: copy}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  interval: 10m
  chartRef: {kind: OCIRepository, name: web}
  values: {greeting: good morning}
END
artifact() { kn get ocirepository web -o jsonpath="{.status.artifact.$1}" 2>/dev/null; }
data() { kn get configmap web -o jsonpath="{.data.$1}" 2>/dev/null; }
check_soon "helm-controller installs the chart of our artifact" 90 1.0.0 data version
check_eq "with the release's values" "good morning" "$(data greeting)"
check_eq "the artifact is the chart's layer, byte for byte" "$CHART_DIGEST" "$(artifact digest)"
check_soon "the release is Ready" 60 True kn get helmrelease web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'
check_soon_match "its history names the revision that we found" 20 "$(artifact revision | sed 's/.*@//')" kn get helmrelease web -o jsonpath='{.status.history[0].ociDigest}'

push 1.1.0
check_soon "it follows a new version" 90 1.1.0 data version

# A version with build metadata: helm pushes 1.2.0+build.7 as the tag 1.2.0_build.7, and helm-controller compares both with the chart's own.
push 1.2.0+build.7
check_soon "it follows a version with build metadata" 90 1.2.0 data version
check_match "the revision has the tag as the registry has it" '^1\.2\.0_build\.7@sha256:' "$(artifact revision)"
check_soon "and the release is Ready" 60 True kn get helmrelease web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'

# The same version written into spec.ref.tag as people write it.
push 1.3.0+build.8
kn patch ocirepository web --type merge -p '{"spec":{"ref":{"semver":null,"tag":"1.3.0+build.8"}}}' >/dev/null
check_soon "a tag with a plus is the chart's version" 90 1.3.0 data version
check_match "and is asked for as helm has pushed it" '^1\.3\.0_build\.8@sha256:' "$(artifact revision)"
h_finish
