package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSpread(t *testing.T) {
	f := func(want spread, values ...float64) {
		t.Helper()
		if got := spreadOf(values); got != want {
			t.Errorf("%v: %v, want %v", values, got, want)
		}
	}
	f(spread{2, 1, 9}, 9, 1, 2)
	f(spread{3, 1, 9}, 9, 1, 2, 4)
	f(spread{7, 7, 7}, 7)
}

// Ratios are of the turns of one round, not of medians: a machine that slows down meets both.
func TestSpeedLine(t *testing.T) {
	ours := []sample{{10, 100}, {40, 25}, {20, 50}}
	theirs := []sample{{20, 50}, {80, 12.5}, {20, 50}}
	got := speedLine(benchCase{name: "bucket-1KiB"}, beside("nginx", nil, 0.5), ours, theirs)
	const want = "| bucket-1KiB | nginx | 0.50 (0.50 to 1.00) | 0.50, met | 2.00 (1.00 to 2.00) | 20.0 | 20.0 | 50.0 | 50.0 | 3 |"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := verdict(0.51, 0.5); got != "0.50, missed" {
		t.Error(got)
	}
}

func TestChosen(t *testing.T) {
	f := func(names, want string) {
		t.Helper()
		cases, err := chosen(strings.Fields(names))
		if got := strings.Join(namesOf(cases), " "); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", names, got, err, want)
		}
	}
	f("", strings.Join(namesOf(catalogue()), " "))
	f("steady dir-1KiB", "dir-1KiB steady-bucket-1KiB steady-memory-1KiB")
	f("steady-memory", "steady-memory-1KiB")
	f("dir-1", "")
	f("dir nothing", "")
	if names := namesOf(catalogue()); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("a name twice: %v", names)
	}
}

func TestTurnsAlternate(t *testing.T) {
	got := turns(3, 2)
	if !slices.EqualFunc(got, [][]int{{0, 1}, {1, 0}, {0, 1}}, slices.Equal) {
		t.Error(got)
	}
}
