// untardiff DIR: unpacks every N.tgz of DIR with Flux's own untar, as a user that is not root, and holds what comes out to the table on standard
// input, "N|NAME|SHA256" with the name in hex. Then it does what a consumer does next: it writes into every folder and every file.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fluxcd/pkg/tar"
)

const nobody = 65534

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func unpack(artifact, dir string) error {
	f, err := os.Open(artifact)
	if err != nil {
		return err
	}
	defer f.Close()
	return tar.Untar(f, dir, tar.WithMaxUntarSize(tar.UnlimitedUntarSize))
}

func write(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.WriteFile(filepath.Join(path, "new"), nil, 0o600)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

func compare(dir string, want map[string]string) error {
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		sum := sha256.Sum256(body)
		if want[name] != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("%q is not what the layer has", name)
		}
		return nil
	})
	if err == nil && seen != len(want) {
		err = fmt.Errorf("%d files, want %d", seen, len(want))
	}
	return err
}

func main() {
	if os.Geteuid() == 0 {
		must(syscall.Setgroups(nil))
		must(syscall.Setgid(nobody))
		must(syscall.Setuid(nobody))
	}
	want := map[string]map[string]string{}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		f := strings.Split(in.Text(), "|")
		name, err := hex.DecodeString(f[1])
		must(err)
		if want[f[0]] == nil {
			want[f[0]] = map[string]string{}
		}
		want[f[0]][string(name)] = f[2]
	}
	must(in.Err())
	artifacts, err := filepath.Glob(filepath.Join(os.Args[1], "*.tgz"))
	must(err)
	passed, failed := 0, 0
	for _, a := range artifacts {
		dir, err := os.MkdirTemp("", "untardiff-")
		must(err)
		err = unpack(a, dir)
		if err == nil {
			err = compare(dir, want[strings.TrimSuffix(filepath.Base(a), ".tgz")])
		}
		if err == nil {
			err = write(dir)
		}
		must(os.RemoveAll(dir))
		if err == nil {
			passed++
		} else if failed++; failed <= 20 {
			fmt.Printf("%s: %v\n", a, err)
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}
