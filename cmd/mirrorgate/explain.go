package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"mirrorgate/gateway/admin"
)

type explainCmd struct {
	Config string   `help:"Configuration file." required:"" placeholder:"FILE"`
	Header []string `short:"H" help:"A header of the request, as 'Name: value'." sep:"none" placeholder:"HEADER"`
	JSON   bool     `help:"Print JSON."`
	URL    string   `arg:"" help:"The URL as a client asks it, such as http://assets.example.com/images/a.jpg?w=2"`
}

// Run prints the explanation.
func (c *explainCmd) Run(s *streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	host, target, err := splitURL(c.URL)
	if err != nil {
		return &usageError{err}
	}
	header, err := parseHeader(c.Header)
	if err != nil {
		return &usageError{err}
	}
	e := explain(cfg, host, target, header)
	if c.JSON {
		enc := json.NewEncoder(s.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(e)
	}
	return printExplanation(s.stdout, e)
}

// splitURL takes a URL apart without cleaning or decoding anything: what is explained is what a client sends.
func splitURL(raw string) (host, target string, err error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return "", "", fmt.Errorf("%q: must begin with http:// or https://", raw)
	}
	cut := strings.IndexAny(rest, "/?#")
	if cut < 0 {
		return rest, "/", nil
	}
	target, _, _ = strings.Cut(rest[cut:], "#")
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return rest[:cut], target, nil
}

func parseHeader(lines []string) (http.Header, error) {
	h := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("-H %q: must be 'Name: value'", line)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h, nil
}

// printExplanation is the form for people.
func printExplanation(w io.Writer, e admin.Explanation) error {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-10s %s\n", name, value)
		}
	}
	line("site", e.Site)
	line("key", e.Key)
	line("answer", e.Answer)
	line("rule", e.Rule)
	line("mode", e.Mode)
	line("state", e.State)
	line("when", e.When)
	line("location", e.Location)
	if e.Location == "" || e.Keep {
		for i, ask := range e.Asks {
			line(fmt.Sprintf("ask %d", i+1), ask.Target+" "+ask.URL)
		}
	}
	names := make([]string, 0, len(e.Headers))
	for name := range e.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		line("header", name+": "+e.Headers[name])
	}
	line("stored as", e.StoredAs)
	if e.Mode != "" {
		line("saved", map[bool]string{true: "yes, unless the origin's answer forbids it", false: "no: " + e.Why}[e.Keep])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
