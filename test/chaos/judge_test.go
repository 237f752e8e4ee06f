package chaos_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"mirrorgate/test/origin"
)

// end is how an answer ended.
type end string

// What may happen to a request.
const (
	endWhole     end = "200 with the object"
	endPart      end = "206 with a part of it"
	endHead      end = "HEAD"
	endCondition end = "304, 412, 416"
	endMoved     end = "redirect"
	endCut       end = "cut"
	endLeft      end = "left"
	endRefused   end = "refused"
)

// judge says what an answer is, or what is wrong with it.
func (a *ask) judge(got answer) (end, error) {
	refused := got.Status >= 400
	text := ""
	if refused {
		text = string(got.Body)
	}
	smuggled := origin.Smuggled(got.Header, text)
	switch {
	case timedOut(got.Err):
		return "", fmt.Errorf("status %d, %d bytes, and no end within %v: %w", got.Status, len(got.Body), patience, got.Err)
	case got.Status == 0:
		return "", fmt.Errorf("no answer: %w", got.Err)
	case smuggled != "" && !a.rule.proxy:
		return "", fmt.Errorf("smuggled %.100q", smuggled)
	case slices.Contains(a.never, got.Status):
		return "", fmt.Errorf("status %d", got.Status)
	case got.Status == http.StatusOK, got.Status == http.StatusPartialContent && a.span != nil:
		return a.judgeSuccess(got)
	case slices.Contains(a.may, got.Status):
		return endCondition, nil
	case got.Status/100 == 3:
		return endMoved, a.judgeRedirect(got)
	case refused:
		return endRefused, a.judgeRefusal(got)
	}
	return "", fmt.Errorf("status %d", got.Status)
}

// timedOut tells whether an answer did not come or end in time.
func timedOut(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) && failed.Timeout()
}

func (a *ask) judgeRedirect(got answer) error {
	if a.rule.moves && got.Status == http.StatusFound && got.Header.Get("Location") == a.rule.primary.URL()+a.path {
		return nil
	}
	if a.Get.Allows(origin.Passed) && got.Header.Get("Location") != "" {
		return nil
	}
	return fmt.Errorf("status %d to %q", got.Status, got.Header.Get("Location"))
}

func (a *ask) judgeRefusal(got answer) error {
	switch {
	case !slices.Contains(a.refusals(), got.Status):
		return fmt.Errorf("status %d", got.Status)
	case got.Err != nil && !errors.Is(got.Err, errLeft):
		return fmt.Errorf("status %d, whose text breaks off: %w", got.Status, got.Err)
	case strings.Contains(string(got.Body), "BucketUnavailable"):
		return errors.New("the bucket is not to blame for anything here")
	case got.Status == http.StatusServiceUnavailable && got.Header.Get("Retry-After") == "":
		return errors.New("503 without Retry-After")
	}
	return nil
}

func (a *ask) judgeSuccess(got answer) (end, error) {
	contents := a.named(got)
	switch {
	case a.method == http.MethodHead:
		return endHead, a.judgeLength(got, contents)
	case got.endless:
		return "", errors.New("the body has neither a length nor chunks: a cut would not show")
	case got.Status == http.StatusPartialContent:
		return got.end(endPart), a.judgePart(got, contents)
	}
	for _, c := range contents {
		if c.has(got.Body, 0) && (got.Err != nil || c.size == int64(len(got.Body))) {
			return got.end(endWhole), a.judgeAllowed(got)
		}
	}
	return "", fmt.Errorf("status 200 with %d bytes (%v) that are not the object", len(got.Body), got.Err)
}

// named are the contents that an answer may have: with the validator of one it must be that one.
func (a *ask) named(got answer) []content {
	all := a.contents(got.Header.Get("Content-Encoding"))
	for _, c := range all {
		if got.Header.Get("ETag") == c.etag {
			return []content{c}
		}
	}
	return all
}

// end tells a clean end from others.
func (got answer) end(clean end) end {
	switch {
	case errors.Is(got.Err, errLeft):
		return endLeft
	case got.Err != nil:
		return endCut
	}
	return clean
}

// judgeAllowed: some objects are right as far as they go, but nobody may get the end of them.
func (a *ask) judgeAllowed(got answer) error {
	if got.Err != nil || a.Get.Allows(origin.Right) || a.rule.backup || a.rule.proxy || a.Changes || a.span != nil {
		return nil
	}
	return fmt.Errorf("the whole object in spite of the fault; the contract: %s", a.Get)
}

// judgeLength is about a HEAD, as far as anything is said about what the origin does then.
func (a *ask) judgeLength(got answer, contents []content) error {
	hit := strings.Contains(got.Header.Get("Cache-Status"), "; hit;")
	if got.length < 0 && !hit || !hit && !a.Head.Allows(origin.Right) {
		return nil
	}
	if slices.ContainsFunc(contents, func(c content) bool { return c.size == got.length }) {
		return nil
	}
	return fmt.Errorf("HEAD with length %d (%s)", got.length, got.Header.Get("Cache-Status"))
}

func (a *ask) judgePart(got answer, contents []content) error {
	var first, last, size int64
	said := got.Header.Get("Content-Range")
	if _, err := fmt.Sscanf(said, "bytes %d-%d/%d", &first, &last, &size); err != nil {
		return fmt.Errorf("206 with Content-Range %q: %w", said, err)
	}
	for _, c := range contents {
		if !a.Get.Allows(origin.Right) {
			c.size = size // as the origin says: its proof never comes
		}
		start, length, ok := a.span.of(c.size)
		if !ok || size != c.size || first != start || last != start+length-1 || !c.has(got.Body, start) {
			continue
		}
		if got.Err != nil || length == int64(len(got.Body)) {
			return nil
		}
	}
	return fmt.Errorf("206 with %d bytes (%v) that are not %s of the object", len(got.Body), got.Err, said)
}
