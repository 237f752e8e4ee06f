package origin

import (
	"net/http"
	"strings"
)

// statusLines are answers that do not begin as they should (RFC 9112 section 4).
func statusLines() []Fault {
	bare := Fault{Name: "line-bare", Does: "HTTP/1.1 200", Get: kept(), Head: streamed(), script: line("HTTP/1.1 200")}
	all := []Fault{bare}
	for _, f := range []struct {
		name, line string
		seen       Outcome
	}{
		{"icy", "ICY 200 OK", refused()},
		{"short", "HTTP/1.1", refused()},
		{"letters", "HTTP/1.1 2OO OK", refused()},
		{"long-code", "HTTP/1.1 2000 OK", refused()},
		{"negative", "HTTP/1.1 -20 OK", refused()},
		{"lower-case", "http/1.1 200 ok", refused()},
		{"no-version", "200 OK", refused()},
		{"version", "HTTP/9.9 200 OK", disputed()},
		{"control", "HTTP/1.1 200 O\x00\x01\rK", disputed()},
	} {
		all = append(all, Fault{Name: "line-" + f.name, Does: strings.Trim(quoted(f.line), `"`),
			Get: f.seen, Head: headOf(f.seen),
			script: line(f.line)})
	}
	return append(all,
		Fault{Name: "line-late", Does: "an empty line before the status line", Get: disputed(), Head: headOf(disputed()),
			script: func(_ *Request, a *Answer) { a.Before = "\r\n" }},
		Fault{Name: "line-garbage", Does: "bytes that are no HTTP, then closed",
			Get: refused(), Head: refused(), script: garbage},
		Fault{Name: "line-body-only", Does: "the object without any header (HTTP/0.9), then closed",
			Get: refused(), script: bodyOnly},
		Fault{Name: "line-endless", Does: "a status line as long as the header parameter says", Defaults: "header=4MiB",
			Get: refused(), Head: refused(), script: lineEndless},
		Fault{Name: "interim-flood", Does: "10,000 interim answers before the answer", Defaults: "times=10000",
			Get:  disputed(),
			Head: headOf(disputed()), script: interimFlood},
		Fault{Name: "interim-only", Does: "an interim answer, then closed",
			Get: refused(), Head: refused(), script: interimOnly},
		Fault{Name: "switching", Does: "101 unasked", Get: refused(), Head: refused(), script: switching},
	)
}

// headOf is the same for HEAD, of which nothing is kept.
func headOf(o Outcome) Outcome {
	o.Keep = KeepNothing
	return o
}

func line(line string) Script { return func(_ *Request, a *Answer) { a.Line = line } }

func garbage(_ *Request, a *Answer) {
	*a = Answer{Before: strings.Repeat("\x16\x03\x01\x00\xff\r\n", 100), End: Drop}
}

func bodyOnly(r *Request, a *Answer) {
	*a = Answer{Body: Body{Source: r.Object.Truth, Length: r.Object.Truth.Size}, End: Drop}
}

func lineEndless(r *Request, a *Answer) {
	a.Line += strings.Repeat("!", int(min(r.Params.Header, 64<<20)))
}

func interimFlood(r *Request, a *Answer) {
	a.Before = strings.Repeat(interim(http.StatusEarlyHints), min(r.Params.Times, 1_000_000))
}

func interimOnly(_ *Request, a *Answer) {
	*a = Answer{Before: interim(http.StatusEarlyHints), End: Drop}
}

func switching(_ *Request, a *Answer) {
	upgrade := []string{"Connection: Upgrade", "Upgrade: " + SmuggledBody}
	*a = Answer{Line: "HTTP/1.1 101 Switching Protocols", Header: upgrade, End: Close}
}
