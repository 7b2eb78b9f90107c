# shellcheck shell=bash
# herd.sh: many objects in the embedded API, for what measures a start or an outage. Sourced after harness.sh and parts.sh, with a
# registry that runs (REGISTRY). Sets STORAGE and METRICS, the addresses of the program, FLAGS without the store, and $H_TMP/objects.
STORAGE=127.0.0.1:$(h_free_port)
METRICS=127.0.0.1:$(h_free_port)
mkdir -p "$H_TMP/objects" "$H_TMP/app"
FLAGS=(--state-dir="$H_TMP/src.state" --storage-addr="$STORAGE" --metrics-addr="$METRICS" --health-addr=127.0.0.1:0 --storage-scrub-rate=0)

# herd_push KIB: web-0 to web-19, each with a layer that does not compress.
herd_push()
{
	local i

	for ((i = 0; i < 20; i++)); do
		head -c $(($1 * 1024)) /dev/urandom >"$H_TMP/app/noise.bin"
		"$OCICTL" push "oci://$REGISTRY/web-$i:main" --path="$H_TMP/app" --source=s --revision="main@sha1:$i" >>"$H_TMP/log/push.out" 2>&1 || h_die "cannot push web-$i"
	done
}

# herd_write N INTERVAL [TIMEOUT]: the manifests of N objects.
herd_write()
{
	local i

	{
		printf -- '---\n{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"herd"}}\n'
		for ((i = 0; i < $1; i++)); do
			printf -- '---\n{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"herd-%d","namespace":"herd"},"spec":{"interval":"%s","timeout":"%s","url":"oci://%s/web-%d","ref":{"tag":"main"}}}\n' $i "$2" "${3:-60s}" "$REGISTRY" $((i % 20))
		done
	} >"$H_TMP/objects/herd.tmp"
	mv "$H_TMP/objects/herd.tmp" "$H_TMP/objects/herd.yaml"
}

# herd_count FAMILY [LABEL]: the sum of what /metrics says.
herd_count() { curl -sf "http://$METRICS/metrics" | awk -v f="$1" -v l="${2:-}" 'index($0, f) == 1 && index($0, l) { s += $NF } END { printf "%d\n", s }'; }

# herd_stored STORE N: every object is Ready, and its file there.
herd_stored() { [ "$(find "$1/ocirepository" -name 'sha256:*' | wc -l)" -eq "$2" ] && [ "$(herd_count gotk_resource_info 'ready="True"')" -eq "$2" ]; }

# herd_paths STORE: what a reader asks for, into $H_TMP/paths.
herd_paths() { (cd "$1" && find ocirepository -name 'sha256:*') >"$H_TMP/paths"; }
