package main

import (
	"fmt"
	"strings"
)

func pick(list ...string) string { return list[rnd.Intn(len(list))] }

func rarely(n int) bool { return rnd.Intn(n) == 0 }

// What the variables may be; the first is the one of expressions from a file.
var worlds = []string{
	`{"res":{"apiVersion":"v1","kind":"GitRepository","metadata":{"name":"web","namespace":"apps","labels":{"app":"web","tier":"a-b"},"annotations":{},"generation":3}},` +
		`"req":{"s":"ghcr.io/org/web:v1.2.3","u":"h\u00e9llo \u65e5\u672c \ud83d\ude00","e":"","n":1,"d":1.5,"neg":-3,"big":9007199254740993,"t":true,"f":false,"nil":null,` +
		`"l":["a","b","c"],"nums":[1,2.5,3],"mix":[1,"a",null,true,[1],{"k":1}],"m":{"a":1,"b":"x","c":{"d":[1,2]}},"el":[],"em":{},"time":"2026-01-31T09:30:00Z","b64":"aGVsbG8=",` +
		`"objs":[{"name":"a","v":1},{"name":"b","v":2},{"v":3}]},` +
		`"claims":{"sub":"repo:org/web:ref:refs/heads/main","exp":1767225600,"aud":["x","y"],"email_verified":true},"vars":{"n":5,"d":5.0,"s":"main","l":[1,2,3],"t":true}}`,
	`{"res":{"metadata":{"name":"x"}},"req":{},"claims":{},"vars":{}}`,
	`{"res":{"metadata":{"name":"a","labels":null}},"req":{"s":1,"u":"u","n":"1","d":0,"l":{"a":1},"m":[1],"t":"true","nums":["1"],"objs":{"name":"x"},"time":5},"claims":{"sub":null},"vars":{"n":"x","l":{}}}`,
	`{"req":{"s":"a","l":["a"],"n":0,"t":false,"m":{"a":"a"}}}`,
}

var strs = []string{`""`, `"a"`, `'b'`, `"abc"`, `"web"`, `"héllo"`, `"日本"`, `"a,b,c"`, `"a-b"`, `" a "`, `'"'`, `"\n"`, `"\t x\u00a0"`, `r"\d+"`, `R'a\'`, `"\x41\u00e9\U0001F600\101"`, `"""a"b"""`, `'''it's'''`,
	`"1"`, `"-5"`, `"1.5"`, `"true"`, `"1h30m"`, `"2026-01-31T09:30:00Z"`, `"aGVsbG8="`, `"aGVsbG8"`, `"name"`, `"a.b"`, `"\"\'\\\?\a\b\f\v\r"`, "\"\\`\""}

var ints = []string{"0", "1", "-1", "2", "3", "5", "-7", "0x1F", "100", "9223372036854775807", "-9223372036854775808", "-0x10", "007"}
var uints = []string{"0u", "1u", "2U", "0xFFu", "18446744073709551615u"}
var doubles = []string{"0.0", "1.0", "1.5", "-2.5", ".5", "1e3", "1.5e-3", "-0.0", "1e308", "9223372036854775808.0", "0.1", "3.0", "1e21", "123456789.0", "-1e-7"}
var byteses = []string{`b""`, `b"a"`, `b'\xff\377'`, `b"héllo"`, `br"\x"`, `B"""a"""`}
var times = []string{`timestamp("2026-01-31T09:30:00Z")`, `timestamp("1970-01-01T00:00:00Z")`, `timestamp("2026-01-31T10:30:00.5+01:00")`, `timestamp(0)`, `timestamp(1767225600)`, `timestamp("9999-12-31T23:59:59.999999999Z")`, `timestamp("0001-01-01T00:00:00Z")`}
var durs = []string{`duration("1h")`, `duration("1m30s")`, `duration("-1.5h")`, `duration("0")`, `duration("100ms")`, `duration("1ns")`, `duration("2540400h")`}

// Mostly the one where something is there.
func world() string {
	if rarely(3) {
		return pick(worlds...)
	}
	return worlds[0]
}

// The variables of the macros around.
var locals []string

// Of the types that an expression may have: letters as in signatures.
var all = []string{"bool", "int", "uint", "double", "string", "bytes", "list(string)", "list(int)", "list(dyn)", "map", "dyn", "time", "dur", "opt", "null", "type"}

// gen makes an expression that mostly has this type.
func gen(t string, depth int) string {
	if rarely(60) {
		t = pick(all...)
	}
	if rarely(30) {
		return "(" + gen(t, depth) + ")"
	}
	if depth <= 0 {
		return leaf(t)
	}
	d := depth - 1
	if rarely(9) {
		return gen("bool", d) + " ? " + gen(t, d) + " : " + gen(t, d)
	}
	if rarely(14) {
		return gen("opt", d) + ".orValue(" + gen(t, d) + ")"
	}
	if rarely(25) {
		return "dyn(" + gen(t, d) + ")"
	}
	s := func(t string) string { return operand(t, d) }
	switch t {
	case "bool":
		switch rnd.Intn(22) {
		case 0, 1:
			return s("bool") + " && " + s("bool")
		case 2, 3:
			return s("bool") + " || " + s("bool")
		case 4:
			return "!" + s("bool")
		case 5, 6, 7:
			u := pick(all...)
			return s(u) + pick(" == ", " != ") + s(u)
		case 8, 9:
			u := pick("int", "double", "uint", "string", "bool", "bytes", "time", "dur")
			return s(u) + pick(" < ", " <= ", " > ", " >= ") + s(u)
		case 10:
			return s(pick("int", "double", "uint", "dyn")) + pick(" < ", " <= ", " > ", " >= ") + s(pick("int", "double", "uint", "dyn"))
		case 11:
			return s("string") + pick(".contains(", ".startsWith(", ".endsWith(") + gen("string", d) + ")"
		case 12:
			return s("string") + ".matches(" + pick(`"^[a-z]+$"`, `'a|b'`, `r"\d+\.\d+"`, `"("`, `"(?i)WEB"`, gen("string", d)) + ")"
		case 13:
			return s("string") + " in " + s(pick("list(string)", "map", "dyn"))
		case 14:
			return s(pick("int", "dyn", "double")) + " in " + s(pick("list(int)", "list(dyn)", "dyn"))
		case 15:
			for {
				// Of something optional, in a ternary, the peer's has() is no bool.
				if f := field(d); !strings.Contains(f, "?") {
					return "has(" + f + ")"
				}
			}
		case 16, 17:
			return macro(pick("all", "exists", "exists_one", "existsOne"), "bool", d)
		case 18:
			return "sets." + pick("contains", "equivalent", "intersects") + "(" + gen("list(int)", d) + ", " + gen(pick("list(int)", "list(dyn)"), d) + ")"
		case 19:
			return s("opt") + ".hasValue()"
		case 20:
			return "bool(" + gen(pick("bool", "string", "dyn"), d) + ")"
		default:
			return "type(" + gen(pick(all...), d) + ") == " + gen("type", d)
		}
	case "int":
		switch rnd.Intn(9) {
		case 0, 1:
			return s("int") + pick(" + ", " - ", " * ", " / ", " % ") + s("int")
		case 2:
			return "-" + s("int")
		case 3:
			return "size(" + gen(pick("string", "list(int)", "map", "bytes", "dyn"), d) + ")"
		case 4:
			return s(pick("string", "list(string)", "map", "bytes", "dyn")) + ".size()"
		case 5:
			return "int(" + gen(pick("int", "uint", "double", "string", "dyn", "time", "dur"), d) + ")"
		case 6:
			return s("string") + pick(".indexOf(", ".lastIndexOf(") + gen("string", d) + pick(")", ", "+gen("int", 0)+")")
		case 7:
			return s("list(int)") + "[" + gen(pick("int", "uint", "double"), d) + "]"
		default:
			return s("list(int)") + pick(".first()", ".last()") + ".value()"
		}
	case "uint":
		if rarely(2) {
			return s("uint") + pick(" + ", " - ", " * ", " / ", " % ") + s("uint")
		}
		return "uint(" + gen(pick("int", "uint", "double", "string", "dyn"), d) + ")"
	case "double":
		switch rnd.Intn(4) {
		case 0, 1:
			return s("double") + pick(" + ", " - ", " * ", " / ") + s("double")
		case 2:
			return "-" + s("double")
		default:
			return "double(" + gen(pick("int", "uint", "double", "string", "dyn"), d) + ")"
		}
	case "string":
		switch rnd.Intn(10) {
		case 0, 1:
			return s("string") + " + " + s("string")
		case 2:
			return "string(" + gen(pick("int", "uint", "double", "string", "dyn", "time", "dur", "bytes", "bool"), d) + ")"
		case 3:
			return s("string") + pick(".lowerAscii()", ".upperAscii()", ".trim()")
		case 4:
			return s("string") + ".charAt(" + gen("int", d) + ")"
		case 5:
			return s("string") + ".substring(" + gen("int", 0) + pick(")", ", "+gen("int", 0)+")")
		case 6:
			return s("string") + ".replace(" + gen("string", d) + ", " + gen("string", 0) + pick(")", ", "+gen("int", 0)+")")
		case 7:
			return s("list(string)") + pick(".join()", ".join("+gen("string", 0)+")")
		case 8:
			return "base64.encode(" + gen("bytes", d) + ")"
		default:
			return s("list(string)") + "[" + gen("int", 0) + "]"
		}
	case "bytes":
		switch rnd.Intn(3) {
		case 0:
			return s("bytes") + " + " + s("bytes")
		case 1:
			return "bytes(" + gen("string", d) + ")"
		default:
			return "base64.decode(" + gen("string", d) + ")"
		}
	case "list(string)":
		switch rnd.Intn(6) {
		case 0:
			return s("string") + ".split(" + gen("string", 0) + pick(")", ", "+gen("int", 0)+")")
		case 1:
			return s("list(string)") + " + " + s("list(string)")
		case 2:
			return listMacro("string", d)
		default:
			return list("string", d)
		}
	case "list(int)":
		switch rnd.Intn(5) {
		case 0:
			return s("list(int)") + " + " + s("list(int)")
		case 1:
			return listMacro("int", d)
		default:
			return list("int", d)
		}
	case "list(dyn)":
		return list(pick("dyn", "dyn", "double", "null", "map", "list(int)", "opt", "bool"), d)
	case "map":
		return mapping(d)
	case "time":
		switch rnd.Intn(4) {
		case 0:
			return s("time") + pick(" + ", " - ") + s("dur")
		case 1:
			return "timestamp(" + gen(pick("string", "int", "time", "dyn"), d) + ")"
		default:
			return s("dur") + " + " + s("time")
		}
	case "dur":
		switch rnd.Intn(4) {
		case 0:
			return s("dur") + pick(" + ", " - ") + s("dur")
		case 1:
			return s("time") + " - " + s("time")
		default:
			return "duration(" + gen(pick("string", "int", "dur", "dyn"), d) + ")"
		}
	case "opt":
		switch rnd.Intn(8) {
		case 0:
			return "optional.of(" + gen(pick(all[:13]...), d) + ")"
		case 1:
			return "optional.ofNonZeroValue(" + gen(pick(all[:13]...), d) + ")"
		case 2:
			return s("list(string)") + pick(".first()", ".last()")
		case 3:
			return s(pick("map", "dyn", "list(int)", "list(string)")) + "[?" + gen(pick("string", "int", "double"), 0) + "]"
		case 4:
			return s(pick("map", "dyn")) + ".?" + pick("a", "b", "name", "x")
		case 5:
			return s("opt") + "." + pick("a", "name", "?b")
		case 6:
			return s("opt") + ".or(" + gen("opt", d) + ")"
		default:
			return s("opt") + "[" + gen(pick("string", "int"), 0) + "]"
		}
	case "type":
		return "type(" + gen(pick(all...), d) + ")"
	case "null":
		return "null"
	default:
		switch rnd.Intn(6) {
		case 0:
			return s("dyn") + "[" + gen(pick("string", "int", "double", "uint", "bool"), 0) + "]"
		case 1:
			return s("dyn") + "." + pick("a", "name", "metadata", "c", "d")
		case 2:
			return s("opt") + ".value()"
		case 3:
			return s("dyn") + pick(" + ", " - ", " * ") + s(pick("dyn", "double", "string", "int"))
		default:
			return field(d)
		}
	}
}

// In parentheses when it needs some, mostly.
func operand(t string, depth int) string {
	e := gen(t, depth)
	if strings.ContainsAny(e, " ") && !rarely(12) {
		return "(" + e + ")"
	}
	return e
}

func field(depth int) string {
	if rarely(6) && depth > 0 {
		return operand(pick("map", "dyn", "opt"), depth-1) + "." + pick("a", "b", "name")
	}
	return pick("req.s", "req.u", "req.e", "req.n", "req.d", "req.neg", "req.big", "req.t", "req.f", "req.nil", "req.l", "req.nums", "req.mix", "req.m", "req.m.a", "req.m.c.d", "req.el", "req.em", "req.time", "req.b64",
		"req.objs", "req.missing", "req.missing.x", "req.s.x", "res.metadata.name", "res.metadata.labels", "res.metadata.labels.app", "res.kind", "res.spec", "res.metadata", "claims.sub", "claims.aud", "claims.exp",
		"vars.n", "vars.d", "vars.s", "vars.l", "vars.t", "req.?s", "req.?m.a", "req.?x.y", "res.?spec.?a", "res.metadata.?labels.?app", `req["s"]`, `req[?"n"]`, "req.l[0]", "req.nums[1]", "req.objs[0].name", "req.m.c", ".req.s")
}

func leaf(t string) string {
	if len(locals) > 0 && rarely(4) {
		return pick(locals...)
	}
	if rarely(12) {
		return field(0)
	}
	switch t {
	case "bool":
		return pick("true", "false", "true", "false", "req.t", "req.f", "claims.email_verified")
	case "int":
		return pick(ints...)
	case "uint":
		return pick(uints...)
	case "double":
		return pick(doubles...)
	case "string":
		return pick(strs...)
	case "bytes":
		return pick(byteses...)
	case "list(string)":
		return pick("[]", `["a"]`, `["a", "b"]`, `["x", "a", ""]`, "req.l", "claims.aud", `"a,b".split(",")`, `["a",]`)
	case "list(int)":
		return pick("[]", "[1]", "[1, 2, 3]", "[3, 2]", "vars.l", "req.nums", "[1, -1]", "[,]")
	case "list(dyn)":
		return pick("[]", "req.mix", "[dyn(1), 'a']", "[null]", "[1.0, 2.0]", "[[1], [2]]", "[{}]", "[req.n, req.s]")
	case "map":
		return pick("{}", `{"a": 1}`, `{"a": 1, "b": 2}`, `{1: "a"}`, `{true: 1.5, false: 2.0}`, `{"a": {"b": "c"}}`, "req", "req.m", "res.metadata.labels", `{1u: 1}`, `{"a": 1, "a": 2}`, `{"x": dyn(1), "y": "z"}`, "{,}")
	case "time":
		return pick(times...)
	case "dur":
		return pick(durs...)
	case "opt":
		return pick("optional.none()", "optional.of(1)", `optional.of("a")`, "req.?s", "req.?missing", "req.l[?0]", "[1][?0]", "[1][?5]", `{"a": 1}.?a`, `{"a": 1}[?"b"]`)
	case "null":
		return "null"
	case "type":
		return pick("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type", "google.protobuf.Timestamp", "google.protobuf.Duration", "optional_type")
	}
	return field(0)
}

func list(of string, depth int) string {
	var items []string
	for range rnd.Intn(4) {
		if rarely(12) {
			items = append(items, "?"+gen("opt", depth))
		} else {
			items = append(items, gen(of, depth-1))
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func mapping(depth int) string {
	var items []string
	key, value := pick("string", "string", "string", "int", "bool", "double"), pick(all...)
	for range rnd.Intn(4) {
		k := leaf(key)
		if key == "string" {
			k = pick(`"a"`, `"b"`, `"name"`, `"x"`, k)
		}
		if rarely(10) {
			items = append(items, "?"+k+": "+gen("opt", depth))
		} else {
			items = append(items, k+": "+gen(value, depth-1))
		}
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func within(t string, depth int) (string, string) {
	v := pick("x", "y", "i", "s", "req")
	locals = append(locals, v)
	e := gen(t, depth)
	locals = locals[:len(locals)-1]
	return v, e
}

func macro(name, t string, depth int) string {
	over := operand(pick("list(string)", "list(int)", "list(dyn)", "map", "dyn"), depth)
	v, e := within(t, depth)
	return fmt.Sprintf("%s.%s(%s, %s)", over, name, v, e)
}

// Over lists: the order of a map's keys is nobody's promise.
func listMacro(t string, depth int) string {
	over := operand(pick("list(string)", "list(int)", "list(dyn)"), depth)
	if rarely(3) {
		v, e := within("bool", depth)
		return fmt.Sprintf("%s.filter(%s, %s)", over, v, e)
	}
	v, e := within(t, depth)
	if rarely(3) {
		return fmt.Sprintf("%s.map(%s, %s, %s)", over, v, pick(v+" != null", "true", v+" == 1"), e)
	}
	return fmt.Sprintf("%s.map(%s, %s)", over, v, e)
}

// What the grammar has no room for, mostly.
func damage(e string) string {
	for range 1 + rnd.Intn(2) {
		if e == "" {
			break
		}
		at := rnd.Intn(len(e) + 1)
		switch rnd.Intn(3) {
		case 0:
			if at < len(e) {
				e = e[:at] + e[at+1:]
			}
		case 1:
			e = e[:at] + pick("(", ")", "[", "]", "{", "}", ".", ",", "-", "!", "?", ":", "\"", "'", "in", " in ", "&&", "||", "=", "&", "|", "1", "u", "e", "x", "0x", "\\", "#", "`", "//", "\n", " ", "if", "true", "null", "--", "!!", "..", "1.", ".5") + e[at:]
		default:
			from := rnd.Intn(len(e) + 1)
			if from > at {
				from, at = at, from
			}
			e = e[:at] + e[from:at] + e[at:]
		}
	}
	return e
}

func generate() string {
	locals = nil
	t := "bool"
	if rarely(3) {
		t = pick(all...)
	}
	e := gen(t, 1+rnd.Intn(4))
	if rarely(8) {
		e = damage(e)
	}
	if len(e) > 2000 || !valid(e) {
		return generate()
	}
	return e
}

// Damage may cut a character in two; C strings end at a NUL.
func valid(e string) bool {
	return strings.ToValidUTF8(e, "\uFFFD") == e && !strings.Contains(e, "\x00")
}
