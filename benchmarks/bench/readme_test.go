package main

import (
	"strings"
	"testing"
)

// measured is a run of these cases; every line says which.
func measured(run string, names ...string) results {
	r := results{run: runInfo{id: run, text: "`make bench`; a machine: of " + run}}
	for _, name := range names {
		r.add(benchCase{name: name}, []string{"| " + name + " | a peer | 1.00 |", "| " + name + " | another | 2.00 |"})
	}
	return r
}

func TestReadmeKeepsOtherCases(t *testing.T) {
	first := merged("", measured("run-1", "dir-1KiB", "bucket-64KiB", "steady-bucket-1KiB"))
	second := merged(first, measured("run-2", "bucket-64KiB", "bucket-1KiB"))
	want := []string{
		"| bucket-1KiB | a peer | 1.00 | run-2 |\n| bucket-1KiB | another | 2.00 | run-2 |\n" +
			"| bucket-64KiB | a peer | 1.00 | run-2 |\n| bucket-64KiB | another | 2.00 | run-2 |\n" +
			"| dir-1KiB | a peer | 1.00 | run-1 |\n| dir-1KiB | another | 2.00 | run-1 |\n\nHow long",
		"|---|\n| steady-bucket-1KiB | a peer | 1.00 | run-1 |\n| steady-bucket-1KiB | another | 2.00 | run-1 |\n\n",
		"Runs:\n\n- run-1: `make bench`; a machine: of run-1\n- run-2: `make bench`; a machine: of run-2\n\n" + end,
	}
	for _, part := range want {
		if !strings.Contains(second, part) {
			t.Errorf("lacks\n%s\nin\n%s", part, second)
		}
	}
	if n := strings.Count(second, "| bucket-64KiB |"); n != 2 {
		t.Errorf("bucket-64KiB has %d lines, not 2", n)
	}
	third := merged(second, measured("run-3", "dir-1KiB", "steady-bucket-1KiB"))
	if strings.Contains(third, "run-1") || !strings.Contains(third, "- run-2: ") {
		t.Errorf("runs are listed whose lines are gone, or not those whose lines are there:\n%s", third)
	}
	if again := merged(third, measured("run-3", "dir-1KiB", "steady-bucket-1KiB")); again != third {
		t.Errorf("the same results once more change the file:\n%s\nwas\n%s", again, third)
	}
}

func TestReadmeKeepsOtherParts(t *testing.T) {
	const before, after = "# Benchmarks\n\nSomething.\n\n<!-- drain -->\n| bucket-1KiB | not ours |\n<!-- end of drain -->\n", "\nMore.\n"
	text := merged(before, measured("run-1", "bucket-1KiB")) + after
	text = merged(text, measured("run-2", "bucket-1KiB"))
	if !strings.HasPrefix(text, before) || !strings.HasSuffix(text, end+after) || strings.Count(text, begin) != 1 {
		t.Errorf("something else than the part has changed:\n%s", text)
	}
	if strings.Contains(text, "run-1") {
		t.Errorf("old lines have stayed:\n%s", text)
	}
}
