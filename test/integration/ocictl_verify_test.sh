#!/usr/bin/env bash
# ocictl verify against Debian's docker-registry, with signatures that the real cosign and notation have made once (test/unit/verify/data), and with
# a Sigstore of our own (make-keyless.py). No cosign, no Go.
. "$(dirname "$0")/../lib/harness.sh"
. "$H_ROOT/test/lib/parts.sh"
. "$H_ROOT/test/lib/keyless.sh"
h_registry_start reg
run() { "$OCICTL" verify "$@" >"$H_TMP/out" 2>"$H_TMP/err"; RC=$?; return $RC; }
out() { cat "$H_TMP/out"; }
err() { cat "$H_TMP/err"; }
# row NAME: what became of that check
row() { awk -v name="$1" '$1 == name { $1 = ""; sub(/^ */, ""); print }' "$H_TMP/out"; }
rows() { awk '/^  / { printf "%s%s=%s", sep, $1, $2; sep = " " }' "$H_TMP/out"; }
R=oci://$REGISTRY/app KEYS=$DATA/keys
for name in a b; do keyless_push $name >/dev/null; done
A=$(cat "$DATA/a.digest") B=$(cat "$DATA/b.digest")
keyless_case roots good >"$H_TMP/root.json"
WHO=(--trusted-root="$H_TMP/root.json" --certificate-oidc-issuer=https://issuer.example)
SUBJECT=https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1

# ---- flags -----------------------------------------------------------------------------------------------------------
for args in "" "--key=x --trusted-root=y" "--key=x --trust-policy=y" "--key=x --certificate-identity=y" "--trust-policy=x" "--certificate=x" \
	"--trusted-root=x" "--trusted-root=x --certificate-identity=y" "--trusted-root=x --certificate-oidc-issuer=y" \
	"--trusted-root=x --certificate-identity=y --certificate-identity-regexp=z --certificate-oidc-issuer=y" \
	"--trusted-root=x --certificate-identity=y --certificate-oidc-issuer=y --certificate-oidc-issuer-regexp=y" "--key=x --semver=1"; do
	# shellcheck disable=SC2086
	run "$R:a" $args
	check_eq "wrong: '$args'" 2 "$RC"
	check_has "see the help: '$args'" "see ocictl --help" "$(err)"
done
run "$R" --key=x
check_eq "a tag is needed" 2 "$RC"
check_fails "a key that is not there" run "$R:a" --key="$H_TMP/none.pub"
check_has "is named" "$H_TMP/none.pub" "$(err)"
check_fails "a key that is none" run "$R:a" --key="$KEYS/bad-rsa1024.pub"
check_has "is named, too" "bad-rsa1024.pub': it is an RSA key of 1024 bits" "$(err)"
printf '{}' >"$H_TMP/no-root.json"
check_fails "a root that is none" run "$R:a" --trusted-root="$H_TMP/no-root.json" --certificate-identity=x --certificate-oidc-issuer=x
check_has "its file is named" "'$H_TMP/no-root.json': " "$(err)"
check_fails "a pattern that is none" run "$R:a" "${WHO[@]}" --certificate-identity-regexp='('
check_has "is told" "the flags --certificate-identity and --certificate-oidc-issuer[0]: subject: " "$(err)"

# ---- not signed ------------------------------------------------------------------------------------------------------
run "$R:a" --key="$KEYS/p256.pub"
check_eq "nothing is there" 1 "$RC"
check_eq "stdout says so" "$REGISTRY/app:a@$A: not verified" "$(out)"
check_has "stderr says why" "no matching signatures were found for '$REGISTRY/app@$A': it is not signed" "$(err)"
check_fails "no such tag" run "$R:none" --key="$KEYS/p256.pub"
check_eq "of it nothing is said" "" "$(out)"

# ---- below the tag ---------------------------------------------------------------------------------------------------
keyless_layer b good-b
check_ok "by a certificate, below the tag" run "$R:b" "${WHO[@]}" --certificate-identity="$SUBJECT"
check_eq "each check" "log-entry=passed certificate=passed log-entry-body=passed signed-entry-timestamp=passed chain=passed identity=passed sct=passed \
signature=passed validity=passed payload=passed" "$(rows)"
check_has "its layout" "tag sha256:" "$(head -1 "$H_TMP/out")"
check_eq "by whom" "$REGISTRY/app:b@$B: verified, signed by $KEYLESS_BY" "$(tail -1 "$H_TMP/out")"
check_eq "stderr is empty" "" "$(err)"
check_ok "by its digest, by a pattern" run "$R@$B" "${WHO[@]}" --certificate-identity-regexp='^https://github\.com/org/app/'
check_fails "a name is no pattern" run "$R:b" "${WHO[@]}" --certificate-identity="${SUBJECT/github.com/github.co.}"
check_fails "and the whole of it" run "$R:b" "${WHO[@]}" --certificate-identity="${SUBJECT%1}"
check_has "who it is" "the subject fits no entry of the flags --certificate-identity and --certificate-oidc-issuer: it is signed by $KEYLESS_BY" "$(row identity)"
check_eq "nothing is checked after that" "identity=failed:" "$(rows | awk '{ print $NF }')"
keyless_layer b good
check_fails "of another manifest" run "$R:b" "${WHO[@]}" --certificate-identity="$SUBJECT"
check_has "the check says so" "failed: it is the signature of '$A', not of '$B'" "$(row payload)"

# ---- a bundle --------------------------------------------------------------------------------------------------------
keyless_bundle b good-b
check_ok "a bundle by a certificate" run "$R:b" "${WHO[@]}" --certificate-identity="$SUBJECT" --output=json
check_eq "as JSON" "true $KEYLESS_BY b $B" "$(jq -r '"\(.verified) \(.signer) \(.tag) \(.digest)"' "$H_TMP/out")"
check_eq "its checks, too" "bundle true bundle,envelope,certificate,log-entry,signed-entry-timestamp,inclusion-proof,checkpoint,log-entry-body,validity,timestamp,\
chain,sct,signature,statement,identity" "$(jq -r '.signatures[] | "\(.layout) \(.good) \([.checks[].name] | join(","))"' "$H_TMP/out")"
check_eq "what was not asked" "timestamp" "$(jq -r '.signatures[].checks[] | select(.result == "-").name' "$H_TMP/out")"
check_fails "for keys it proves nothing" run "$R:b" --key="$KEYS/p256.pub" --output=json
check_eq "JSON says so" "false the bundle was signed with a certificate, and keys are trusted" \
	"$(jq -r '"\(.verified) \(.signatures[0].checks[-1].error)"' "$H_TMP/out")"
check_has "with the error" "no matching signatures" "$(jq -r .error "$H_TMP/out")"

read -r _ _ <<<"$(blob "$DATA/bundle/cosign-p256.json")"
printf '{}' >"$H_TMP/empty"
blob "$H_TMP/empty" >/dev/null
digest=sha256:$(sha256sum <"$DATA/bundle/cosign-p256.manifest" | cut -d' ' -f1)
manifest "$digest" $MANIFEST <"$DATA/bundle/cosign-p256.manifest"
manifest "$(tr : - <"$DATA/a.digest")" $INDEX <<EOT
{"schemaVersion": 2, "mediaType": "$INDEX", "manifests": [{"mediaType": "$MANIFEST", "digest": "$digest",
 "size": $(stat -c %s "$DATA/bundle/cosign-p256.manifest"), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}]}
EOT
check_ok "one key of two" run "$R:a" --key="$KEYS/p256-other.pub" --key="$KEYS/p256.pub"
check_eq "which one" "$REGISTRY/app:a@$A: verified, signed by the key '$KEYS/p256.pub'" "$(tail -1 "$H_TMP/out")"
check_eq "and of which bundle" "bundle $digest" "$(head -1 "$H_TMP/out")"
check_fails "another key" run "$R:a" --key="$KEYS/p256-other.pub"
check_eq "the check says so" "failed: it is a signature of none of the keys" "$(row signature)"

# ---- notation --------------------------------------------------------------------------------------------------------
policy()
{
	cat >"$H_TMP/policy.json" <<-EOT
	{"version": "1.0", "trustPolicies": [{"name": "all", "registryScopes": ["${2:-*}"], "signatureVerification": {"level": "$1"}${3:-}}]}
	EOT
}
TRUST=(--trust-policy="$H_TMP/policy.json" --certificate="$DATA/notation/p256-3.crt")
MORE=', "trustStores": ["ca:any"], "trustedIdentities": ["*"]'
policy strict '*' "$MORE"
check_fails "notation: not signed" run "$R:a" "${TRUST[@]}"
check_has "notation: why" "no signature is associated with '$REGISTRY/app@$A'" "$(err)"
read -r envelope size <<<"$(blob "$DATA/notation/p256-3.jws")"
read -r config config_size <<<"$(blob "$H_TMP/empty")"
cat >"$H_TMP/signature" <<EOT
{"schemaVersion": 2, "mediaType": "$MANIFEST", "config": {"mediaType": "application/vnd.cncf.notary.signature", "digest": "$config", "size": $config_size},
 "layers": [{"mediaType": "application/jose+json", "digest": "$envelope", "size": $size}]}
EOT
digest=sha256:$(sha256sum <"$H_TMP/signature" | cut -d' ' -f1)
manifest "$digest" $MANIFEST <"$H_TMP/signature"
manifest "$(tr : - <"$DATA/a.digest")" $INDEX <<EOT
{"schemaVersion": 2, "mediaType": "$INDEX", "manifests": [{"mediaType": "$MANIFEST", "digest": "$digest", "size": $(stat -c %s "$H_TMP/signature"),
 "artifactType": "application/vnd.cncf.notary.signature"}]}
EOT
policy audit '*' "$MORE"
check_fails "notation: the signature of something else" run "$R:a" "${TRUST[@]}"
check_eq "notation: its layout" "notation $digest" "$(head -1 "$H_TMP/out")"
check_eq "notation: the first checks" "integrity=passed chain=passed authenticity=passed" "$(rows | cut -d' ' -f1-3)"
check_has "notation: the last one" "failed: it is the signature of 'sha256:" "$(row payload)"
policy skip
check_fails "notation: what is skipped is not verified" run "$R:a" "${TRUST[@]}"
check_has "notation: it says so" "the trust policy lets it pass, and nobody knows who has signed it" "$(err)"
policy strict other.example/app "$MORE"
check_fails "notation: a policy for others" run "$R:a" "${TRUST[@]}"
check_has "notation: the repository is named" "trustpolicy.json has no statement for '$REGISTRY/app'" "$(err)"
check_fails "notation: a certificate that is none" run "$R:a" --trust-policy="$H_TMP/policy.json" --certificate="$H_TMP/empty"
check_has "notation: it is named" "$H_TMP/empty" "$(err)"
h_finish
