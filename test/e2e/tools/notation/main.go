// notation: signs artifacts with the Notary Project's own library, and makes vectors of test/unit/verify/data.
//
//	notation certs DIR               a CA, DIR/root.crt, and a signer below it, DIR/signer.pem (key) and DIR/signer.crt (chain)
//	notation sign DIR HOST/REPO@DIGEST [cose]
//	notation vectors OUT             what test/unit/verify/data/notation holds
//	notation cose OUT                what test/unit/verify/data/cose holds
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"log"
	"os"
	"strings"
	"time"

	_ "github.com/notaryproject/notation-core-go/signature/cose"
	_ "github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"oras.land/oras-go/v2/registry/remote"
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func write(path string, blocks ...*pem.Block) {
	var out []byte
	for _, b := range blocks {
		out = append(out, pem.EncodeToMemory(b)...)
	}
	if err := os.WriteFile(path, out, 0o644); err != nil {
		log.Fatal(err)
	}
}

func certBlock(c *x509.Certificate) *pem.Block {
	return &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}
}

func certs(dir string) {
	notBefore = time.Now().Add(-time.Hour)
	c := newChain("p256", 2, nil)
	write(dir+"/root.crt", certBlock(c.certs[1]))
	write(dir+"/signer.crt", certBlock(c.certs[0]), certBlock(c.certs[1]))
	write(dir+"/signer.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(c.key))})
}

func sign(dir, ref, mediaType string) {
	var chain []*x509.Certificate
	rest := must(os.ReadFile(dir + "/signer.crt"))
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		chain = append(chain, must(x509.ParseCertificate(b.Bytes)))
	}
	block, _ := pem.Decode(must(os.ReadFile(dir + "/signer.pem")))
	key := must(x509.ParsePKCS8PrivateKey(block.Bytes)).(crypto.PrivateKey)
	repo := must(remote.NewRepository(strings.Split(ref, "@")[0]))
	repo.PlainHTTP = true
	opts := notation.SignOptions{ArtifactReference: ref}
	opts.SignatureMediaType = mediaType
	opts.ExpiryDuration = 24 * time.Hour
	must(notation.Sign(context.Background(), must(signer.NewGenericSigner(key, chain)), registry.NewRepository(repo), opts))
}

func main() {
	args := os.Args[1:]
	switch {
	case len(args) == 2 && args[0] == "certs":
		certs(args[1])
	case len(args) == 3 && args[0] == "sign":
		sign(args[1], args[2], jose)
	case len(args) == 4 && args[0] == "sign" && args[3] == "cose":
		sign(args[1], args[2], cose)
	case len(args) == 2 && args[0] == "vectors":
		vectors(args[1])
	case len(args) == 2 && args[0] == "cose":
		coseVectors(args[1])
	default:
		log.Fatal("usage: notation certs DIR | sign DIR REF [cose] | vectors OUT | cose OUT")
	}
}
