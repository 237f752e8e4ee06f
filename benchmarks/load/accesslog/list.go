package accesslog

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// comment is a line that is not even skipped.
const comment Skip = "comment"

// parseList takes a line with a path or a URL, to be asked with GET. Lines that begin with "#" are comments.
func parseList(line string, into *Request) (Skip, error) {
	line = strings.TrimSpace(line)
	_, _, isURL := splitURL(line)
	switch {
	case strings.HasPrefix(line, "#"):
		return comment, nil
	case strings.ContainsFunc(line, unsendable):
		return "", errors.New(`it has a space or a control character: percent-encode it (" " is %20)`)
	case isURL, strings.HasPrefix(line, "/"):
		return into.set(http.MethodGet, line), nil
	case strings.Contains(line, "://"):
		return "", fmt.Errorf("%.100q is no URL: it must begin with http:// or https:// and a host", line)
	}
	return "", fmt.Errorf("%.100q is neither a path nor a URL: a path begins with \"/\"", line)
}
