package harness

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// RSS returns the resident memory of the running program in bytes.
func (p *Process) RSS(t testing.TB) int64 {
	t.Helper()
	return p.status(t, "VmRSS")
}

// PeakRSS returns the most resident memory that the running program has had since it was started, or since
// ResetPeakRSS, in bytes.
func (p *Process) PeakRSS(t testing.TB) int64 {
	t.Helper()
	return p.status(t, "VmHWM")
}

// ResetPeakRSS makes PeakRSS count from now on.
func (p *Process) ResetPeakRSS(t testing.TB) {
	t.Helper()
	const peakRSS = "5" // proc(5), /proc/pid/clear_refs
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte(peakRSS), 0); err != nil {
		t.Fatalf("resetting the peak memory of %s: %v", p.command.name, err)
	}
}

func (p *Process) status(t testing.TB, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatalf("reading the memory of %s: %v", p.command.name, err)
	}
	bytes, err := statusBytes(string(text), field)
	if err != nil {
		t.Fatalf("%s of %s: %v", field, p.command.name, err)
	}
	return bytes
}

// statusBytes reads one "Field:   123 kB" of /proc/pid/status.
func statusBytes(text, field string) (int64, error) {
	for line := range strings.Lines(text) {
		value, found := strings.CutPrefix(line, field+":")
		if !found {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(value), " ")
		if unit != "kB" {
			return 0, fmt.Errorf("unit %q instead of kB", unit)
		}
		kib, err := strconv.ParseInt(number, 10, 64)
		return kib << 10, err
	}
	return 0, errors.New("not in /proc/pid/status: has it ended?")
}
