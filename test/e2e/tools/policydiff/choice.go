package main

import (
	"bufio"
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/fluxcd/pkg/version"
)

// An entry of the list that a policy orders: its key, and the tag that the key stands for.
type entry struct{ key, tag string }

// The list in descending order of bytes, by the filter and the template, as lib/image/choose.h has
// it: of tags with one key the last one stays, at the place of the first. A tag that does not match
// is left out.
func entries(tags []string, re *regexp.Regexp, extract string) []entry {
	var list []entry
	at := map[string]int{}
	sort.Sort(sort.Reverse(sort.StringSlice(tags)))
	for _, t := range tags {
		key := t
		if re != nil {
			m := re.FindStringSubmatchIndex(t)
			if m == nil {
				continue
			}
			if extract != "" {
				key = string(re.ExpandString(nil, extract, t, m))
			}
		}
		if i, ok := at[key]; ok {
			list[i].tag = t
			continue
		}
		at[key] = len(list)
		list = append(list, entry{key, t})
	}
	return list
}

func alphabetical(order string, list []entry) string {
	sort.SliceStable(list, func(i, j int) bool { return list[i].key < list[j].key })
	if order == "desc" {
		return list[0].tag
	}
	return list[len(list)-1].tag
}

// What ties goes to the tag that stands later in the list: the smallest one.
func numerical(order string, list []entry) string {
	var best *entry
	var bestValue float64
	for i := range list {
		v, err := strconv.ParseFloat(list[i].key, 64)
		if err != nil {
			return "!number " + list[i].key
		}
		if math.IsNaN(v) {
			continue
		}
		better := best == nil || (order == "desc" && v < bestValue) || (order != "desc" && v > bestValue)
		if better || (v == bestValue && list[i].tag < best.tag) {
			best, bestValue = &list[i], v
		}
	}
	if best == nil {
		return "!none"
	}
	return best.tag
}

// What is equal goes to the key that comes first in the list.
func semantic(c *semver.Constraints, list []entry) string {
	var best *entry
	var bestVersion *semver.Version
	for i := range list {
		v, err := version.ParseVersion(list[i].key)
		if err == nil && c.Check(v) && (best == nil || v.GreaterThan(bestVersion)) {
			best, bestVersion = &list[i], v
		}
	}
	if best == nil {
		return "!none"
	}
	return best.tag
}

func choice(policy, arg, pattern, extract string, tags []string) string {
	var re *regexp.Regexp
	var err error
	var c *semver.Constraints
	if policy == "semver" {
		if c, err = semver.NewConstraint(arg); err != nil {
			return "!range"
		}
	}
	if pattern != "" {
		if re, err = regexp.Compile(pattern); err != nil {
			return "!pattern"
		}
	}
	list := entries(tags, re, extract)
	switch {
	case len(list) == 0:
		return "!empty"
	case policy == "semver":
		return semantic(c, list)
	case policy == "numerical":
		return numerical(arg, list)
	}
	return alphabetical(arg, list)
}

func someTag() string {
	switch rnd.Intn(8) {
	case 0:
		return fmt.Sprintf("sha-%x", rnd.Intn(1<<16))
	case 1:
		return fmt.Sprintf("%s-%x-%d", pick("main", "dev", "Main"), rnd.Intn(256), rnd.Intn(20))
	case 2:
		return fmt.Sprintf("%s%d.%d.%d%s", pick("", "v"), rnd.Intn(3), rnd.Intn(3), rnd.Intn(3), pick("", "", "", "-rc.1", "-rc.2", "-alpha"))
	case 3:
		return fmt.Sprintf("%s-%s%d.%d.%d", pick("a", "b", "q", "r"), pick("", "v"), rnd.Intn(2), rnd.Intn(2), rnd.Intn(2))
	case 4:
		return pick("1", "01", "1.0", "2", "02", "2.0", "10", "9", "1e1", "0x1p4", "inf", "nan", "NaN", "1_000", "-1", "20230101123456789", "20230101123456788", "20230101123456787")
	case 5:
		return pick("q", "r", "s") + "-" + pick("1", "01", "1.0", "2", "02", "10", "9", "nan", "x")
	case 6:
		return pick("latest", "main", "Z", "_x", "z", "9", "10", "a.b", "a-b", "a_b", "1.0", "1.0.0.0", "V1.0.0", "1.2.3-01", "01.02.03")
	default:
		return fmt.Sprint(rnd.Intn(30))
	}
}

// Tags are different ones.
func someTags() []string {
	var tags []string
	have := map[string]bool{}
	only := rnd.Intn(3) == 0
	shape := pick(`^\d+$`, `^v?\d+\.\d+\.\d+`, `^[qrs]-\d+`, `^(main|dev)`, `^sha-`)
	re := regexp.MustCompile(shape)
	for range rnd.Intn(30) {
		t := someTag()
		if have[t] || (only && !re.MatchString(t)) {
			continue
		}
		have[t] = true
		tags = append(tags, t)
	}
	return tags
}

func choices(w *bufio.Writer, n int) {
	for range n {
		policy := pick("semver", "alphabetical", "numerical", "numerical")
		arg := pick("asc", "desc")
		if policy == "semver" {
			arg = pick("*", ">=0.0.0-0", "1.x", "~1.0", ">=1.0.0", "^2", ">5", "0.x || 2.x", "", "not", "1.0.0", ">=1.0.0-0 <2")
		}
		pattern := pick("", "", `^\d+$`, `^sha-(?P<sha>[a-f0-9]+)$`, `^(?:main|dev)-[a-f0-9]+-(?P<ts>[0-9]+)`, `^[a-z]-(.*)`, `^(?:[a-z]-)?(?P<v>v?\d+\.\d+\.\d+.*)`, `^v?(\d+)\.(\d+)\.(\d+)$`, `.*`, `^(.)(.)?`, `(?=a)`, `^[qrs]-(?P<n>\d+)$`)
		extract := ""
		if pattern != "" {
			extract = pick("", "$sha", "$ts", "$1", "${1}", "$v", "$1.$2", "$2", "$n", "$1$2", "${1}e$2", "x$1", "$$1")
		}
		tags := someTags()
		row(w, "O", policy, arg, pattern, extract, strings.Join(tags, " "), choice(policy, arg, pattern, extract, tags))
	}
}
