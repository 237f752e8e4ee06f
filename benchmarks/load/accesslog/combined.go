package accesslog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	combinedTime = "02/Jan/2006:15:04:05 -0700"
	expected     = `expected ADDRESS - USER [DAY/MON/YEAR:H:M:S +ZONE] "GET /path HTTP/1.1" STATUS BYTES …, ` +
		`the common or combined format, or JSON lines`
)

// parseCombined takes a line of the common log format, or of one that begins like it. A host may stand before it, as
// in Apache's vhost_combined.
func parseCombined(line string, into *Request) (Skip, error) {
	before, rest, ok := strings.Cut(line, " [")
	stamp, rest, ok2 := strings.Cut(rest, `] "`)
	fields := strings.Fields(before)
	if !ok || !ok2 || len(fields) < 3 {
		return "", errors.New(expected)
	}
	at, err := time.Parse(combinedTime, stamp)
	if err != nil {
		return "", fmt.Errorf("the time %.40q is not like 24/Nov/2026:19:23:38 +0000", stamp)
	}
	request, rest, ok := cutQuoted(rest)
	if !ok {
		return "", errors.New(`the request's closing " is missing`)
	}
	status, err := parseStatus(strings.Fields(rest))
	if err != nil {
		return "", err
	}
	into.Time, into.Status = at, status
	into.Host = hostBefore(fields)
	return into.setLine(request), nil
}

// hostBefore is the virtual host, if the line begins with one: HOST:PORT ADDRESS - USER.
func hostBefore(fields []string) string {
	host, port, ok := strings.Cut(fields[0], ":")
	if _, err := strconv.ParseUint(port, 10, 16); len(fields) < 4 || !ok || err != nil || !isHost(host) {
		return ""
	}
	return host
}

func parseStatus(fields []string) (int, error) {
	if len(fields) == 0 {
		return 0, errors.New("it ends after the request: the status is missing")
	}
	status, err := strconv.Atoi(fields[0])
	if err != nil || status < 0 || status > 999 {
		return 0, fmt.Errorf("the status %.20q behind the request is no number of three digits", fields[0])
	}
	return status, nil
}

// cutQuoted returns what stands before the next `"` that is not escaped, and what stands behind it.
func cutQuoted(s string) (text, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return unescape(s[:i]), s[i+1:], true
		}
	}
	return "", "", false
}

// unescape undoes what nginx and Apache do to quotes, backslashes, controls and bytes beyond ASCII. What is no escape
// of theirs stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		c, length := escaped(s[i+1:])
		out = append(out, c)
		i += length
	}
	return string(out)
}

// escaped is the byte that the text behind a backslash begins with, and how much of the text that took.
func escaped(s string) (c byte, length int) {
	switch s[0] {
	case 'x':
		if len(s) >= 3 {
			if n, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				return byte(n), 3
			}
		}
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'b', 'v', 'f':
		return ' ', 1 // a control in any case, and never sent
	case '"', '\\':
		return s[0], 1
	}
	return '\\', 0
}
