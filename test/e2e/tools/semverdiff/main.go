// semverdiff prints a table of generated versions, ranges and filters with what Go's modules make of them. The C side
// (test/unit/text/table.c) reads it and compares. The same seed gives the same table.
//
// Rows, columns divided by tabs, \ \t \n \r and bytes outside printable ASCII written as \xHH:
//
//	V  tag            0|1       is the tag a version to Flux?
//	C  a  b           -1|0|1    how two versions compare
//	R  range  tag     -|0|1     does the tag match the range (-: the range is refused)
//	F  filter  tag    -|0|1     the same for a regular expression
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/fluxcd/pkg/version"
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

func row(w *bufio.Writer, cols ...string) {
	for i, c := range cols {
		if i > 0 {
			w.WriteByte('\t')
		}
		w.WriteString(escape(c))
	}
	w.WriteByte('\n')
}

func pick(list ...string) string { return list[rnd.Intn(len(list))] }

// one in n
func rarely(n int) bool { return rnd.Intn(n) == 0 }

func number() string {
	switch rnd.Intn(20) {
	case 0:
		return pick("00", "01", "10", "11", "18446744073709551615", "18446744073709551616", "99999999999999999999")
	default:
		return fmt.Sprint(rnd.Intn(4))
	}
}

func idents() string {
	n := 1 + rnd.Intn(3)
	var ids []string
	for range n {
		ids = append(ids, pick("0", "1", "2", "10", "a", "b", "rc", "alpha", "beta", "rc1", "rc-1", "-", "-1", "1a", "A",
			"staging-test-deploy-3", "staging-test-deploy-20", "18446744073709551615", "18446744073709551616", "99999999999999999999"))
		if rarely(40) {
			ids = append(ids, pick("01", "", "_"))
		}
	}
	return strings.Join(ids, ".")
}

func tail() string {
	s := ""
	if rnd.Intn(5) < 2 {
		s += "-" + idents()
	}
	if rarely(6) {
		s += "+" + idents()
	}
	return s
}

func tag() string {
	s := pick("", "", "", "v")
	n := 3
	if rarely(12) {
		n = 1 + rnd.Intn(4)
	}
	for i := range n {
		if i > 0 {
			s += "."
		}
		s += number()
	}
	s += tail()
	if rarely(25) {
		s = mutate(s)
	}
	return s
}

// A tag close to something written in the range, so that the borders are met.
func tagNear(r string) string {
	if rnd.Intn(3) == 0 {
		return tag()
	}
	var nums []string
	for _, f := range regexp.MustCompile(`[0-9xX*]+(\.[0-9xX*]+)*(-[0-9A-Za-z.-]+)?`).FindAllString(r, -1) {
		nums = append(nums, f)
	}
	if len(nums) == 0 {
		return tag()
	}
	s := nums[rnd.Intn(len(nums))]
	s, pre, _ := strings.Cut(s, "-")
	p := strings.Split(strings.NewReplacer("x", "0", "X", "0", "*", "0").Replace(s), ".")
	for len(p) < 3 {
		p = append(p, pick("0", "1"))
	}
	if rnd.Intn(3) > 0 {
		i := rnd.Intn(3)
		p[i] = number()
	}
	s = strings.Join(p, ".")
	switch rnd.Intn(4) {
	case 0:
		s += tail()
	case 1:
		if pre != "" {
			s += "-" + pre
		}
	}
	return pick("", "", "v") + s
}

func part() string {
	if rarely(8) {
		return pick("x", "X", "*")
	}
	if rarely(60) {
		return pick("|", "1|2", "xx", "1x", "**")
	}
	return number()
}

func con() string {
	s := pick("", "", "", "", "v") + part()
	for rnd.Intn(5) > 0 && strings.Count(s, ".") < 2 {
		s += "." + part()
	}
	if rnd.Intn(4) == 0 {
		s += tail()
	}
	return s
}

func blanks() string { return pick("", "", "", " ", " ", "  ", "\t") }

func term() string {
	return pick("", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "^") + pick("", "", " ") + con()
}

func group() string {
	if rarely(6) {
		return con() + pick(" ", "  ") + "-" + pick(" ", "  ") + con()
	}
	s := term()
	for rnd.Intn(3) == 0 {
		s += pick(" ", ",", ", ", " , ", " ", "\t") + term()
	}
	return s
}

func mutate(s string) string {
	const alphabet = "0123456789.-+xX*vV|<>=!~^, \t_aZ\v\x80é"
	b := []byte(s)
	for range 1 + rnd.Intn(2) {
		c := alphabet[rnd.Intn(len(alphabet))]
		switch i := rnd.Intn(len(b) + 1); {
		case i == len(b):
			b = append(b, c)
		case rarely(3):
			b = append(b[:i], b[i+1:]...)
		case rarely(2):
			b[i] = c
		default:
			b = append(b[:i], append([]byte{c}, b[i:]...)...)
		}
	}
	return string(b)
}

func constraint() string {
	s := blanks() + group()
	for rnd.Intn(5) == 0 {
		s += blanks() + "||" + blanks() + group()
	}
	s += blanks()
	if rarely(8) {
		s = mutate(s)
	}
	if rarely(300) {
		s = strings.Repeat(s+"||", 30+rnd.Intn(4)) + s
	}
	return s
}

var fixedRanges = []string{"", " ", "*", "x", "^*", "~*", "<=*", ">*", "!=*", "<*", "=*", "1", "1.x.3", "1.x.|", "x.|.|", ">=", "||", "1||", "||1",
	"1 || ", "1.0.0 2.0.0", "1.0.0,2.0.0", "1.0.0,,2.0.0", ",1", "1,", "1 - 2", "1 - 2||3 - 4", "1 - 2 || 3 - 4", "1 - 2 - 3", "1 - 2 - 3 - 4",
	"1 -2", "1- 2", "1-2", "x1.2.3.4 - 5", "1 - 2,1 - 2", ">1 - 2", "1 - x", "* - 2", ">1.2.3-0 <1.3.0", ">=0.0.0-0", ">=1.0.0-0", "~0.0.0", "^0", "^0.0",
	"^0.0.0", "^0.0.1", "^0.1", "^0.1.x", "^0.x", "^1.2.x", "~1", "~1.2", "~1.2.3-rc.1", "!=1", "!=1.2", "!=1.2.x-rc", ">1", ">1.2", "<=1", "<=1.2", "<1.x",
	"1.2.3.4", "1.2.3-", "1.2.3+", "1.2.3-01", "01.2.3", "V1", "vv1", ">v1", "> =1", "1|2", "1 | 2", "1.2.3_a", "^1.2.3+x", "1.2.3-a+b.c", "1.2.3 -a", ">=1.0.0 <2.0.0-0",
	"18446744073709551615.0.0", "18446744073709551616.0.0", ">=1\n<2", "\v1", "1\f", "  1.2  ", "=1.2", "=>1", "=<1", "~>1", "~ 1", "^\t1", "!1", "==1", "<>1", "><1"}

var fixedTags = []string{"0.0.0", "0.0.1", "0.1.0", "1.0.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "1.2.3-rc.1", "1.3.0-rc.a", "2.0.0-alpha", "v1.0.0", "0.0.0-0", "3.0.0", "1.1.1+m"}

var fixedVersions = []string{"", "1", "1.0", "1.0.0", "v1.0.0", "V1.0.0", "01.002.0003", "1.0.0.0", "1.2-rc.1", "1-a.b.c", "1.2+a.b", "1.0.0_a", "1.0.0-", "1.0.0+", "1.0.0-01",
	"1.0.0-0a", "1.0.0-a..b", "1.0.0-a.", " 1.0.0", "1.0.0 ", "1.0.0\n", "latest", "..", "1..0", "1.0.", "v.1.0", "1.0.0-rc.1+a-b.c", "1.0.0+a+b", "20240101.1.1", "1.0.0-é"}

func check(r, t string) string {
	c, err := semver.NewConstraint(r)
	if err != nil {
		return "-"
	}
	v, err := version.ParseVersion(t)
	if err == nil && c.Check(v) {
		return "1"
	}
	return "0"
}

func isVersion(t string) string {
	if _, err := version.ParseVersion(t); err != nil {
		return "0"
	}
	return "1"
}

func filter(f, t string) string {
	re, err := regexp.Compile(f)
	switch {
	case err != nil:
		return "-"
	case re.MatchString(t):
		return "1"
	}
	return "0"
}

func main() {
	seed := flag.Int64("seed", 1, "seed of the generator")
	n := flag.Int("n", 1000, "about how many rows of each kind")
	flag.Parse()
	rnd = rand.New(rand.NewSource(*seed))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()

	for _, t := range append(fixedVersions, "1.0.0-"+strings.Repeat("a", 250), "1.0.0-"+strings.Repeat("a", 251)) {
		row(w, "V", t, isVersion(t))
	}
	for _, r := range append(fixedRanges, strings.Repeat("1||", 31)+"1", strings.Repeat("1||", 32)+"1",
		strings.Repeat("1 ", 256)[:511], strings.Repeat(" ", 511)+"1", strings.Repeat(" ", 512)+"1",
		"1-"+strings.Repeat("a", 250), "1-"+strings.Repeat("a", 251), "1.0.0-"+strings.Repeat("a", 251)) {
		res := ""
		for _, t := range fixedTags {
			// One row is enough for a refused range.
			if res = check(r, t); res == "-" {
				row(w, "R", r, t, res)
				break
			}
			row(w, "R", r, t, res)
		}
	}
	for range *n / 2 {
		t := tag()
		row(w, "V", t, isVersion(t))
	}
	for i := 0; i < *n/2; {
		a, b := tag(), tag()
		if rnd.Intn(2) == 0 {
			b = tagNear(a)
		}
		va, e1 := version.ParseVersion(a)
		vb, e2 := version.ParseVersion(b)
		if e1 != nil || e2 != nil {
			continue
		}
		row(w, "C", a, b, fmt.Sprint(va.Compare(vb)))
		i++
	}
	for i := 0; i < *n*2; {
		r := constraint()
		for range 4 {
			t := tagNear(r)
			res := check(r, t)
			row(w, "R", r, t, res)
			i++
			if res == "-" {
				break
			}
		}
	}
	filters(w, *n)
}
