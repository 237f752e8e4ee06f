package main

import (
	"fmt"
	"net/http"
)

// ask is what a load asks for: an object, or a part of it.
type ask struct {
	size   int64 // of the object
	middle int64 // so many bytes of its middle, by a range; 0: all
	host   string
}

func (a ask) key() string { return keyOf(a.size) }

// first is the first byte of the answer's body, in the object.
func (a ask) first() int64 {
	if a.middle == 0 {
		return 0
	}
	return a.size/2 - a.middle/2
}

// length is how long the answer's body is.
func (a ask) length() int64 {
	if a.middle == 0 {
		return a.size
	}
	return a.middle
}

func (a ask) status() int {
	if a.middle == 0 {
		return http.StatusOK
	}
	return http.StatusPartialContent
}

// headers are the header lines of the request, but for a Host that is the server's address.
func (a ask) headers() (lines []string) {
	if a.host != "" {
		lines = append(lines, "Host: "+a.host)
	}
	if a.middle > 0 {
		lines = append(lines, fmt.Sprintf("Range: bytes=%d-%d", a.first(), a.first()+a.middle-1))
	}
	return lines
}
