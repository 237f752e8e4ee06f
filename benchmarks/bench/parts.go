package main

import (
	"bytes"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// upload is one in parts.
type upload struct {
	key   string
	parts map[int][]byte
}

func (s *store) begin(ctx *fasthttp.RequestCtx, key string) {
	s.begun++
	id := strconv.Itoa(s.begun)
	s.uploads[id] = upload{key: key, parts: make(map[int][]byte)}
	answerXML(ctx, struct {
		XMLName xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket  string
		ID      string `xml:"UploadId"`
	}{Bucket: bucketName, ID: id})
}

// inParts is what may be asked of an upload that was begun.
func (s *store) inParts(ctx *fasthttp.RequestCtx, method, key string, query url.Values) {
	id := query.Get("uploadId")
	u, ok := s.uploads[id]
	number, err := strconv.Atoi(query.Get("partNumber"))
	switch {
	case !ok || u.key != key:
		refuse(ctx, fasthttp.StatusNotFound, "NoSuchUpload")
	case method == "PUT" && err == nil && number > 0:
		u.parts[number] = bytes.Clone(ctx.PostBody())
		ctx.Response.Header.Set("ETag", etagOf(u.parts[number]))
	case method == "DELETE":
		delete(s.uploads, id)
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	case method == "POST":
		s.complete(ctx, id, u)
	default:
		refuse(ctx, fasthttp.StatusBadRequest, "InvalidRequest")
	}
}

// complete puts the parts together that the request lists.
func (s *store) complete(ctx *fasthttp.RequestCtx, id string, u upload) {
	var list struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	bad := xml.Unmarshal(ctx.PostBody(), &list) != nil || len(list.Part) != len(u.parts)
	var numbers []int
	for _, p := range list.Part {
		body, ok := u.parts[p.PartNumber]
		bad = bad || !ok || quoted(p.ETag) != etagOf(body)
		numbers = append(numbers, p.PartNumber)
	}
	if bad || !slices.Equal(numbers, slices.Sorted(maps.Keys(u.parts))) {
		refuse(ctx, fasthttp.StatusBadRequest, "InvalidPart")
		return
	}
	var body []byte
	for _, n := range numbers {
		body = append(body, u.parts[n]...)
	}
	if s.put(ctx, u.key, body) {
		delete(s.uploads, id)
		answerXML(ctx, struct {
			XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
			Bucket, Key, ETag string
		}{Bucket: bucketName, Key: u.key, ETag: etagOf(body)})
	}
}

func answerXML(ctx *fasthttp.RequestCtx, value any) {
	text, err := xml.Marshal(value)
	if err != nil {
		refuse(ctx, fasthttp.StatusInternalServerError, "InternalError")
		return
	}
	ctx.SetContentType("application/xml")
	ctx.SetBody(text)
}

// quoted is an ETag with quotes, whether it had them or not.
func quoted(etag string) string { return `"` + strings.Trim(etag, `"`) + `"` }
