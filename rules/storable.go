package rules

import (
	"net/http"
	"slices"
	"strings"
)

// The reasons not to keep an answer. All but the last two can be set aside by store.override.
const (
	reasonNoStore   = "no-store"   // Cache-Control says so
	reasonPrivate   = "private"    // Cache-Control says so, for the whole answer or for some headers
	reasonSetCookie = "set-cookie" // the answer was made for one client
	reasonCookie    = "cookie"     // the pull carried a client's Cookie
	reasonVary      = "vary"       // the answer depends on more than Accept-Encoding and Origin
	reasonType      = "type"       // HTML under the name of an image, a script …: a login or error page
	reasonEmpty     = "empty"      // 200 without a byte
	reasonUnproven  = "unproven"   // the end of the body cannot be proven
	reasonMaxObject = "max_object" // longer than store.max_object
)

// overridable are the reasons that store.override may name.
func overridable() []string {
	return []string{
		reasonNoStore, reasonPrivate, reasonSetCookie, reasonCookie, reasonVary, reasonType, reasonEmpty,
	}
}

// Answer is what of an origin's 200 decides whether it may be kept and shared.
type Answer struct {
	Header http.Header
	Length int64 // bytes; -1 while unknown
	Proven bool  // the end of the body can be proven
	Cookie bool  // the pull carried a client's Cookie (Plan.Cookie)
}

// Refusal says why an answer may not be kept and shared, in the order of the list in the design: no-store, private,
// set-cookie, cookie, vary, type, empty, unproven, max_object. "" means that it may. With an unknown length the last
// word on empty and max_object is spoken at the end: ask again with the length that it turned out to be.
//
// It judges the answer alone. Whether the decision keeps anything at all is Keep.
func (d Decision) Refusal(a Answer) string {
	if d.Rule == nil {
		return ""
	}
	for _, reason := range overridable() {
		if d.refusedFor(reason, a) && !d.overrides(reason) {
			return reason
		}
	}
	limit := d.Rule.config.Store.MaxObject
	switch {
	case !a.Proven:
		return reasonUnproven
	case limit > 0 && a.Length > limit:
		return reasonMaxObject
	}
	return ""
}

// refusedFor tells whether one of the reasons that can be set aside holds for a.
func (d Decision) refusedFor(reason string, a Answer) bool {
	switch reason {
	case reasonNoStore, reasonPrivate:
		return slices.Contains(members(a.Header, "Cache-Control"), reason)
	case reasonSetCookie:
		return len(a.Header.Values("Set-Cookie")) > 0
	case reasonCookie:
		return a.Cookie
	case reasonVary:
		return slices.ContainsFunc(members(a.Header, "Vary"), func(field string) bool {
			return field != "accept-encoding" && field != "origin"
		})
	case reasonType:
		return isHTML(a.Header.Get("Content-Type")) && neverHTML(d.Key)
	default:
		return a.Length == 0
	}
}

// members gives the names in a list header, in lower case and without arguments. It does not look for quotes: a comma
// inside of them gives names that are not there, and one name too many only keeps an answer from being stored.
func members(h http.Header, name string) []string {
	var names []string
	for member := range strings.SplitSeq(strings.Join(h.Values(name), ","), ",") {
		member, _, _ = strings.Cut(member, "=")
		if member = strings.Trim(member, " \t\""); member != "" {
			names = append(names, strings.ToLower(member))
		}
	}
	return names
}

func isHTML(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/html")
}

// neverHTML tells whether the extension of key is that of an image, sound, video, font, archive, style sheet or
// script.
func neverHTML(key string) bool {
	name := key[strings.LastIndexByte(key, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(name[dot+1:]) {
	case "jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "avif", "bmp", "ico", "cur", "svg", "svgz", "tif",
		"tiff", "heic", "heif", "jxl", "psd":
		return true // images
	case "mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac", "mid", "midi", "weba", "wma", "aif", "aiff", "amr":
		return true // sound
	case "mp4", "m4v", "m4s", "mov", "avi", "mkv", "webm", "ogv", "mpg", "mpeg", "wmv", "flv", "3gp", "3g2", "ts",
		"m2ts", "m3u8", "mpd", "vtt":
		return true // video
	case "woff", "woff2", "ttf", "ttc", "otf", "eot":
		return true // fonts
	case "zip", "gz", "tgz", "bz2", "tbz2", "xz", "txz", "zst", "lz4", "7z", "rar", "tar", "cab", "jar", "apk", "ipa",
		"iso", "dmg", "deb", "rpm", "msi":
		return true // archives
	case "css", "js", "mjs", "cjs":
		return true // style sheets and scripts
	}
	return false
}
