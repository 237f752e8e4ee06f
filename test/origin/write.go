package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// writer writes one answer.
type writer struct {
	ctx  context.Context
	w    io.Writer
	note func(n int) // of the body
	wait func(Stop) error
}

// write writes the answer; a cut that the answer asks for is no error.
func (w writer) write(a *Answer) error {
	err := w.writeAll(a)
	if errors.Is(err, errCut) {
		return nil
	}
	return err
}

func (w writer) writeAll(a *Answer) error {
	if err := w.part(a.Head, w.w, a.writeHead); err != nil {
		return err
	}
	return w.part(a.Coded, counter{w.w, w.note}, a.Body.writeTo)
}

// part writes a part of an answer at its pace.
func (w writer) part(p Pace, to io.Writer, write func(io.Writer) error) error {
	to = p.over(w.ctx, to, w.wait)
	if err := write(to); err != nil {
		return err
	}
	if s, ok := to.(*stopper); ok {
		if err := s.finish(); err != nil {
			return err
		}
	}
	if p.Cut {
		return errCut
	}
	return nil
}

func (a *Answer) writeHead(w io.Writer) error {
	if a.Line == "" && a.Before == "" {
		return nil
	}
	var text strings.Builder
	text.WriteString(a.Before)
	if a.Line != "" {
		text.WriteString(a.Line + "\r\n")
	}
	for _, line := range a.Header {
		text.WriteString(line + "\r\n")
	}
	if a.Filler > 0 {
		return a.writeFilled(w, text.String())
	}
	if a.Line != "" {
		text.WriteString("\r\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// writeFilled writes a header of any size.
func (a *Answer) writeFilled(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	const line = 1 << 10
	for n := int64(0); n < a.Filler; n += line {
		name := fmt.Sprintf("X-Filler-%d: ", n/line)
		if _, err := io.WriteString(w, name+strings.Repeat("f", line-len(name)-len("\r\n"))+"\r\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}
