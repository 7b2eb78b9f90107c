// yamldiff prints a table of generated YAML documents with the JSON that sigs.k8s.io/yaml makes of them, numbers as Kubernetes then reads
// them (whole ones as integers, as long as 64 bits hold them). The C side (test/unit/text/table.c) reads it and compares. The same
// seed gives the same table.
//
// Rows, columns divided by tabs, backslash and bytes outside printable ASCII written as \xHH:
//
//	Y  document  -|JSON      (-: it is refused)
//
// Left out, because lib/text/yaml.h says that it differs: a << that comes after an explicit key, twice, or with keys that stand in two
// places; 1 beside "1" in one mapping; !!binary; the escape \/.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v2"
)

var rnd *rand.Rand

func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			fmt.Fprintf(&b, "\\x%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func pick(list ...string) string { return list[rnd.Intn(len(list))] }

func rarely(n int) bool { return rnd.Intn(n) == 0 }

var scalars = []string{"", "~", "null", "Null", "NULL", "nULL", "y", "Y", "yes", "Yes", "YES", "yEs", "n", "N", "no", "No", "NO", "true", "True", "TRUE", "tRUE", "false", "False", "FALSE",
	"on", "On", "ON", "oN", "off", "Off", "OFF", "t", "f", "o", ".nan", ".NaN", ".inf", "-.inf", "+.Inf", ".INFINITY", "nan", "inf",
	"0", "1", "-1", "+1", "-0", "+0", "00", "01", "07", "08", "0777", "-017", "0o17", "0O17", "0b101", "0B11", "-0b11", "+0b1", "0b", "0b2", "0x1F", "0X1f", "-0x1f", "0x", "0xg", "1_000", "_1", "1_", "1__0", "0_7", "0x_f", "0b_1", "-_1",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "0xffffffffffffffff", "0x10000000000000000", "+18446744073709551615",
	"1.", "1.0", "1.5", "-1.5", "+1.5", ".5", "-.5", "+.5", ".", "..", "1..2", "1.2.3", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e+", "e3", ".e3", "1.e3", ".5e3", ".5_0", "._5", ".5_", "1_0.5_0", "1e400", "-1e400", ".5e400", "1e-400", "1e21", "1e20", "1.1e18", "9.3e18", "1e5", "1e6", "123456.789", "16777217.0", "0.00001", "0.0001", "1e15", "123456789.0",
	"1.10", "v1", "1:30", "190:20:30", "1,000", "2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43", "2001-13-01", "-", "+", "--", "-a", "+a", "=", "a", "foo bar", "a:b", "http://x/y", "a#b", "a #b", "é", "日本", "0.0.0.0", "10.0.0.0/8", "1m", "500Mi", "100m", "0xZ", "1d", "'", "it's"}

var quoted = []string{`""`, `''`, `"a"`, `'a'`, `"1"`, `'1'`, `"true"`, `'null'`, `"~"`, `"a\tb"`, `"a\nb"`, `"\x41"`, `"\u00e9"`, `"\U0001F600"`, `"\ud83d"`, `"\z"`, `'it''s'`, `"<<"`, `"a b"`, `"\""`, `"2001-01-01"`, `"\e"`, `"\_"`, `"\L"`}

var tagged = []string{"!!str 1", "!!str", "!!str true", "!!int 1", `!!int "3"`, "!!int a", "!!int 1.5", "!!int 0x10", "!!float 1", "!!float 1.5", "!!float a", `!!bool "yes"`, "!!bool 1", "!!null ''", "!!null a", "!foo 1", "!foo a", "! 1", "! a", "!!foo 1", "!<tag:yaml.org,2002:str> 1", `!!float "2"`, "!!float 0b1", "!!int 08", "!!null ~"}

func scalar() string {
	switch rnd.Intn(8) {
	case 0:
		return pick(quoted...)
	case 1:
		return pick(tagged...)
	default:
		return pick(scalars...)
	}
}

func key() string {
	if rarely(3) {
		return scalar()
	}
	return pick("a", "b", "c", "d", "metadata", "name", "kind")
}

// anchors that the text has so far
var anchors []string

func flow(depth int) string {
	switch rnd.Intn(6) {
	case 0:
		if depth > 0 {
			var s []string
			for range rnd.Intn(4) {
				s = append(s, flow(depth-1))
			}
			return "[" + strings.Join(s, pick(",", ", ")) + pick("", "", ",") + "]"
		}
	case 1:
		if depth > 0 {
			var s []string
			for range rnd.Intn(4) {
				s = append(s, key()+": "+flow(depth-1))
			}
			return "{" + strings.Join(s, ", ") + "}"
		}
	case 2:
		if len(anchors) > 0 && rarely(2) {
			return "*" + pick(anchors...) + " "
		}
	}
	return scalar()
}

func anchor() string {
	if rarely(5) {
		a := pick("x", "y", "z")
		anchors = append(anchors, a)
		return "&" + a + " "
	}
	return ""
}

func block(w *strings.Builder, indent string, depth int) {
	switch n := rnd.Intn(10); {
	case n < 3 && depth > 0:
		w.WriteString(anchor() + "\n")
		if len(anchors) > 0 && rarely(4) {
			w.WriteString(indent + "<<: " + pick("*", "*", "[*") + pick(anchors...))
			s := w.String()
			if strings.HasSuffix(s[:len(s)-1], "[*") {
				w.WriteString(", *" + pick(anchors...) + "]")
			}
			w.WriteString("\n")
		}
		for range 1 + rnd.Intn(4) {
			if rarely(12) {
				w.WriteString(indent + "# comment\n")
			}
			w.WriteString(indent + pick("", "", "", "", "", anchor()) + key() + ":" + pick(" ", " ", " ", "\t"))
			block(w, indent+"  ", depth-1)
		}
	case n < 5 && depth > 0:
		w.WriteString(anchor() + "\n")
		for range 1 + rnd.Intn(4) {
			w.WriteString(indent + "- ")
			block(w, indent+"  ", depth-1)
		}
	case n == 5:
		if indent == "" {
			indent = "  "
		}
		w.WriteString(pick("|", "|-", "|+", ">", ">-", ">+", "|2") + "\n" + indent + pick("text", "1", "true") + "\n" + pick("", indent+"more\n", "\n", indent+"  deep\n"))
	case n == 6:
		w.WriteString(anchor() + flow(2) + "\n")
	default:
		w.WriteString(anchor() + scalar() + pick("", "", "", " # c", " ") + "\n")
	}
}

func document() string {
	anchors = nil
	var b strings.Builder
	b.WriteString(pick("", "", "", "---\n", "# c\n", "%YAML 1.1\n---\n"))
	block(&b, "", 3)
	s := b.String()
	if rarely(12) {
		i := rnd.Intn(len(s))
		s = s[:i] + pick("\t", ":", "-", " ", "\n", "\"", "'", "[", "}", "*a", "&a", "!", "%", "@", "`", "\\", "\xff", "\u0085", "\r\n", "#") + s[i+rnd.Intn(2):]
	}
	return s
}

// Numbers as Kubernetes' JSON decoder reads them.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		f, _ := v.Float64()
		return json.Number(strconv.FormatFloat(f, 'e', -1, 64))
	}
	return v
}

// What libyaml and Go's copy of it see differently: a tag that runs on into a flow's punctuation, a colon before it, \'. A NUL is an error
// here; JSON may begin with a tab here; Go takes 0b-1 for a number.
var skipped = regexp.MustCompile(`![^\s]*[,\[\]{}]|:[,\[\]{}]|\\'|\\0|^\s*\t\s*[\[{]|0b_*[-+]`)

// All keys in a value: fewer in JSON than in YAML when 1 and "1" stand in one mapping, which is an error here only.
func keys(v any) int {
	n := 0
	switch v := v.(type) {
	case map[any]any:
		for _, e := range v {
			n += 1 + keys(e)
		}
	case map[string]any:
		for _, e := range v {
			n += 1 + keys(e)
		}
	case []any:
		for _, e := range v {
			n += keys(e)
		}
	}
	return n
}

// Empty when there is nothing to compare, as with more than one document: sigs.k8s.io/yaml reads the first only.
func convert(doc string) string {
	if skipped.MatchString(doc) {
		return ""
	}
	all := goyaml.NewDecoder(strings.NewReader(doc))
	for n := 0; ; n++ {
		var v any
		err := all.Decode(&v)
		if err == io.EOF {
			break
		}
		if err != nil {
			return "-"
		}
		if n == 1 {
			return ""
		}
	}
	j, err := yaml.YAMLToJSONStrict([]byte(doc))
	if err != nil {
		if strings.Contains(doc, "<<") && strings.Contains(err.Error(), "already set in map") {
			return ""
		}
		return "-"
	}
	var y, back any
	if goyaml.Unmarshal([]byte(doc), &y) != nil || json.Unmarshal(j, &back) != nil || keys(y) != keys(back) {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(j))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "-"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(normal(v)); err != nil {
		return "-"
	}
	return strings.TrimSpace(b.String())
}

func main() {
	seed := flag.Int64("seed", 1, "seed of the generator")
	n := flag.Int("n", 1000, "how many documents beside the fixed ones")
	flag.Parse()
	rnd = rand.New(rand.NewSource(*seed))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	one := func(doc string) {
		if j := convert(doc); j != "" {
			fmt.Fprintf(w, "Y\t%s\t%s\n", escape(doc), escape(j))
		}
	}
	for _, s := range scalars {
		one("a: " + s + "\n")
		one("[" + s + "]")
	}
	for _, s := range append(scalars[5:], quoted...) {
		one(s + ": a\n")
	}
	for _, s := range append(quoted, tagged...) {
		one("- " + s + "\n")
	}
	for range *n {
		one(document())
	}
}
