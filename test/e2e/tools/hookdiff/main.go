// hookdiff prints what Go makes of the bodies and content types that callers of Receivers send: a
// line for each, "TYPE<TAB>ok|no<TAB>INPUT", the input as a JSON string. -f names a file of CDEvents,
// one a line; the other inputs are made, the same ones for the same seed.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	cdevents "github.com/cdevents/sdk-go/pkg/api"
	cdevents04 "github.com/cdevents/sdk-go/pkg/api/v04"
)

type hub struct {
	Push struct {
		Tag string `json:"tag"`
	} `json:"push_data"`
	Repo struct {
		URL string `json:"repo_url"`
	} `json:"repository"`
}

type quay struct {
	URL  string   `json:"docker_url"`
	Tags []string `json:"updated_tags"`
}

type acr struct {
	Action string `json:"action"`
	Target struct {
		Repo string `json:"repository"`
		Tag  string `json:"tag"`
	} `json:"target"`
}

type nexus struct {
	Action string `json:"action"`
	Name   string `json:"repositoryName"`
}

type envelope struct {
	Message struct {
		Data    string    `json:"data"`
		ID      string    `json:"messageId"`
		Time    time.Time `json:"publishTime"`
		Subject string    `json:"subscription"`
	} `json:"message"`
}

type event struct {
	Action string `json:"action"`
	Digest string `json:"digest"`
	Tag    string `json:"tag"`
}

func first(text string, v any) error {
	return json.NewDecoder(bytes.NewReader([]byte(text))).Decode(v)
}

func gcr(text string) error {
	var e envelope
	if err := first(text, &e); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(e.Message.Data)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, &event{})
}

// The list that Flux reads where there is none.
func contentIsJSON(text string) error {
	for _, one := range strings.Split(text, ",") {
		t, _, err := mime.ParseMediaType(one)
		if err != nil {
			return err
		}
		if t == "application/json" {
			return nil
		}
	}
	return fmt.Errorf("another")
}

// The content types of github and bitbucket.
func contentOfHub(text string) error {
	t, _, err := mime.ParseMediaType(text)
	if err == nil && t != "application/json" && t != "application/x-www-form-urlencoded" {
		err = fmt.Errorf("another")
	}
	return err
}

// The SDK keeps members of the event before, so it gets new ones.
func cdevent(text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	for k, e := range cdevents04.CDEventsByUnversionedTypes {
		fresh := reflect.New(reflect.TypeOf(e).Elem()).Interface()
		cdevents04.CDEventsByUnversionedTypes[k] = fresh.(cdevents.CDEventV04)
	}
	e, err := cdevents04.NewFromJsonBytes([]byte(text))
	if err != nil {
		return err
	}
	return cdevents.Validate(e)
}

var judges = map[string]func(string) error{
	"dockerhub": func(s string) error { return first(s, &hub{}) },
	"quay":      func(s string) error { return first(s, &quay{}) },
	"acr":       func(s string) error { return first(s, &acr{}) },
	"nexus":     func(s string) error { return json.Unmarshal([]byte(s), &nexus{}) },
	"gcr":       gcr,
	"form":      func(s string) error { _, err := url.ParseQuery(s); return err },
	"content":   contentIsJSON,
	"hub":       contentOfHub,
	"cdevents":  cdevent,
}

func say(kind, input string) {
	if !utf8.ValidString(input) {
		return
	}
	verdict := "ok"
	if judges[kind](input) != nil {
		verdict = "no"
	}
	text, _ := json.Marshal(input)
	fmt.Printf("%s\t%s\t%s\n", kind, verdict, text)
}

func main() {
	seed := flag.Uint64("seed", 1, "of what is made")
	n := flag.Int("n", 100, "inputs of each type")
	file := flag.String("f", "", "CDEvents, one a line")
	flag.Parse()
	r := &maker{rand.New(rand.NewPCG(*seed, 0))}
	for _, kind := range []string{"dockerhub", "quay", "acr", "nexus", "gcr", "form", "content", "hub"} {
		for range *n {
			say(kind, r.input(kind))
		}
	}
	in, err := os.Open(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for s := bufio.NewScanner(in); s.Scan(); {
		say("cdevents", s.Text())
	}
}
