package origin

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"
)

// firstRead is how many bytes of a body are read ahead, at most, to see that it begins.
const firstRead = 512

// begin waits for the first byte of a body, for which timeouts.first_byte counts once more: until it is there nobody
// has seen anything of the answer, and the target, or the next one, can be asked again.
func (p *pull) begin(got *reply) *Error {
	if p.resumes || p.r.Method != http.MethodGet || got.ContentLength == 0 {
		return nil
	}
	ahead := bufio.NewReaderSize(got.Body, firstRead)
	got.w.arm(&limitError{"timeouts.first_byte", p.o.c.Timeouts.FirstByte})
	waits := time.Now()
	_, err := ahead.Peek(1)
	got.w.disarm()
	if err == nil || err == io.EOF { // which comes again with the next read
		got.Body = &readAhead{ahead, got.Body}
		return nil
	}
	e := failure(got.w.ctx, opBody, err)
	e.ill = p.blames(got.hop, e, time.Since(waits))
	e.cut = e.Kind == KindFailed && broken(err)
	got.cutOff()
	return e
}

// readAhead is a body of which the beginning has been read ahead.
type readAhead struct {
	io.Reader
	io.Closer
}

// broken tells whether an error is that of a connection which has ended.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
