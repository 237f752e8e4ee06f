package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat on every platform that Go runs on.
const tick = 10 * time.Millisecond

// procStat is what counts of a process.
type procStat struct {
	pid, parent int
	cpu         time.Duration // user and system time so far
}

// parseStat reads the text of /proc/PID/stat. The second field, the name, may hold anything, also spaces and ")".
func parseStat(text string) (procStat, error) {
	begin, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if begin < 0 || end < begin {
		return procStat{}, fmt.Errorf("no name in %q", text)
	}
	fields := strings.Fields(text[end+1:]) // from the third on
	if len(fields) < 13 {
		return procStat{}, fmt.Errorf("%d fields after the name in %q", len(fields), text)
	}
	var numbers [4]int
	for i, field := range []string{strings.TrimSpace(text[:begin]), fields[1], fields[11], fields[12]} {
		n, err := strconv.Atoi(field)
		if err != nil {
			return procStat{}, fmt.Errorf("%q: %w", text, err)
		}
		numbers[i] = n
	}
	return procStat{pid: numbers[0], parent: numbers[1], cpu: time.Duration(numbers[2]+numbers[3]) * tick}, nil
}

// family is a process and all below it.
func family(pid int) ([]procStat, error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	byParent := make(map[int][]procStat)
	var members []procStat
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		s, err := parseStat(string(text))
		if err != nil {
			return nil, err
		}
		if byParent[s.parent] = append(byParent[s.parent], s); s.pid == pid {
			members = append(members, s)
		}
	}
	for i := 0; i < len(members); i++ {
		members = append(members, byParent[members[i].pid]...)
	}
	if len(members) == 0 {
		return nil, fmt.Errorf("process %d has ended", pid)
	}
	return members, nil
}

// cpuOf is the time of the cores that the processes have used together.
func cpuOf(processes []procStat) (total time.Duration) {
	for _, p := range processes {
		total += p.cpu
	}
	return total
}

// sameFamily tells whether no process came or went.
func sameFamily(before, after []procStat) bool {
	pids := make(map[int]bool)
	for _, p := range before {
		pids[p.pid] = true
	}
	for _, p := range after {
		if !pids[p.pid] {
			return false
		}
	}
	return len(before) == len(after)
}
