package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	_ "crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// ---- an authority of timestamps: RFC 3161 tokens by hand, which need not be honest ----------------------------------

func oid(text string) asn1.ObjectIdentifier {
	var id asn1.ObjectIdentifier
	for _, part := range strings.Split(text, ".") {
		var n int
		must(fmt.Sscan(part, &n))
		id = append(id, n)
	}
	return id
}

var (
	oidSigned      = oid("1.2.840.113549.1.7.2")
	oidTST         = oid("1.2.840.113549.1.9.16.1.4")
	oidContentType = oid("1.2.840.113549.1.9.3")
	oidDigest      = oid("1.2.840.113549.1.9.4")
	oidSigningTime = oid("1.2.840.113549.1.9.5")
	oidCertV1      = oid("1.2.840.113549.1.9.16.2.12")
	oidCertV2      = oid("1.2.840.113549.1.9.16.2.47")
	oidTimestamps  = oid("1.3.6.1.5.5.7.3.8")
	oidCode        = oid("1.3.6.1.5.5.7.3.3")
	baseline       = oid("0.4.0.2023.1.1")
	hashes         = map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1: oid("1.3.14.3.2.26"), crypto.SHA256: oid("2.16.840.1.101.3.4.2.1"),
		crypto.SHA384: oid("2.16.840.1.101.3.4.2.2"), crypto.SHA512: oid("2.16.840.1.101.3.4.2.3"),
	}
	ecdsaWith = map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1: oid("1.2.840.10045.4.1"), crypto.SHA256: oid("1.2.840.10045.4.3.2"),
		crypto.SHA384: oid("1.2.840.10045.4.3.3"), crypto.SHA512: oid("1.2.840.10045.4.3.4"),
	}
	rsaWith = map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: oid("1.2.840.113549.1.1.11")}
)

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// token of an authority; the zero value of each member is honest.
type token struct {
	chain    *chain
	at       string // of GeneralizedTime
	accuracy []int  // seconds, thousandths, millionths; -1: not there
	policy   asn1.ObjectIdentifier
	version  int
	imprint  crypto.Hash
	hash     crypto.Hash // of what is signed
	content  asn1.ObjectIdentifier
	cms      int // version of SignedData
	bag      []*x509.Certificate
	signer   *x509.Certificate
	certHash []byte
	attrs    func([]attribute) []attribute
	bare     bool // no signed attributes
	change   func(sig []byte) []byte
	signers  func(one asn1.RawValue) []asn1.RawValue
}

func raw(der []byte) asn1.RawValue { return asn1.RawValue{FullBytes: der} }
func der(v any) []byte             { return must(asn1.Marshal(v)) }
func algorithm(id asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: id}
}
func sum(h crypto.Hash, in []byte) []byte {
	d := h.New()
	d.Write(in)
	return d.Sum(nil)
}
func wrap(tag int, in []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: in}
}
func attr(id asn1.ObjectIdentifier, value []byte) attribute {
	return attribute{id, []asn1.RawValue{raw(value)}}
}
func without(id asn1.ObjectIdentifier, more ...attribute) func([]attribute) []attribute {
	return func(all []attribute) []attribute {
		var left []attribute
		for _, a := range all {
			if !a.Type.Equal(id) {
				left = append(left, a)
			}
		}
		return append(left, more...)
	}
}

func certV1(c *x509.Certificate) attribute {
	return attr(oidCertV1, der(struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{sum(crypto.SHA1, c.Raw)}}}))
}

func (t token) info(message []byte) []byte {
	var items [][]byte
	add := func(v any) { items = append(items, der(v)) }
	add(t.version)
	add(t.policy)
	add(struct {
		Algorithm pkix.AlgorithmIdentifier
		Hash      []byte
	}{algorithm(hashes[t.imprint]), sum(t.imprint, message)})
	add(7)
	add(asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(t.at)})
	if t.accuracy != nil {
		var parts []byte
		for i, n := range t.accuracy {
			part := der(n)
			if n == -1 {
				continue
			}
			if i > 0 {
				part[0] = byte(0x80 | (i - 1))
			}
			parts = append(parts, part...)
		}
		items = append(items, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: parts}))
	}
	return der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Join(items, nil)})
}

func (t token) make(message []byte) []byte {
	if t.at == "" {
		t.at = "20260201000010Z"
	}
	if t.policy == nil {
		t.policy = oid("1.2.3.4.1")
	}
	if t.version == 0 {
		t.version = 1
	}
	if t.cms == 0 {
		t.cms = 3
	}
	if t.imprint == 0 {
		t.imprint = crypto.SHA256
	}
	if t.hash == 0 {
		t.hash = crypto.SHA256
	}
	if t.content == nil {
		t.content = oidTST
	}
	if t.bag == nil {
		t.bag = t.chain.certs[:max(1, len(t.chain.certs)-1)]
	}
	if t.signer == nil {
		t.signer = t.chain.certs[0]
	}
	if t.certHash == nil {
		t.certHash = sum(crypto.SHA256, t.signer.Raw)
	}
	info := t.info(message)
	attrs := []attribute{
		attr(oidContentType, der(oidTST)), attr(oidDigest, der(sum(t.hash, info))),
		attr(oidCertV2, der(struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{t.certHash}}})),
	}
	if t.attrs != nil {
		attrs = t.attrs(attrs)
	}
	set := must(asn1.MarshalWithParams(attrs, "set"))
	signed := set
	if t.bare {
		signed = info
	}
	with := rsaWith[t.hash]
	if _, ok := t.chain.key.(*ecdsa.PrivateKey); ok {
		with = ecdsaWith[t.hash]
	}
	sig := must(t.chain.key.Sign(rand.Reader, sum(t.hash, signed), t.hash))
	if t.change != nil {
		sig = t.change(sig)
	}
	one := [][]byte{
		der(1), der(struct {
			Issuer asn1.RawValue
			Serial *big.Int
		}{raw(t.signer.RawIssuer), t.signer.SerialNumber}), der(algorithm(hashes[t.hash])),
	}
	if !t.bare {
		one = append(one, append([]byte{0xa0}, set[1:]...))
	}
	one = append(one, der(algorithm(with)), der(sig))
	signer := raw(der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Join(one, nil)}))
	signers := []asn1.RawValue{signer}
	if t.signers != nil {
		signers = t.signers(signer)
	}
	var bag []byte
	for _, c := range t.bag {
		bag = append(bag, c.Raw...)
	}
	return der(struct {
		Type   asn1.ObjectIdentifier
		Signed asn1.RawValue
	}{oidSigned, wrap(0, der(struct {
		Version    int
		Algorithms []pkix.AlgorithmIdentifier `asn1:"set"`
		Content    struct {
			Type asn1.ObjectIdentifier
			Info asn1.RawValue
		}
		Certs   asn1.RawValue
		Signers []asn1.RawValue `asn1:"set"`
	}{t.cms, []pkix.AlgorithmIdentifier{algorithm(hashes[t.hash])}, struct {
		Type asn1.ObjectIdentifier
		Info asn1.RawValue
	}{t.content, wrap(0, der(info))}, wrap(0, bag), signers}))})
}

func purpose(critical bool, ids ...asn1.ObjectIdentifier) []pkix.Extension {
	return []pkix.Extension{{Id: oid("2.5.29.37"), Critical: critical, Value: der(ids)}}
}

// newTSA: a chain of n for timestamps.
func newTSA(kind string, n int, change func(at int, c *x509.Certificate)) *chain {
	return newChain(kind, n, func(at int, c *x509.Certificate) {
		c.Subject = name(fmt.Sprintf("TSA CA %d", at))
		if at == 0 {
			c.Subject = name("tsa")
			c.ExtKeyUsage, c.ExtraExtensions = nil, purpose(true, oidTimestamps)
		}
		if change != nil {
			change(at, c)
		}
	})
}

// ---- vectors ---------------------------------------------------------------------------------------------------------

func timestampVectors(to string) {
	out, stores = to, []string{"ca:x", "signingAuthority:y", "tsa:z"}
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	signer := newChain("p256", 3, nil)
	write(out+"/signer.crt", certBlock(signer.certs[2]))
	tsa := newTSA("p384", 3, nil)
	write(out+"/tsa.crt", certBlock(tsa.certs[2]))
	write(out+"/tsa-middle.crt", certBlock(tsa.certs[1]))
	// Its certificate has expired since.
	short := newChain("p521", 2, func(at int, c *x509.Certificate) {
		if at == 0 {
			c.NotAfter = march
		}
	})
	write(out+"/short.crt", certBlock(short.certs[1]))
	crts := map[string]*x509.Certificate{
		"signer": signer.certs[2], "tsa": tsa.certs[2], "tsa-middle": tsa.certs[1], "short": short.certs[1],
	}
	pooled := func(names string) pool {
		var p pool
		for _, n := range strings.Fields(names) {
			p = append(p, crts[n])
		}
		return p
	}
	es := forged{chain: signer, alg: "ES256", header: header("ES256")}
	stamped := func(name, trusted string, f forged, stamp func(sig []byte) []byte) {
		f.stamp = stamp
		put(name, trusted, f.build(), pooled(trusted))
	}
	with := func(name string, change func(t *token)) {
		t := token{chain: tsa}
		change(&t)
		stamped(name, "signer tsa", es, t.make)
	}
	// own: by an authority of its own, with its root as NAME.crt.
	own := func(name, kind string, n int, change func(at int, c *x509.Certificate), more func(t *token)) {
		t := token{chain: newTSA(kind, n, change)}
		if more != nil {
			more(&t)
		}
		crts[name] = t.chain.certs[n-1]
		write(out+"/"+name+".crt", certBlock(t.chain.certs[n-1]))
		stamped(name, "signer "+name, es, t.make)
	}
	leaf := func(name string, change func(c *x509.Certificate)) { own(name, "p384", 2, at(0, change), nil) }
	late := forged{chain: short, alg: "ES512", header: header("ES512")}
	edge := func(name, when string, f forged, policy asn1.ObjectIdentifier, accuracy ...int) {
		trusted := "signer tsa"
		if f.chain == short {
			trusted = "short tsa"
		}
		stamped(name, trusted, f, token{chain: tsa, at: when, accuracy: accuracy, policy: policy}.make)
	}

	with("good", func(*token) {})
	with("root-in-bag", func(t *token) { t.bag = tsa.certs })
	with("sha384", func(t *token) { t.imprint, t.hash = crypto.SHA384, crypto.SHA384 })
	with("sha512", func(t *token) { t.imprint, t.hash = crypto.SHA512, crypto.SHA512 })
	with("both-attributes", func(t *token) { t.attrs = func(a []attribute) []attribute { return append(a, certV1(tsa.certs[0])) } })
	with("signing-time", func(t *token) {
		t.attrs = func(a []attribute) []attribute { return append(a, attr(oidSigningTime, der(march))) }
	})
	own("rsa", "rsa2048", 2, nil, nil)
	own("alone", "p384", 1, nil, nil)
	leaf("usage-not-critical", func(c *x509.Certificate) {
		c.KeyUsage = 0
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid("2.5.29.15"), Value: []byte{3, 2, 7, 0x80}})
	})
	leaf("expired-since", func(c *x509.Certificate) { c.NotAfter = march })
	stamped("signer-expired-since", "short tsa", late, token{chain: tsa}.make)
	put("n9-none", "signer tsa", es.build(), pooled("signer tsa"))
	// The ends of what may be off.
	edge("edge-end", "20260228235959Z", late, nil, 1)
	edge("n9-edge-end", "20260228235959Z", late, nil, 1, 1)
	edge("n9-edge-end-micro", "20260228235959Z", late, nil, 1, -1, 1)
	edge("edge-end-fraction", "20260228235959.5Z", late, nil, 0, 500)
	edge("n9-edge-end-fraction", "20260228235959.5Z", late, nil, 0, 501)
	edge("n9-edge-end-tiny", "20260228235959.5001Z", late, nil, 0, 500)
	edge("edge-start", "20260101000001Z", es, nil, 1)
	edge("n9-edge-start", "20260101000001Z", es, nil, 1, 1)
	edge("edge-exact", "20260301000000Z", late, nil)
	edge("n9-edge-after", "20260301000001Z", late, nil)
	edge("n9-edge-before", "20251231235959Z", es, nil)
	edge("n9-edge-baseline", "20260301000000Z", late, baseline)
	edge("edge-baseline", "20260228235959Z", late, baseline)
	edge("edge-baseline-says", "20260228235959.999Z", late, baseline, 0, 1)
	edge("n9-accuracy-huge", "20260201000000Z", late, nil, 1<<31-1)
	edge("n9-accuracy-millis", "20260201000000Z", es, nil, 0, 1000)
	// What is stamped.
	stamped("n9-other-message", "signer tsa", es, func([]byte) []byte { return token{chain: tsa}.make([]byte("other")) })
	with("n9-imprint-sha1", func(t *token) { t.imprint = crypto.SHA1 })
	with("n9-version", func(t *token) { t.version = 2 })
	with("n9-content", func(t *token) { t.content = oid("1.2.840.113549.1.7.1") })
	with("n9-signed-version", func(t *token) { t.cms = 1 })
	stamped("n9-junk", "signer tsa", es, func([]byte) []byte { return []byte("junk") })
	stamped("n9-behind", "signer tsa", es, func(sig []byte) []byte { return append(token{chain: tsa}.make(sig), 0) })
	stamped("n9-response", "signer tsa", es, func(sig []byte) []byte {
		return der(struct {
			Status struct{ Status int }
			Token  asn1.RawValue
		}{struct{ Status int }{0}, raw(token{chain: tsa}.make(sig))})
	})
	// Who has signed it.
	with("n9-sig-bit", func(t *token) { t.change = func(s []byte) []byte { s[len(s)-1] ^= 1; return s } })
	with("n9-sha1", func(t *token) { t.hash = crypto.SHA1 })
	with("n9-no-v2", func(t *token) { t.attrs = without(oidCertV2) })
	with("n9-v1-only", func(t *token) { t.attrs = without(oidCertV2, certV1(tsa.certs[0])) })
	with("n9-v2-of-another", func(t *token) { t.certHash = sum(crypto.SHA256, tsa.certs[1].Raw) })
	with("n9-no-digest", func(t *token) { t.attrs = without(oidDigest) })
	with("n9-other-digest", func(t *token) { t.attrs = without(oidDigest, attr(oidDigest, der(sum(crypto.SHA256, nil)))) })
	with("n9-no-content-type", func(t *token) { t.attrs = without(oidContentType) })
	with("n9-other-content-type", func(t *token) {
		t.attrs = without(oidContentType, attr(oidContentType, der(oid("1.2.840.113549.1.7.1"))))
	})
	with("n9-no-attributes", func(t *token) { t.bare = true })
	with("n9-two-signers", func(t *token) {
		t.signers = func(one asn1.RawValue) []asn1.RawValue { return []asn1.RawValue{one, one} }
	})
	with("n9-no-signer", func(t *token) { t.signers = func(asn1.RawValue) []asn1.RawValue { return nil } })
	with("n9-no-certificates", func(t *token) { t.bag = []*x509.Certificate{tsa.certs[1]} })
	with("n9-no-middle", func(t *token) { t.bag = tsa.certs[:1] })
	stamped("n9-other-root", "signer short", es, token{chain: tsa}.make)
	stamped("n9-middle-trusted", "signer tsa-middle", es, token{chain: tsa}.make)
	// One of the same CA, which is for code, stamps; the authority's own certificate comes first in the bag, and its name is used.
	code := *tsa.certs[0]
	code.ExtraExtensions, code.SerialNumber, code.Subject, code.RawSubject = purpose(true, oidCode), big.NewInt(200), name("code"), nil
	codeKey := newKey("p256", 7)
	coder := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, &code, tsa.certs[1], codeKey.Public(), newKey("p384", 1)))))
	codeChain := &chain{codeKey, []*x509.Certificate{coder, tsa.certs[1], tsa.certs[2]}}
	with("n9-code-signer", func(t *token) { t.chain, t.bag = codeChain, []*x509.Certificate{tsa.certs[0], coder, tsa.certs[1]} })
	with("n9-code-signer-names-tsa", func(t *token) {
		t.chain, t.signer, t.bag = codeChain, tsa.certs[0], []*x509.Certificate{tsa.certs[0], coder, tsa.certs[1]}
	})
	// A certificate with the authority's issuer and number, and with a key of somebody else.
	fake, fakeCA := *tsa.certs[0], *tsa.certs[1]
	fake.ExtraExtensions, fakeCA.PublicKey = purpose(true, oidTimestamps), codeKey.Public()
	faker := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, &fake, &fakeCA, codeKey.Public(), codeKey))))
	with("n9-forged-first", func(t *token) {
		t.chain = &chain{codeKey, tsa.certs}
		t.signer, t.bag = faker, []*x509.Certificate{faker, tsa.certs[0], tsa.certs[1]}
	})
	// The rules of its chain.
	leaf("n9-eku-not-critical", func(c *x509.Certificate) { c.ExtraExtensions = purpose(false, oidTimestamps) })
	leaf("n9-eku-code-too", func(c *x509.Certificate) { c.ExtraExtensions = purpose(true, oidTimestamps, oidCode) })
	leaf("n9-eku-unknown-too", func(c *x509.Certificate) { c.ExtraExtensions = purpose(true, oidTimestamps, oid("1.2.3.4")) })
	leaf("n9-eku-none", func(c *x509.Certificate) { c.ExtraExtensions = nil })
	leaf("n9-is-ca", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageDigitalSignature })
	leaf("n9-no-usage", func(c *x509.Certificate) { c.KeyUsage = 0 })
	leaf("n9-usage-repudiation", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment })
	leaf("n9-usage-agreement", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyAgreement })
	leaf("n9-expired", func(c *x509.Certificate) { c.NotAfter = time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC) })
	leaf("n9-not-yet", func(c *x509.Certificate) { c.NotBefore = march })
	leaf("n9-lists-ocsp", func(c *x509.Certificate) { c.OCSPServer = []string{"http://127.0.0.1:1/ocsp"} })
	leaf("n9-lists-crl", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://127.0.0.1:1/crl"} })
	leaf("n9-critical-unknown", func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid("1.2.3.4"), Critical: true, Value: []byte{5, 0}})
	})
	own("n9-key-p224", "p224", 2, nil, nil)
	own("n9-middle-for-code", "p384", 3, at(1, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }), nil)
	own("middle-for-both", "p384", 3, at(1, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageTimeStamping}
	}), nil)
	own("n9-path-too-long", "p384", 3, at(2, func(c *x509.Certificate) { c.MaxPathLenZero = true }), nil)
	own("n9-ca-without-usage", "p384", 3, at(1, func(c *x509.Certificate) { c.KeyUsage = 0 }), nil)
	own("n9-root-expired", "p384", 2, at(1, func(c *x509.Certificate) { c.NotAfter = time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC) }), nil)
	with("n9-signing-time", func(t *token) {
		t.attrs = func(a []attribute) []attribute {
			return append(a, attr(oidSigningTime, der(time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))))
		}
	})
	// Attributes of a type that is none, by a signer and an authority of their own.
	delete(keys, fmt.Sprint("p256", 0))
	delete(keys, fmt.Sprint("p384", 0))
	typed, typist := newChain("p256", 2, nil), newTSA("p384", 2, nil)
	crts["types-signer"], crts["types-tsa"] = typed.certs[1], typist.certs[1]
	write(out+"/types-signer.crt", certBlock(typed.certs[1]))
	write(out+"/types-tsa.crt", certBlock(typist.certs[1]))
	for _, t := range []struct {
		name string
		id   asn1.ObjectIdentifier
	}{{"content", oidContentType}, {"digest", oidDigest}, {"v1", oidCertV1}, {"v2", oidCertV2}} {
		stamped("n9-type-"+t.name, "types-signer types-tsa", forged{chain: typed, alg: "ES256", header: header("ES256")},
			token{chain: typist, attrs: without(t.id, attr(t.id, der(true)))}.make)
	}
	// In COSE.
	media, suffix = cose, ".cose"
	cs := coseForged{chain: signer, alg: "ES256", protected: coseHeader(-7), stamp: token{chain: tsa}.make}
	put("cose", "signer tsa", cs.build(), pooled("signer tsa"))
	cs.stamp = func([]byte) []byte { return token{chain: tsa}.make([]byte("other")) }
	put("n9-cose", "signer tsa", cs.build(), pooled("signer tsa"))
	said()
}
