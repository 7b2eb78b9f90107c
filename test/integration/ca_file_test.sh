#!/usr/bin/env bash
# --ca-file: CAs beside the system's, for a registry with TLS; changed while the controller runs, in place and as a mounted ConfigMap is.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"

# cert NAME: a certificate that is its own CA.
cert()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$H_TMP/$1.key" -out "$H_TMP/$1.pem" 2>/dev/null || h_die "openssl cannot make a certificate"
}
cert ours
cert others
REG=127.0.0.1:$(h_free_port)
mkdir "$H_TMP/reg" "$H_TMP/objects"
cat >"$H_TMP/reg.yml" <<-YML
version: 0.1
log: {level: warn, formatter: json, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $H_TMP/reg}}
http: {addr: '$REG', tls: {certificate: $H_TMP/ours.pem, key: $H_TMP/ours.key}}
YML
h_spawn reg docker-registry serve "$H_TMP/reg.yml"
h_until 20 curl -skfo /dev/null "https://$REG/v2/" || h_die "docker-registry does not answer"
env HOME="$H_TMP" "$OCICTL" push "oci://$REG/app:1" --path="$H_ROOT/deploy/samples/app" --source=s --revision=r --insecure >/dev/null || h_die "cannot push"

# ---- the start -------------------------------------------------------------------------------------------------------

# refused VALUE: what the program says before it ends.
refused()
{
	"$CONTROLLER" --storage-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0 --health-addr=127.0.0.1:0 --embedded --state-dir="$H_TMP/refused" --ca-file="$1" 2>&1 >/dev/null
	echo "exit $?"
}
out=$(refused "$H_TMP/none.pem")
check_has "a file that is not there is named" "--ca-file: open '$H_TMP/none.pem'" "$out"
check_has "and ends the start" "exit 1" "$out"
check_has "so is one without a certificate" "--ca-file: '$H_TMP/ours.key': no certificates in PEM" "$(refused "$H_TMP/ours.key")"

# ---- a folder, as Kubernetes mounts it -------------------------------------------------------------------------------

mkdir -p "$H_TMP/cas/..1" "$H_TMP/cas/..2"
cp "$H_TMP/ours.pem" "$H_TMP/cas/..1/ca.crt"
cp "$H_TMP/others.pem" "$H_TMP/cas/..2/ca.crt"
# swap TO: the mounted folder's link leads there from now on.
swap() { ln -s "$1" "$H_TMP/cas/..new" && mv -T "$H_TMP/cas/..new" "$H_TMP/cas/..data"; }
swap ..1
ln -s ..data/ca.crt "$H_TMP/cas/ca.crt"
h_embedded_start src "$H_TMP/objects" --ca-file="$H_TMP/cas"
metric() { curl -s "http://$(h_address src metrics)/metrics" | sed -n "s/^file_reloads_total{file=\"cas\",outcome=\"$1\"} //p"; }
jq -n --arg url "oci://$REG/app" \
	'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "app"}, spec: {interval: "1s", url: $url, ref: {tag: "1"}}}' |
	k apply -f - >/dev/null || h_die "cannot apply"
check_soon "the registry is trusted" 20 "True Succeeded" outcome app

# The registry keeps its connections open: who used them on would not notice.
swap ..2
check_soon "other CAs count at once, also for connections that were open" 30 "False OCIArtifactPullFailed" outcome app
check_has "and it is the certificate" certificate "$(message app)"
check_soon "the change was counted" 5 1 metric taken

head -c 300 "$H_TMP/ours.pem" >"$H_TMP/cas/..1/ca.crt"
swap ..1
check_soon "half a certificate is of no use, and counted" 30 1 metric failed
check_has "and said" "a file that has changed cannot be used" "$(h_log_since_start src)"
check_eq "what was there before stays" 1 "$(metric taken)"

cp "$H_TMP/ours.pem" "$H_TMP/cas/..1/ca.crt"
check_soon "the whole one is taken" 30 2 metric taken
check_soon "and the registry trusted again" 60 "True Succeeded" outcome app

# ---- an object's own CA comes on top ---------------------------------------------------------------------------------

k create secret generic own --from-file=ca.crt="$H_TMP/others.pem" >/dev/null || h_die "cannot create a Secret"
jq -n --arg url "oci://$REG/app" \
	'{apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository", metadata: {name: "own"}, spec: {interval: "1m", url: $url, ref: {tag: "1"}, certSecretRef: {name: "own"}}}' |
	k apply -f - >/dev/null || h_die "cannot apply"
check_soon "certSecretRef adds to --ca-file" 20 "True Succeeded" outcome own
h_stop "$CONTROLLER_PID"
check_eq "a clean end" 0 $?
h_finish
