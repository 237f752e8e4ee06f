package configs

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variables gives the value of an environment variable, or says why it cannot be had.
type variables func(name string) (value, problem string)

// variablesOf are those of an environment.
func variablesOf(env func(string) (string, bool)) variables {
	return func(name string) (string, string) {
		value, ok := env(name)
		if !ok {
			return "", "environment variable " + name + " is not set"
		}
		return value, ""
	}
}

// noVariables is for what is not written by those who run the gateway.
func noVariables(name string) (value, problem string) {
	return "", "environment variable " + name + " cannot be used here: none can"
}

// ruleVariable begins the names of variables that every rule may use, wherever it comes from.
const ruleVariable = "MIRRORGATE_RULE_"

// lentTo are the variables that rules may use which take the place of the file's: whoever writes those may send what
// they use to wherever he likes, and may be anybody who writes into the bucket.
func (v variables) lentTo(file Written) variables {
	used := file.variables()
	return func(name string) (string, string) {
		if !used[name] && !strings.HasPrefix(name, ruleVariable) {
			return "", "environment variable " + name + " cannot be used: rules that do not come from the file may use " +
				"only those that the file's own rules of the site use, and those whose names begin with " + ruleVariable
		}
		return v(name)
	}
}

// expand puts environment variables into a text: ${NAME} takes the variable, $${ is a literal ${, any other $ stays.
// What a variable holds is not looked at again. It says what is wrong, and notes the values that came in.
func expand(text string, env variables, secrets *masks) (expanded string, problems []string) {
	var out strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			out.WriteString(text)
			return out.String(), problems
		}
		before, rest := text[:i], text[i+2:]
		if strings.HasSuffix(before, "$") {
			out.WriteString(before[:i-1] + "${")
			text = rest
			continue
		}
		out.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !isVariable(name) {
			return "", append(problems, "${ must be followed by a variable's name and }; write $${ for a literal ${")
		}
		value, problem := env(name)
		if problem != "" {
			problems = append(problems, problem)
		}
		secrets.add(value, "${"+name+"}")
		out.WriteString(value)
		text = after
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && len(name) <= maxKey
}

// secretPath tells whether the value at a path is never to be shown.
func secretPath(path string) bool {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "access_key", "secret_key", "session_token", "token", "secret":
		return true
	}
	return strings.Contains(path, "headers.set.") // the name of a header may hold dots
}

// masks hides values in what is said of the configuration.
type masks struct {
	shown map[string]string // what to show, by the value to hide
}

// minMask is the length from which a value is hidden wherever it appears. What is shorter is not a secret, and hiding
// it would make nonsense of messages.
const minMask = 4

func (m *masks) add(value, shown string) {
	if len(value) < minMask {
		return
	}
	if m.shown == nil {
		m.shown = make(map[string]string)
	}
	m.shown[value] = shown
	m.shown[strings.Trim(strconv.Quote(value), `"`)] = shown // as %q puts it into a message
}

// userinfo finds a user and password in something that looks like a URL.
var userinfo = regexp.MustCompile(`//[^/\s"'@]+@`)

// hider gives a function that takes out of a message the values that were noted, the longest first, and userinfo in
// URLs.
func (m *masks) hider() func(string) string {
	longestFirst := func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) }
	list := make([]string, 0, 2*len(m.shown))
	for _, value := range slices.SortedFunc(maps.Keys(m.shown), longestFirst) {
		list = append(list, value, m.shown[value])
	}
	values := strings.NewReplacer(list...)
	return func(s string) string { return userinfo.ReplaceAllString(values.Replace(s), "//***@") }
}

// printable writes what would break a line or a terminal as Go does.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			out.WriteRune(r)
		} else {
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return out.String()
}
