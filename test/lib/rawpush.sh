# shellcheck shell=bash
# rawpush.sh: manifests and blobs with curl, for what no honest tool would push. After parts.sh; REGISTRY is the registry's address.

OCI_MANIFEST=application/vnd.oci.image.manifest.v1+json
OCI_INDEX=application/vnd.oci.image.index.v1+json
DOCKER_MANIFEST=application/vnd.docker.distribution.manifest.v2+json
DOCKER_LIST=application/vnd.docker.distribution.manifest.list.v2+json
FLUX_CONFIG=application/vnd.cncf.flux.config.v1+json
FLUX_CONTENT=application/vnd.cncf.flux.content.v1.tar+gzip

sha256() { echo "sha256:$(sha256sum <"$1" | cut -d' ' -f1)"; }

# raw_blob REPO FILE: uploads it and prints its digest.
raw_blob()
{
	local digest location

	digest=$(sha256 "$2")
	location=$(curl -sf -i -X POST "http://$REGISTRY/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
	curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$2" "$location&digest=$digest" || h_die "cannot upload a blob to $1"
	echo "$digest"
}

# raw_manifest REPO TAG MEDIATYPE: puts the manifest on stdin under the tag and prints its digest.
raw_manifest()
{
	local f=$H_TMP/manifest.$RANDOM

	cat >"$f"
	curl -sf -X PUT -H "Content-Type: $3" --data-binary "@$f" "http://$REGISTRY/v2/$1/manifests/$2" || h_die "cannot put the manifest $1:$2"
	sha256 "$f"
	rm -f "$f"
}

# descriptor MEDIATYPE DIGEST SIZE
descriptor() { jq -cn --arg m "$1" --arg d "$2" --argjson s "$3" '{mediaType: $m, digest: $d, size: $s}'; }

# image MEDIATYPE CONFIGDESCRIPTOR LAYERDESCRIPTOR...: a manifest.
image()
{
	local type=$1 config=$2

	shift 2
	printf '%s\n' "$@" | jq -cs --arg m "$type" --argjson c "$config" \
		'{schemaVersion: 2, mediaType: $m, config: $c, layers: ., annotations: {"org.opencontainers.image.revision": "raw"}}'
}

# raw_push REPO TAG LAYERFILE [LAYERTYPE]: an artifact with this file as its only layer; prints the manifest's digest.
raw_push()
{
	local layer config

	echo '{}' >"$H_TMP/config.json"
	config=$(descriptor $FLUX_CONFIG "$(raw_blob "$1" "$H_TMP/config.json")" 3)
	layer=$(descriptor "${4:-$FLUX_CONTENT}" "$(raw_blob "$1" "$3")" "$(stat -c %s "$3")")
	image $OCI_MANIFEST "$config" "$layer" | raw_manifest "$1" "$2" $OCI_MANIFEST
}
