package bucket

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (f *fakeS3) putPart(w http.ResponseWriter, r fakeRequest, q url.Values) {
	parts := f.uploads[q.Get("uploadId")]
	if parts == nil {
		fail(w, 404, "NoSuchUpload")
		return
	}
	n, _ := strconv.Atoi(q.Get("partNumber"))
	parts[n] = r.body
	w.Header().Set("ETag", f.told(r, etagOf(r.body)))
}

// asListed tells whether the end of an upload names exactly the parts that are there.
func (f *fakeS3) asListed(body []byte, parts map[int][]byte) bool {
	var end struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if xml.Unmarshal(body, &end) != nil || len(end.Part) != len(parts) {
		return false
	}
	for i, p := range end.Part {
		same := f.etag != nil || trimETag(p.ETag) == trimETag(etagOf(parts[p.PartNumber]))
		if p.PartNumber != i+1 || !same {
			return false
		}
	}
	return true
}

// cut gives one page of a list and whether more follows.
func (f *fakeS3) cut(n int) (int, bool) {
	if f.page > 0 && n > f.page {
		return f.page, true
	}
	return n, false
}

func (f *fakeS3) listParts(w http.ResponseWriter, q url.Values) {
	type part struct {
		PartNumber int
		ETag       string
		Size       int
	}
	var list struct {
		XMLName              xml.Name `xml:"ListPartsResult"`
		IsTruncated          bool
		NextPartNumberMarker int
		Part                 []part
	}
	parts := f.uploads[q.Get("uploadId")]
	if parts == nil {
		fail(w, 404, "NoSuchUpload")
		return
	}
	after, _ := strconv.Atoi(q.Get("part-number-marker"))
	for _, n := range slices.Sorted(maps.Keys(parts)) {
		if n > after {
			list.Part = append(list.Part, part{n, etagOf(parts[n]), len(parts[n])})
		}
	}
	n, more := f.cut(len(list.Part))
	if list.Part, list.IsTruncated = list.Part[:n], more; more {
		list.NextPartNumberMarker = list.Part[n-1].PartNumber
	}
	xml.NewEncoder(w).Encode(list)
}

// fakeBegun is when upload n was begun.
func fakeBegun(n int) time.Time { return time.Unix(1_700_000_000+int64(n), 0).UTC() }

func (f *fakeS3) listUploads(w http.ResponseWriter, q url.Values) {
	type upload struct {
		Key       string
		ID        string `xml:"UploadId"`
		Initiated time.Time
	}
	var list struct {
		XMLName       xml.Name `xml:"ListMultipartUploadsResult"`
		IsTruncated   bool
		NextKeyMarker string
		NextID        string `xml:"NextUploadIdMarker"`
		Upload        []upload
	}
	for id := range f.uploads {
		n, _ := strconv.Atoi(id)
		list.Upload = append(list.Upload, upload{f.names[id], id, fakeBegun(n)})
	}
	order := func(a, b upload) int { return strings.Compare(a.Key+"\x00"+a.ID, b.Key+"\x00"+b.ID) }
	slices.SortFunc(list.Upload, order)
	after := upload{Key: q.Get("key-marker"), ID: q.Get("upload-id-marker")}
	list.Upload = slices.DeleteFunc(list.Upload, func(u upload) bool { return order(u, after) <= 0 })
	n, more := f.cut(len(list.Upload))
	if list.Upload, list.IsTruncated = list.Upload[:n], more; more {
		list.NextKeyMarker, list.NextID = list.Upload[n-1].Key, list.Upload[n-1].ID
	}
	xml.NewEncoder(w).Encode(list)
}
