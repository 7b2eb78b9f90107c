package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

var (
	notBefore = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2056, 1, 1, 0, 0, 0, 0, time.UTC)
)

// chain: certs[0] is the signer's, and the last one the root.
type chain struct {
	key   crypto.Signer
	certs []*x509.Certificate
}

var keys = map[string]crypto.Signer{}

// newKey: one key a kind and place, so that a run takes seconds.
func newKey(kind string, at int) crypto.Signer {
	name := fmt.Sprint(kind, at)
	if k, ok := keys[name]; ok {
		return k
	}
	var bits int
	switch kind {
	case "weak": // who issues, not who signs
		if at == 0 {
			return newKey("p256", 0)
		}
		return newKey("rsa1024", at)
	case "p224":
		keys[name] = must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	case "p256":
		keys[name] = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	case "p384":
		keys[name] = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	case "p521":
		keys[name] = must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	default:
		must(fmt.Sscanf(kind, "rsa%d", &bits))
		keys[name] = must(rsa.GenerateKey(rand.Reader, bits))
	}
	return keys[name]
}

func name(cn string) pkix.Name {
	return pkix.Name{
		CommonName: cn, Organization: []string{"Notary"}, Country: []string{"US"}, Province: []string{"WA"},
		Locality: []string{"Seattle"},
	}
}

// newChain of n certificates. change: for each, from the signer's (0) on, before it is issued.
func newChain(kind string, n int, change func(at int, c *x509.Certificate)) *chain {
	templates := make([]*x509.Certificate, n)
	for i := range templates {
		t := &x509.Certificate{
			SerialNumber: big.NewInt(int64(100 + i)), NotBefore: notBefore, NotAfter: notAfter,
			Subject: name(fmt.Sprintf("CA %d", i)), KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true,
			IsCA: true,
		}
		if i == 0 {
			t.Subject = name("signer")
			t.KeyUsage = x509.KeyUsageDigitalSignature
			t.IsCA = false
			t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}
		if change != nil {
			change(i, t)
		}
		templates[i] = t
	}
	c := &chain{certs: make([]*x509.Certificate, n)}
	for i := n - 1; i >= 0; i-- {
		key, parent, parentKey := newKey(kind, i), templates[i], newKey(kind, i)
		if i < n-1 {
			parent, parentKey = c.certs[i+1], newKey(kind, i+1)
		}
		c.certs[i] = must(x509.ParseCertificate(must(
			x509.CreateCertificate(rand.Reader, templates[i], parent, key.Public(), parentKey))))
	}
	c.key = newKey(kind, 0)
	return c
}

// at: changes one certificate of a chain.
func at(i int, change func(c *x509.Certificate)) func(int, *x509.Certificate) {
	return func(at int, c *x509.Certificate) {
		if at == i {
			change(c)
		}
	}
}
