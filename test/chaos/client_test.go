package chaos_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"mirrorgate/test/harness"
)

// patience is how long anything may take that is expected to happen. The gateway's own limits end an answer within a
// few seconds.
const patience = 20 * time.Second

// client is a connection to the gateway.
type client struct {
	conn *net.TCPConn
	from *bufio.Reader
}

func dial(ctx context.Context, addr string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	return &client{conn: tcp, from: bufio.NewReader(tcp)}, nil
}

// send writes the requests at once. That the gateway has closed the connection shows when the answer is read.
func (c *client) send(asks ...*ask) {
	text := ""
	for _, a := range asks {
		text += a.text()
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c.conn, text)
}

// header reads an answer up to its body.
func (c *client) header(a *ask) (*http.Response, error) {
	return http.ReadResponse(c.from, &http.Request{Method: a.method})
}

// answer is what came, and whether the connection can take another request.
type answer struct {
	harness.Answer
	length  int64 // as the header says; -1: it does not
	endless bool  // the body ends with the connection: a cut does not show
	open    bool
}

// receive reads an answer by way of a reader for its body.
func (c *client) receive(a *ask, body func(io.Reader) ([]byte, error)) answer {
	response, err := c.header(a)
	if err != nil {
		return answer{Answer: harness.Answer{Err: err}}
	}
	defer response.Body.Close()
	got := answer{length: response.ContentLength}
	got.Status, got.Header = response.StatusCode, response.Header
	got.endless = a.method == http.MethodGet && response.ContentLength < 0 && len(response.TransferEncoding) == 0
	got.Body, got.Err = body(response.Body)
	got.open = got.Err == nil && !response.Close && !a.closes && !got.endless
	return got
}

// leave ends the connection, at times without ceremony.
func (c *client) leave(reset bool) {
	if reset {
		_ = c.conn.SetLinger(0)
	}
	_ = c.conn.Close()
}

// slowly reads in small pieces with pauses, for a time, and then at once.
func slowly(ctx context.Context, piece int) func(io.Reader) ([]byte, error) {
	const pauses, pause = 60, 10 * time.Millisecond
	return func(from io.Reader) (all []byte, err error) {
		part := make([]byte, piece)
		for range pauses {
			n, err := from.Read(part)
			all = append(all, part[:n]...)
			if err == io.EOF {
				return all, nil
			}
			if err != nil {
				return all, err
			}
			wait(ctx, pause)
		}
		rest, err := io.ReadAll(from)
		return append(all, rest...), err
	}
}

var errLeft = errors.New("the client has left")

// atMost reads so much and no more.
func atMost(length int64) func(io.Reader) ([]byte, error) {
	return func(from io.Reader) ([]byte, error) {
		got, err := io.ReadAll(io.LimitReader(from, length))
		if err == nil && int64(len(got)) == length {
			err = errLeft
		}
		return got, err
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
