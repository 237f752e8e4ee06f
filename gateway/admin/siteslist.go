package admin

import "net/http"

func (s *Server) siteEndpoints() []endpoint {
	return []endpoint{
		{http.MethodGet, "/api/v1/sites", toRead, s.listSites},
		{http.MethodGet, "/api/v1/sites/{site}", toRead, s.site},
		{http.MethodPatch, "/api/v1/sites/{site}", toChange, s.switchSite},
		{http.MethodDelete, "/api/v1/sites/{site}/switches", toChange, s.dropSwitches},
		{http.MethodGet, "/api/v1/sites/{site}/rules", toRead, s.rules},
		{http.MethodPut, "/api/v1/sites/{site}/rules", toChange, s.putRules},
		{http.MethodDelete, "/api/v1/sites/{site}/rules", toChange, s.dropRules},
		{http.MethodPatch, "/api/v1/sites/{site}/rules/{rule}", toChange, s.switchRule},
	}
}

func (s *Server) listSites(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, s.o.Sites.List(r.Context()))
}

func (s *Server) site(w http.ResponseWriter, r *http.Request) {
	site, err := s.o.Sites.Site(r.Context(), r.PathValue("site"))
	s.replyTagged(w, site, site.ETag, err)
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) {
	rules, err := s.o.Sites.Rules(r.Context(), r.PathValue("site"))
	s.replyTagged(w, rules, rules.ETag, err)
}

// replyTagged answers with what is in force, and with the tag by which a change names it; or with the error.
func (s *Server) replyTagged(w http.ResponseWriter, body any, etag string, err error) {
	if err != nil {
		s.failWith(w, err)
		return
	}
	w.Header().Set("ETag", `"`+etag+`"`)
	reply(w, http.StatusOK, body)
}
