// policydiff prints tables of what an ImagePolicy is made of, with what Go makes of each. The C side
// (test/unit/text/table.c, test/unit/image/table.c) reads them and compares. The same seed gives the
// same table.
//
// Rows, columns divided by tabs, \ \t \n \r and bytes outside printable ASCII written as \xHH:
//
//	N  text                      - or the bits of strconv.ParseFloat(text, 64) in hex, or nan
//	X  pattern  template  text   - (no match) or = and what regexp's Expand makes of it
//	O  policy  arg  pattern  extract  tags   the tag that wins, or ! and why none does
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"regexp"
	"strconv"
	"strings"
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

func mutate(s, alphabet string) string {
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

// ---- numbers

var fixedNumbers = []string{"", "0", "-0", "+0", "1", "01", "+1", "-1", "1.", ".5", ".", "-.", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e+", "e1", ".e1", "1.e1", "0x1p4", "0X1P4", "0x1p-4", "0x.8p1", "0x1.p1",
	"0x.p1", "0x", "0xp1", "0x10", "0x1.8", "0x1p", "0x1pa", "0xap1", "0xfp1", "1_000", "1__0", "_1", "1_", "1_.5", "1._5", "1.5_", "1.5_5", "1e1_0", "1e_1", "1_e1", "1e1_", "0x_1p1", "0x1_p1", "0x1p1_0", "0_1", "0_x1p1",
	"-_1", "+_1", "0x_.8p1", "inf", "Inf", "INF", "+inf", "-inf", "infinity", "Infinity", "-INFINITY", "infin", "infinit", "infinityy", "in", "nan", "NaN", "NAN", "-nan", "+nan", "nan1", "na", "1e400", "-1e400", "1e308", "1.8e308", "1e-400",
	"1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "2.2250738585072012e-308", "4.9e-324", "2.4e-324", "2.5e-324", "0x1p1024", "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7p1023", "0x1p-1075", "0x1.8p-1075", "0x1p-1074",
	"9007199254740993", "9007199254740992", "9007199254740991", "20230101123456789", "20230101123456788", "123456789012345678901234567890", "1.2.3", "1..2", "v1", " 1", "1 ", "1\n", "1\t", "1,5", "1-2", "--1", "+-1", "0b1", "0o7", "0b1p1", "1f", "1d", "0x1g", "1p1", "٣", "１", "∞",
	"1e99999", "1e-99999", "1e100000", "1e1000000", "0e99999", "0x0p99999", "1e00000000000000000000001", "00000000000000000000000000000000000000001", "0.1", "0.30000000000000004", "5e-324", "i", "n", "+", "-", "+i", "0x1P+4", "0x1p+_4", "0x1.1_1p0", "0x1_.1p0", "0x1._1p0", "0x1_fp0", "0xe_fp0", "1_e", "1e5e5"}

func digits(n int) string {
	s := ""
	for range 1 + rnd.Intn(n) {
		s += string(rune('0' + rnd.Intn(10)))
		if rarely(30) {
			s += "_"
		}
	}
	return s
}

func someNumber() string {
	s := pick("", "", "", "+", "-")
	switch rnd.Intn(8) {
	case 0:
		s += "0x" + pick("", "_") + pick("1", "a", "F", "1f", "0", "8_8") + pick("", ".", ".8", ".f_f") + pick("p", "P", "p", "") + pick("", "+", "-") + digits(4)
	case 1:
		s += pick("inf", "nan", "infinity", "Inf", "NaN", "iNfInItY")
	case 2:
		s += digits(400)
	default:
		s += digits(20)
	}
	if rarely(3) {
		s += "." + digits(20)
	}
	if rarely(4) {
		s += pick("e", "E") + pick("", "+", "-") + digits(3)
	}
	if rarely(4) {
		s = mutate(s, "0123456789.+-eExXpP_aFinft ")
	}
	return s
}

func number(s string) string {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return "-"
	case math.IsNaN(v):
		return "nan"
	}
	return fmt.Sprintf("%016x", math.Float64bits(v))
}

func numbers(w *bufio.Writer, n int) {
	for _, s := range append(fixedNumbers, strings.Repeat("9", 300), strings.Repeat("9", 310), "0."+strings.Repeat("0", 700)+"1e700", strings.Repeat("1", 1000)+"e-999") {
		row(w, "N", s, number(s))
	}
	for range n {
		s := someNumber()
		row(w, "N", s, number(s))
	}
}

// ---- templates

var fixedTemplates = []string{"", "x", "$", "$$", "$$$", "$-", "${}", "${", "$}", "${sha", "${sha }", "${sha}", "$sha", "$sha-x", "$sha_x", "${sha}_x", "$shax", "$1", "${1}", "$1x", "${1}x", "$0", "${0}", "$2", "$3", "$9", "$01", "${01}", "$00", "$10", "$100000000", "$100000001", "$99999999",
	"$999999999999999999999", "$1.$2", "$1$2", "$$1", "$$$1", "a$1b", "a${1}b", "$é", "$1é", "${1é}", "${sha}é", "$é$1", "$٣", "$日本", "é$1", "${1", "${1}}", "{$1}", "${{1}}", "$ 1", "${ 1}", "$1 ", "\\1", "$\\1", "$sha$sha", "$n", "$N", "$_", "${_}", "$a1", "$1a1", "$-1", "$+1", "${-}", "$1-$2-$3", "$é1", "${é", "$1\x80", "$\x80", "${1\xff}", "$a\u0301", "$ⅷ", "$²", "$ª"}

var fixedPatterns = []string{`^sha-(?P<sha>[a-fA-F0-9]+)$`, `(a)(b)?`, `(?P<n>a)|(?P<n>b)`, `(?P<n>b)?(?P<n>a)`, `^(?P<a1>.)(?P<_>.)(?P<N>.)`, `a*`, `(a*)+`, `(a|ab)(c|bcd)(d*)`, `(?P<01>a)(?P<100000001>b)?`, `(?P<1>b)?(a)`, `()`, `x*`, `(?i)(?P<sha>A)`, `(?P<sha>\d+)-(\w+)`, `(.*)`, `(.*?)(\d+)$`, `a(?:b)(?P<sha>.)`, `(a)|(b)|(ab)`, `((a)|(b))+`, `(?P<sha>[0-9a-f]{7})[0-9a-f]*`, `$`, `^`, `(^|x)(?P<sha>a?)`}

func somePattern() string {
	s := pick("", "^", "")
	for range 1 + rnd.Intn(4) {
		s += pick(`(?P<sha>[a-f0-9]+)`, `(?P<n>[a-z]+)`, `(?P<ts>\d+)`, `(\d+)`, `([a-z]*)`, `(a|ab)`, `(b)?`, `(?:x|y)`, `(?P<n>-|_)`, `.*`, `.+?`, `-`, `v?`, `(?P<a1>v)?`, `((\d)\d*)`, `\.`, `(?i:(A+))`, `(a*|b)`) + pick("", "", "", "", "?", "{1,2}")
		if rarely(8) {
			s += "|"
		}
	}
	return s + pick("", "$", "")
}

func someTemplate() string {
	s := ""
	for range 1 + rnd.Intn(4) {
		s += pick("$1", "$2", "${1}", "${2}", "$3", "$0", "$sha", "${sha}", "$n", "${n}", "$ts", "$a1", "-", "_", ".", "x", "$$", "$", "{", "}", "0", "1", "é", "${", "$x", "$01", " ")
	}
	return s
}

func someText() string {
	s := ""
	for range 1 + rnd.Intn(4) {
		s += pick("a", "b", "ab", "abcd", "1", "12", "007", "v", "-", "_", ".", "sha-", "deadbeef", "1a2b", "x", "main", "A")
	}
	return s
}

func expansion(re *regexp.Regexp, template, text string) string {
	at := re.FindStringSubmatchIndex(text)
	if at == nil {
		return "-"
	}
	return "=" + string(re.ExpandString(nil, template, text, at))
}

func templates(w *bufio.Writer, n int) {
	for _, p := range fixedPatterns {
		re := regexp.MustCompile(p)
		for _, t := range fixedTemplates {
			for _, s := range []string{"sha-deadbeef", "ab"} {
				row(w, "X", p, t, s, expansion(re, t, s))
			}
		}
	}
	for i := 0; i < n; {
		p := somePattern()
		re, err := regexp.Compile(p)
		if err != nil {
			continue
		}
		for range 3 {
			t, s := someTemplate(), someText()
			if rarely(6) {
				t = mutate(t, "$${}1a_-é")
			}
			row(w, "X", p, t, s, expansion(re, t, s))
			i++
		}
	}
}

func main() {
	seed := flag.Int64("seed", 1, "seed of the generator")
	n := flag.Int("n", 1000, "about how many rows of each kind")
	what := flag.String("what", "text", "text: rows N and X; choice: rows O")
	flag.Parse()
	rnd = rand.New(rand.NewSource(*seed))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	if *what == "choice" {
		choices(w, *n)
		return
	}
	numbers(w, *n)
	templates(w, *n)
}
