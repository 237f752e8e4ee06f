package bucket

import (
	"errors"
	"time"

	"mirrorgate/cache"
)

// ask is one request. Empty fields are absent.
type ask struct {
	method, key, rangeValue, ifMatch string
}

// prepare writes and signs the request. The path goes out as it is signed: encoded once, nothing cleaned.
func (c *client) prepare(x *exchange, a ask, cred *credential, now time.Time) error {
	if !cache.ValidHeaderValue(a.ifMatch) {
		return errors.New("an ETag that cannot be sent")
	}
	x.method, x.began = a.method, now
	sig := &x.signature
	sig.path = appendPath(append(sig.path[:0], c.endpoint.base...), a.key)

	b := append(append(x.request[:0], a.method...), ' ')
	b = append(append(b, sig.path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, c.endpoint.host...), "\r\nUser-Agent: mirrorgate\r\nAccept-Encoding: identity\r\n"...)
	b = appendLine(b, "Range: ", a.rangeValue)
	b = appendLine(b, "If-Match: ", a.ifMatch)
	if cred.access != "" {
		c.signer.sign(sig, cred, unsigned{
			method: a.method, host: c.endpoint.host, rangeValue: a.rangeValue, ifMatch: a.ifMatch, path: sig.path,
		}, now)
		b = append(b, "X-Amz-Content-Sha256: "+emptyPayload+"\r\nX-Amz-Date: "...)
		b = append(append(b, sig.date...), "\r\n"...)
		b = appendLine(b, "X-Amz-Security-Token: ", cred.token)
		b = append(append(append(b, "Authorization: "...), sig.authorization...), "\r\n"...)
	}
	x.request = append(b, "\r\n"...)
	return nil
}

// appendLine writes one header line, or nothing for an empty value.
func appendLine(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(append(append(b, name...), value...), "\r\n"...)
}
