package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"mirrorgate/test/harness"
)

func TestParseStat(t *testing.T) {
	const rest = " S 7 42 42 0 -1 4194560 1000 0 0 0 120 34 5 6 20 0 9 0 300 1000000 500 18446744073709551615 0"
	f := func(text string, want procStat, fine bool) {
		t.Helper()
		if got, err := parseStat(text); got != want || (err == nil) != fine {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	want := procStat{pid: 42, parent: 7, cpu: 1540 * time.Millisecond} // not the children's 5 and 6
	f("42 (nginx)"+rest, want, true)
	f("42 (a) b (c)"+rest+"\n", want, true)
	f("42 (nginx) S 7 42", procStat{}, false)
	f("42 nginx S 7", procStat{}, false)
	f("42 (nginx) S x 42 42 0 -1 4194560 1000 0 0 0 120 34 5", procStat{}, false)
	f("", procStat{}, false)
}

func TestFamilyHasChildren(t *testing.T) {
	child := exec.Command("cat")
	input, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	isChild := func(s procStat) bool { return s.pid == child.Process.Pid && s.parent == os.Getpid() }
	before, err := family(os.Getpid())
	if err != nil || before[0].pid != os.Getpid() || !slices.ContainsFunc(before, isChild) {
		t.Errorf("%v, %v: want this process, then its child %d", before, err, child.Process.Pid)
	}
	input.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	after, err := family(os.Getpid())
	if err != nil || slices.ContainsFunc(after, isChild) || sameFamily(before, after) {
		t.Errorf("%v, %v: the child has ended", after, err)
	}
	if _, err := family(child.Process.Pid); err == nil {
		t.Error("a process that has ended has a family")
	}
}

func TestFamilyCountsCPU(t *testing.T) {
	before, err := family(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, time.Minute, func() error { // each look takes some time of a core
		after, err := family(os.Getpid())
		if err == nil && cpuOf(after) <= cpuOf(before) {
			return os.ErrDeadlineExceeded
		}
		return err
	})
}
