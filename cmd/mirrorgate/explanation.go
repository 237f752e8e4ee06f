package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mirrorgate/cache/bucket"
	"mirrorgate/configs"
	"mirrorgate/gateway"
	"mirrorgate/gateway/admin"
	"mirrorgate/rules"
)

// explain asks the same functions as a request does.
func explain(cfg *configs.Config, host, target string, header http.Header) admin.Explanation {
	site := findSite(cfg, host)
	if site == nil {
		return admin.Explanation{Answer: "404 NoSuchBucket: no site has the host " + gateway.NormalHost(host)}
	}
	e := admin.Explanation{Site: site.Name}
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
		if d.Always {
			e.Answer = "404 NoSuchKey: no rule matches, and the bucket is not asked (serve: origin)"
		}
		return e
	}
	decided(&e, site, d, header)
	return e
}

// decided fills in what the rule does.
func decided(e *admin.Explanation, site *configs.Site, d rules.Decision, header http.Header) {
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
	if d.State != rules.StateActive {
		e.State, e.Answer, e.Why = string(d.State), first+unasked(d.State), "nothing is pulled"
		return
	}
	for _, ask := range plan.Asks {
		e.Asks = append(e.Asks, admin.Ask{Target: ask.Role, URL: ask.URL})
	}
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

// unasked is the answer in place of the origin's.
func unasked(state rules.State) string {
	if state == rules.StateRetired {
		return "404 NoSuchKey: the rule is retired, and its origin not asked"
	}
	return "503 SlowDown: the rule is paused, and its origin not asked"
}

// keeps says whether the copy may be saved, as far as that does not depend on the origin's answer.
func keeps(site *configs.Site, d rules.Decision, plan rules.Plan) (keep bool, why string) {
	switch {
	case site.Serve == rules.ServeOrigin:
		return false, "serve is origin for this site: all comes from the origin, and nothing is saved"
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

// explain is the answer of the admin listener, by the configuration in force.
func (p *process) explain(url string, header http.Header) (admin.Explanation, error) {
	host, target, err := splitURL(url)
	if err != nil {
		return admin.Explanation{}, err
	}
	return explain(p.config(), host, target, header), nil
}
