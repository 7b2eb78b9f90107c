package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	"github.com/notaryproject/tspclient-go"
)

const tsaConf = `[tsa]
default_tsa = ours
[ours]
serial = %[1]s/serial
signer_cert = %[1]s/tsa.crt
signer_key = %[1]s/tsa.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
`

func tsaFiles(dir string) {
	notBefore = time.Now().Add(-time.Hour)
	c := newTSA("p256", 2, nil)
	write(dir+"/root.crt", certBlock(c.certs[1]))
	write(dir+"/tsa.crt", certBlock(c.certs[0]))
	write(dir+"/tsa.pem", &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(c.key))})
	for name, text := range map[string]string{"serial": "01\n", "tsa.cnf": fmt.Sprintf(tsaConf, dir)} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// opensslTSA: a directory of tsaFiles. openssl ts answers.
type opensslTSA string

func (dir opensslTSA) Timestamp(ctx context.Context, req *tspclient.Request) (*tspclient.Response, error) {
	query := string(dir) + "/query"
	if err := os.WriteFile(query, must(req.MarshalBinary()), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "openssl", "ts", "-reply", "-config", string(dir)+"/tsa.cnf", "-queryfile", query)
	cmd.Stderr = os.Stderr
	reply, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var resp tspclient.Response
	return &resp, resp.UnmarshalBinary(reply)
}
