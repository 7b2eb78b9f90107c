// proxydiff prints a table of generated NO_PROXY lists and URLs with what golang.org/x/net/http/httpproxy makes of them: "list|URL|true" where
// the proxy is asked. The C side (test/e2e/proxydiff.c) reads it and compares. The same seed gives the same table. Left out are the two
// things that are ours on purpose: names below "localhost", and brackets without a port or dots at the end in a list.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

var rnd *rand.Rand

func pick(s ...string) string { return s[rnd.Intn(len(s))] }

func name() string {
	p := make([]string, 1+rnd.Intn(3))
	for i := range p {
		p[i] = pick("a", "reg", "corp", "test", "x-y", "localhost", "svc", "10", "0")
	}
	return strings.Join(p, ".")
}

func v4() string {
	return fmt.Sprintf("%s.%d.%d.%d", pick("10", "11", "127", "192"), rnd.Intn(2), 128*rnd.Intn(2), rnd.Intn(3))
}

func v6() string {
	return pick("fd00::1", "fd00::2", "::1", "2001:db8::1", "::ffff:10.0.0.1", "fe80::1", "::", "FD00:0::1")
}

func entry() string {
	switch rnd.Intn(11) {
	case 0:
		return pick("", ".", "*.") + name() + pick("", ":443", ":80", ":5000", ":", ":x")
	case 1:
		return v4() + pick("", ":443", ":5000", ":80")
	case 2:
		return fmt.Sprintf("%s/%d", v4(), rnd.Intn(34))
	case 3:
		return v6()
	case 4:
		return "[" + v6() + "]" + pick(":443", ":5000")
	case 5:
		return fmt.Sprintf("%s/%d", v6(), rnd.Intn(130))
	case 6:
		return pick("*", "", ".", "*.", ":80", "10.", "0.1", "**", "*a", "/8", "10.0.0.0/", "a/8", ":::", "a:b:c", "[::1", "::1]")
	case 7:
		return strings.ToUpper(name())
	default:
		return name()
	}
}

func host() string {
	switch rnd.Intn(4) {
	case 0:
		return v4()
	case 1:
		return "[" + v6() + "]"
	default:
		return name()
	}
}

func main() {
	n := flag.Int("n", 100000, "rows")
	seed := flag.Int64("seed", 1, "")
	flag.Parse()
	rnd = rand.New(rand.NewSource(*seed))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i := 0; i < *n; i++ {
		list := pick("", " ", "\t") + entry() + pick("", " ")
		if rnd.Intn(2) == 0 {
			list += "," + entry()
		}
		u, err := url.Parse(pick("http", "https") + "://" + host() + pick("", "", ":443", ":80", ":5000") + "/")
		if err != nil || strings.HasSuffix(u.Hostname(), ".localhost") {
			continue
		}
		via, err := (&httpproxy.Config{HTTPProxy: "proxy.test", HTTPSProxy: "proxy.test", NoProxy: list}).ProxyFunc()(u)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(out, "%s|%s|%v\n", list, u, via != nil)
	}
}
