package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

func (s *Server) switchSite(w http.ResponseWriter, r *http.Request) {
	var change Switches
	etag, ok := ifMatch(w, r)
	if !ok || !decode(w, r, "change of a site", &change) {
		return
	}
	site, err := s.o.Sites.Switch(r.Context(), r.PathValue("site"), etag, change)
	s.replyTagged(w, site, site.ETag, err)
}

func (s *Server) switchRule(w http.ResponseWriter, r *http.Request) {
	var change RuleSwitches
	etag, ok := ifMatch(w, r)
	if !ok || !decode(w, r, "change of a rule", &change) {
		return
	}
	site, err := s.o.Sites.SwitchRule(r.Context(), r.PathValue("site"), r.PathValue("rule"), etag, change)
	s.replyTagged(w, site, site.ETag, err)
}

func (s *Server) dropSwitches(w http.ResponseWriter, r *http.Request) {
	etag, ok := ifMatch(w, r)
	if !ok {
		return
	}
	site, err := s.o.Sites.DropSwitches(r.Context(), r.PathValue("site"), etag)
	s.replyTagged(w, site, site.ETag, err)
}

func (s *Server) dropRules(w http.ResponseWriter, r *http.Request) {
	etag, ok := ifMatch(w, r)
	if !ok {
		return
	}
	change, err := s.o.Sites.DropRules(r.Context(), r.PathValue("site"), etag)
	s.replyTagged(w, change, change.ETag, err)
}

func (s *Server) putRules(w http.ResponseWriter, r *http.Request) {
	dry, err := dryRun(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	etag, ok := ifMatch(w, r)
	if !ok {
		return
	}
	rules, ok := read(w, r)
	if !ok {
		return
	}
	change, err := s.o.Sites.PutRules(r.Context(), r.PathValue("site"), etag, rules, dry)
	s.replyTagged(w, change, change.ETag, err)
}

// dryRun reads a query. It is strict: a parameter that is misspelt would change what was only to be tried.
func dryRun(query string) (bool, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return false, errors.New("the query cannot be read")
	}
	given := values["dry_run"]
	if len(values) > 1 || len(values) == 1 && len(given) != 1 {
		return false, errors.New("there is one parameter, dry_run, which is given once")
	}
	if len(given) == 1 && given[0] != "true" && given[0] != "false" {
		return false, errors.New("dry_run must be true or false")
	}
	return len(given) == 1 && given[0] == "true", nil
}

// ifMatch is the tag of what the change was made from, or refuses the request: without it a change that somebody else
// has made meanwhile would be lost (RFC 6585 section 3).
func ifMatch(w http.ResponseWriter, r *http.Request) (etag string, ok bool) {
	given := r.Header.Values("If-Match")
	if len(given) == 0 {
		fail(w, http.StatusPreconditionRequired, "If-Match is missing: it has the ETag of what the change was made from")
		return "", false
	}
	etag, ok = strings.CutPrefix(given[0], `"`)
	etag, closed := strings.CutSuffix(etag, `"`)
	if len(given) > 1 || !ok || !closed || etag == "" || strings.ContainsAny(etag, `",`) {
		fail(w, http.StatusBadRequest, "If-Match must be one ETag, in quotes, as GET answers with it")
		return "", false
	}
	return etag, true
}
