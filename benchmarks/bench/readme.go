package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// What stands before and after the part of the README that is written here.
const (
	begin = "<!-- bench: written by make bench -->\n"
	end   = "<!-- end of bench -->\n"
)

// results are the lines of the cases that were measured.
type results struct {
	run   runInfo
	cases []string
	lines map[string][]string // by case; the last column is the run
}

func (r *results) add(c benchCase, lines []string) {
	if r.lines == nil {
		r.lines = make(map[string][]string)
	}
	r.cases = append(r.cases, c.name)
	for _, line := range lines {
		r.lines[c.name] = append(r.lines[c.name], line+" "+r.run.id+" |")
	}
}

// writeReadme puts the results into the file. Cases that were not measured keep their lines, and other parts of the
// file are left alone.
func writeReadme(name string, r results) error {
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(name, []byte(merged(string(old), r)), 0o644)
}

// merged is the text of the file with the results in it.
func merged(old string, r results) string {
	before, rest, _ := strings.Cut(old, begin)
	part, after, _ := strings.Cut(rest, end)
	if old == "" {
		before = "# Benchmarks\n\nEach part is written by the benchmark that it is about.\n\n"
	}
	if !strings.HasSuffix(before, "\n\n") {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	return before + begin + section(part, r) + end + after
}

// section is the part between the markers.
func section(old string, r results) string {
	lines := linesOf(old)
	for _, name := range r.cases {
		lines[name] = r.lines[name]
	}
	var b strings.Builder
	b.WriteString(introduction)
	for i, head := range tables() {
		b.WriteString(head)
		for _, c := range catalogue() {
			if c.table == i {
				writeLines(&b, lines[c.name])
			}
		}
	}
	b.WriteString(runsHead)
	for _, run := range runsOf(old, r.run) {
		if named(lines, run.id) {
			fmt.Fprintf(&b, "- %s: %s\n", run.id, run.text)
		}
	}
	b.WriteString("\n")
	return b.String()
}

func writeLines(b *strings.Builder, lines []string) {
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
}

// linesOf finds the lines of the cases in the part as it was.
func linesOf(part string) map[string][]string {
	found := make(map[string][]string)
	known := namesOf(catalogue())
	for line := range strings.Lines(part) {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if ok && strings.HasPrefix(line, "| ") && slices.Contains(known, name) {
			found[name] = append(found[name], strings.TrimSpace(line))
		}
	}
	return found
}

// runsOf are the runs that the part told of, and the new one.
func runsOf(part string, newest runInfo) []runInfo {
	_, list, _ := strings.Cut(part, runsHead)
	var runs []runInfo
	for line := range strings.Lines(list) {
		id, text, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), ": ")
		if ok && id != newest.id {
			runs = append(runs, runInfo{id, text})
		}
	}
	return append(runs, newest)
}

// named tells whether a line is of that run.
func named(lines map[string][]string, id string) bool {
	for _, some := range lines {
		for _, line := range some {
			if strings.HasSuffix(line, "| "+id+" |") {
				return true
			}
		}
	}
	return false
}
