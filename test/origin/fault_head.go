package origin

import (
	"fmt"
	"net/http"
	"strconv"
)

// heads are HEAD requests answered otherwise than GET would be. GET is sound.
func heads() []Fault {
	all := []Fault{
		{Name: "head-404", Does: "HEAD gets 404, GET is sound",
			Get: kept(), Head: refused(404), script: onHead(headStatus(404))},
		{Name: "head-500", Does: "HEAD gets 500, GET is sound",
			Get: kept(), Head: refused(), script: onHead(headStatus(500))},
		{Name: "head-cut", Does: "HEAD gets no answer, GET is sound",
			Get: kept(), Head: refused(), script: onHead(cutHead(0, Drop))},
		{Name: "head-body", Does: "HEAD gets a body, which nobody expects",
			Get: kept(), Head: streamed(), script: onHead(headBody)},
		{Name: "head-no-length", Does: "HEAD gets no Content-Length", Get: kept(), Head: streamed(),
			script: onHead(func(_ *Request, a *Answer) { a.Del("Content-Length") })},
		{Name: "head-refused-length", Does: "HEAD gets 405, GET 200 in chunks, ranges are ignored",
			Get: kept(), Head: streamed(),
			script: headRefusedLength},
	}
	for _, status := range []int{403, 405, 501} {
		all = append(all, Fault{Name: fmt.Sprintf("head-%d", status), Does: fmt.Sprintf("HEAD gets %d, GET is sound", status),
			Get: kept(), Head: streamed(), script: onHead(headStatus(status))})
	}
	return all
}

func onHead(script Script) Script {
	return func(r *Request, a *Answer) {
		if r.Method == http.MethodHead {
			script(r, a)
		}
	}
}

// headStatus has the header of that status and no body.
func headStatus(status int) Script {
	return func(_ *Request, a *Answer) {
		*a = *Status(status)
		a.Body = Body{}
	}
}

func headBody(r *Request, a *Answer) {
	n := min(r.Object.Truth.Size, 100)
	a.Set("Content-Length", strconv.FormatInt(r.Object.Truth.Size, 10))
	a.Body = Body{Source: r.Object.Truth, Length: n}
}

func headRefusedLength(r *Request, a *Answer) {
	if r.Method == http.MethodHead {
		headStatus(http.StatusMethodNotAllowed)(r, a)
		return
	}
	rangeIgnored(r, a)
	chunked(r, a)
}
