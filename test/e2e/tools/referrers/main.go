// referrers: an OCI registry in memory that answers GET /v2/<name>/referrers/<digest>, which Debian's docker-registry does not.
//
//	referrers 127.0.0.1:5000
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: referrers HOST:PORT")
	}
	log.Fatal(http.ListenAndServe(os.Args[1], registry.New(registry.WithReferrersSupport(true))))
}
