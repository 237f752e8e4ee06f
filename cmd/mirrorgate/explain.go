package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mirrorgate/cache/bucket"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/rules"
)

type explainCmd struct {
	Config string   `help:"Configuration file." required:"" placeholder:"FILE"`
	Header []string `short:"H" help:"A header of the request, as 'Name: value'." sep:"none" placeholder:"HEADER"`
	JSON   bool     `help:"Print JSON."`
	URL    string   `arg:"" help:"The URL as a client asks it, such as http://assets.example.com/images/a.jpg?w=2"`
}

// explanation is what one request would do. It is JSON for scripts: names are only added.
type explanation struct {
	Site     string            `json:"site,omitempty"`
	Key      string            `json:"key,omitempty"`
	Answer   string            `json:"answer"`         // what happens, in a sentence
	Rule     string            `json:"rule,omitempty"` // "" when none matches
	Mode     string            `json:"mode,omitempty"`
	When     string            `json:"when,omitempty"` // always or miss
	Asks     []rules.Ask       `json:"asks,omitempty"` // in the order in which they are asked
	Location string            `json:"location,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"` // as sent to the origin; secrets are masked
	StoredAs string            `json:"stored_as,omitempty"`
	Keep     bool              `json:"keep"` // the copy is saved, unless the origin's answer forbids it
	Why      string            `json:"why,omitempty"`
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
	return e.print(s.stdout)
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

// explain asks the same functions as a request does.
func explain(cfg *configs.Config, host, target string, header http.Header) explanation {
	site := findSite(cfg, host)
	if site == nil {
		return explanation{Answer: "404 NoSuchBucket: no site has the host " + gateway.NormalHost(host)}
	}
	e := explanation{Site: site.Name}
	path, query, hasQuery := strings.Cut(target, "?")
	key, err := rules.Key(path, site.SetConfig)
	if err != nil {
		e.Answer = "refused: " + err.Error()
		return e
	}
	set := rules.NewSet(site.SetConfig, site.RuleConfigs(), identity("…"))
	d := set.Decide(rules.Request{Key: key, Query: query, HasQuery: hasQuery})
	e.Key = d.ObjectKey
	if d.Err != nil {
		e.Answer = "refused: " + d.Err.Error()
		return e
	}
	e.StoredAs = storedAs(site.Bucket, d.ObjectKey)
	if d.Rule == nil {
		e.Answer = "from the bucket; 404 NoSuchKey when it is not there: no rule matches"
		return e
	}
	e.decided(site, d, header)
	return e
}

// decided fills in what the rule does.
func (e *explanation) decided(site *configs.Site, d rules.Decision, header http.Header) {
	e.Rule, e.Mode, e.When = d.Rule.ID(), string(d.Mode), string(rules.WhenMiss)
	first := "from the bucket; when it is not there: "
	if d.Always {
		e.When, first = string(rules.WhenAlways), ""
	}
	plan, err := d.Plan(header)
	if errors.Is(err, rules.ErrRefused) {
		e.Answer, e.Why = first+"404 NoSuchKey: "+err.Error(), "nothing is pulled"
		return
	}
	e.Asks, e.Location = plan.Asks, ""
	e.Headers = masked(plan)
	switch d.Mode {
	case rules.ModeDeny:
		e.Answer = fmt.Sprintf("%sdenied with status %d", first, d.Status)
	case rules.ModeRedirect:
		e.Location = plan.Location()
		e.Answer = fmt.Sprintf("%sredirected with status %d", first, d.Status)
	case rules.ModeProxy:
		e.Answer = first + "passed through from the origin, nothing is kept"
	default:
		e.Answer = first + "pulled from the origin"
	}
	e.Keep, e.Why = keeps(site, d, plan)
}

// keeps says whether the copy may be saved, as far as that does not depend on the origin's answer.
func keeps(site *configs.Site, d rules.Decision, plan rules.Plan) (keep bool, why string) {
	switch {
	case !d.Keep:
		return false, "the rule keeps nothing for this request"
	case !site.Save:
		return false, "save is false for this site"
	case plan.Solo:
		return false, "the request carries a Cookie that the rule passes on"
	case d.Always:
		return false, "the rule holds always: the bucket is never asked"
	}
	return true, ""
}

func masked(plan rules.Plan) map[string]string {
	out := make(map[string]string, len(plan.Header))
	for name, values := range plan.Header {
		out[name] = strings.Join(values, ", ")
		if plan.Secret[name] {
			out[name] = "(set by the rule, not shown)"
		}
	}
	return out
}

func findSite(cfg *configs.Config, host string) *configs.Site {
	sites := make([]*gateway.Site, len(cfg.Sites))
	for i := range cfg.Sites {
		sites[i] = &gateway.Site{Hosts: cfg.Sites[i].Hosts}
	}
	if i := slices.Index(sites, gateway.FindSite(sites, host)); i >= 0 {
		return &cfg.Sites[i]
	}
	return nil
}

// storedAs names the place of a copy.
func storedAs(b bucket.Config, key string) string {
	if b.S3 != nil {
		return "s3://" + b.S3.Name + "/" + b.Prefix + key + " at " + withoutUser(b.S3.Endpoint)
	}
	return "the directory " + b.Dir + ", key " + b.Prefix + key
}

func withoutUser(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil {
		u.User = nil
		return u.String()
	}
	return "(unreadable)"
}

// print writes the explanation for people.
func (e explanation) print(w io.Writer) error {
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
	line("when", e.When)
	line("location", e.Location)
	if e.Location == "" || e.Keep {
		for i, ask := range e.Asks {
			line(fmt.Sprintf("ask %d", i+1), ask.Role+" "+ask.URL)
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
