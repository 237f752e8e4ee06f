package origin

import (
	"strconv"
	"strings"
)

// headers are odd or malformed header fields, mostly of those that a cache keeps and replays.
func headers() []Fault {
	all := []Fault{
		{Name: "header-large", Does: "a header of 32 KiB", Get: kept(), Head: streamed(), script: filled},
		{Name: "header-huge", Does: "a header of 16 MiB", Defaults: "header=16MiB",
			Get: refused(), Head: refused(), script: filled},
		{Name: "header-endless", Does: "a header without an end", Defaults: "header=1GiB",
			Get: refused(), Head: refused(), script: filled},
		{Name: "header-unended", Does: "closed before the empty line that ends the header",
			Get: refused(), Head: refused(), script: unended},
		{Name: "header-bare-lf", Does: "lines that end in LF only",
			Get: disputed(), Head: headOf(disputed()), script: bareLF},
		{Name: "etags", Does: "two different ETags", Get: disputed(),
			script: func(_ *Request, a *Answer) { a.Add("ETag", `"another"`) }},
	}
	for _, f := range []struct {
		name, does, line string
		seen             Outcome
	}{
		{"cr", "a bare CR in a value", "Content-Disposition: inline\r" + SmuggledName + ": cr", disputed()},
		{"lf", "a bare LF in a value", "Content-Disposition: inline\n" + SmuggledName + ": lf", disputed()},
		{"crlf", "CR LF in a value, which makes two fields of it",
			"Content-Disposition: inline\r\n" + SmuggledName + ": crlf", kept()},
		{"nul", "NUL in a value", "Content-Disposition: inline\x00" + SmuggledName, disputed()},
		{"control", "control characters in a value", "Content-Disposition: \x01in\x1bline\x7f", disputed()},
		{"latin1", "a byte that is not UTF-8 in a value", "Content-Disposition: attachment; filename=\"\xe9.bin\"", kept()},
		{"utf8", "UTF-8 in a value", "Content-Disposition: attachment; filename=\"é世.bin\"", kept()},
		{"fold", "a value that goes on in the next line (obs-fold)",
			"Content-Disposition: inline;\r\n filename=a.bin", disputed()},
		{"no-colon", "a line without a colon", SmuggledName, disputed()},
		{"no-name", "a line without a name", ": " + SmuggledName, disputed()},
		{"space", "a space before the colon", "Content-Disposition : inline", disputed()},
		{"space-in-name", "a space in a name", "Content Disposition: inline", disputed()},
		{"etag-control", "control characters in the ETag", "ETag: \"a\rb\x01\"", disputed()},
		{"type-control", "control characters in the Content-Type",
			"Content-Type: text/plain\r" + SmuggledName + ": type", disputed()},
		{"connection", "Connection names Cache-Control and Content-Type", "Connection: Cache-Control, Content-Type", kept()},
		{"cache-status", "a Cache-Status of its own", "Cache-Status: origin; hit; " + SmuggledName, kept()},
		{"amz", "fields that are a bucket's own affair", "x-amz-" + SmuggledName + ": a", kept()},
	} {
		all = append(all, Fault{Name: "header-" + f.name, Does: f.does,
			Get: f.seen, Head: headOf(f.seen), script: headerLine(f.line)})
	}
	return all
}

// headerLine puts a line in front of the header; an ETag or Content-Type takes the place of the sound one.
func headerLine(line string) Script {
	return func(_ *Request, a *Answer) {
		added := Answer{Header: []string{line}}
		for _, name := range []string{"ETag", "Content-Type"} {
			if added.Get(name) != "" {
				a.Del(name)
			}
		}
		a.Header = append(added.Header, a.Header...)
	}
}

func filled(r *Request, a *Answer) { a.Filler = r.Params.Header }

func unended(_ *Request, a *Answer) {
	*a = Answer{Before: a.Line + "\r\n" + a.Header[0] + "\r\n", End: Drop}
}

func bareLF(_ *Request, a *Answer) {
	head := a.Line + "\n"
	for _, line := range a.Header {
		head += line + "\n"
	}
	a.Before, a.Line, a.Header = head+"\n", "", nil
}

// policies are sound answers that say who may keep them.
func policies() []Fault {
	f := func(name string, seen Outcome, lines ...string) Fault {
		return Fault{Name: name, Does: strings.Join(lines, ", "), Get: seen, script: addLines(lines)}
	}
	html := Fault{
		Name: "html", Does: "Content-Type: text/html under the name of a picture", Suffix: ".jpg", Get: streamed(),
		script: func(_ *Request, a *Answer) { a.Set("Content-Type", "text/html; charset=utf-8") },
	}
	return []Fault{
		f("no-store", streamed(), "Cache-Control: no-store"),
		f("private", streamed(), "Cache-Control: private, max-age=60"),
		f("max-age", kept(), "Cache-Control: public, max-age=3600"),
		f("max-age-0", kept(), "Cache-Control: max-age=0, must-revalidate"),
		f("set-cookie", streamed(), "Set-Cookie: session=1; HttpOnly"),
		f("vary-cookie", streamed(), "Vary: Cookie"),
		f("vary-all", streamed(), "Vary: *"),
		f("vary-encoding", kept(), "Vary: Accept-Encoding, Origin"),
		f("encoding-br", kept(), "Content-Encoding: br"),
		html,
	}
}

func addLines(lines []string) Script {
	return func(_ *Request, a *Answer) { a.Header = append(a.Header, lines...) }
}

func quoted(s string) string { return strconv.QuoteToASCII(s) }
