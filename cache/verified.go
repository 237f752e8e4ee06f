package cache

import "io"

// verifiedBody is a body that one reader takes as it comes. It withholds the last byte until the checksums have
// matched: also of what is not kept nobody takes the end of a wrong body for a good one.
type verifiedBody struct {
	io.ReadCloser
	v    *verifier
	last byte
	held bool  // last is to be read yet
	end  error // what follows it
}

// verified is the pull's body; without a checksum of the origin as it is.
func verified(p *Pull) io.ReadCloser {
	if len(p.Digests) == 0 {
		return p.Body
	}
	return &verifiedBody{ReadCloser: p.Body, v: newVerifier(p.Digests)}
}

func (b *verifiedBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for b.end == nil {
		n, err := b.ReadCloser.Read(p)
		_, _ = b.v.Write(p[:n]) // hashes never fail
		if b.end = err; err == io.EOF {
			b.prove()
		}
		if n = b.withhold(p[:n]); n > 0 {
			return n, nil
		}
	}
	if b.held && b.end == io.EOF {
		p[0], b.held = b.last, false
		return 1, nil
	}
	return 0, b.end
}

// prove compares at the end.
func (b *verifiedBody) prove() {
	if _, err := b.v.verify(); err != nil {
		b.end = err
	}
}

// withhold takes the last byte out of what has come, and puts the one withheld before in front. It returns how many
// there are then.
func (b *verifiedBody) withhold(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	last, n := p[len(p)-1], len(p)-1
	if b.held {
		copy(p[1:], p)
		p[0], n = b.last, len(p)
	}
	b.last, b.held = last, true
	return n
}
