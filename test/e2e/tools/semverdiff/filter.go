package main

import (
	"bufio"
	"strings"
)

// Where RE2 and Go may differ, and what Flux users write.
var fixedFilters = []string{
	`.*-staging-test-deploy-.*`, `^v?\d+\.\d+\.\d+$`, `rc`, ``, `^$`, `a|b|`, `(?i)RC`, `(?i:Rc)\.1`, `(?s).`, `(?m)^1`, `(?U)1.*?0`, `(?i-s)RC`, `(?-i)rc`, `(?x)a b`, `(?z)a`, `(?`, `(?i`,
	`(?P<n>rc)`, `(?<n>rc)`, `(?P<n>`, `(?<n>`, `(?<n`, `(?<>rc)`, `(?<é>rc)`, `(?P<é>rc)`, `(?<1>rc)`, `(?<n-m>rc)`, `(?<n>a)(?<n>b)`, `(?P<n>a)(?<n>b)`, `(?P=n)`, `(?'n'a)`, `(?P>n)`,
	`(?=a)`, `(?!a)`, `(?<=a)`, `(?<!a)`, `(?>a)`, `(?#c)`, `(?:a)`, `\1`, `(a)\1`, `\8`, `a++`, `a*+`, `a?+`, `a**`, `a{1}{2}`, `a{2}+`, `*a`, `+`, `?`, `a|*`, `(*a)`,
	`\Z`, `\z`, `1\z`, `\A1`, `\G`, `\h`, `\H`, `\R`, `\X`, `\K`, `\N`, `\C`, `[\C]`, `\Q\C\E`, `\Qa.b\E`, `\Q.`, `\Q1.0\E`, `\Q\Q\E`, `\E`, `a\E`, `\Q`, `[\Qa\E]`, `\Q(?<n>\E`, `(?<n>\Q(?<n>\E)?`, `\\C`, `\\(?<n>a)`, `[(?<n>]`, `[(?<]n>`,
	`\pL`, `\pl`, `\p{L}`, `\p{l}`, `\p{Lu}`, `\p{lu}`, `\PL`, `\p{^L}`, `\P{^L}`, `\p{Letter}`, `\p{letter}`, `\p{Uppercase_Letter}`, `\p{uppercase letter}`, `\p{Upper-Case-Letter}`, `\p{Greek}`, `\p{greek}`, `\p{GREEK}`, `\p{Grek}`, `\p{Latin}`, `\p{latin}`,
	`\p{Any}`, `\p{any}`, `\p{ASCII}`, `\p{ascii}`, `\P{ASCII}`, `\p{Assigned}`, `\p{assigned}`, `\P{Assigned}`, `\p{Cn}`, `\p{cn}`, `\p{LC}`, `\p{lc}`, `\P{LC}`, `\p{Nope}`, `\p{}`, `\p{L`, `\p`, `\P`, `\p1`, `[\pL]`, `[^\pL]`, `[\p{Letter}\d]`, `[\p{Nd}]`, `[\P{Nd}]`,
	`[\p{ASCII}]`, `[^\p{ASCII}]`, `[\p{LC}]`, `[\p{Any}]`, `[^\p{Any}]`, `[\p{Assigned}x]`, `\p{Decimal_Number}`, `\p{decimalnumber}`, `\p{digit}`, `\p{punct}`, `\p{Punctuation}`, `\p{Cased_Letter}`, `\p{Other}`, `\p{C}`, `\p{Zs}`, `\p{Space_Separator}`, `\p{olditalic}`, `\p{Old_Italic}`, `\p{Gr-eek}`, `\p{_greek_}`, `\p{gre ek}`, `\p{^^greek}`, `\p{^^L}`, `\p{}`, `\p{-}`, `\p{^}`,
	`\p{Common}`, `\p{Inherited}`, `\p{Han}`, `\p{han}`, `\p{^greek}`, `\p{^Letter}`, `\P{^letter}`, `\p{ L }`, `\p{L_}`, `\p{Symbol}`, `\p{Other_Symbol}`, `\p{cntrl}`, `\p{Control}`, `\p{^ASCII}`, `\p{^Any}`, `\p{Unassigned}`, `\p{Combining_Mark}`,
	`[a-c]`, `[c-a]`, `[]a]`, `[^]a]`, `[]`, `[`, `[a`, `[a-]`, `[-a]`, `[a-\d]`, `[\d-z]`, `[[:alpha:]]`, `[[:^alpha:]]`, `[[:nope:]]`, `[[:word:]]`, `[:alpha:]`, `[a&&b]`, `[^\S\s]`, `[\w.]+`, `[\.\-]`, `[\a]`, `[\b]`, `[[.a.]]`,
	`a{1000}`, `a{1001}`, `a{2,1}`, `a{,2}`, `a{2,}`, `a{`, `a{1`, `a{1,`, `a{x}`, `(a{10}){100}`, `(a{10}){101}`, `((a{2}){3}){200}`, `a{0}`, `a{00001}`, `a{-1}`, `{1}`, `x{1001`,
	`\x41`, `\x{41}`, `\x{110000}`, `\x4`, `\x{}`, `\x{zz}`, `\101`, `\0`, `\01`, `\07`, `\08`, `\777`, `\u0041`, `\cA`, `\e`, `\a\f\n\r\t\v`, `\_`, `\-`, `\é`, `\ `, `\/`, `\"`, `\`, `a\`, `\y`, `\i`,
	`\bv`, `\B0`, `\b`, `$`, `^`, `$a`, `a^`, `1$`, `0$|1$`, `(?m)0$`, `\d+`, `\D`, `\s`, `\S+`, `\w+`, `\W`, `.`, `..`, `(`, `)`, `(a`, `a)`, `()`, `(|a)`, `(?:)`, `(?i)`, `(?i)(?-i)RC`, `((((((1))))))`,
	"\x80", "a\xff", "é", "[é-ü]", "\\p{é}", "(?P<a\x80>b)", "a\tb", "1\n", "(?<a_1>1)", "(?P<a_1>1)", `(?P<_>1)`, `(?P<1a>1)`, `(?P<a>1)(?P<b>\.)`, `(?<a>1)|(?<b>2)`, `((?<n>1))`, `(?i)(?<n>RC)`, `a(?<n>1)?`,
	`(?P<n>a|(?<m>1))`, `\(?<n>1`, `\((?<n>1)`, `[\]](?<n>a)?`, `[[:alpha:](?<n>]`, `[^]](?<n>1)?`, `[]\C]`, `\\\C`, `(?i)\p{lu}`, `(?i)\p{Lu}\.`, `\pN+\.\pN+`, `\p{N}{3}`, `\p{Nd}{1,3}\.`, `(?i)[[:upper:]]`,
}

func atom(depth int) string {
	switch rnd.Intn(12) {
	case 0:
		return pick(`\d`, `\w`, `\.`, `\D`, `\s`, `\b`, `\B`, `\A`, `\z`, `\x31`, `\-`, `\Q1.\E`, `\C`, `\Z`, `\pN`, `\PL`, `\p{L}`, `\p{greek}`, `\p{Letter}`, `\p{nd}`, `\p{ASCII}`, `\p{^LC}`)
	case 1:
		return pick(`[0-9]`, `[a-z]`, `[^0-9]`, `[\d.]`, `[[:digit:]]`, `[.-]`, `[]-]`, `[\pL-]`, `[\w-]+`, `[r-c]`, `[\p{ascii}]`)
	case 2:
		return pick(`^`, `$`)
	case 3, 4:
		if depth > 0 {
			return pick(`(`, `(`, `(?:`, `(?P<n>`, `(?<n>`, `(?<m>`, `(?i:`, `(?i)(`, `(?=`, `(?>`, `(?<x1>`) + expr(depth-1) + ")"
		}
		return "."
	case 5:
		return pick(`rc`, `v`, `-`, `staging`, `RC`, `a`, `é`)
	default:
		return pick("0", "1", "2", "3", `\.`, ".")
	}
}

func expr(depth int) string {
	var b strings.Builder
	for range 1 + rnd.Intn(5) {
		b.WriteString(atom(depth))
		if rnd.Intn(3) == 0 {
			b.WriteString(pick("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,}", "{1001}", "**", "++"))
		}
		if rarely(10) {
			b.WriteString("|")
		}
	}
	return b.String()
}

func mutateFilter(s string) string {
	const alphabet = `()[]{}?*+|\.^$<>:PpQECdwbnz01,-_ iUsm=!`
	b := []byte(s)
	i := rnd.Intn(len(b) + 1)
	c := alphabet[rnd.Intn(len(alphabet))]
	if i == len(b) {
		return s + string(c)
	}
	if rnd.Intn(2) == 0 {
		return string(b[:i]) + string(b[i+1:])
	}
	return string(b[:i]) + string(c) + string(b[i:])
}

func filters(w *bufio.Writer, n int) {
	texts := []string{"", "1.0.0", "v1.2.3-rc.1", "main-staging-test-deploy-20", "latest", "A"}
	for _, f := range append(fixedFilters, strings.Repeat("(?:", 900)+strings.Repeat(")", 900), strings.Repeat("a?", 500), strings.Repeat("a|", 800)) {
		for _, t := range texts {
			res := filter(f, t)
			row(w, "F", f, t, res)
			if res == "-" {
				break
			}
		}
	}
	for i := 0; i < n; {
		f := expr(2)
		if rarely(6) {
			f = mutateFilter(f)
		}
		for range 3 {
			// A stray byte: Go's . matches it, RE2's does not. No registry has such tags.
			t := strings.ToValidUTF8(tag(), "")
			res := filter(f, t)
			row(w, "F", f, t, res)
			i++
			if res == "-" {
				break
			}
		}
	}
}
