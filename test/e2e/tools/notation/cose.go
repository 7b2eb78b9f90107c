package main

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	"github.com/opencontainers/go-digest"
)

// ---- CBOR by hand: each function returns the bytes of one item, which need not be honest -----------------------------

func head(major byte, n uint64) string {
	switch {
	case n < 24:
		return string([]byte{major<<5 | byte(n)})
	case n <= 0xff:
		return string([]byte{major<<5 | 24, byte(n)})
	case n <= 0xffff:
		return string(binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n)))
	case n <= 0xffffffff:
		return string(binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n)))
	}
	return string(binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n))
}

func cint(n int) string {
	if n < 0 {
		return head(1, uint64(-1-n))
	}
	return head(0, uint64(n))
}
func bstr(s string) string             { return head(2, uint64(len(s))) + s }
func tstr(s string) string             { return head(3, uint64(len(s))) + s }
func list(items ...string) string      { return head(4, uint64(len(items))) + strings.Join(items, "") }
func tag(n uint64, item string) string { return head(6, n) + item }

// cmap of labels and values, one behind the other.
func cmap(items ...string) string { return head(5, uint64(len(items)/2)) + strings.Join(items, "") }

// ---- envelopes -------------------------------------------------------------------------------------------------------

const (
	cScheme = "io.cncf.notary.signingScheme"
	cTime   = "io.cncf.notary.signingTime"
	cAuth   = "io.cncf.notary.authenticSigningTime"
	cExpiry = "io.cncf.notary.expiry"
)

var (
	chour    = tag(1, cint(1769904000)) // the hour of the others
	coseType = "application/vnd.cncf.notary.payload.v1+json"
)

// coseForged: an envelope put together by hand. alg decides how it is signed, what the header says is another thing.
type coseForged struct {
	chain     *chain
	alg       string
	protected []string // labels and values
	beside    []string // behind the certificates
	x5chain   string
	payload   string // an item
	change    func(sig []byte) []byte
	header    func(items []string) string // instead of cmap
	whole     func(protected, unprotected, payload, sig string) string
	certs     []*x509.Certificate
}

func coseHeader(alg int) []string {
	return []string{cint(1), cint(alg), cint(2), list(tstr(cScheme)), cint(3), tstr(coseType),
		tstr(cScheme), tstr("notary.x509"), tstr(cTime), chour}
}

// set: the value of a label; "" takes the label away.
func set(items []string, label, value string) []string {
	var got []string
	found := false
	for i := 0; i < len(items); i += 2 {
		if items[i] == label {
			found = true
			if value == "" {
				continue
			}
			got = append(got, label, value)
			continue
		}
		got = append(got, items[i], items[i+1])
	}
	if !found && value != "" {
		got = append(got, label, value)
	}
	return got
}

func (f coseForged) build() []byte {
	payload := f.payload
	if payload == "" {
		payload = bstr(string(must(json.Marshal(map[string]any{"targetArtifact": manifest}))))
	}
	text := cmap(f.protected...)
	if f.header != nil {
		text = f.header(f.protected)
	}
	sig := signAs(f.alg, f.chain.key, []byte(list(tstr("Signature1"), bstr(text), bstr(""), payload)))
	if f.change != nil {
		sig = f.change(sig)
	}
	certs, x5chain := f.certs, f.x5chain
	if certs == nil {
		certs = f.chain.certs
	}
	if x5chain == "" {
		var items []string
		for _, c := range certs {
			items = append(items, bstr(string(c.Raw)))
		}
		x5chain = list(items...)
	}
	unprotected := append([]string{cint(33), x5chain}, f.beside...)
	if x5chain == "none" {
		unprotected = f.beside
	}
	if f.whole != nil {
		return []byte(f.whole(bstr(text), cmap(unprotected...), payload, bstr(string(sig))))
	}
	return []byte(tag(18, list(bstr(text), cmap(unprotected...), payload, bstr(string(sig)))))
}

func (f coseForged) put(name string) {
	put(name, "p256-3", f.build(), pool{f.chain.certs[len(f.chain.certs)-1]})
}

func (f coseForged) own(name string) {
	root := f.chain.certs[len(f.chain.certs)-1]
	write(out+"/"+name+".crt", certBlock(root))
	put(name, name, f.build(), pool{root})
}

func coseVectors(to string) {
	out, media, suffix = to, cose, ".cose"
	keyed(func(name string, c *chain) {
		if name == "p256-3" {
			coseForge(c)
		}
	})
	// N-N4, RSA: the salt has the length of the hash.
	c := newChain("rsa3072", 2, nil)
	coseForged{chain: c, alg: "PS256", protected: coseHeader(-37)}.own("n4-ps256-rsa3072")
	c = newChain("rsa2048", 2, nil)
	coseForged{chain: c, alg: "PH256", protected: coseHeader(-37)}.own("rsa-by-hand")
	coseForged{chain: c, alg: "P0256", protected: coseHeader(-37)}.own("n4-salt-of-five")
	coseForged{chain: c, alg: "PS256", protected: coseHeader(-37)}.own("n4-salt-of-longest")
	coseForged{chain: c, alg: "RS256", protected: coseHeader(-37)}.own("n4-pkcs1")
	coseForged{chain: c, alg: "RS256", protected: coseHeader(-257)}.own("n4-rs256")
	said()
}

// coseForge: everything that is below one good chain.
func coseForge(c *chain) {
	es := coseForged{chain: c, alg: "ES256", protected: coseHeader(-7)}
	with := func(name string, change func(f *coseForged)) {
		f := es
		change(&f)
		f.put(name)
	}
	// hdr: pairs of labels and values, or "" for none.
	hdr := func(name string, pairs ...string) {
		with(name, func(f *coseForged) {
			for i := 0; i < len(pairs); i += 2 {
				f.protected = set(f.protected, pairs[i], pairs[i+1])
			}
		})
	}
	crit := func(labels ...string) string { return list(append([]string{tstr(cScheme)}, labels...)...) }
	payload := func(name, item string) { with(name, func(f *coseForged) { f.payload = item }) }
	chained := func(name, item string) { with(name, func(f *coseForged) { f.x5chain = item }) }
	beside := func(name string, items ...string) { with(name, func(f *coseForged) { f.beside = items }) }
	header := func(name string, make func(items []string) string) {
		with(name, func(f *coseForged) { f.header = make })
	}
	whole := func(name string, make func(p, u, m, s string) string) {
		with(name, func(f *coseForged) { f.whole = make })
	}
	plain := string(must(json.Marshal(map[string]any{"targetArtifact": manifest})))
	nested := func(n int) string { return strings.Repeat("\x81", n) + cint(0) }

	with("by-hand", func(*coseForged) {})
	put("authority", "p256-3", honest(c, signature.SigningSchemeX509SigningAuthority, time.Time{}), pool{c.certs[2]})
	put("expires-later", "p256-3", honest(c, signature.SigningSchemeX509, notAfter), pool{c.certs[2]})
	beside("nested", tstr("com.example.x"), nested(16))
	beside("timestamp-junk", tstr("io.cncf.notary.timestampSignature"), bstr("junk"))
	beside("timestamp-text", tstr("io.cncf.notary.timestampSignature"), tstr("junk"))
	hdr("not-critical", tstr("com.example.known"), cmap(cint(1), nested(3)))
	hdr("not-critical-number", cint(1000), "\xf9\x3c\x00")
	header("long-form", func(items []string) string {
		return strings.Replace(cmap(items...), chour, tag(1, "\x1b\x00\x00\x00\x00"+chour[2:]), 1)
	})
	whole("long-lengths", func(p, u, m, s string) string {
		return "\xd2\x84\x5a\x00\x00\x00" + p[1:] + u + m + s
	})
	// N-N3
	payload("n3-other-digest", bstr(strings.Replace(plain, manifest.Digest.String(), digest.FromString("other").String(), 1)))
	payload("n3-two-digests", bstr(strings.Replace(plain, `"size"`, `"digest":"`+manifest.Digest.String()+`","size"`, 1)))
	hdr("n3-payload-type", cint(3), tstr("application/vnd.cncf.notary.payload.v2+json"))
	hdr("n3-no-payload-type", cint(3), "")
	hdr("n3-payload-type-number", cint(3), cint(50))
	// N-N4
	for _, alg := range []int{-8, -257, -35, -37, 5, 0} {
		hdr(fmt.Sprintf("n4-alg%d", alg), cint(1), cint(alg))
	}
	hdr("n4-alg-text", cint(1), tstr("ES256"))
	hdr("n4-alg-none", cint(1), "")
	hdr("n4-alg-huge", cint(1), "\x1b\xff\xff\xff\xff\xff\xff\xff\xff")
	header("n4-alg-named", func(items []string) string {
		return cmap(append(set(items, cint(1), ""), tstr("alg"), tstr("ES256"))...)
	})
	with("n4-alg-unprotected", func(f *coseForged) {
		f.protected = set(f.protected, cint(1), "")
		f.beside = []string{cint(1), cint(-7)}
	})
	with("n4-sig-short", func(f *coseForged) { f.change = func(s []byte) []byte { return s[:63] } })
	with("n4-sig-long", func(f *coseForged) { f.change = func(s []byte) []byte { return append(s, 0) } })
	with("n4-sig-empty", func(f *coseForged) { f.change = func([]byte) []byte { return nil } })
	with("n4-sig-zero", func(f *coseForged) { f.change = func([]byte) []byte { return make([]byte, 64) } })
	with("n4-sig-bit", func(f *coseForged) { f.change = func(s []byte) []byte { s[40] ^= 1; return s } })
	with("n4-sig-der", func(f *coseForged) {
		f.change = func(s []byte) []byte {
			return must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])}))
		}
	})
	// N-N5
	hdr("n5-no-crit", cint(2), "")
	hdr("n5-crit-empty", cint(2), list())
	hdr("n5-crit-text", cint(2), tstr(cScheme))
	hdr("n5-crit-bytes", cint(2), crit(bstr("x")))
	hdr("n5-crit-repeated", cint(2), crit(tstr(cScheme)))
	hdr("n5-crit-alg", cint(2), crit(cint(1)))
	hdr("n5-crit-alg-named", cint(2), crit(tstr("alg")))
	hdr("n5-crit-absent", cint(2), crit(tstr("com.example.absent")))
	hdr("n5-crit-absent-number", cint(2), crit(cint(33)))
	hdr("n5-crit-unknown", cint(2), crit(tstr("com.example.known")), tstr("com.example.known"), tstr("x"))
	hdr("n5-crit-unknown-number", cint(2), crit(cint(-70000)), cint(-70000), tstr("x"))
	hdr("n5-crit-without-scheme", cint(2), list(tstr("com.example.known")), tstr("com.example.known"), tstr("x"))
	hdr("n5-both-times", tstr(cAuth), chour)
	hdr("n5-no-time", tstr(cTime), "")
	authority := []string{tstr(cScheme), tstr("notary.x509.signingAuthority")}
	hdr("n5-authority-not-critical", append(authority, tstr(cTime), "", tstr(cAuth), chour)...)
	hdr("n5-authority-signing-time", authority...)
	hdr("n5-no-scheme", tstr(cScheme), "")
	hdr("n5-other-scheme", tstr(cScheme), tstr("notary.pgp"))
	hdr("n5-scheme-number", tstr(cScheme), cint(1))
	hdr("n5-time-untagged", tstr(cTime), cint(1769904000))
	hdr("n5-time-text", tstr(cTime), tstr(hour))
	hdr("n5-time-tag-0", tstr(cTime), tag(0, tstr(hour)))
	hdr("n5-time-float", tstr(cTime), tag(1, "\xfa\x4e\xd2\xf8\x00"))
	hdr("n5-time-negative", tstr(cTime), tag(1, cint(-1)))
	hdr("n5-time-huge", tstr(cTime), tag(1, "\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"))
	hdr("n5-time-tagged-twice", tstr(cTime), tag(1, chour))
	// N-N6
	expires := func(name string, at int, critical bool) {
		pairs := []string{tstr(cExpiry), tag(1, cint(at))}
		if critical {
			pairs = append(pairs, cint(2), crit(tstr(cExpiry)))
		}
		hdr(name, pairs...)
	}
	put("n6-expired", "p256-3", honest(c, signature.SigningSchemeX509, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), pool{c.certs[2]})
	expires("n6-expiry-is-signing-time", 1769904000, true)
	expires("n6-expiry-before", 1769903999, true)
	expires("n6-expiry-not-critical", 2524608000, false)
	hdr("n6-expiry-is-no-time", tstr(cExpiry), tstr("never"), cint(2), crit(tstr(cExpiry)))
	// N-N12
	whole("n12-no-tag", func(p, u, m, s string) string { return list(p, u, m, s) })
	whole("n12-long-tag", func(p, u, m, s string) string { return "\xd8\x12" + list(p, u, m, s) })
	whole("n12-long-list", func(p, u, m, s string) string { return "\xd2\x98\x04" + p + u + m + s })
	whole("n12-other-tag", func(p, u, m, s string) string { return tag(98, list(p, u, m, s)) })
	whole("n12-tag-in-tag", func(p, u, m, s string) string { return tag(55799, tag(18, list(p, u, m, s))) })
	whole("n12-list-of-three", func(p, u, m, s string) string { return tag(18, list(p, u, m)) })
	whole("n12-list-of-five", func(p, u, m, s string) string { return tag(18, list(p, u, m, s, s)) })
	whole("n12-indefinite-list", func(p, u, m, s string) string { return tag(18, "\x9f"+p+u+m+s+"\xff") })
	whole("n12-indefinite-map", func(p, u, m, s string) string { return tag(18, list(p, "\xbf"+u[1:]+"\xff", m, s)) })
	whole("n12-indefinite-bytes", func(p, u, m, s string) string { return tag(18, list(p, u, "\x5f"+m+"\xff", s)) })
	whole("n12-indefinite-header", func(p, u, m, s string) string { return tag(18, list("\x5f"+p+"\xff", u, m, s)) })
	header("n12-indefinite-in-header", func(items []string) string { return "\xbf" + cmap(items...)[1:] + "\xff" })
	whole("n12-something-behind", func(p, u, m, s string) string { return tag(18, list(p, u, m, s)) + "\x00" })
	whole("n12-cut", func(p, u, m, s string) string { return tag(18, list(p, u, m, s[:60])) })
	whole("n12-empty", func(p, u, m, s string) string { return "" })
	whole("n12-reserved", func(p, u, m, s string) string { return tag(18, list(p, u, m, "\x5c")) })
	whole("n12-header-is-map", func(p, u, m, s string) string { return tag(18, list(cmap(es.protected...), u, m, s)) })
	whole("n12-unprotected-is-list", func(p, u, m, s string) string { return tag(18, list(p, list(), m, s)) })
	whole("n12-huge-list", func(p, u, m, s string) string { return tag(18, "\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"+p+u+m+s) })
	whole("n12-huge-map", func(p, u, m, s string) string {
		return tag(18, list(p, "\xbb\x7f\xff\xff\xff\xff\xff\xff\xff"+u[1:], m, s))
	})
	whole("n12-huge-bytes", func(p, u, m, s string) string {
		return tag(18, list("\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"+p[2:], u, m, s))
	})
	whole("n12-nothing-signed", func(p, u, m, s string) string { return tag(18, list(p, u, "\xf6", s)) })
	payload("n12-payload-is-text", tstr(plain))
	whole("n12-no-header", func(p, u, m, s string) string { return tag(18, list(bstr(""), u, m, s)) })
	header("n12-header-list", func([]string) string { return list() })
	header("n12-behind-header", func(items []string) string { return cmap(items...) + "\x00" })
	header("n12-duplicate", func(items []string) string { return cmap(append(items, cint(1), cint(-7))...) })
	header("n12-duplicate-long-form", func(items []string) string { return cmap(append(items, "\x18\x01", cint(-7))...) })
	header("n12-duplicate-text", func(items []string) string { return cmap(append(items, tstr(cScheme), tstr("notary.x509"))...) })
	beside("n12-duplicate-unprotected", tstr("a"), cint(1), tstr("a"), cint(2))
	beside("n12-duplicate-across", cint(3), tstr("text/plain"))
	beside("n12-nesting-bomb", tstr("com.example.x"), nested(20000))
	beside("n12-tag-bomb", tstr("com.example.x"), strings.Repeat("\xc1", 20000)+cint(0))
	hdr("n12-nested-17", tstr("com.example.x"), nested(17))
	beside("n12-label-bytes", bstr("a"), cint(1))
	beside("n12-label-huge", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", cint(1))
	beside("n12-label-not-utf8", tstr("\xff"), cint(1))
	beside("n12-label-nul", tstr("a\x00b"), cint(1))
	var many []string
	for i := 100; i < 201; i++ {
		many = append(many, cint(i), cint(0))
	}
	beside("n12-101-labels", many[2:]...)
	hdr("n12-101-critical", cint(2), list(strings.Split(strings.Repeat(tstr(cScheme)+"|", 101), "|")[:101]...))
	chained("n12-chain-is-bytes", bstr(string(c.certs[0].Raw)))
	chained("n12-chain-is-empty", list())
	chained("n12-chain-of-texts", list(tstr("x")))
	chained("n12-chain-of-junk", list(bstr(string(c.certs[0].Raw)), bstr("junk")))
	chained("n12-chain-of-eleven", list(strings.Split(strings.Repeat(bstr("junk")+"|", 11), "|")[:11]...))
	chained("n12-no-chain", "none")
	with("n12-chain-named", func(f *coseForged) {
		f.x5chain = "none"
		f.beside = []string{tstr("33"), list(bstr(string(c.certs[0].Raw)))}
	})
	with("n12-chain-protected", func(f *coseForged) {
		f.x5chain = "none"
		f.protected = append(f.protected, cint(33), list(bstr(string(c.certs[0].Raw))))
	})
	// N-N14
	plugin := tstr("io.cncf.notary.verificationPlugin")
	hdr("n14-plugin", cint(2), crit(plugin), plugin, tstr("com.amazonaws.signer.notation.plugin"))
	hdr("n14-plugin-not-critical", plugin, tstr("x"))
	// N-N1, N-N7: the rules of chains are those of the others.
	with("n7-no-root", func(f *coseForged) { f.certs = c.certs[:2] })
	for i := 0; i < 3; i++ {
		delete(keys, fmt.Sprint("p256", i))
	}
	evil := newChain("p256", 3, nil)
	put("n1-other-root", "p256-3", honest(evil, signature.SigningSchemeX509, time.Time{}), pool{c.certs[2]})
	evil.key = newKey("p256", 2)
	with("n1-other-key", func(f *coseForged) { f.chain = &chain{evil.key, c.certs} })
}
