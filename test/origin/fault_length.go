package origin

import (
	"fmt"
	"net/http"
	"strconv"
)

// lengths are mistakes in Content-Length (RFC 9112 section 6.3).
func lengths() []Fault {
	return []Fault{
		{Name: "length-long", Does: "Content-Length is 1,000 more than what comes, then closed",
			Get: broken(), script: lengthLong},
		{Name: "length-short", Does: "after as much as Content-Length says comes another answer that nobody asked for",
			Get:    kept(),
			script: lengthShort},
		{Name: "length-twice", Does: "Content-Length twice, the same", Get: disputed(),
			script: func(_ *Request, a *Answer) { a.Add("Content-Length", a.Get("Content-Length")) }},
		{Name: "length-list", Does: "Content-Length: n, n", Get: disputed(), script: lengthSays("%[1]d, %[1]d")},
		{Name: "length-conflict", Does: "Content-Length twice, the second 10 less",
			Get: refused(), Head: refused(), script: lengthConflict},
		{Name: "length-letters", Does: "Content-Length: nx", Get: refused(), script: lengthSays("%dx")},
		{Name: "length-negative", Does: "Content-Length: -n", Get: refused(), script: lengthSays("-%d")},
		{Name: "length-plus", Does: "Content-Length: +n", Get: disputed(), script: lengthSays("+%d")},
		{Name: "length-hex", Does: "Content-Length: 0x…", Get: refused(), script: lengthSays("0x%x")},
		{Name: "length-overflow", Does: "a Content-Length of more than 64 bits",
			Get: refused(), script: lengthSays("%d00000000000000000000")},
		{Name: "length-empty", Does: "Content-Length without a value",
			Get:    Outcome{Client: Right | Refused, Status: []int{502}},
			script: lengthEmpty},
	}
}

// lengthLong has no ranges: a resume would find nothing left.
func lengthLong(r *Request, a *Answer) {
	r.without("Range")
	*a = *r.Sound()
	if a.whole() {
		a.Del("Accept-Ranges")
		a.Set("Content-Length", strconv.FormatInt(r.Object.Truth.Size+1000, 10))
		a.End = Drop
	}
}

func lengthShort(r *Request, a *Answer) {
	if r.Method == http.MethodGet {
		a.Body.Tail = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s: body\r\n\r\n%s",
			len(SmuggledBody), SmuggledName, SmuggledBody)
	}
}

func lengthConflict(_ *Request, a *Answer) {
	if n, err := strconv.Atoi(a.Get("Content-Length")); err == nil {
		a.Add("Content-Length", strconv.Itoa(n-10))
	}
}

func lengthSays(format string) Script {
	return func(_ *Request, a *Answer) {
		if n, err := strconv.Atoi(a.Get("Content-Length")); err == nil {
			a.Set("Content-Length", fmt.Sprintf(format, n))
		}
	}
}

func lengthEmpty(_ *Request, a *Answer) {
	a.Set("Content-Length", "")
	a.End = Close
}
