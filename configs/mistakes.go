package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxMistakes bounds how many mistakes one configuration is told of: a file of another kind has one on every line.
const maxMistakes = 1000

// Mistake is one thing that is wrong with a configuration.
type Mistake struct {
	// Path names the value in the words of the configuration: sites[0].rules[3].match.prefix. It is empty for the file
	// as a whole.
	Path string
	// Line is where the value stands, or where what should hold it does; 0 when the configuration came from no file.
	Line int
	// Problem says what is wrong and what to do. It holds no secrets, and no values of environment variables.
	Problem string
}

// String gives `path: problem (line N)`.
func (m Mistake) String() string {
	s := m.Problem
	if m.Path != "" {
		s = m.Path + ": " + s
	}
	if m.Line > 0 {
		s = fmt.Sprintf("%s (line %d)", s, m.Line)
	}
	return s
}

// Mistakes is the error of a configuration that cannot be used: everything that is wrong with it, ordered by line.
type Mistakes []Mistake

// Error gives one mistake a line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = mistake.String()
	}
	return strings.Join(lines, "\n")
}

// journal collects mistakes, and knows where in the file each value stands.
type journal struct {
	mistakes []Mistake
	lines    map[string]int  // the line of each value, by path
	lost     map[string]bool // paths whose value could not be used, so that what stands there is not what was written
	secrets  masks
}

func newJournal() *journal {
	return &journal{lines: make(map[string]int), lost: make(map[string]bool)}
}

func (j *journal) add(path string, line int, problem string) {
	j.mistakes = append(j.mistakes, Mistake{Path: path, Line: line, Problem: problem})
}

// lose adds a mistake that leaves a value unset.
func (j *journal) lose(path string, line int, problem string) {
	j.lost[path] = true
	j.add(path, line, problem)
}

// report adds a mistake that a package found in a decoded value. What is said of a value that was lost, of what holds
// one, or of what it holds, is left out: it would speak of something that nobody wrote.
func (j *journal) report(path, problem string) {
	for lost := range j.lost {
		if within(path, lost) || within(lost, path) {
			return
		}
	}
	j.add(path, j.line(path), problem)
}

// line is that of the value, or of the nearest one around it that was written.
func (j *journal) line(path string) int {
	if line, ok := j.lines[path]; ok {
		return line
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' && path[i] != '[' {
			continue
		}
		if line, ok := j.lines[path[:i]]; ok {
			return line
		}
	}
	return j.lines[""]
}

// err is nil when there are no mistakes.
func (j *journal) err() error {
	if len(j.mistakes) == 0 {
		return nil
	}
	list := make(Mistakes, 0, len(j.mistakes))
	hide := j.secrets.hider()
	for _, m := range j.mistakes {
		m.Path, m.Problem = printable(m.Path), printable(hide(m.Problem))
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path), strings.Compare(a.Problem, b.Problem))
	})
	list = slices.Compact(list)
	if more := len(list) - maxMistakes; more > 0 {
		last := Mistake{Line: list[maxMistakes].Line, Problem: fmt.Sprintf("and %d more mistakes", more)}
		list = append(list[:maxMistakes:maxMistakes], last)
	}
	return list
}

// within tells whether path is outer or lies in it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// join puts the name of a field or key behind the path of what holds it.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// under gives the report for a part of the configuration, which speaks of paths relative to itself.
func under(path string, report func(path, problem string)) func(path, problem string) {
	return func(sub, problem string) {
		switch {
		case sub == "":
			report(path, problem)
		case sub[0] == '[':
			report(path+sub, problem)
		default:
			report(join(path, sub), problem)
		}
	}
}
