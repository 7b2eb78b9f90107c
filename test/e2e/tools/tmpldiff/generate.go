package main

import (
	"strings"
)

func pick(list ...string) string { return list[rnd.Intn(len(list))] }

func rarely(n int) bool { return rnd.Intn(n) == 0 }

// Runs of rows with the same data keep the table short.
func world() int {
	if shown >= 0 && !rarely(50) {
		return shown
	}
	if rarely(2) {
		return 0
	}
	return rnd.Intn(len(worlds))
}

var strs = []string{`""`, `"a"`, `"abc"`, `"v1.2.3"`, `"1.2.0-rc.1+b"`, `"héllo wörld"`, "`raw \\n`", `"a,b,c"`, `"a-b"`, `" pad "`, `"x\ny"`, `"\t\x00\u00e9"`, `"<b>&'\""`, `"5"`, `"-3"`, `"0x1F"`, `"3.00"`, `"1e3"`, `"true"`,
	`"aGVsbG8="`, `"aGVsbG8"`, `"日本"`, `"a/b/c.txt"`, `"$1-${n}"`, `"%d"`, `"key"`, `"_0"`, `"OldValue"`, `"ABC def"`, `"{\"a\":[1,2.5,null]}"`, `"😀"`}
var ints = []string{"0", "1", "2", "3", "5", "-1", "-7", "10", "0x1F", "0b101", "0o17", "017", "1_000", "'a'", "'\\n'", "9223372036854775807", "100"}
var floats = []string{"0.0", "1.5", "-2.5", "1e3", "1e21", "1e-7", "123456789.0", "0.1", ".5", "3.", "1e100", "0x1p4", "1234567.0", "100000.0"}
var locals []string

var all = []string{"string", "int", "int64", "float", "bool", "list", "strings", "dict", "any"}

func leaf(t string) string {
	if len(locals) > 0 && rarely(4) {
		return pick(locals...)
	}
	if rarely(14) {
		return field()
	}
	switch t {
	case "string":
		if rarely(4) {
			return pick(".AutomationObject.Name", ".AutomationObject.Namespace", ".Values.cluster", ".Values.n", ".AutomationObject.String", "$.Values.cluster", `(index .Values "cluster")`, `(index .Values "none")`)
		}
		return pick(strs...)
	case "int":
		return pick(ints...)
	case "int64":
		return pick(`(int64 5)`, `(add 1 2)`, `(mul 3 4)`, `(sub 1 2)`)
	case "float":
		return pick(floats...)
	case "bool":
		return pick("true", "false")
	case "list":
		return pick(`(list 1 2 3)`, `(list "a" "b")`, `(list)`, `(list 1 "a" nil true 1.5)`, `.Changed.Changes`, `(list (list 1) (dict "a" 1))`, `(tuple 1)`, `(until 3)`)
	case "strings":
		return pick(`(splitList "," "a,b,c")`, `(list "b" "a" "c")`, `(splitList "-" "x")`, `(toStrings (list 1 2))`, `(regexFindAll "[a-z]" "a1b2" -1)`)
	case "dict":
		return pick(`(dict)`, `(dict "a" 1)`, `(dict "a" 1 "b" "x" "key" (list 1))`, `(dict "a" (dict "b" 2))`, `(dict "a")`, `(dict 1 nil)`, `(fromJson "{\"a\":1.5}")`)
	}
	return field()
}

func field() string {
	return pick(".", "$", "nil", ".AutomationObject", ".Changed", ".Changed.FileChanges", ".Changed.Objects", ".Changed.Changes", ".Values", ".Values.none", ".Values.none.x", ".Values.cluster.x", ".Nope", ".Changed.Nope",
		".Updated", ".Changed.ImageResult", ".AutomationObject.Nope", `(index .Changed.FileChanges "a.yaml")`, `(index .Changed.Changes 0)`, `(index .Changed.Changes 0).NewValue`, ".Changed.Changes.X", ".Changed.Objects.X",
		`(dict "a" nil).a`, `(dict "a" nil).a.b`, `(dict "a" (dict "b" 1)).a.b`, `(semver "1.2.3-rc.1+m")`, `(semver "v2").Major`, `(list 1 2).X`, `"x".Y`, `(first (list nil))`)
}

func paren(s string) string {
	if strings.ContainsAny(s, " ") && s[0] != '(' && s[0] != '"' && s[0] != '`' {
		return "(" + s + ")"
	}
	return s
}

func arg(t string, d int) string { return paren(gen(t, d)) }

var verbs = []string{"%s", "%d", "%v", "%q", "%t", "%x", "%X", "%f", "%e", "%g", "%G", "%c", "%U", "%#U", "%5d", "%-5d|", "%05d", "%+d", "% d", "%#x", "%o", "%#o", "%O", "%b", "%.2f", "%8.3f", "%-8.1f|", "%+.3e", "%.3g", "%#g", "%.0f", "%08.2f", "%10s|", "%-10s|", "%.2s", "%5.1s|", "%+q", "%#q",
	"% x", "%# x", "%+v", "%#v", "%T", "%%", "%z", "%!", "%", "%*d", "%-*d|", "%.*f", "%[2]d", "%[1]v %[1]v", "%[3]d", "%[x]d", "%6.2f%%", "%5t", "%05s", "%x %X", "%.3x", "%v %v", "%d %s", "%w", "%5%", "%é", "%.d", "%.0d", "%+.2d", "%6.3d|", "%-6.3d|", "%E", "%F", "%5c|", "%5q|", "%10v|", "%-10v|"}

func format() string {
	s := pick("", "", "a ", "x:")
	for range 1 + rnd.Intn(2) {
		s += pick(verbs...) + pick("", "", " ", "-", "\\n")
	}
	return `"` + s + `"`
}

// gen makes an expression that mostly has this type.
func gen(t string, depth int) string {
	if rarely(40) {
		t = pick(all...)
	}
	if depth <= 0 {
		return leaf(t)
	}
	d := depth - 1
	s := func(t string) string { return arg(t, d) }
	if rarely(12) {
		return pick("and ", "or ") + s(t) + " " + s(t) + pick("", " "+s(t))
	}
	if rarely(14) {
		return pick("default ", "coalesce ") + s(t) + " " + s(t)
	}
	if rarely(20) {
		return "ternary " + s(t) + " " + s(t) + " " + s("bool")
	}
	if rarely(20) {
		return pick("first ", "last ", "mustFirst ") + s("list")
	}
	if rarely(25) {
		return "index " + s(pick("list", "strings", "dict", "string", "any")) + " " + s(pick("int", "string"))
	}
	if rarely(40) {
		return pick("nope ", "Printf ", "len2 ", "break ") + s(t)
	}
	switch t {
	case "string":
		switch rnd.Intn(24) {
		case 0:
			return pick("upper ", "lower ", "title ", "untitle ", "trim ", "nospace ") + s("string")
		case 1:
			return pick("trimSuffix ", "trimPrefix ", "trimAll ", "trimall ") + s("string") + " " + s("string")
		case 2:
			return pick("quote ", "squote ", "cat ", "print ", "println ", "html ", "js ", "urlquery ") + s(pick(all...)) + pick("", " "+s(pick(all...)), " "+s(pick(all...))+" "+s(pick(all...)))
		case 3:
			return pick("trunc ", "abbrev ", "indent ", "nindent ") + pick(ints[:9]...) + " " + s("string")
		case 4:
			return "repeat " + pick("0", "1", "2", "3", "-1") + " " + s("string")
		case 5:
			return "replace " + s("string") + " " + s("string") + " " + s("string")
		case 6:
			return "join " + s("string") + " " + s(pick("list", "strings", "any"))
		case 7, 8, 9, 10:
			e := "printf " + format()
			for range rnd.Intn(4) {
				e += " " + s(pick(all...))
			}
			return e
		case 11:
			return "toString " + s(pick(all...))
		case 12:
			return pick("b64enc ", "b64dec ", "b32enc ", "sha256sum ", "sha512sum ", "adler32sum ", "regexQuoteMeta ", "base ", "ext ", "osBase ") + s("string")
		case 13:
			return pick("toJson ", "toRawJson ", "toPrettyJson ", "mustToJson ") + s(pick(all...))
		case 14:
			return "substr " + pick(ints[:9]...) + " " + pick(ints[:9]...) + " " + s("string")
		case 15:
			return "regexReplaceAll " + pattern() + " " + s("string") + " " + pick(`"$1"`, `"${1}x"`, `"<$0>"`, `"$$"`, `"${n}"`, s("string"))
		case 16:
			return pick("regexFind ", "mustRegexFind ") + pattern() + " " + s("string")
		case 17:
			return "regexReplaceAllLiteral " + pattern() + " " + s("string") + " " + s("string")
		case 18:
			return pick("kindOf ", "typeOf ") + s(pick(all...))
		case 19:
			return "plural " + s("string") + " " + s("string") + " " + s("int")
		case 20:
			return "(split " + s("string") + " " + s("string") + ")._" + pick("0", "1", "9")
		case 21:
			return `(semver ` + pick(`"1.2.3"`, `"v1.2"`, `"1"`, `"1.2.3-rc.1+b"`, `"x"`, `"1.02.3"`, `"1.2.3-01"`, s("string")) + `)` + pick("", ".Major", ".Minor", ".Patch", ".Prerelease", ".Metadata", ".Original", ".String")
		case 22:
			return "get " + s("dict") + " " + pick(`"a"`, `"b"`, `"key"`)
		default:
			return s("string") + " | " + pick("upper", "quote", "trunc 3", "printf \"%s!\"", "default \"d\"", "len", "html", "trimSuffix \"a\"", "print 1", "replace \"a\" \"b\"", "indent 2", "toString | quote", "contains \"a\"", "not", "eq \"a\"", "splitList \",\" | join \"-\"", "regexMatch \"a\"")
		}
	case "int":
		switch rnd.Intn(4) {
		case 0, 1:
			return "len " + s(pick("list", "strings", "string", "dict", "any"))
		case 2:
			return pick("int ", "atoi ") + s(pick("string", "int64", "float", "bool"))
		default:
			return "int " + s(pick(all...))
		}
	case "int64":
		switch rnd.Intn(5) {
		case 0:
			return pick("add ", "mul ", "max ", "min ", "biggest ") + s(pick("int", "int64", "float", "string", "any")) + pick("", " "+s("int"), " "+s("int64")+" "+s("int"))
		case 1:
			return pick("sub ", "div ", "mod ") + s(pick("int", "int64", "string")) + " " + s(pick("int", "int64"))
		case 2:
			return "add1 " + s(pick("int", "string"))
		default:
			return "int64 " + s(pick(all...))
		}
	case "float":
		return pick("float64 "+s(pick(all...)), "floor "+s("float"), "ceil "+s("float"), "round "+s("float")+" "+pick("0", "1", "2"), "round "+s("string")+" 1 "+pick("0.5", "0.9"))
	case "bool":
		switch rnd.Intn(12) {
		case 0, 1, 2:
			u := pick("string", "int", "int64", "float", "bool", "any")
			return pick("eq ", "ne ", "lt ", "le ", "gt ", "ge ") + s(u) + " " + s(pick(u, u, u, "int", "string", "any"))
		case 3:
			return "eq " + s("string") + " " + s("string") + " " + s("string")
		case 4:
			return "not " + s(pick(all...))
		case 5:
			return "empty " + s(pick(all...))
		case 6:
			return pick("contains ", "hasPrefix ", "hasSuffix ", "isAbs ") + s("string") + " " + s("string")
		case 7:
			return pick("has ", "mustHas ") + s(pick("string", "int")) + " " + s(pick("list", "strings", "any"))
		case 8:
			return "hasKey " + s("dict") + " " + pick(`"a"`, `"b"`, `"key"`)
		case 9:
			return pick("all ", "any ", "deepEqual ") + s(pick(all...)) + " " + s(pick(all...))
		case 10:
			return pick("regexMatch ", "mustRegexMatch ") + pattern() + " " + s("string")
		default:
			return pick("semverCompare "+pick(`"^1.0"`, `">=1.2.0 <2"`, `"~1.2 || 3.x"`, `"*"`, `"1.2.3"`, `"x y"`)+" "+pick(`"1.2.3"`, `"2.0"`, `"1.3.0-rc.1"`, `"a"`), "kindIs "+pick(`"string"`, `"int"`, `"slice"`, `"map"`)+" "+s("any"), "typeIs "+pick(`"string"`, `"int64"`)+" "+s(pick(all...)))
		}
	case "list":
		switch rnd.Intn(9) {
		case 0:
			return pick("rest ", "initial ", "reverse ", "uniq ", "compact ") + s(pick("list", "strings"))
		case 1:
			return pick("append ", "prepend ", "push ") + s(pick("list", "strings")) + " " + s(pick(all...))
		case 2:
			return "without " + s("list") + " " + s("int") + pick("", " "+s("string"))
		case 3:
			return "concat " + s("list") + " " + s("list")
		case 4:
			return "slice " + s(pick("list", "strings", "string")) + pick("", " 1", " 0 2", " 1 2", " 2 1", " 0 99")
		case 5:
			return pick("until "+pick("0", "2", "-3"), "untilStep 0 10 3", "untilStep 5 0 -2", "untilStep 0 5 -1")
		case 6:
			return "pluck \"a\" " + s("dict") + " " + s("dict")
		default:
			return "list " + s(pick(all...)) + " " + s(pick(all...))
		}
	case "strings":
		switch rnd.Intn(6) {
		case 0:
			return "splitList " + s("string") + " " + s("string")
		case 1:
			return pick("toStrings ", "sortAlpha ") + s(pick("list", "strings", "any"))
		case 2:
			return pick("regexFindAll ", "regexSplit ") + pattern() + " " + s("string") + " " + pick("-1", "0", "1", "2")
		case 3:
			return "keys " + s("dict")
		default:
			return leaf("strings")
		}
	case "dict":
		switch rnd.Intn(5) {
		case 0:
			return pick("pick ", "omit ") + s("dict") + ` "a"` + pick("", ` "b"`)
		case 1:
			return "split " + s("string") + " " + s("string")
		case 2:
			return "splitn " + s("string") + " " + pick("1", "2", "-1", "0") + " " + s("string")
		default:
			return "dict " + pick(`"a"`, `"b"`, s("string")) + " " + s(pick(all...)) + pick("", ` "c" `+s(pick(all...)))
		}
	}
	return gen(pick(all[:8]...), depth)
}

func pattern() string {
	return pick(`"[a-z]+"`, `"a*"`, `"(a)(b)?"`, `"(?P<n>[0-9]+)"`, `"^a"`, `"$"`, `"\\bb"`, `"b|c"`, `"."`, `""`, `"("`, `"[^a]"`, "`\\d+`", `"(?i)ABC"`)
}

func action(e string) string {
	left, right := "{{", "}}"
	if rarely(8) {
		left = "{{- "
	}
	if rarely(8) {
		right = " -}}"
	}
	return left + e + right
}

func text() string {
	return pick("", " ", "\n", "x", "a b", "\n\n  ", "- ", ": ", "é", "}", "{", "  \t")
}

func declare() string { return pick("$a", "$b", "$x") }

func body(depth int) string {
	marks := len(locals)
	var b strings.Builder
	for range 1 + rnd.Intn(3) {
		b.WriteString(text())
		b.WriteString(statement(depth))
	}
	b.WriteString(text())
	locals = locals[:marks]
	return b.String()
}

func statement(depth int) string {
	d := depth - 1
	if depth <= 0 || rarely(2) {
		return action(gen(pick(all...), 1+rnd.Intn(3)))
	}
	switch rnd.Intn(11) {
	case 0:
		e := body(d)
		if rarely(3) {
			e += action("else if "+gen("bool", 1)) + body(d)
		}
		if rarely(2) {
			e += action("else") + body(d)
		}
		return action("if "+gen(pick(all...), 2)) + e + action("end")
	case 1, 2, 3:
		over := pick(".Changed.FileChanges", ".Changed.Objects", ".Changed.Changes", ".Values", gen(pick("list", "strings", "dict", "int", "any"), 1))
		vars := ""
		marks := len(locals)
		switch rnd.Intn(3) {
		case 0:
			vars = "$v := "
			locals = append(locals, "$v", "$v.NewValue")
		case 1:
			vars = "$k, $v := "
			locals = append(locals, "$k", "$v", "$k.Kind", "$v.OldValue", "$k.Name")
		default:
			locals = append(locals, ".", ".OldValue")
		}
		e := body(d)
		if rarely(5) {
			e += action("if "+gen("bool", 1)) + action(pick("break", "continue")) + action("end") + text()
		}
		locals = locals[:marks]
		if rarely(4) {
			e += action("else") + body(d)
		}
		return action("range "+vars+over) + e + action("end")
	case 4:
		e := body(d)
		if rarely(3) {
			e += action(pick("else", "else with "+gen("any", 1))) + body(d)
		}
		return action("with "+pick("", "$w := ")+gen(pick(all...), 2)) + e + action("end")
	case 5, 6:
		v := declare()
		e := action(v + " := " + gen(pick(all...), 2))
		locals = append(locals, v)
		return e
	case 7:
		return action(pick("$a", "$x", "$v") + " = " + gen(pick(all...), 1))
	case 8:
		return action("/* a comment */")
	case 9:
		return action(`template "t" ` + pick("", ".", gen("any", 1)))
	default:
		return action(`block "b" `+gen("any", 1)) + body(d) + action("end")
	}
}

// What the grammar has no room for, mostly.
func damage(e string) string {
	at := rnd.Intn(len(e) + 1)
	switch rnd.Intn(3) {
	case 0:
		if at < len(e) {
			e = e[:at] + e[at+1:]
		}
	case 1:
		e = e[:at] + pick("(", ")", "{{", "}}", "{{end}}", "{{else}}", ".", "$", "\"", "'", "`", "|", ":=", "=", ",", " ", "\n", "-", "1", "nil", "{{break}}", "{{define \"t\"}}", "/*", "*/", "{{- ", " -}}", "é", "0x", "[", ":", "!") + e[at:]
	default:
		from := rnd.Intn(len(e) + 1)
		if from > at {
			from, at = at, from
		}
		e = e[:at] + e[from:at] + e[at:]
	}
	return e
}

func generate() string {
	for {
		locals = nil
		e := body(1 + rnd.Intn(3))
		if rarely(6) {
			e = `{{define "t"}}` + pick("T", "{{.}}", "{{.X}}", "{{template \"u\"}}", "{{$}}") + "{{end}}" + e
		}
		if rarely(6) {
			e = damage(e)
		}
		if len(e) < 1500 && strings.ToValidUTF8(e, "\uFFFD") == e && !odd(e) {
			return e
		}
	}
}

// What lib/template says that it does not do, or differs in.
func odd(e string) bool {
	for _, s := range []string{"complex", "i}}", "%p"} {
		if strings.Contains(e, s) {
			return true
		}
	}
	// A slice of a slice reaches behind its end, and a version in a number's verb is a pointer.
	if strings.Count(e, "slice") > 1 || strings.Contains(e, "slice") && (strings.Contains(e, "regex") || strings.Contains(e, "append") || strings.Contains(e, "push")) || strings.Contains(e, "semver") && strings.Contains(e, "printf") {
		return true
	}
	// A range over a number as large as these ends here and not there.
	for _, s := range []string{"9223372036854775807", "1e", "123456789", "1234567", "100000", "adler32sum", "0x1p4"} {
		if strings.Contains(e, "range") && strings.Contains(e, s) {
			return true
		}
	}
	return false
}
