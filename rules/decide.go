package rules

// Request is what of a request decides.
type Request struct {
	Key      string // made by Key
	Query    string // as it came, without "?"
	HasQuery bool   // there was a "?": "/a?" has an empty query and is not "/a" (RFC 3986 section 6.2.3)
}

// Decision is what becomes of one request. It is a value; its methods are pure.
type Decision struct {
	Rule *Rule // nil: no rule is for the key, and a miss is a 404

	Key string // as requested
	// ObjectKey is what is read from the bucket and stored in it: Key, or Key?Query where forward.query is key. Bytes
	// of the query that cannot stand in a request line are %XX in it.
	ObjectKey string
	Query     string // what an origin gets as query; whether it gets one is HasQuery
	HasQuery  bool

	Mode Mode // "" without a rule
	// State is the rule's, "" without one. Unless it is StateActive no origin is asked, and no client sent to one.
	State State
	// Always means that the answer comes from the rule before the bucket is asked. Without a rule there is none then.
	Always bool
	// Keep means that what is pulled may be kept under ObjectKey, if Refusal has nothing against it: the modes
	// mirror, and redirect unless its name is fixed or redirect.store is off; never while no origin is asked. A redirect
	// without Keep causes no pull at all.
	Keep bool
	// Status is what deny or redirect answers with; 0 in other modes.
	Status int
	// Err is a *KeyError when the query makes ObjectKey longer than a bucket can hold. The answer is 400, whatever
	// else the decision says, and Plan gives the same error.
	Err error
}

// RuleID is the id of the rule; "": there is none.
func (d *Decision) RuleID() string {
	if d.Rule == nil {
		return ""
	}
	return d.Rule.ID()
}

// Decide gives the decision for r. It allocates only to join a key with its query.
//
// A request with a query under forward.query: skip is proxied without asking the bucket, whatever the rule's mode,
// except that what is denied stays denied. The "?" alone makes it a request with a query. A rule in deny mode without
// "when" holds always.
//
// Under serve: origin every rule holds always and keeps nothing, and what it would mirror is proxied. What a rule
// denies only "when: miss" is denied then, too: of a bucket that is not asked everything is missing.
func (s *Set) Decide(r Request) Decision {
	d := Decision{Key: r.Key, ObjectKey: r.Key, Always: s.config.Serve == ServeOrigin}
	d.Rule = s.match(r.Key)
	if d.Rule == nil {
		return d
	}
	c := &d.Rule.config
	d.Mode, d.State = c.Mode, c.State
	d.Always = d.Always || c.When == WhenAlways || c.Mode == ModeDeny && c.When == ""
	switch c.Mode {
	case ModeMirror:
		d.Keep = true
	case ModeRedirect:
		d.Status = c.Redirect.Code
		d.Keep = c.Redirect.Store && c.Rewrite.Fixed == ""
	case ModeDeny:
		d.Status = c.Deny.Status
	}
	if (r.HasQuery || r.Query != "") && c.Forward.Query != QueryNone {
		d.applyQuery(r.Query, c.Forward.Query)
	}
	if s.config.Serve == ServeOrigin {
		d.bypass()
	}
	d.Keep = d.Keep && d.State == StateActive
	return d
}

// bypass makes of d a decision by which nothing is read from the bucket, and nothing kept.
func (d *Decision) bypass() {
	d.Always, d.Keep = true, false
	if d.Mode == ModeMirror {
		d.Mode = ModeProxy
	}
}

// applyQuery puts a query that is sent into d.
func (d *Decision) applyQuery(query string, policy Query) {
	d.HasQuery, d.Query = true, safeQuery(query)
	switch policy {
	case QueryKey:
		d.ObjectKey = d.Key + "?" + d.Query
		if len(d.ObjectKey) > maxKey {
			d.Err = tooLong()
		}
	case QuerySkip:
		d.bypass()
		if d.Mode == ModeRedirect {
			d.Mode, d.Status = ModeProxy, 0
		}
	}
}
