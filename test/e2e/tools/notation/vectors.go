package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	jose    = "application/jose+json"
	cose    = "application/cose"
	repo    = "registry.example/app"
	hour    = "2026-02-01T00:00:00Z"
	scheme  = `"io.cncf.notary.signingScheme"`
	auth    = `"io.cncf.notary.authenticSigningTime"`
	x509Hdr = `{"alg":"ALG","crit":["io.cncf.notary.signingScheme"],"cty":"application/vnd.cncf.notary.payload.v1+json",` +
		`"io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"` + hour + `"}`
)

var (
	out      string
	media    = jose
	suffix   = ".jws"
	verdicts strings.Builder
	manifest = ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("manifest"), Size: 1234,
	}
)

// ---- what the Notary Project's own verifier says ---------------------------------------------------------------------

type pool []*x509.Certificate

func (p pool) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return p, nil
}

func verdict(envelope []byte, p pool, level string) (string, string) {
	policy := &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{{
		Name: "all", RegistryScopes: []string{"*"}, TrustStores: []string{"ca:x", "signingAuthority:y"},
		TrustedIdentities:     []string{"x509.subject: C=US, ST=WA, O=Notary"},
		SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: level},
	}}}
	v := must(verifier.New(policy, p, nil))
	outcome, err := v.Verify(context.Background(), manifest, envelope, notation.VerifierVerifyOptions{
		ArtifactReference: repo + "@" + manifest.Digest.String(), SignatureMediaType: media,
	})
	if err != nil {
		return "reject", err.Error()
	}
	for _, r := range outcome.VerificationResults {
		if r.Error != nil && r.Type == trustpolicy.TypeAuthenticity {
			return "ignore", r.Error.Error()
		}
	}
	return "accept", ""
}

// put: the envelope NAME.jws or NAME.cose, and in verdicts.tsv what is said of it: NAME POOL STRICT PERMISSIVE AUDIT WHY.
func put(name, trusted string, envelope []byte, p pool) {
	if err := os.WriteFile(out+"/"+name+suffix, envelope, 0o644); err != nil {
		log.Fatal(err)
	}
	strict, why := verdict(envelope, p, "strict")
	permissive, _ := verdict(envelope, p, "permissive")
	audit, _ := verdict(envelope, p, "audit")
	why = strings.NewReplacer("\t", " ", "\n", " ").Replace(why)
	fmt.Fprintf(&verdicts, "%s\t%s\t%s\t%s\t%s\t%s\n", name, trusted, strict, permissive, audit, why)
}

// ---- honest signatures -----------------------------------------------------------------------------------------------

func honest(c *chain, s signature.SigningScheme, expiry time.Time) []byte {
	payload := must(json.Marshal(map[string]any{"targetArtifact": manifest}))
	e := must(signature.NewEnvelope(media))
	return must(e.Sign(&signature.SignRequest{
		Payload: signature.Payload{ContentType: "application/vnd.cncf.notary.payload.v1+json", Content: payload},
		Signer:  must(signature.NewLocalSigner(c.certs, c.key)), SigningTime: must(time.Parse(time.RFC3339, hour)),
		Expiry: expiry, SigningScheme: s, SigningAgent: "vectors/1",
	}))
}

// ---- the others ------------------------------------------------------------------------------------------------------

// forged: an envelope put together by hand. alg decides how it is signed (PS with the longest salt, PH with that of COSE, P0 with five bytes), what the header says is another thing.
type forged struct {
	chain                *chain
	alg, header, payload string
	envelope             string // %s: protected, payload, signature, x5c
	certs                []*x509.Certificate
	change               func(sig []byte) []byte
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rawECDSA(key *ecdsa.PrivateKey, h crypto.Hash, in []byte) []byte {
	d := h.New()
	d.Write(in)
	r, s, err := ecdsa.Sign(rand.Reader, key, d.Sum(nil))
	if err != nil {
		log.Fatal(err)
	}
	n := (key.Curve.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
}

func signAs(alg string, key crypto.Signer, in []byte) []byte {
	h := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[len(alg)-3:]]
	d := func() []byte { d := h.New(); d.Write(in); return d.Sum(nil) }
	switch alg[:2] {
	case "ES":
		return rawECDSA(key.(*ecdsa.PrivateKey), h, in)
	case "PS":
		return must(rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), h, d(), nil))
	case "P0", "PH":
		salt := map[string]int{"P0": 5, "PH": rsa.PSSSaltLengthEqualsHash}[alg[:2]]
		return must(rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), h, d(), &rsa.PSSOptions{SaltLength: salt}))
	case "RS":
		return must(rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), h, d()))
	case "HS":
		m := hmac.New(sha256.New, must(x509.MarshalPKIXPublicKey(key.Public())))
		m.Write(in)
		return m.Sum(nil)
	}
	return nil
}

func (f forged) build() []byte {
	payload := f.payload
	if payload == "" {
		payload = string(must(json.Marshal(map[string]any{"targetArtifact": manifest})))
	}
	in := b64([]byte(f.header)) + "." + b64([]byte(payload))
	sig := signAs(f.alg, f.chain.key, []byte(in))
	if f.change != nil {
		sig = f.change(sig)
	}
	certs := f.certs
	if certs == nil {
		certs = f.chain.certs
	}
	var x5c []string
	for _, c := range certs {
		x5c = append(x5c, `"`+base64.StdEncoding.EncodeToString(c.Raw)+`"`)
	}
	text := f.envelope
	if text == "" {
		text = `{"payload":"PAYLOAD","protected":"PROTECTED","header":{"x5c":[X5C]},"signature":"SIG"}`
	}
	return []byte(strings.NewReplacer("PAYLOAD", b64([]byte(payload)), "PROTECTED", b64([]byte(f.header)), "X5C",
		strings.Join(x5c, ","), "SIG", b64(sig)).Replace(text))
}

func header(alg string, pairs ...string) string {
	return strings.NewReplacer(append([]string{"ALG", alg}, pairs...)...).Replace(x509Hdr)
}

func (f forged) put(name string) {
	put(name, "p256-3", f.build(), pool{f.chain.certs[len(f.chain.certs)-1]})
}

// own: with a chain that is its own, and its root as NAME.crt.
func (f forged) own(name string) {
	root := f.chain.certs[len(f.chain.certs)-1]
	write(out+"/"+name+".crt", certBlock(root))
	put(name, name, f.build(), pool{root})
}

func critSigned(extra string) []string {
	return []string{`["io.cncf.notary.signingScheme"]`, `["io.cncf.notary.signingScheme",` + extra + `]`}
}

// keyed: signatures by each kind of key, in chains of one, two and three. One alone signs itself, and is no CA.
func keyed(each func(name string, c *chain)) {
	for _, kind := range []string{"rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521"} {
		for n := 1; n <= 3; n++ {
			name, c := fmt.Sprintf("%s-%d", kind, n), newChain(kind, n, nil)
			write(out+"/"+name+".crt", certBlock(c.certs[n-1]))
			put(name, name, honest(c, signature.SigningSchemeX509, time.Time{}), pool{c.certs[n-1]})
			each(name, c)
		}
	}
}

func said() {
	if err := os.WriteFile(out+"/verdicts.tsv", []byte(verdicts.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

func vectors(to string) {
	out = to
	keyed(func(name string, c *chain) {
		if name == "rsa2048-1" {
			// For what tests sign themselves.
			write(out+"/signer.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(c.key))})
		}
		if name == "p256-3" {
			write(out+"/leaf.crt", certBlock(c.certs[0]))
			write(out+"/middle.crt", certBlock(c.certs[1]))
			forge(c)
		}
	})
	chains()
	said()
}

// forge: everything that is below one good chain.
func forge(c *chain) {
	es := forged{chain: c, alg: "ES256", header: header("ES256")}
	with := func(name string, change func(f *forged)) {
		f := es
		change(&f)
		f.put(name)
	}
	hdr := func(name string, pairs ...string) {
		with(name, func(f *forged) { f.header = header("ES256", pairs...) })
	}
	payload := func(name, text string) { with(name, func(f *forged) { f.payload = text }) }
	envelope := func(name, text string) { with(name, func(f *forged) { f.envelope = text }) }
	time1 := `"io.cncf.notary.signingTime":"` + hour + `"`
	plain := string(must(json.Marshal(map[string]any{"targetArtifact": manifest})))
	other := func(from, to string) string { return strings.Replace(plain, from, to, 1) }

	with("by-hand", func(*forged) {})
	put("authority", "p256-3", honest(c, signature.SigningSchemeX509SigningAuthority, time.Time{}), pool{c.certs[2]})
	put("expires-later", "p256-3", honest(c, signature.SigningSchemeX509, notAfter), pool{c.certs[2]})
	// N-N6
	put("n6-expired", "p256-3", honest(c, signature.SigningSchemeX509, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), pool{c.certs[2]})
	hdr("n6-expiry-is-signing-time", append(critSigned(`"io.cncf.notary.expiry"`), time1, time1+`,"io.cncf.notary.expiry":"`+hour+`"`)...)
	hdr("n6-expiry-before", append(critSigned(`"io.cncf.notary.expiry"`), time1, time1+`,"io.cncf.notary.expiry":"2026-01-31T23:59:59Z"`)...)
	hdr("n6-expiry-not-critical", time1, time1+`,"io.cncf.notary.expiry":"2050-01-01T00:00:00Z"`)
	hdr("n6-expiry-is-no-time", append(critSigned(`"io.cncf.notary.expiry"`), time1, time1+`,"io.cncf.notary.expiry":"never"`)...)
	// N-N3
	payload("n3-other-digest", other(manifest.Digest.String(), digest.FromString("other").String()))
	payload("n3-other-size", other("1234", "1235"))
	payload("n3-other-type", other("manifest.v1", "index.v1"))
	payload("n3-size-is-text", other("1234", `"1234"`))
	payload("n3-no-digest", `{"targetArtifact":{"mediaType":"`+manifest.MediaType+`","size":1234}}`)
	payload("n3-two-digests", other(`"size"`, `"digest":"`+manifest.Digest.String()+`","size"`))
	payload("n3-two-targets", other(`{"targetArtifact"`, `{"targetArtifact":{},"targetArtifact"`))
	payload("n3-is-no-object", `[]`)
	payload("n3-annotated", other(`1234`, `1234,"annotations":{"a":"b"}`))
	hdr("n3-payload-type", "payload.v1+json", "payload.v2+json")
	// N-N4
	for _, alg := range []string{"none", "HS256", "RS256", "ES384", "PS256", "es256", ""} {
		with("n4-alg-"+alg, func(f *forged) {
			f.header = header(alg)
			if alg == "HS256" {
				f.alg = alg
			}
		})
	}
	with("n4-sig-short", func(f *forged) { f.change = func(s []byte) []byte { return s[:63] } })
	with("n4-sig-long", func(f *forged) { f.change = func(s []byte) []byte { return append(s, 0) } })
	with("n4-sig-empty", func(f *forged) { f.change = func([]byte) []byte { return nil } })
	with("n4-sig-zero", func(f *forged) { f.change = func([]byte) []byte { return make([]byte, 64) } })
	with("n4-sig-bit", func(f *forged) { f.change = func(s []byte) []byte { s[40] ^= 1; return s } })
	with("n4-sig-der", func(f *forged) {
		f.change = func(s []byte) []byte {
			return must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])}))
		}
	})
	// N-N5
	hdr("n5-no-crit", `"crit":["io.cncf.notary.signingScheme"],`, "")
	hdr("n5-crit-empty", `["io.cncf.notary.signingScheme"]`, `[]`)
	hdr("n5-crit-text", `["io.cncf.notary.signingScheme"]`, scheme)
	hdr("n5-crit-number", critSigned(`7`)...)
	hdr("n5-crit-repeated", critSigned(scheme)...)
	hdr("n5-crit-alg", critSigned(`"alg"`)...)
	hdr("n5-crit-absent", critSigned(`"com.example.absent"`)...)
	hdr("n5-crit-unknown", append(critSigned(`"com.example.known"`), time1, time1+`,"com.example.known":"x"`)...)
	hdr("n5-crit-without-scheme", `["io.cncf.notary.signingScheme"]`, `["com.example.known"]`, time1, time1+`,"com.example.known":"x"`)
	hdr("n5-both-times", time1, time1+`,`+auth+`:"`+hour+`"`)
	hdr("n5-no-time", `,`+time1, ``)
	hdr("n5-authority-not-critical", `notary.x509"`, `notary.x509.signingAuthority"`, `"io.cncf.notary.signingTime"`, auth)
	hdr("n5-authority-signing-time", `notary.x509"`, `notary.x509.signingAuthority"`)
	hdr("n5-no-scheme", `"io.cncf.notary.signingScheme":"notary.x509",`, ``)
	hdr("n5-other-scheme", `notary.x509"`, `notary.pgp"`)
	hdr("n5-not-critical", time1, time1+`,"com.example.known":"x"`)
	hdr("n5-duplicate", `{"alg"`, `{"alg":"none","alg"`)
	hdr("n5-other-case", time1, time1+`,"CTY":"text/plain"`)
	with("n5-header-list", func(f *forged) { f.header = `[]` })
	// N-N14
	hdr("n14-plugin", append(critSigned(`"io.cncf.notary.verificationPlugin"`), time1, time1+`,"io.cncf.notary.verificationPlugin":"com.amazonaws.signer.notation.plugin"`)...)
	hdr("n14-plugin-not-critical", time1, time1+`,"io.cncf.notary.verificationPlugin":"x"`)
	// The envelope itself.
	envelope("envelope-without-chain", `{"payload":"PAYLOAD","protected":"PROTECTED","header":{"x5c":[]},"signature":"SIG"}`)
	envelope("envelope-without-header", `{"payload":"PAYLOAD","protected":"PROTECTED","signature":"SIG"}`)
	envelope("envelope-without-payload", `{"protected":"PROTECTED","header":{"x5c":[X5C]},"signature":"SIG"}`)
	envelope("envelope-junk-certificate", `{"payload":"PAYLOAD","protected":"PROTECTED","header":{"x5c":["anVuaw=="]},"signature":"SIG"}`)
	envelope("envelope-padded", `{"payload":"PAYLOAD=","protected":"PROTECTED","header":{"x5c":[X5C]},"signature":"SIG"}`)
	envelope("envelope-duplicate", `{"payload":"e30","payload":"PAYLOAD","protected":"PROTECTED","header":{"x5c":[X5C]},"signature":"SIG"}`)
	envelope("envelope-other-case", `{"Payload":"PAYLOAD","protected":"PROTECTED","header":{"x5c":[X5C]},"signature":"SIG"}`)
	envelope("envelope-junk", `{`)
	envelope("envelope-timestamp", `{"payload":"PAYLOAD","protected":"PROTECTED","header":{"x5c":[X5C],"io.cncf.notary.timestampSignature":"anVuaw=="},"signature":"SIG"}`)
	// N-N7: of the order of the chain.
	order := func(name string, certs ...*x509.Certificate) { with(name, func(f *forged) { f.certs = certs }) }
	order("n7-shuffled", c.certs[0], c.certs[2], c.certs[1])
	order("n7-no-root", c.certs[0], c.certs[1])
	order("n7-no-middle", c.certs[0], c.certs[2])
	order("n7-root-twice", c.certs[0], c.certs[1], c.certs[2], c.certs[2])
	order("n7-leaf-alone", c.certs[0])
	order("n7-root-first", c.certs[2], c.certs[1], c.certs[0])
	// N-N1: the names are those of the good chain, and the keys are others.
	for i := 0; i < 3; i++ {
		delete(keys, fmt.Sprint("p256", i))
	}
	evil := newChain("p256", 3, nil)
	put("n1-other-root", "p256-3", honest(evil, signature.SigningSchemeX509, time.Time{}), pool{c.certs[2]})
	with("n1-good-root-added", func(f *forged) {
		f.chain = evil
		f.certs = []*x509.Certificate{evil.certs[0], evil.certs[1], c.certs[2]}
	})
	evil.key = newKey("p256", 2)
	with("n1-other-key", func(f *forged) { f.chain = &chain{evil.key, c.certs} })
}

// chains: those whose certificates are wrong, or not quite.
func chains() {
	own := func(name, kind string, n int, change func(at int, c *x509.Certificate)) *chain {
		alg := map[string]string{"p256": "ES256", "p384": "ES384", "rsa2048": "PS256", "rsa3072": "PS384", "p224": "ES256", "weak": "ES256", "rsa2560": "PS256"}[kind]
		c := newChain(kind, n, change)
		forged{chain: c, alg: alg, header: header(alg)}.own(name)
		return c
	}
	at := func(i int, change func(c *x509.Certificate)) func(int, *x509.Certificate) {
		return func(at int, c *x509.Certificate) {
			if at == i {
				change(c)
			}
		}
	}
	leaf := func(name string, change func(c *x509.Certificate)) { own(name, "p256", 2, at(0, change)) }
	usage := func(name string, u x509.KeyUsage) { leaf(name, func(c *x509.Certificate) { c.KeyUsage = u }) }
	ext := func(oid []int, critical bool, der ...byte) pkix.Extension {
		return pkix.Extension{Id: oid, Critical: critical, Value: der}
	}
	ku := []int{2, 5, 29, 15}

	leaf("n7-leaf-is-ca", func(c *x509.Certificate) { c.IsCA = true })
	leaf("n7-no-usage", func(c *x509.Certificate) { c.KeyUsage = 0 })
	leaf("n7-usage-not-critical", func(c *x509.Certificate) {
		c.KeyUsage = 0
		c.ExtraExtensions = []pkix.Extension{ext(ku, false, 3, 2, 7, 0x80)}
	})
	usage("n7-usage-without-signature", x509.KeyUsageContentCommitment)
	usage("n7-usage-repudiation", x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment)
	for name, bit := range map[string]x509.KeyUsage{
		"key-encipherment": x509.KeyUsageKeyEncipherment, "data-encipherment": x509.KeyUsageDataEncipherment,
		"key-agreement": x509.KeyUsageKeyAgreement, "cert-sign": x509.KeyUsageCertSign, "crl-sign": x509.KeyUsageCRLSign,
		"encipher-only": x509.KeyUsageEncipherOnly, "decipher-only": x509.KeyUsageDecipherOnly,
	} {
		usage("n7-usage-"+name, x509.KeyUsageDigitalSignature|bit)
	}
	for name, eku := range map[string]x509.ExtKeyUsage{
		"server": x509.ExtKeyUsageServerAuth, "client": x509.ExtKeyUsageClientAuth, "email": x509.ExtKeyUsageEmailProtection,
		"timestamping": x509.ExtKeyUsageTimeStamping, "ocsp": x509.ExtKeyUsageOCSPSigning,
	} {
		leaf("n7-eku-"+name, func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, eku) })
	}
	leaf("eku-none", func(c *x509.Certificate) { c.ExtKeyUsage = nil })
	leaf("n7-critical-unknown", func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{ext([]int{1, 2, 3, 4}, true, 5, 0)}
	})
	own("n7-ca-is-none", "p256", 2, at(1, func(c *x509.Certificate) { c.IsCA = false }))
	own("n7-ca-without-constraints", "p256", 2, at(1, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = false, false }))
	own("n7-ca-without-sign", "p256", 2, at(1, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }))
	own("n7-ca-usage-not-critical", "p256", 2, at(1, func(c *x509.Certificate) {
		c.KeyUsage = 0
		c.ExtraExtensions = []pkix.Extension{ext(ku, false, 3, 2, 2, 4)}
	}))
	// Go has no constraints of this kind.
	within := func(n pkix.Name) []pkix.Extension {
		base := asn1.RawValue{Class: 2, Tag: 4, IsCompound: true, Bytes: must(asn1.Marshal(n.ToRDNSequence()))}
		subtree := must(asn1.Marshal([]asn1.RawValue{base}))
		permitted := asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: subtree}
		return []pkix.Extension{ext([]int{2, 5, 29, 30}, true, must(asn1.Marshal([]asn1.RawValue{permitted}))...)}
	}
	own("names-permitted", "p256", 3, at(2, func(c *x509.Certificate) { c.ExtraExtensions = within(pkix.Name{Country: []string{"US"}}) }))
	own("n7-names-not-permitted", "p256", 3, at(2, func(c *x509.Certificate) { c.ExtraExtensions = within(pkix.Name{Country: []string{"DE"}}) }))
	own("n7-path-too-long", "p256", 3, at(2, func(c *x509.Certificate) { c.MaxPathLenZero = true }))
	own("path-just-long-enough", "p256", 3, at(2, func(c *x509.Certificate) { c.MaxPathLen = 1 }))
	own("n7-key-p224", "p224", 2, nil)
	own("n7-key-rsa2560", "rsa2560", 2, nil)
	own("n7-ca-key-rsa1024", "weak", 2, nil)
	sha1Signed()
	foreignIssuer()
	// N-N4, RSA
	rsaChain := newChain("rsa3072", 2, nil)
	forged{chain: rsaChain, alg: "PS256", header: header("PS256")}.own("n4-ps256-rsa3072")
	rsaChain = newChain("rsa2048", 2, nil)
	forged{chain: rsaChain, alg: "RS256", header: header("PS256")}.own("n4-pkcs1")
	forged{chain: rsaChain, alg: "RS256", header: header("RS256")}.own("n4-rs256")
	forged{chain: rsaChain, alg: "P0256", header: header("PS256")}.own("salt-of-five")
	// N-N2: names.
	subject := func(name string, change func(n *pkix.Name)) {
		leaf(name, func(c *x509.Certificate) { change(&c.Subject) })
	}
	subject("n2-other-org", func(n *pkix.Name) { n.Organization = []string{"Other"} })
	subject("n2-other-case", func(n *pkix.Name) { n.Organization = []string{"notary"} })
	subject("n2-no-state", func(n *pkix.Name) { n.Province = nil })
	subject("n2-two-units", func(n *pkix.Name) { n.OrganizationalUnit = []string{"a", "b"} })
	subject("n2-email", func(n *pkix.Name) {
		n.ExtraNames = []pkix.AttributeTypeAndValue{{Type: []int{1, 2, 840, 113549, 1, 9, 1}, Value: "a@b"}}
	})
	subject("n2-org-with-comma", func(n *pkix.Name) { n.Organization = []string{"Notary, C=DE"} })
	// N-N8
	old := func(c *x509.Certificate) { c.NotAfter = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
	own("n8-leaf-expired", "p256", 2, at(0, old))
	own("n8-root-expired", "p256", 2, at(1, old))
	own("n8-not-yet", "p256", 2, at(0, func(c *x509.Certificate) { c.NotBefore = time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC) }))
	// A signing authority says when: the certificate counts then.
	authority := func(name string, change func(*x509.Certificate)) {
		c := newChain("p256", 2, at(0, change))
		h := header("ES256", `notary.x509"`, `notary.x509.signingAuthority"`, `"io.cncf.notary.signingTime"`, auth, `["io.cncf.notary.signingScheme"]`, `["io.cncf.notary.signingScheme",`+auth+`]`)
		forged{chain: c, alg: "ES256", header: h}.own(name)
	}
	authority("authority-expired-since", old)
	authority("n8-authority-expired-before", func(c *x509.Certificate) { c.NotAfter = time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC) })
	// N-N10, as far as it goes: what lists revocation.
	leaf("n10-lists-ocsp", func(c *x509.Certificate) { c.OCSPServer = []string{"http://127.0.0.1:1/ocsp"} })
	leaf("n10-lists-crl", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://127.0.0.1:1/crl"} })
	own("root-lists-crl", "p256", 2, at(1, func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://127.0.0.1:1/crl"} }))
}

// foreignIssuer: the leaf names another issuer than the certificate above it, whose key has signed it.
func foreignIssuer() {
	c := newChain("p256", 2, nil)
	template := *c.certs[1]
	template.RawSubject, template.Subject = nil, name("somebody else")
	tmpl := *c.certs[0]
	c.certs[0] = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, &tmpl, &template, c.key.Public(), newKey("p256", 1)))))
	forged{chain: c, alg: "ES256", header: header("ES256")}.own("n7-names-differ")
}

// sha1Signed: Go signs no certificate with SHA-1, so this is done by hand.
func sha1Signed() {
	c := newChain("rsa2048", 2, nil)
	var parsed struct {
		TBS asn1.RawValue
		Alg pkix.AlgorithmIdentifier
		Sig asn1.BitString
	}
	must(asn1.Unmarshal(c.certs[0].Raw, &parsed))
	// sha256WithRSAEncryption and sha1WithRSAEncryption differ in one byte of the OID.
	tbs := []byte(strings.ReplaceAll(string(parsed.TBS.FullBytes), "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"))
	d := sha1.Sum(tbs)
	parsed.TBS = asn1.RawValue{FullBytes: tbs}
	parsed.Alg.Algorithm = []int{1, 2, 840, 113549, 1, 1, 5}
	sig := must(rsa.SignPKCS1v15(rand.Reader, newKey("rsa2048", 1).(*rsa.PrivateKey), crypto.SHA1, d[:]))
	parsed.Sig = asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}
	der := must(asn1.Marshal(parsed))
	leaf := must(x509.ParseCertificate(der))
	forged{chain: c, alg: "PS256", header: header("PS256"), certs: []*x509.Certificate{leaf, c.certs[1]}}.own("n7-sha1")
}
