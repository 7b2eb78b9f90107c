// tmpldiff prints a table of templates with data, and what Go's text/template with sprig's hermetic functions makes of them. The C side
// (test/unit/template/test_go.c) reads it and compares. The same seed gives the same table. With -f the templates of a file come first,
// one a line as a JSON string; lines that begin with # are comments.
//
// Rows, columns divided by tabs:
//
//	D  data                    of the templates below, JSON
//	T  template  kind  result  both as JSON strings
//
// kind is = (the result), ! (the error), or ? (an error whose words are another library's: of patterns, versions, JSON).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"

	"tmpldiff/source"
	"tmpldiff/types"
	"tmpldiff/update"
	"tmpldiff/yaml"
)

var rnd *rand.Rand
var out *bufio.Writer

type data struct {
	NS      string            `json:"ns"`
	Name    string            `json:"name"`
	Values  map[string]string `json:"values"`
	Changes [][8]string       `json:"changes"`
}

func (d data) build() source.TemplateData {
	t := source.TemplateData{AutomationObject: types.NamespacedName{Namespace: d.NS, Name: d.Name}, Values: d.Values}
	for _, c := range d.Changes {
		id := update.ObjectIdentifier{ResourceIdentifier: yaml.ResourceIdentifier{
			TypeMeta: yaml.TypeMeta{APIVersion: c[1], Kind: c[2]}, NameMeta: yaml.NameMeta{Name: c[3], Namespace: c[4]}}}
		t.Changed.Add(c[0], id, update.Change{OldValue: c[5], NewValue: c[6], Setter: c[7]})
	}
	return t
}

var worlds = []data{
	{"flux-system", "flux", map[string]string{"cluster": "prod", "empty": "", "n": "5"}, [][8]string{
		{"apps/web.yaml", "apps/v1", "Deployment", "web", "default", "ghcr.io/org/web:v1.0.0", "ghcr.io/org/web:v1.1.0", "flux-system:web"},
		{"apps/web.yaml", "apps/v1", "Deployment", "web", "default", "v1.0.0", "v1.1.0", "flux-system:web:tag"},
		{"apps/web.yaml", "v1", "ConfigMap", "web-env", "default", "1.0 <a&b>", "1.1 \"q\"", "flux-system:web"},
		{"base/kustomization.yaml", "kustomize.config.k8s.io/v1beta1", "Kustomization", "", "", "1.0.0", "1.1.0", "flux-system:api:tag"},
		{"infra/x.yaml", "apps/v1", "Deployment", "web", "default", "redis:7", "redis:8", "infra:redis"}}},
	{"a", "b", nil, nil},
	{"apps", "one", map[string]string{"Kunde": "Grün"}, [][8]string{{"a.yaml", "v1", "Pod", "p", "", "b", "c", "apps:p"}}},
	{"apps", "two", map[string]string{}, [][8]string{
		{"a.yaml", "v1", "Pod", "p", "", "a", "b", "apps:p"}, {"a.yaml", "v1", "Pod", "p", "", "c", "d", "apps:q"}, {"b.yaml", "v1", "Pod", "p", "", "a", "b", "apps:p"}}},
}

var removed = map[string]string{
	"can't evaluate field Updated in type source.TemplateData": "template uses removed '.Updated' field. Please use '.Changed' instead. " +
		"See: https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template",
	"can't evaluate field ImageResult in type update.Result": "template uses removed '.Changed.ImageResult' field. Please use '.Changed.FileChanges' or '.Changed.Objects' instead. " +
		"See: https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template",
}

var foreign = []string{"regexp", "regexReplaceAll", "error calling semver", "mustFromJson"}

// A result that ours would cut.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > 100_000 {
		return 0, io.ErrShortWrite
	}
	return l.Buffer.Write(p)
}

func judge(text string, d data) (string, string) {
	t, err := template.New("commit message").Funcs(sprig.HermeticTxtFuncMap()).Parse(text)
	b := &limited{}
	if err == nil {
		err = t.Execute(b, d.build())
	}
	if err == nil {
		return "=", b.String()
	}
	if errors.Is(err, io.ErrShortWrite) {
		return "", ""
	}
	for sign, message := range removed {
		if strings.Contains(err.Error(), sign) {
			return "!", message
		}
	}
	for _, f := range foreign {
		if strings.Contains(err.Error(), f) {
			return "?", ""
		}
	}
	return "!", err.Error()
}

func quote(s any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

var shown = -1

func row(text string, world int) bool {
	kind, result := judge(text, worlds[world])
	if kind == "" {
		return false
	}
	// What walks over a map in its own order is nobody's promise.
	if strings.Contains(text, "keys") || strings.Contains(text, "values") {
		for range 200 {
			if _, again := judge(text, worlds[world]); again != result {
				return false
			}
		}
	}
	if strings.ToValidUTF8(result, "\uFFFD") != result {
		return false
	}
	if shown != world {
		fmt.Fprintf(out, "D\t%s\n", quote(worlds[world]))
		shown = world
	}
	fmt.Fprintf(out, "T\t%s\t%s\t%s\n", quote(text), kind, quote(result))
	return true
}

func listed(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	for world := range worlds {
		for _, line := range strings.Split(string(text), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			var t string
			if err := json.Unmarshal([]byte(line), &t); err != nil {
				panic(line)
			}
			if !row(t, world) {
				panic("random: " + line)
			}
		}
	}
}

func main() {
	seed := flag.Int64("seed", 1, "of the random numbers")
	n := flag.Int("n", 1000, "generated rows")
	file := flag.String("f", "", "a file of templates")
	flag.Parse()
	rnd = rand.New(rand.NewSource(*seed))
	out = bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if *file != "" {
		listed(*file)
	}
	for rows := 0; rows < *n; {
		if row(generate(), world()) {
			rows++
		}
	}
}
