package harness

import (
	"slices"
	"strings"
)

// Goroutine is one entry of a dump that a Go program prints when it gets SIGQUIT (with GOTRACEBACK=all, of all).
type Goroutine struct {
	State     string   // "select, 2 minutes"
	Functions []string // with their package, the innermost first
	CreatedBy string   // "": the main goroutine
}

// Goroutines reads a dump. What is printed around it is passed over.
func Goroutines(dump string) []Goroutine {
	var all []Goroutine
	inside := false
	for line := range strings.Lines(dump) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "goroutine ") && strings.HasSuffix(line, "]:"):
			_, state, _ := strings.Cut(strings.TrimSuffix(line, "]:"), "[")
			all, inside = append(all, Goroutine{State: state}), true
		case line == "":
			inside = false
		case inside && !strings.HasPrefix(line, "\t"):
			all[len(all)-1].add(line)
		}
	}
	return all
}

// add takes the line that names a function: "net/http.(*conn).serve(0xc000, {0x1, 0x2})".
func (g *Goroutine) add(line string) {
	if creator, found := strings.CutPrefix(line, "created by "); found {
		g.CreatedBy, _, _ = strings.Cut(creator, " in goroutine ")
		return
	}
	if i := strings.LastIndexByte(line, '('); i > 0 {
		line = line[:i]
	}
	g.Functions = append(g.Functions, line)
}

// In is the innermost function of a package or of one below it, "" if the goroutine is in none: In("mirrorgate").
func (g Goroutine) In(path string) string {
	in := func(function string) bool {
		return strings.HasPrefix(function, path+"/") || strings.HasPrefix(function, path+".")
	}
	if i := slices.IndexFunc(g.Functions, in); i >= 0 {
		return g.Functions[i]
	}
	return ""
}
