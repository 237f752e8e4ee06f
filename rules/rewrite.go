package rules

import "strings"

// Path gives the path that is asked for key, decoded and without a leading "/" of its own. key must begin with the
// matched prefix. In the order of the fields' use:
//
// Crop removes the prefix and one "/" after it. Replace puts its text in the prefix's place, whatever follows. Suffix
// takes the place of everything from the last "." of the last segment on, or is appended where there is none. Prefix
// is joined with the rest by exactly one "/". Fixed is the whole path. Replace, Prefix and Fixed lose one leading
// "/".
func (w Rewrite) Path(prefix, key string) string {
	return w.path(prefix, key, false)
}

// path is Path for a key that holds escapes if escapes is set: what is left of the key is unescaped once the prefix,
// which is compared with the key as it is stored, is off. Configured text holds no escapes.
func (w Rewrite) path(prefix, key string, escapes bool) string {
	plain := func(s string) string {
		if escapes {
			return unescape(s)
		}
		return s
	}
	var path string
	switch {
	case w.Fixed != "":
		return withoutSlash(w.Fixed)
	case w.Crop:
		path = withoutSlash(plain(key[len(prefix):]))
	case w.Replace != "":
		path = withoutSlash(w.Replace) + plain(key[len(prefix):])
	default:
		path = plain(key)
	}
	if w.Suffix != "" {
		path = withExtension(path, w.Suffix)
	}
	if w.Prefix != "" {
		path = strings.TrimRight(withoutSlash(w.Prefix), "/") + "/" + strings.TrimLeft(path, "/")
	}
	return path
}

// withoutSlash takes one leading "/" away.
func withoutSlash(s string) string { return strings.TrimPrefix(s, "/") }

// withExtension puts suffix in the place of the extension of path's last segment.
func withExtension(path, suffix string) string {
	segment := strings.LastIndexByte(path, '/') + 1
	if dot := strings.LastIndexByte(path[segment:], '.'); dot >= 0 {
		path = path[:segment+dot]
	}
	return path + suffix
}
