package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxStoreHeaders is the most names that store.headers holds.
const maxStoreHeaders = 20

func (s Store) validate(report func(path, problem string)) {
	if s.StorageClass != "" && (!validName(s.StorageClass) || len(s.StorageClass) > 64) {
		report("store.storage_class", fmt.Sprintf("%q is no storage class such as STANDARD_IA", s.StorageClass))
	}
	s.validateEncryption(report)
	if s.ACL != "" {
		oneOf(report, "store.acl", s.ACL, "private", "public-read", "public-read-write", "aws-exec-read",
			"authenticated-read", "bucket-owner-read", "bucket-owner-full-control")
	}
	s.validateTags(report)
	s.validateMetadata(report)
	if s.MaxObject < 0 {
		report("store.max_object", "must not be negative; 0 means no limit")
	}
	if len(s.Headers) > maxStoreHeaders {
		report("store.headers", fmt.Sprintf("has %d names; at most %d are possible", len(s.Headers), maxStoreHeaders))
	}
	for i, name := range s.Headers {
		if problem := s.headerProblem(i, name); problem != "" {
			report(fmt.Sprintf("store.headers[%d]", i), problem)
		}
	}
	for i, reason := range s.Override {
		oneOf(report, fmt.Sprintf("store.override[%d]", i), reason, overridable()...)
	}
}

// headerProblem says why store.headers cannot hold name at i.
func (s Store) headerProblem(i int, name string) string {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	switch {
	case !validName(name):
		return notAName(name)
	case slices.ContainsFunc(s.Headers[:i], same):
		return fmt.Sprintf("%s is in the list twice", name)
	case slices.ContainsFunc(keptAnyway(), same):
		return fmt.Sprintf("%s is kept without being listed: leave it out", name)
	case neverReplayed(strings.ToLower(name)):
		return fmt.Sprintf("%s belongs to one answer and is never kept: leave it out", name)
	}
	return ""
}

// keptAnyway are the headers of the origin that every stored object has.
func keptAnyway() []string {
	return []string{
		"Content-Type", "Content-Encoding", "Content-Disposition", "Cache-Control", "Expires", "Content-Language",
		"Access-Control-Allow-Origin", "ETag", "Last-Modified",
	}
}

// neverReplayed tells whether a response header, in lower case, is about one connection, one message or one client,
// or is the gateway's own to write.
func neverReplayed(name string) bool {
	switch name {
	case "set-cookie", "set-cookie2", "content-length", "content-range", "accept-ranges", "date", "age", "server",
		"via", "cache-status", "cdn-loop", "x-request-id", "location", "retry-after", "www-authenticate", "allow",
		"alt-svc":
		return true
	}
	return isHopByHop(name) || strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "mg-")
}

func (s Store) validateEncryption(report func(path, problem string)) {
	if s.Encryption != "" {
		oneOf(report, "store.encryption", s.Encryption, EncryptionS3, EncryptionKMS)
	}
	switch {
	case s.KMSKey == "":
	case s.Encryption != EncryptionKMS:
		report("store.kms_key", "is of no use without encryption: "+EncryptionKMS)
	case len(s.KMSKey) > maxKMSKey || strings.ContainsFunc(s.KMSKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		report("store.kms_key", "must be printable ASCII without spaces, such as the key's ARN")
	}
}

// Limits of S3, but for maxMetadata: it leaves half of the 2 KiB that S3 allows to the origin's metadata and to
// mirrorgate's own.
const (
	maxKMSKey   = 2048
	maxTags     = 10
	maxTagName  = 128
	maxTagValue = 256
	maxMetadata = 1 << 10
)

func (s Store) validateTags(report func(path, problem string)) {
	if len(s.Tags) > maxTags {
		report("store.tags", fmt.Sprintf("has %d tags; S3 allows at most %d", len(s.Tags), maxTags))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tags)) {
		path := "store.tags." + name
		switch {
		case name == "" || len(name) > maxTagName || !validTag(name):
			report(path, "a tag's name must be 1 to 128 characters: "+tagChars)
		case strings.HasPrefix(strings.ToLower(name), "aws:"):
			report(path, "tags that begin with aws: are Amazon's own")
		case len(s.Tags[name]) > maxTagValue || !validTag(s.Tags[name]):
			report(path, "a tag's value must be at most 256 characters: "+tagChars)
		}
	}
}

const tagChars = "a-z, A-Z, 0-9, space and + - = . _ : / @"

// validTag takes what every S3 server and client takes; Amazon has letters of other scripts besides.
func validTag(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(" +-=._:/@", r)
	})
}

func (s Store) validateMetadata(report func(path, problem string)) {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(s.Metadata)) {
		value := s.Metadata[name]
		total += len("x-amz-meta-") + len(name) + len(value)
		path := "store.metadata." + name
		switch {
		case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			report(path, "a name must be of a-z, 0-9 and -; x-amz-meta- is put before it")
		case strings.HasPrefix(name, "mg-"):
			report(path, "names that begin with mg- are mirrorgate's own")
		case !plainValue(value):
			report(path, "must be printable ASCII, without spaces at its ends or two in a row, and not empty")
		}
	}
	if total >= maxMetadata {
		report("store.metadata", fmt.Sprintf("takes %d bytes with its names; must be less than %d", total, maxMetadata))
	}
}

// plainValue tells whether every bucket gives v back as it is.
func plainValue(v string) bool {
	return v != "" && strings.TrimSpace(v) == v && !strings.Contains(v, "  ") &&
		!strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
}
