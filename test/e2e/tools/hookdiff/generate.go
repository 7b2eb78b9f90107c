package main

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
)

type maker struct{ *rand.Rand }

func (r *maker) pick(list ...string) string { return list[r.IntN(len(list))] }

// Members that a type looks at, written in some case.
func (r *maker) name(names []string) string {
	name := r.pick(names...)
	switch r.IntN(8) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

func (r *maker) value(names []string, depth int) string {
	switch n := r.IntN(12); {
	case n < 4:
		return r.pick(`"v1"`, `""`, `"acme/shop"`, `"a\nb"`, `"é"`, `"\u00e9"`,
			`"2026-01-31T09:30:00Z"`, `"2026-01-31T09:30:00.5+01:00"`, `"2026-01-31"`)
	case n < 5:
		return r.pick("null", "true", "false", "0", "-1.5e3", "12")
	case n < 6:
		return r.pick("[]", `["a"]`, `["a",null]`, `["a",1]`, "[[]]", "[{}]")
	case depth > 0:
		return r.object(names, depth-1)
	}
	return `"x"`
}

// A name comes once: of two members of one name Go looks at both, jansson at the last.
func (r *maker) object(names []string, depth int) string {
	var members []string
	seen := map[string]bool{}
	for range r.IntN(4) {
		name := r.name(names)
		if !seen[name] {
			members = append(members, `"`+name+`":`+r.value(names, depth))
		}
		seen[name] = true
	}
	return "{" + strings.Join(members, r.pick(",", " , ")) + "}"
}

// Half a body, one with something behind it, one that is none.
func (r *maker) spoil(text string) string {
	switch r.IntN(14) {
	case 0:
		return text[:r.IntN(len(text)+1)]
	case 1:
		return text + r.pick(" ", "\n", " x", "{}", "]", ",", "null")
	case 2:
		return r.pick("null", "[]", `"text"`, "text", "1", "", " ", "true", "nul", "{}")
	case 3:
		at := r.IntN(len(text))
		return text[:at] + r.pick("{", "}", `"`, ",", ":", "[", " ", "a", "0") + text[at:]
	}
	return text
}

func (r *maker) body(names ...string) string { return r.spoil(r.object(names, 2)) }

func (r *maker) envelope() string {
	inner := r.pick(`{"action":"INSERT","digest":"gcr.io/a/b@sha256:1","tag":"gcr.io/a/b:v1"}`, "null",
		r.body("action", "digest", "tag"))
	data := base64.StdEncoding.EncodeToString([]byte(inner))
	message := r.object([]string{"messageId", "publishTime", "subscription", "attributes"}, 1)
	data = r.pick(data, data, data, data, "!!", data+"=")
	if message == "{}" || r.IntN(2) == 0 {
		message = `{"data":"` + data + `"}`
	} else {
		message = message[:len(message)-1] + `,"data":"` + data + `"}`
	}
	return r.spoil(`{"` + r.name([]string{"message", "message", "message", "other"}) + `":` + message + "}")
}

func (r *maker) form() string {
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(r.pick("payload", "=", "&", "a", "%7B%7d", "%", "%4", "%zz", "+", ";", "é", "b=c", "%20"))
	}
	return b.String()
}

// One name has one value: Go refuses others, and nobody here looks at them.
func (r *maker) content() string {
	var b strings.Builder
	b.WriteString(r.pick("application/json", "application/json", "Application/JSON",
		"application/x-www-form-urlencoded", "text/plain", "application/vnd.x+json", "json", "",
		"application/", "/json", " application/json", "application/json "))
	for range r.IntN(3) {
		b.WriteString(r.pick(";", "; charset=utf-8", ";a=b", "; d = b", `; e="b"`, `; f="b;c"`, `; g="b`,
			`;h="\""`, ";a", ";=b", ";i=", `;j=""`, " ", ",", ",application/json", ", text/plain", ",application/json;x"))
	}
	return b.String()
}

func (r *maker) input(kind string) string {
	switch kind {
	case "dockerhub":
		return r.body("push_data", "repository", "tag", "repo_url", "x")
	case "quay":
		return r.body("docker_url", "updated_tags", "x")
	case "acr":
		return r.body("action", "target", "repository", "tag", "x")
	case "nexus":
		return r.body("action", "repositoryName", "x")
	case "gcr":
		return r.envelope()
	case "form":
		return r.form()
	}
	return r.content()
}
