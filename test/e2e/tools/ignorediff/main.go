// ignorediff prints a table of generated ignore rules and paths with what Flux's Go module makes of them: sourceignore v0.18.0, which
// source-controller 1.9.1 uses, with its own copy of go-git's matcher. The C side (test/unit/text/table.c) reads it and compares. The
// same seed gives the same table.
//
// Rows, columns divided by tabs, backslash and bytes outside printable ASCII written as \xHH:
//
//	I  spec.ignore  path  text  path  text ...   a tree of .sourceignore files; the rows that follow are about it
//	P  path  d|f  0|1                            is the directory or file excluded?
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
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

func rarely(n int) bool { return rnd.Intn(n) == 0 }

func name() string {
	if rarely(12) {
		return pick("é", "aé", "\xff", "a\xffb", "a b", "foo ", "[a]", "a]", "**", "*", "-", "^", "!a", "#a", "a-b", "\\", "\\a", "日本")
	}
	return pick("a", "b", "c", "ab", "abc", "foo", "foo.yaml", "foo.txt", "bar", "x.jpg", "x.tar.gz", ".git", ".gitignore", ".github", ".sops.yaml", "aab", "cab", "..a")
}

func path(depth int) string {
	p := name()
	for range rnd.Intn(depth) {
		p += "/" + name()
	}
	return p
}

func class() string {
	return pick("[a]", "[ab]", "[a-c]", "[^a]", "[^a-c]", "[!a]", "[]a]", "[]]", "[^]a]", "[a", "[", "[]", "[a-]", "[-a]", "[\\]]", "[\\-a]", "[a\\-c]", "[é]", "[^é]", "[à-ü]",
		"[\xff]", "[^\xff]", "[*]", "[a*]", "[[]", "[c-a]", "[a-c-e]", "[^^]", "[^-a]", "[a]]", "[\\", "[a-\\]", "[--a]", "[a-]b]", "[]*]", "[?]")
}

func component() string {
	if rarely(4) {
		return name()
	}
	if rarely(30) {
		return pick("**", "***", "a**", "**a", "a**b")
	}
	s := ""
	for range 1 + rnd.Intn(3) {
		switch rnd.Intn(8) {
		case 0, 1:
			s += "*"
		case 2:
			s += "?"
		case 3:
			s += class()
		case 4:
			s += "\\" + pick("a", "*", "?", "[", "\\", "é", "")
		default:
			s += pick("a", "b", "c", "foo", ".yaml", ".", "é")
		}
	}
	return s
}

func pattern() string {
	s := pick("", "", "", "!") + pick("", "", "", "/")
	n := 1
	if rnd.Intn(2) == 0 {
		n += rnd.Intn(3)
	}
	for i := range n {
		if i > 0 {
			s += "/"
		}
		if n > 1 && rnd.Intn(4) == 0 {
			s += "**"
		} else if rnd.Intn(2) == 0 {
			s += name()
		} else {
			s += component()
		}
		if rarely(40) {
			s += "/"
		}
	}
	return s + pick("", "", "", "/", "/**", " ", "  ", "\\ ", "/ ", "\t")
}

func line() string {
	if rarely(6) {
		return pick("", " ", "#", "# a comment", " # a", "\t", "\u00a0", "\u2003 ", "\xa0", "!", "/", "//", "!/", "!!a", "\\#a", "\\!a", "/*", "!/*", "*", "**", "/**", "**/", "!**", "*/", "!*/", "a\\", "\v")
	}
	return pattern()
}

func rules(empty bool) string {
	var b strings.Builder
	for range rnd.Intn(5) {
		if empty {
			b.WriteString(pick("", " ", "#", "# foo", "\t "))
		} else {
			b.WriteString(line())
		}
		b.WriteString(pick("\n", "\n", "\n", "\n", "\r\n", "\n\n", "\r\r\n"))
	}
	if rarely(3) {
		b.WriteString(line())
	}
	return b.String()
}

// The filter of fluxcd/pkg/artifact/storage.SourceIgnoreFilter.
func matcher(ps []gitignore.Pattern, domain []string) gitignore.Matcher {
	if len(ps) > 0 {
		return sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), ps...))
	}
	return sourceignore.NewDefaultMatcher(ps, domain)
}

type file struct{ path, text string }

// The files really lie in a directory, so that the module finds and orders them itself.
func load(root string, files []file) []gitignore.Pattern {
	dir, err := os.MkdirTemp(root, "t")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, f := range files {
		p := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(f.text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	ps, err := sourceignore.LoadIgnorePatterns(dir, []string{"", "root"})
	if err != nil {
		log.Fatal(err)
	}
	return ps
}

func tree() (string, []file) {
	empty := rarely(8)
	spec := ""
	if rnd.Intn(3) > 0 {
		spec = rules(empty)
	}
	var files []file
	seen := map[string]bool{}
	for range rnd.Intn(4) {
		p := sourceignore.IgnoreFile
		if rnd.Intn(2) == 0 {
			p = path(3) + "/" + p
			// Components that the file system would read otherwise.
			p = filepath.Clean(p)
		}
		if !seen[p] {
			seen[p] = true
			files = append(files, file{p, rules(empty)})
		}
	}
	return spec, files
}

var fixed = []struct {
	spec  string
	files []file
	paths []string
}{
	{"", nil, []string{".git", ".git/a", ".github", ".github/a", "a/.github/b", "x.jpg", "a/x.JPG", "x.tar.gz", ".sops.yaml", "a/b/.sops.yaml", "appveyor.yml", ".sourceignore", "a"}},
	{"# only a comment\n\n  \n", nil, []string{"x.jpg", ".git", ".github/a"}},
	{"/deploy/", nil, []string{"x.jpg", ".git", ".gitmodules", ".github", "deploy", "deploy/a", "a/deploy/b"}},
	{"/*\n!/deploy/\n", nil, []string{"a", "deploy", "deploy/a", "deploy/a/b", "b/deploy"}},
	{"a/\n!a/keep.yaml\n", nil, []string{"a", "a/b", "a/keep.yaml", "a/b/keep.yaml", "b/a/keep.yaml"}},
	{"!.git\n!x.jpg", nil, []string{".git", ".git/config", "x.jpg"}},
	{"", []file{{".sourceignore", "*.txt\n"}, {"a/.sourceignore", "!foo.txt\n/b\n"}, {"a/.git/.sourceignore", "*\n"}, {"a/b/.sourceignore", "c\n"}},
		[]string{"foo.txt", "a/foo.txt", "a/c/foo.txt", "a/b", "a/b/c", "b", "a/.git/x", "a/x", "a/b/x/c", "x.jpg"}},
	{"*.md", []file{{".sourceignore", "!keep.md"}}, []string{"keep.md", "a/keep.md"}},
	{"**/foo/bar\nabc/**\na/**/b\n", nil, []string{"foo/bar", "x/foo/bar", "x/y/foo/bar/z", "abc", "abc/x", "a/b", "a/x/b", "a/x/y/b", "x/a/b", "a/b/x/b", "a/foo/x/foo/bar"}},
}

func main() {
	seed := flag.Int64("seed", 1, "seed of the generator")
	n := flag.Int("n", 1000, "about how many paths")
	flag.Parse()
	rnd = rand.New(rand.NewSource(*seed))
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	root, err := os.MkdirTemp("", "ignorediff")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)

	domain := []string{"", "root"}
	one := func(spec string, files []file, paths []string) {
		cols := []string{"I", spec}
		for _, i := range rnd.Perm(len(files)) {
			cols = append(cols, files[i].path, files[i].text)
		}
		row(w, cols...)
		ps := load(root, files)
		if spec != "" {
			ps = append(ps, sourceignore.ReadPatterns(strings.NewReader(spec), domain)...)
		}
		m := matcher(ps, domain)
		for _, p := range paths {
			for _, dir := range []bool{true, false} {
				res, kind := "0", "f"
				if m.Match(append([]string{"", "root"}, strings.Split(p, "/")...), dir) {
					res = "1"
				}
				if dir {
					kind = "d"
				}
				row(w, "P", p, kind, res)
			}
		}
	}
	for _, f := range fixed {
		one(f.spec, f.files, f.paths)
	}
	for i := 0; i < *n; {
		spec, files := tree()
		var paths []string
		for range 6 {
			p := path(5)
			if len(files) > 0 && rnd.Intn(3) == 0 {
				p = filepath.Join(filepath.Dir(files[rnd.Intn(len(files))].path), p)
			}
			paths = append(paths, p)
		}
		one(spec, files, paths)
		i += 2 * len(paths)
	}
}
