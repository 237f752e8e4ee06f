package origin

func cuts() []Fault {
	return []Fault{
		{Name: "cut-silent", Does: "the connection is closed instead of an answer",
			Get: refused(), Head: refused(), script: cutHead(0, Drop)},
		{Name: "cut-head", Does: "the connection is closed inside the header",
			Get: refused(), Head: refused(), script: cutHead(40, Drop)},
		{Name: "reset-silent", Does: "the connection is reset instead of an answer",
			Get: refused(), Head: refused(), script: cutHead(0, Reset)},
		{Name: "reset-head", Does: "the connection is reset inside the header",
			Get: refused(), Head: refused(), script: cutHead(40, Reset)},
		{Name: "cut-close", Does: "closed at a byte, Content-Length not reached", Get: broken(),
			script: func(r *Request, a *Answer) { a.CutAt(r.At(), Drop) }},
		{Name: "cut-reset", Does: "reset at a byte, Content-Length not reached", Get: broken(),
			script: func(r *Request, a *Answer) { a.CutAt(r.At(), Reset) }},
		{Name: "cut-first", Does: "closed after the header, before the first byte", Defaults: "at=0", Get: broken(),
			script: func(r *Request, a *Answer) { a.CutAt(r.At(), Drop) }},
		{Name: "cut-last", Does: "closed before the last byte", Get: broken(),
			script: func(r *Request, a *Answer) { a.CutAt(r.Object.Truth.Size-1, Drop) }},
		{Name: "cut-once", Does: "closed at a byte the first times, then sound: a resume succeeds",
			Get: kept(), script: cutOnce},
		{Name: "cut-once-reset", Does: "reset at a byte the first times, then sound", Get: kept(),
			script: func(r *Request, a *Answer) { cutTimes(r, a, Reset) }},
		{Name: "cut-once-chunked", Does: "chunked, closed inside a chunk the first times, then sound", Get: kept(),
			script: func(r *Request, a *Answer) { chunked(r, a); cutOnce(r, a) }},
		{Name: "cut-once-weak", Changes: true, Does: "cut-once with a weak validator: no resume is safe", Get: broken(),
			script: func(r *Request, a *Answer) { weakly(r, a); cutOnce(r, a) }},
		{Name: "cut-once-bare", Changes: true, Does: "cut-once without validators: no resume is safe", Get: broken(),
			script: func(r *Request, a *Answer) { withoutValidators(r, a); cutOnce(r, a) }},
		{Name: "cut-each", Does: "each answer is closed an eighth of the object further on", Get: broken(), script: cutEach},
	}
}

func cutHead(at int64, end End) Script {
	return func(_ *Request, a *Answer) { a.Head.Cut, a.Head.CutAt, a.End = true, at, end }
}

func cutOnce(r *Request, a *Answer) { cutTimes(r, a, Drop) }

func cutTimes(r *Request, a *Answer, end End) {
	if r.Number <= r.Params.Times {
		a.CutAt(r.At(), end)
	}
}

// cutEach lets each pull get a little further than the last, but none to the end within three resumes.
func cutEach(r *Request, a *Answer) {
	a.CutAt(a.Body.From+max(1, r.Object.Truth.Size/8), Drop)
}
