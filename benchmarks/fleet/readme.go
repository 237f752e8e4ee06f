package main

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// What stands before and after the part of the README that is written here.
const (
	begin = "<!-- fleet: written by make bench-fleet -->\n"
	end   = "<!-- end of fleet -->\n"
)

// writeReadme puts the tables into the file, instead of those of the last time.
func writeReadme(name, text string) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(merged(string(old), text)), 0o644)
}

// merged is the file with the part in it; at its end if it has had none.
func merged(old, text string) string {
	before, rest, _ := strings.Cut(old, begin)
	_, after, _ := strings.Cut(rest, end)
	if !strings.HasSuffix(before, "\n\n") {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	return before + begin + text + end + after
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

// loadAverage is that of a minute: what else the machine did meanwhile shows in it.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	average, _, _ := strings.Cut(string(text), " ")
	return average
}

// commit is the one of the tree that was measured.
func commit() string {
	id, err := exec.Command("git", "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		return "of an unknown commit"
	}
	return strings.TrimSpace(string(id))
}
