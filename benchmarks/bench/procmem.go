package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// residentOf is the memory of the processes that is in RAM, in bytes: a field of /proc/PID/status, VmRSS for what it is
// now and VmHWM for the most it was.
func residentOf(processes []procStat, field string) (total int64, err error) {
	for _, p := range processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
		if err != nil {
			return 0, err
		}
		kib, err := numberAfter(string(text), field+":")
		if err != nil {
			return 0, err
		}
		total += kib << 10
	}
	return total, nil
}

// forgetPeak makes the most that it was what it is now.
func forgetPeak(processes []procStat) error {
	for _, p := range processes {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0); err != nil {
			return err
		}
	}
	return nil
}

// socketsOf is what the kernel holds for the processes' TCP sockets, to be read and to be sent, in bytes.
func socketsOf(processes []procStat) (total int64, err error) {
	path, err := look("ss")
	if err != nil {
		return 0, err
	}
	out, err := exec.Command(path, "--tcp", "--memory", "--processes", "--numeric", "--no-header", "--oneline").Output()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(out)) {
		n, err := socketOf(line, processes)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// socketOf reads a line of ss: what a socket holds, if it is one of the processes'.
func socketOf(line string, processes []procStat) (int64, error) {
	for _, p := range processes {
		if !strings.Contains(line, fmt.Sprintf(",pid=%d,", p.pid)) {
			continue
		}
		held := regexp.MustCompile(`skmem:\(r(\d+),.*,w(\d+),`).FindStringSubmatch(line)
		if held == nil {
			return 0, fmt.Errorf("no memory in %q", line)
		}
		unread, _ := strconv.ParseInt(held[1], 10, 64) // digits
		unsent, _ := strconv.ParseInt(held[2], 10, 64)
		return unread + unsent, nil
	}
	return 0, nil
}

// pipesOf is how many pipes the processes have open.
func pipesOf(processes []procStat) (int, error) {
	pipes := make(map[string]bool)
	for _, p := range processes {
		names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid))
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			if to, err := os.Readlink(name); err == nil && strings.HasPrefix(to, "pipe:") { // else it was closed
				pipes[to] = true
			}
		}
	}
	return len(pipes), nil
}

// numberAfter is the number that follows the word.
func numberAfter(text, word string) (int64, error) {
	found := regexp.MustCompile(regexp.QuoteMeta(word) + `\s+(\d+)`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no %s in %q", word, text)
	}
	return strconv.ParseInt(found[1], 10, 64)
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
