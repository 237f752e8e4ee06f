package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mirrorgate/gateway/admin"
)

// Changes lists what makes other rules of these, both of which are valid: first what is no more, then the rules of to
// in their order. Secrets are not shown.
func (w Written) Changes(to Written) []admin.RuleChange {
	changes := []admin.RuleChange{}
	old, now := w.byID(), to.byID()
	add := func(id, what string, diff []string) {
		changes = append(changes, admin.RuleChange{Rule: id, What: what, Diff: diff})
	}
	for _, id := range w.ids() {
		if now[id] == nil {
			add(id, "removed", []string{})
		}
	}
	moved := moves(w.ids(), to.ids())
	for _, id := range to.ids() {
		if old[id] == nil {
			add(id, "added", []string{})
			continue
		}
		if moved[id] {
			add(id, "moved", []string{})
		}
		if diff := differences(old[id], now[id]); len(diff) > 0 {
			add(id, "changed", diff)
		}
	}
	return changes
}

// ids are those of the rules, in their order.
func (w Written) ids() []string {
	if w.list == nil {
		return nil
	}
	ids := make([]string, len(w.list.items))
	for i, rule := range w.list.items {
		if id := rule.at("id"); id != nil {
			ids[i] = id.text
		}
	}
	return ids
}

func (w Written) byID() map[string]*node {
	rules := make(map[string]*node)
	for i, id := range w.ids() {
		rules[id] = w.list.items[i]
	}
	return rules
}

// moves tells which of the ids in both lists stand elsewhere in the second: as few as explain its order.
func moves(old, now []string) map[string]bool {
	place := make(map[string]int, len(old))
	for i, id := range old {
		place[id] = i
	}
	kept := slices.DeleteFunc(slices.Clone(now), func(id string) bool {
		_, ok := place[id]
		return !ok
	})
	// The longest run of ids whose places increase has not moved: length[i] is that of the one that ends in kept[i].
	length, before, last := make([]int, len(kept)), make([]int, len(kept)), -1
	for i := range kept {
		length[i], before[i] = 1, -1
		for k := range i {
			if place[kept[k]] < place[kept[i]] && length[k] >= length[i] {
				length[i], before[i] = length[k]+1, k
			}
		}
		if last < 0 || length[i] > length[last] {
			last = i
		}
	}
	moved := make(map[string]bool)
	for _, id := range kept {
		moved[id] = true
	}
	for ; last >= 0; last = before[last] {
		delete(moved, kept[last])
	}
	return moved
}

// differences lists the fields in which two rules differ, by path.
func differences(old, now *node) []string {
	before, after := make(map[string]string), make(map[string]string)
	old.flatten("", before)
	now.flatten("", after)
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	diff := []string{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		was, wasGiven := before[path]
		is, isGiven := after[path]
		if was != is || wasGiven != isGiven {
			diff = append(diff, fmt.Sprintf("%s: %s → %s", path, side(was, wasGiven), side(is, isGiven)))
		}
	}
	return diff
}

// flatten notes each field that is given, by its path; a list is one field.
func (n *node) flatten(path string, into map[string]string) {
	switch n.kind {
	case kindMapping:
		for _, p := range n.given() {
			p.value.flatten(join(path, segment(p.key)), into)
		}
	case kindList:
		items := make([]string, len(n.items))
		for i, item := range n.items {
			items[i] = item.shown(path)
		}
		into[path] = "[" + strings.Join(items, ", ") + "]"
	default:
		into[path] = n.shown(path)
	}
}

// maxSide bounds what is shown of a value, in bytes.
const maxSide = 200

func side(value string, given bool) string {
	switch {
	case !given:
		return "(default)"
	case len(value) > maxSide:
		return strings.ToValidUTF8(value[:maxSide], "") + "…"
	case value == "":
		return `""`
	}
	return value
}
