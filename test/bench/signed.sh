#!/usr/bin/env bash
# test/bench/signed.sh: what it costs to verify. REPOS repositories with one image each, and an object for each of them in the embedded API: unsigned,
# with a bundle by a key, with a bundle by a certificate, and with a signature of notation. One JSON line each on stdout: the controller's CPU for one
# new artifact, and how many times that of the unsigned one it is. Each begins with an empty store. Nothing here passes or fails by a time.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/objects.sh"
. "$H_ROOT/test/lib/keyless.sh"
REPOS=${REPOS:-50}

# ---- images and signatures ---------------------------------------------------------------------------------------------
h_registry_start reg
printf '{}' >"$H_TMP/empty"
base64url() { base64 -w0 | tr '+/' '-_' | tr -d =; }

# As the Notary Project's library writes it, by the key of rsa2048-1.crt, of a manifest in $H_TMP/signed.
notation_envelope()
{
	local protected payload sig

	protected=$(printf '{"alg":"PS256","crit":["io.cncf.notary.signingScheme"],"cty":"application/vnd.cncf.notary.payload.v1+json","io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"2026-02-01T00:00:00Z"}' | base64url)
	payload=$(printf '{"targetArtifact":{"mediaType":"%s","digest":"%s","size":%d}}' $MANIFEST "$(cat "$DATA/a.digest")" "$(stat -c %s "$H_TMP/signed")" | base64url)
	sig=$(printf %s "$protected.$payload" | openssl dgst -sha256 -sign "$DATA/notation/signer.pem" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 | base64url)
	printf '{"payload":"%s","protected":"%s","header":{"x5c":["%s"]},"signature":"%s"}' "$payload" "$protected" \
		"$(grep -v -- ----- "$DATA/notation/rsa2048-1.crt" | tr -d '\n')" "$sig"
}

# entry FILE TYPE < MANIFEST: puts it into the registry, and prints what the index says of it.
entry()
{
	local digest

	cat >"$H_TMP/entry"
	digest=sha256:$(sha256sum <"$H_TMP/entry" | cut -d' ' -f1)
	manifest "$digest" $MANIFEST <"$H_TMP/entry"
	printf '{"mediaType": "%s", "digest": "%s", "size": %d, "artifactType": "%s"}' $MANIFEST "$digest" "$(stat -c %s "$H_TMP/entry")" "$1"
}

# Everything of $REPO: app:a with a bundle by a key and notation's signature, app:b with a bundle by a certificate.
repository()
{
	local digest size bundle notation

	keyless_push a >/dev/null
	keyless_push b >/dev/null
	blob "$H_TMP/empty" >/dev/null
	keyless_bundle b good-b
	blob "$DATA/bundle/cosign-p256.json" >/dev/null
	bundle=$(entry application/vnd.dev.sigstore.bundle.v0.3+json <"$DATA/bundle/cosign-p256.manifest")
	[ -s "$H_TMP/envelope" ] || {
		curl -sf -H "Accept: $MANIFEST" "http://$REGISTRY/v2/$REPO/manifests/a" >"$H_TMP/signed"
		notation_envelope >"$H_TMP/envelope"
	}
	read -r digest size <<<"$(blob "$H_TMP/envelope")"
	notation=$(jq -cn --arg type $MANIFEST --arg digest "$digest" --argjson size "$size" --arg subject "$(cat "$DATA/a.digest")" --argjson subject_size "$(stat -c %s "$H_TMP/signed")" '{
		schemaVersion: 2, mediaType: $type, artifactType: "application/vnd.cncf.notary.signature",
		config: {mediaType: "application/vnd.oci.empty.v1+json", digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", size: 2},
		layers: [{mediaType: "application/jose+json", digest: $digest, size: $size}], subject: {mediaType: $type, digest: $subject, size: $subject_size}}' |
		entry application/vnd.cncf.notary.signature)
	manifest "$(tr : - <"$DATA/a.digest")" $INDEX <<<"{\"schemaVersion\": 2, \"mediaType\": \"$INDEX\", \"manifests\": [$bundle, $notation]}"
}
for n in $(seq "$REPOS"); do REPO=app-$n repository; done
keyless_case roots good >"$H_TMP/root.json"
jq -n '{version: "1.0", trustPolicies: [{name: "all", registryScopes: ["*"], signatureVerification: {level: "strict", override: {authenticTimestamp: "log"}},
	trustStores: ["ca:x"], trustedIdentities: ["x509.subject: C=US, ST=WA, O=Notary"]}]}' >"$H_TMP/trustpolicy.json"

# ---- objects -----------------------------------------------------------------------------------------------------------
# objects TAG VERIFY
objects()
{
	for n in $(seq "$REPOS"); do
		jq -cn --arg name "o-$n" --arg url "oci://$REGISTRY/app-$n" --arg tag "$1" --argjson verify "$2" '{apiVersion: "source.toolkit.fluxcd.io/v1",
			kind: "OCIRepository", metadata: {name: $name, namespace: "apps"}, spec: ({interval: "1h", url: $url, ref: {tag: $tag}} + $verify)}'
	done
}
ready() { k -n apps get ocirepositories -o json | jq '[.items[].status.conditions[]? | select(.type == "Ready" and .status == "True")] | length'; }
all_ready() { [ "$(ready)" = "$REPOS" ]; }
# Of all its threads, which stay.
cpu_us() { cat /proc/"$CONTROLLER_PID"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d\n", ns / 1000 }'; }

# scenario NAME TAG VERIFY
scenario()
{
	local before after asked

	mkdir "$H_TMP/$1"
	h_embedded_start "$1" "$H_TMP/$1" --sigstore-trusted-root="$H_TMP/root.json"
	k create namespace apps >/dev/null
	k -n apps create secret generic keys --from-file=cosign.pub="$DATA/keys/p256.pub" >/dev/null || h_die "$1: no secret"
	k -n apps create secret generic notation --from-file="$H_TMP/trustpolicy.json" --from-file=ca.crt="$DATA/notation/rsa2048-1.crt" >/dev/null || h_die "$1: no secret"
	sleep 1
	before=$(cpu_us)
	objects "$2" "$3" | k apply -f - >/dev/null || h_die "$1: no objects"
	h_until 60 all_ready || h_die "$1: $(ready) of $REPOS are Ready: $(k -n apps get ocirepositories -o json | jq -r '.items[0].status.conditions[0].message')"
	after=$(cpu_us)
	asked=$(curl -sf "http://$(h_address "$1" metrics)/metrics" | awk '/^oci_registry_requests_total/ { n += $NF } END { print n }')
	[ -n "${UNSIGNED:-}" ] || UNSIGNED=$((after - before))
	jq -cn --arg s "$1" --argjson n "$REPOS" --argjson us $((after - before)) --argjson unsigned "$UNSIGNED" --argjson asked "$asked" '{scenario: $s, artifacts: $n,
		cpu_ms_each: ($us / $n / 10 | round / 100), times_unsigned: ($us / $unsigned * 100 | round / 100), requests_each: ($asked / $n * 10 | round / 10)}'
	h_stop "$CONTROLLER_PID" || h_die "$1: it does not end well"
	h_pass "$1"
}
scenario unsigned a '{}'
scenario key-bundle a '{"verify": {"provider": "cosign", "secretRef": {"name": "keys"}}}'
scenario keyless-bundle b '{"verify": {"provider": "cosign", "matchOIDCIdentity": [{"issuer": "^https://issuer\\.example$", "subject": "^https://github\\.com/org/app/"}]}}'
scenario notation a '{"verify": {"provider": "notation", "secretRef": {"name": "notation"}}}'
h_finish
