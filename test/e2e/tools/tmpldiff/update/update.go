// Package update has what was changed. Changes are in file, object, position order: the peer's are in a random one.
package update

import (
	"cmp"
	"slices"

	"tmpldiff/yaml"
)

type ObjectIdentifier struct {
	yaml.ResourceIdentifier
}

type Change struct {
	OldValue string
	NewValue string
	Setter   string
}

type ObjectChanges map[ObjectIdentifier][]Change

type Result struct {
	FileChanges map[string]ObjectChanges
}

func (r *Result) Add(file string, id ObjectIdentifier, c Change) {
	if r.FileChanges == nil {
		r.FileChanges = map[string]ObjectChanges{}
	}
	if r.FileChanges[file] == nil {
		r.FileChanges[file] = ObjectChanges{}
	}
	r.FileChanges[file][id] = append(r.FileChanges[file][id], c)
}

func (r Result) files() []string {
	var names []string
	for name := range r.FileChanges {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (o ObjectChanges) ids() []ObjectIdentifier {
	var ids []ObjectIdentifier
	for id := range o {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b ObjectIdentifier) int {
		return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	return ids
}

func (r Result) Changes() []Change {
	var all []Change
	for _, file := range r.files() {
		for _, id := range r.FileChanges[file].ids() {
			for _, c := range r.FileChanges[file][id] {
				if !slices.Contains(all, c) {
					all = append(all, c)
				}
			}
		}
	}
	return all
}

func (r Result) Objects() ObjectChanges {
	all := make(ObjectChanges)
	for _, file := range r.files() {
		for id, changes := range r.FileChanges[file] {
			all[id] = append(all[id], changes...)
		}
	}
	return all
}
