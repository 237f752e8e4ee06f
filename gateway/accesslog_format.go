package gateway

import (
	"context"
	"io"
	"log/slog"
	"strconv"
)

// AccessFormat is how the lines of the access log are written.
type AccessFormat string

// The formats. AccessText and AccessJSON have the same fields.
const (
	AccessText     AccessFormat = "text"
	AccessJSON     AccessFormat = "json"
	AccessCombined AccessFormat = "combined" // that of nginx and Apache
)

// AccessFormats are all of them.
func AccessFormats() []string {
	return []string{string(AccessText), string(AccessJSON), string(AccessCombined)}
}

// of returns what writes a line to w, by one call of Write.
func (f AccessFormat) of(w io.Writer) func(*Answered) {
	if f == AccessCombined {
		return func(a *Answered) { _, _ = w.Write(appendCombined(nil, a)) } // an AccessLog takes everything
	}
	// A line has no level and no message.
	o := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if f == AccessJSON {
		h = slog.NewJSONHandler(w, o)
	}
	return func(a *Answered) {
		r := slog.NewRecord(a.Began, slog.LevelInfo, "", 0)
		r.AddAttrs(a.attrs()...)
		_ = h.Handle(context.Background(), r) // the same
	}
}

// attrs are the fields of a line. Their names are for others to rely on: configs/example.yaml lists them.
func (a *Answered) attrs() []slog.Attr {
	failure := ""
	if a.Err != nil {
		failure = a.Err.Error()
	}
	return []slog.Attr{
		slog.String("id", a.ID), slog.String("client", a.Client), slog.String("method", a.Method),
		slog.String("host", a.Host), slog.String("uri", a.Target), slog.String("proto", a.Proto),
		slog.Int("status", a.Status), slog.Int64("bytes", a.Bytes), slog.String("outcome", a.Outcome.String()),
		slog.String("site", a.Site), slog.String("rule", a.Rule), slog.String("key", a.Key),
		slog.String("origin", a.Origin), slog.String("not_kept", a.NotKept),
		slog.Float64("first_byte", a.FirstByte.Seconds()), slog.Float64("total", a.Total.Seconds()),
		slog.String("error", failure), slog.String("trace", a.Trace),
		slog.String("referer", a.Refer), slog.String("user_agent", a.Agent),
	}
}

// appendCombined makes a line of the combined format.
func appendCombined(b []byte, a *Answered) []byte {
	request := a.Method + " " + a.Target + " " + a.Proto
	if a.Method == "" { // it could not be read
		request = ""
	}
	b = append(appendEscaped(b, a.Client), " - - ["...)
	b = append(a.Began.Add(a.Total).AppendFormat(b, "02/Jan/2006:15:04:05 -0700"), `] "`...)
	b = append(appendEscaped(b, request), `" `...)
	b = append(strconv.AppendInt(b, int64(a.Status), 10), ' ')
	b = append(strconv.AppendInt(b, a.Bytes, 10), ` "`...)
	b = append(appendEscaped(b, a.Refer), `" "`...)
	return append(appendEscaped(b, a.Agent), "\"\n"...)
}

// appendEscaped writes a client's bytes as nginx does: what could end a field or a line is \xXX, nothing at all is "-".
func appendEscaped(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}
