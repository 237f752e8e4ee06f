package origin

// slow are answers that take their time.
func slow() []Fault {
	return []Fault{
		{Name: "drip", Does: "the body at a rate", Get: kept(),
			script: func(r *Request, a *Answer) { a.Coded.Rate = r.Params.Rate }},
		{Name: "slow-head", Does: "the header byte by byte at a rate, then the body at once", Defaults: "rate=1000",
			Get: kept(), Head: streamed(),
			script: func(r *Request, a *Answer) { a.Head.Rate, a.Head.Piece = r.Params.Rate, 1 }},
		{Name: "late", Does: "the answer comes after a wait", Defaults: "wait=300ms",
			Get: kept(), Head: streamed(), script: stallHead(0)},
		{Name: "stall-head", Does: "nothing comes", Waits: true, Get: timedOut(), Head: timedOut(), script: stallHead(0)},
		{Name: "stall-in-head", Does: "nothing more comes inside the header", Waits: true, Get: timedOut(), Head: timedOut(),
			script: stallHead(40)},
		{Name: "stall-first", Does: "nothing more comes after the header", Waits: true, Defaults: "at=0",
			Get: broken(), script: stallBody},
		{Name: "stall-body", Does: "nothing more comes from a byte on", Waits: true, Get: broken(), script: stallBody},
		{Name: "stall-end", Does: "all data comes in chunks, but not their end", Waits: true,
			Get: broken(), script: stallEnd},
		{Name: "pause-body", Does: "a wait inside the body", Defaults: "wait=300ms", Get: kept(), script: stallBody},
	}
}

func timedOut() Outcome { return refused(502, 504) }

func stallHead(at int64) Script {
	return func(r *Request, a *Answer) { a.Head.Stops = []Stop{{At: at, For: r.Params.Wait}} }
}

func stallBody(r *Request, a *Answer) {
	if at := max(r.At(), a.Body.From); at < r.Object.Truth.Size {
		a.StallAt(at, r.Params.Wait)
	}
}

// stallEnd has no ranges: a resume would find nothing left.
func stallEnd(r *Request, a *Answer) {
	r.without("Range")
	*a = *r.Sound()
	a.Del("Accept-Ranges")
	chunked(r, a)
	a.StallAt(r.Object.Truth.Size, r.Params.Wait)
}
