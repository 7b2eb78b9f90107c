#!/bin/bash
# keyless.sh: puts what test/unit/verify/make-keyless.py has made into a registry. Sourced behind parts.sh.
#
#   keyless_push b                             app:b as it was signed, to $REGISTRY/$REPO (app)
#   keyless_case roots good                    a case, as JSON
#   keyless_layer b good-b                     a case of legacy.json, below the .sig tag of b
#   keyless_bundle b good-b                    a case of bundle.json, in the index under b's tag
#   blob FILE; manifest REFERENCE TYPE <JSON   what they are made of
DATA=$H_ROOT/test/unit/verify/data
MANIFEST=application/vnd.oci.image.manifest.v1+json
INDEX=application/vnd.oci.image.index.v1+json
REPO=app
KEYLESS_BY="'https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1' of 'https://issuer.example'"

# What ocictl pushes today has the digest that was signed.
keyless_push()
{
	mkdir -p "$H_TMP/$1"
	echo "name: $1" >"$H_TMP/$1/app.yaml"
	"$OCICTL" push "oci://$REGISTRY/$REPO:$1" --path="$H_TMP/$1" --source=https://example.com/app --revision=main@sha1:1 2>&1
}

# blob FILE: puts it into the registry; prints its digest and size.
blob()
{
	local digest upload

	digest=sha256:$(sha256sum <"$1" | cut -d' ' -f1)
	upload=$(curl -si -X POST "http://$REGISTRY/v2/$REPO/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //ip')
	curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$1" "$upload&digest=$digest" || h_die "cannot upload $1"
	echo "$digest $(stat -c %s "$1")"
}
# manifest REFERENCE TYPE < JSON
manifest() { curl -sf -X PUT -H "Content-Type: $2" --data-binary @- "http://$REGISTRY/v2/$REPO/manifests/$1" || h_die "cannot push $1"; }

keyless_case()
{
	jq --arg name "$2" '(.cases[$name] // {}) as $c | reduce ($c | to_entries[]) as $e (.base;
		setpath($e.key[1:] | split("/") | map(if test("^[0-9]+$") then tonumber else . end); $e.value))' "$DATA/keyless/$1.json"
}

keyless_layer()
{
	local config config_size digest size

	printf '{}' >"$H_TMP/empty"
	read -r config config_size <<<"$(blob "$H_TMP/empty")"
	keyless_case legacy "$2" >"$H_TMP/layer.json"
	jq -j .payload "$H_TMP/layer.json" >"$H_TMP/payload"
	read -r digest size <<<"$(blob "$H_TMP/payload")"
	jq --arg type $MANIFEST --arg config "$config" --argjson config_size "$config_size" --arg digest "$digest" --argjson size "$size" '{
		schemaVersion: 2, mediaType: $type, config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $config_size},
		layers: [{mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", digest: $digest, size: $size, annotations: ({
			"dev.cosignproject.cosign/signature": .signature, "dev.sigstore.cosign/certificate": .certificate,
			"dev.sigstore.cosign/bundle": .entry} | with_entries(select(.value)))}]}' "$H_TMP/layer.json" |
		manifest "$(tr : - <"$DATA/$1.digest").sig" $MANIFEST
}

keyless_bundle()
{
	local digest size

	printf '{}' >"$H_TMP/empty"
	blob "$H_TMP/empty" >/dev/null
	keyless_case bundle "$2" | jq -c . >"$H_TMP/bundle.json"
	read -r digest size <<<"$(blob "$H_TMP/bundle.json")"
	jq -c --arg digest "$digest" --argjson size "$size" --arg subject "$(cat "$DATA/$1.digest")" '.layers[0] += {digest: $digest, size: $size}
		| .subject.digest = $subject' "$DATA/bundle/cosign-p256.manifest" >"$H_TMP/bundle.manifest"
	digest=sha256:$(sha256sum <"$H_TMP/bundle.manifest" | cut -d' ' -f1)
	manifest "$digest" $MANIFEST <"$H_TMP/bundle.manifest"
	manifest "$(tr : - <"$DATA/$1.digest")" $INDEX <<-EOT
	{"schemaVersion": 2, "mediaType": "$INDEX", "manifests": [{"mediaType": "$MANIFEST", "digest": "$digest",
	 "size": $(stat -c %s "$H_TMP/bundle.manifest"), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}]}
	EOT
}
