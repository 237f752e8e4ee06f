package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// runInfo is what must be known of a run to judge its figures.
type runInfo struct{ id, text string }

// finished is the run at its end: what else the machine did meanwhile shows in its load.
func (r runInfo) finished() runInfo {
	r.text += ", " + load() + " after"
	return r
}

// load is the load average of a minute. The benchmark by itself makes it about 2.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	average, _, _ := strings.Cut(string(text), " ")
	return average
}

func thisRun(o options) runInfo {
	now := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	versions := []string{"mirrorgate " + commit(o.root), runtime.Version(), version("nginx", "-v", `nginx/\S+`),
		version("varnishd", "-V", `varnish-[0-9.]+`), version("haproxy", "-v", `HAProxy version [0-9.]+`),
		version("wrk", "-v", `wrk \S+`), version("redis-server", "-v", `Redis server v=[0-9.]+`)}
	text := fmt.Sprintf("`%s`; %s, %d cores, Linux %s; %s; load %s before", commandLine(o), processor(),
		runtime.NumCPU(), kernel(), strings.Join(versions, ", "), load())
	return runInfo{id: now, text: text}
}

// commandLine is how to do it again.
func commandLine(o options) string {
	line := fmt.Sprintf("make bench SECONDS=%d PAIRS=%d", o.seconds, o.pairs)
	if o.connections > 0 {
		line += fmt.Sprintf(" CONNECTIONS=%d", o.connections)
	}
	if o.portion < 1 {
		line += fmt.Sprintf(" PORTION=%g", o.portion)
	}
	if len(o.cases) > 0 {
		line += fmt.Sprintf(" CASES=%q", strings.Join(o.cases, " "))
	}
	return line
}

// version is what the program says of itself, which many do on the standard error, and with a status of 1.
func version(program, flag, pattern string) string {
	path, err := look(program)
	if err != nil {
		return "no " + program
	}
	out, _ := exec.Command(path, flag).CombinedOutput()
	return cmp.Or(regexp.MustCompile(pattern).FindString(string(out)), program+" of an unknown version")
}

// commit is the one that was measured, with a "+" if the tree differs from it in more than benchmarks.
func commit(root string) string {
	id, err := exec.Command("git", "-C", root, "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		return "of an unknown commit"
	}
	changed, err := exec.Command("git", "-C", root, "status", "--porcelain", "--", ".", ":!benchmarks").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(id)) + "+"
	}
	return strings.TrimSpace(string(id))
}

func processor() string {
	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	model := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(cpus)
	if model == nil {
		return runtime.GOARCH
	}
	return string(model[1])
}

func kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err.Error()
	}
	return unix.ByteSliceToString(name.Release[:])
}
