#!/usr/bin/env bash
# make-vectors.sh: makes test/unit/verify/data anew: keys, and signatures by the real cosign and by openssl. What is in git was made once;
# the tests read it without any network. Needs what `make e2e` needs, and programs that are built (make).
#
#   keys/NAME.pub          public keys, in PEM; bad-NAME.pub are none that is taken
#   signer.pem             the private key of rsa2048.pub, with which tests sign what no honest tool would
#   a.digest, b.digest     of two manifests
#   legacy/NAME.payload    what cosign has signed below a .sig tag, NAME.sig the annotation
#   bundle/NAME.json       bundles, as cosign has pushed them
#   raw/NAME.sig           signatures of raw/message, in base64: KEY-HOW
#   notation/NAME.jws      envelopes of the Notary Project, NAME.crt whom to believe; verdicts.tsv what its own library says of each
#   cose/NAME.cose         the same in COSE
. "$(dirname "$0")/../../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
COSIGN=$(h_tool cosign)/cosign || h_die "cosign was not built"
OUT=$H_ROOT/test/unit/verify/data
PLAIN=(--new-bundle-format=false --use-signing-config=false --tlog-upload=false)
ACCEPT='Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json'
export COSIGN_PASSWORD=

rm -rf "$OUT"/{keys,legacy,bundle,raw,notation,cose}
mkdir -p "$OUT"/{keys,legacy,bundle,raw}
cd "$H_TMP" || exit 1
h_registry_start reg

get() { curl -sf -H "$ACCEPT" "http://$REGISTRY/v2/app/$1" || h_die "cannot get $1"; }

# ---- keys ------------------------------------------------------------------------------------------------------------
ec() { openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" "${@:3}" -out "$1.pem" 2>/dev/null; }
rsa() { openssl genpkey -algorithm "${3:-RSA}" -pkeyopt "rsa_keygen_bits:$2" -out "$1.pem" 2>/dev/null; }
ec p256 P-256
ec p256-other P-256
ec p384 P-384
ec p521 P-521
rsa rsa2048 2048
rsa rsa3072 3072
rsa rsa4096 4096
openssl genpkey -algorithm ed25519 -out ed25519.pem
ec bad-p224 P-224
ec bad-k256 secp256k1
ec bad-explicit P-256 -pkeyopt ec_param_enc:explicit
rsa bad-rsa1024 1024
rsa bad-pss 2048 RSA-PSS
openssl genpkey -algorithm ed448 -out bad-ed448.pem
for key in *.pem; do openssl pkey -in "$key" -pubout -out "$OUT/keys/${key%.pem}.pub"; done
openssl rsa -in rsa2048.pem -RSAPublicKey_out -out "$OUT/keys/rsa2048-pkcs1.pub" 2>/dev/null
openssl req -x509 -key p256.pem -subj /CN=signer -days 3650 -out "$OUT/keys/bad-certificate.pub"
cp p256.pem "$OUT/keys/bad-private.pub"
sed '2s/^.\{8\}/AAAAAAAA/' "$OUT/keys/p256.pub" >"$OUT/keys/bad-broken.pub"
cp rsa2048.pem "$OUT/signer.pem"

# ---- raw signatures --------------------------------------------------------------------------------------------------
printf 'a message' >"$OUT/raw/message"
raw() { openssl "${@:2}" "$OUT/raw/message" | base64 -w0 >"$OUT/raw/$1.sig"; }
for key in p256 p384 p521 rsa2048 rsa3072 rsa4096; do raw $key-sha256 dgst -sha256 -sign $key.pem; done
openssl pkeyutl -sign -rawin -inkey ed25519.pem -in "$OUT/raw/message" | base64 -w0 >"$OUT/raw/ed25519-pure.sig"
raw p384-sha384 dgst -sha384 -sign p384.pem
raw p521-sha512 dgst -sha512 -sign p521.pem
raw rsa2048-sha512 dgst -sha512 -sign rsa2048.pem
raw rsa2048-pss dgst -sha256 -sigopt rsa_padding_mode:pss -sign rsa2048.pem

# ---- cosign ----------------------------------------------------------------------------------------------------------
for name in a b; do
	mkdir $name
	echo "name: $name" >$name/app.yaml
	"$OCICTL" push "oci://$REGISTRY/app:$name" --path=$name --source=https://example.com/app --revision=main@sha1:1 >ref.$name
	ref=$(tail -n 1 ref.$name)
	printf '%s' "${ref##*@}" >"$OUT/$name.digest"
done
A=$REGISTRY/app@$(cat "$OUT/a.digest") B=$REGISTRY/app@$(cat "$OUT/b.digest")
"$COSIGN" signing-config create --out none.json

# cosign_sign KEY REF ARGS...
cosign_sign()
{
	[ -e "cosign-$1.key" ] || "$COSIGN" import-key-pair --key "$1.pem" --output-key-prefix "cosign-$1" 2>/dev/null
	"$COSIGN" sign --key "cosign-$1.key" --yes --allow-http-registry "${@:3}" "$2" 2>>cosign.log || h_die "cosign sign with $1: $(tail -n 3 cosign.log)"
}

# legacy_take NAME N DIGEST: the Nth layer below the tag.
legacy_take()
{
	local layer

	layer=$(get "manifests/$(tr : - <"$OUT/$3.digest").sig" | jq -c ".layers[$2]")
	jq -j '.annotations["dev.cosignproject.cosign/signature"]' <<<"$layer" >"$OUT/legacy/$1.sig"
	get "blobs/$(jq -r .digest <<<"$layer")" >"$OUT/legacy/$1.payload"
}
legacy() { cosign_sign "$2" "$4" "${PLAIN[@]}"; legacy_take "$1" "$3" "$5"; }
legacy cosign-p256 p256 0 "$A" a
legacy cosign-rsa2048 rsa2048 1 "$A" a
legacy cosign-p384 p384 2 "$A" a
legacy cosign-ed25519 ed25519 3 "$A" a
legacy cosign-p256-b p256 0 "$B" b

# A P-384 or Ed25519 signature that is taken has to be made by hand, and attached.
attach()
{
	local payload=$OUT/legacy/cosign-p256.payload

	case $1 in
	ed25519) openssl pkeyutl -sign -rawin -inkey "$1.pem" -in "$payload" | base64 -w0 >sig ;;
	*) openssl dgst -sha256 -sign "$1.pem" "$payload" | base64 -w0 >sig ;;
	esac
	"$COSIGN" attach signature --signature sig --payload "$payload" --allow-http-registry "$A" 2>>cosign.log || h_die "cosign attach: $(tail -n 3 cosign.log)"
	legacy_take "attached-$1" "$2" a
	cmp -s "$payload" "$OUT/legacy/attached-$1.payload" || h_die "cosign has attached another payload"
	rm "$OUT/legacy/attached-$1.payload"
}
n=4
for key in p384 p521 rsa3072 rsa4096 ed25519; do attach $key $n; n=$((n + 1)); done

bundle_take()
{
	local index

	index=$(get "manifests/$(tr : - <"$OUT/$2.digest")" | jq -r '.manifests[].digest' | grep -vxFf seen | head -n 1)
	echo "$index" >>seen
	get "blobs/$(get "manifests/$index" | jq -r '.layers[0].digest')" >"$OUT/bundle/$1.json"
	get "manifests/$index" >"$OUT/bundle/$1.manifest"
}
echo none >seen
bundle() { cosign_sign "$2" "$3" --signing-config none.json; bundle_take "$1" "$4"; }
bundle cosign-p256 p256 "$A" a
bundle cosign-rsa2048 rsa2048 "$A" a
bundle cosign-p384 p384 "$A" a
bundle cosign-ed25519 ed25519 "$A" a
bundle cosign-p256-b p256 "$B" b
rm "$OUT"/bundle/{cosign-rsa2048,cosign-p384,cosign-ed25519,cosign-p256-b}.manifest

# The same statement, signed by hand.
for key in p384 p521 rsa3072 rsa4096 ed25519; do
	python3 - "$OUT/bundle/cosign-p256.json" >pae <<-'EOF'
	import base64, json, sys
	e = json.load(open(sys.argv[1]))["dsseEnvelope"]
	t, p = e["payloadType"].encode(), base64.b64decode(e["payload"])
	sys.stdout.buffer.write(b"DSSEv1 %d %s %d %s" % (len(t), t, len(p), p))
	EOF
	case $key in
	ed25519) openssl pkeyutl -sign -rawin -inkey $key.pem -in pae | base64 -w0 >sig ;;
	*) openssl dgst -sha256 -sign $key.pem pae | base64 -w0 >sig ;;
	esac
	jq -c --rawfile sig sig '.dsseEnvelope.signatures = [{sig: $sig}]' "$OUT/bundle/cosign-p256.json" >"$OUT/bundle/by-hand-$key.json"
done

# What is in git must be what cosign itself takes.
for key in p256 rsa2048; do
	"$COSIGN" verify --key "$OUT/keys/$key.pub" --insecure-ignore-tlog --allow-http-registry "$A" >/dev/null 2>>cosign.log
	check_eq "cosign verify with $key" 0 $?
done

# ---- notation --------------------------------------------------------------------------------------------------------
mkdir "$OUT"/{notation,cose}
"$(h_tool notation)/notation" vectors "$OUT/notation" || h_die "notation makes no vectors"
"$(h_tool notation)/notation" cose "$OUT/cose" || h_die "notation makes no vectors in COSE"
du -sh "$OUT"
h_finish
