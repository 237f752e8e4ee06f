package origin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxResumes  = 3 // in one pull, whether they bring something or not
	resumeAgain = time.Second
)

// resume asks for what is missing, until an answer brings it or there is no more to hope for. What comes must be the
// rest of the very same bytes (RFC 9110 sections 13.1.5 and 14.2); anything else ends the pull.
func (b *body) resume(broke *Error) *Error {
	failed := broke
	for b.tag != "" && b.attempts < maxResumes {
		ctx := b.p.budget.ctx
		if b.at == b.tried && !passed(ctx, b.p.o.patient) {
			break
		}
		b.attempts, b.tried = b.attempts+1, b.at
		b.p.o.resuming(ctx, broke, b.at, b.attempts)
		next, err := b.rest()
		b.part.tally.countResume(err)
		if err == nil {
			b.turnTo(next)
			return nil
		}
		failed = b.failed(fmt.Errorf("%w; the rest from byte %d on: %w", broke.Err, b.at, err))
		if failed.Kind = broke.Kind; !err.ill {
			break
		}
	}
	return failed
}

// rest asks the target for the bytes from b.at on. It has the limits of a new pull, but not another place.
func (b *body) rest() (*part, *Error) {
	// What is left of the budget ends with the whole pull, as the part lives in it.
	p := &pull{o: b.p.o, r: b.request(), budget: watched(b.p.budget.ctx), resumes: true}
	p.budget.arm(&limitError{"timeouts.answer", p.o.c.Timeouts.Answer})
	got, err := p.ask(b.ask)
	if err != nil {
		p.end()
		err.Target = b.ask.Role
		return nil, err
	}
	size, problem := b.continued(got.Response)
	if problem != nil {
		got.cutOff()
		p.end()
		return nil, &Error{Kind: KindFailed, Target: b.ask.Role, Op: opAnswer, Temporary: true, Err: problem}
	}
	p.budget.disarm()
	b.size = size
	return p.part(got), nil
}

func (b *body) request() Request {
	r := b.p.r
	r.Proxy = true // 206 is an answer here
	r.Header = canonical(r.Header)
	r.Header.Set("Range", fmt.Sprintf("bytes=%d-", b.at))
	r.Header.Set("If-Range", b.tag)
	return r
}

// continued checks that an answer brings all that is missing and nothing else, and returns the size of the whole.
func (b *body) continued(r *http.Response) (size int64, problem error) {
	first, last, size, ok := contentRange(r.Header.Values("Content-Range"))
	switch {
	case r.StatusCode != http.StatusPartialContent:
		return 0, fmt.Errorf("status %d where 206 belongs", r.StatusCode)
	case strongTag(r.Header) != b.tag:
		return 0, fmt.Errorf("ETag %q where %q belongs: the object has changed", r.Header.Values("Etag"), b.tag)
	case codingOf(r.Header) != b.coding:
		return 0, fmt.Errorf("Content-Encoding %q where %q belongs", codingOf(r.Header), b.coding)
	case !ok, first != b.at, last != size-1, b.size >= 0 && size != b.size:
		return 0, fmt.Errorf("Content-Range %q does not fit (size %d)", r.Header.Values("Content-Range"), b.size)
	case r.ContentLength >= 0 && r.ContentLength != size-b.at:
		return 0, fmt.Errorf("Content-Length %d beside Content-Range %q", r.ContentLength, r.Header.Get("Content-Range"))
	case multipart(r.Header):
		return 0, errors.New("several ranges where one was asked for")
	}
	return size, nil
}

// contentRange reads the Content-Range of a single range of a known whole (RFC 9110 section 14.4).
func contentRange(values []string) (first, last, size int64, ok bool) {
	if len(values) != 1 {
		return 0, 0, 0, false
	}
	unit, rest, _ := strings.Cut(values[0], " ")
	span, whole, _ := strings.Cut(rest, "/")
	from, to, _ := strings.Cut(span, "-")
	var numbers [3]int64
	for i, digits := range []string{from, to, whole} {
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil {
			return 0, 0, 0, false
		}
		numbers[i] = int64(n)
	}
	first, last, size = numbers[0], numbers[1], numbers[2]
	return first, last, size, strings.EqualFold(unit, "bytes") && first <= last && last < size
}
